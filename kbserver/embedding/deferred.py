"""Modules that import torch, which takes seconds and much memory: imported when one is needed."""

from __future__ import annotations

import importlib
from types import ModuleType

from kbserver.errors import ModelError

_OF_TORCH = {"torch", "sentence_transformers", "transformers"}


def traced_module() -> ModuleType:
    """Return `export.traced`, which needs torch: 5 to 10 s.

    Raises:
        ModelError: torch or sentence-transformers is not installed.
    """
    return _of_torch("kbserver.embedding.export.traced")


def torch_module() -> ModuleType:
    """Return `sentence_transformer`, which needs torch: 5 to 10 s.

    Raises:
        ModelError: torch or sentence-transformers is not installed.
    """
    return _of_torch("kbserver.embedding.sentence_transformer")


def _of_torch(module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as exc:
        if exc.name not in _OF_TORCH:
            raise
        raise ModelError(
            f"this model needs {exc.name}, which is not installed: "
            "pip install sentence-transformers; the default model does without"
        ) from exc
