import json
import logging
from pathlib import Path

import pytest

from kbserver.embedding.export.exact import export_exact
from kbserver.embedding.export.pipeline import can_write
from kbserver.embedding.export_meta import NotExportable
from kbserver.embedding.source import ModelSource, resolve
from kbserver.settings import DEFAULT_MODEL

TRACED = ("input_ids", "token_type_ids", "attention_mask")
WRITTEN = ("input_ids", "attention_mask")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "export"
    folder.mkdir()
    return folder


def test_the_default_model_is_written_and_proved(target: Path) -> None:
    meta = export_exact(resolve(DEFAULT_MODEL), target)
    assert meta.inputs == WRITTEN
    assert 0 < meta.difference < 2e-6
    names = {file.name for file in target.iterdir()}
    assert names == {"model.onnx", "weights.bin", "tokenizer.json", "meta.json"}
    assert (
        json.loads((target / "meta.json").read_text())["difference"] == meta.difference
    )


def test_a_model_that_is_not_understood_is_traced(
    small_model: Path, target: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = small_model / "config.json"
    content = json.loads(file.read_text()) | {"hidden_act": "relu"}
    file.write_text(json.dumps(content))
    assert not can_write(small_model)
    with caplog.at_level(logging.INFO, "kbserver"):
        meta = export_exact(ModelSource("small", small_model), target)
    assert meta.inputs == TRACED
    assert (
        "small: its graph is traced by torch, as config.json: hidden_act" in caplog.text
    )
    assert meta.difference < 1e-5


def test_written_vectors_that_are_not_the_models_own_are_not_taken(
    small_model: Path, target: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """transformers builds BERT's tokenizer from another file than the one that is exported."""
    file = small_model / "tokenizer.json"
    content = json.loads(file.read_text())
    content["normalizer"]["lowercase"] = False
    file.write_text(json.dumps(content))
    assert can_write(small_model)
    meta = export_exact(ModelSource("small", small_model), target)
    assert "small exported to ONNX gives vectors that differ by" in caplog.text
    assert "torch traces it instead" in caplog.text
    assert meta.inputs == TRACED


def test_a_pipeline_that_no_export_carries_is_refused(
    small_model: Path, target: Path
) -> None:
    file = small_model / "1_Pooling" / "config.json"
    content = json.loads(file.read_text()) | {"include_prompt": False}
    file.write_text(json.dumps(content))
    complaint = r"small exported to ONNX gives vectors that differ by .*; at most 1e-04"
    with pytest.raises(NotExportable, match=complaint):
        export_exact(ModelSource("small", small_model), target)
