"""The public surface: what `from kbserver import …` offers, and that it stays light."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import kbserver


def test_all_lists_exactly_what_is_imported():
    tree = ast.parse(Path(kbserver.__file__).read_text(encoding="utf-8"))
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and node.module
        and node.module.startswith("kbserver")
        for alias in node.names
    }
    assert set(kbserver.__all__) == imported
    assert len(kbserver.__all__) == len(set(kbserver.__all__))
    assert all(
        getattr(kbserver, name).__module__ == kbserver._HOMES[name]
        for name in kbserver.__all__
        if name != "Handler"
    )
    assert set(kbserver._HOMES) == imported
    assert set(kbserver.__all__) <= set(dir(kbserver))


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = kbserver.nope


def test_importing_it_loads_neither_torch_nor_document_parsers():
    loaded = loaded_after("from kbserver import KBServer")
    heavy = {"torch", "sentence_transformers", "onnx", "trafilatura", "uvicorn"}
    assert loaded & heavy == set()
    loaded = loaded_after("import kbserver.cli; from kbserver import configure_frame")
    assert loaded & {"faiss", "onnxruntime"} == set()


def test_onnx_runtime_keeps_no_device_id_and_sends_no_events(tmp_path):
    code = "import kbserver.embedding.onnx, onnxruntime; onnxruntime.get_available_providers()"
    variables = {
        name: value
        for name, value in os.environ.items()
        if name not in {"CI", "ORT_DISABLE_TELEMETRY"}  # either turns telemetry off
    }
    folders = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", code], env=variables | folders, check=True)
    assert list(tmp_path.rglob("*")) == []


def test_the_hub_is_told_nothing_of_a_use_from_python():
    code = "import kbserver, huggingface_hub.constants; "
    code += "assert huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY"
    name = "HF_HUB_DISABLE_TELEMETRY"
    variables = {key: value for key, value in os.environ.items() if key != name}
    subprocess.run([sys.executable, "-c", code], env=variables, check=True)


def loaded_after(statement: str) -> set[str]:
    """Return the packages that a new interpreter holds after a statement."""
    code = f"{statement}; import sys; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.split())
