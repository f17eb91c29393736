"""The public surface: what `from kbserver import …` offers, and that it stays light."""

import ast
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
    heavy = ("torch", "sentence_transformers", "trafilatura", "bm25s", "uvicorn")
    code = f"import sys; from kbserver import KBServer; print([m for m in {heavy} if m in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert loaded.strip() == "[]"
    code = "import sys, kbserver.cli; from kbserver import configure_frame; print('faiss' in sys.modules)"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "False\n"
    )
