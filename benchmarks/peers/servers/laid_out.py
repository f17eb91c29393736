"""The corpus as `benchmarks/peers/corpus.py` lays it out.

Runs in the peers' environment, so it imports nothing of kbserver.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

FOLDER = Path(os.environ["PEERS_CORPUS"])
"""Holds `passages.jsonl` (`id` and `text` a line) and `embeddings.npy`, one row a passage."""

MODEL = Path(os.environ["PEERS_MODEL"])
"""The model as sentence-transformers saved it."""

EXPORT = Path(os.environ["PEERS_EXPORT"])
"""The same model as kbserver serves it: `model.onnx` (pooled, unit length) and `tokenizer.json`."""


def passages() -> list[dict[str, str]]:
    with (FOLDER / "passages.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def embeddings() -> np.ndarray:
    return np.load(FOLDER / "embeddings.npy")
