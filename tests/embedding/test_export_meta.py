import json
from pathlib import Path

import pytest

from kbserver.embedding.export_meta import (
    EXPORT_FORMATS,
    ExportMeta,
    digests_of,
    sha256,
)
from kbserver.errors import ModelError
from kbserver.types import ModelIdentity


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A folder that `ExportMeta.read` takes for an export."""
    (tmp_path / "model.onnx").write_bytes(b"graph")
    (tmp_path / "tokenizer.json").write_text("{}")
    ExportMeta(
        format=EXPORT_FORMATS["fp32"],
        identity=ModelIdentity("small", "f" * 32, 4, 8),
        precision="fp32",
        query_prompt="query: ",
        passage_prompt="",
        inputs=("input_ids", "attention_mask"),
        pad_id=0,
        pad_left=False,
        difference=1e-7,
        sha256=digests_of(tmp_path),
    ).write(tmp_path)
    return tmp_path


def test_what_is_written_is_read(export: Path) -> None:
    meta = ExportMeta.read(export)
    assert meta.identity == ModelIdentity("small", "f" * 32, 4, 8)
    assert meta.query_prompt == "query: "
    assert set(meta.sha256) == {"model.onnx", "tokenizer.json"}


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
def test_a_changed_file_is_named_with_both_digests(file: str, export: Path) -> None:
    (export / file).write_bytes(b"changed")
    with pytest.raises(
        ModelError, match=rf"{file}: SHA-256 is [0-9a-f]{{64}}, .* says"
    ):
        ExportMeta.read(export)


def test_a_missing_file_is_named(export: Path) -> None:
    (export / "model.onnx").unlink()
    with pytest.raises(ModelError, match=r"model\.onnx: SHA-256 is missing"):
        ExportMeta.read(export)
    assert sha256(export / "model.onnx") == "missing"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"format": 99}, r"format 99, this version reads \d+"),
        ({"precision": "int4"}, "this version reads None"),
        ({"unknown": 1}, "no exported model"),
        ({"pad_id": "x"}, "no exported model"),
    ],
)
def test_another_format_is_refused(
    change: dict[str, object], complaint: str, export: Path
) -> None:
    content = json.loads((export / "meta.json").read_text())
    (export / "meta.json").write_text(json.dumps(content | change))
    with pytest.raises(ModelError, match=complaint):
        ExportMeta.read(export)


def test_an_empty_folder_is_no_export(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no exported model"):
        ExportMeta.read(tmp_path)
