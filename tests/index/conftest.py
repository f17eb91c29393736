"""Small real snapshots: passages with metadata and unit vectors, written and opened as an ingest does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kbserver.index.documents import DocumentEntry
from kbserver.index.store import Store
from kbserver.index.writer import write_snapshot
from kbserver.types import FloatMatrix, ModelIdentity, Passage

DIM = 16


def random_unit_vectors(count: int, dim: int = DIM, seed: int = 0) -> FloatMatrix:
    vectors = (
        np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    )
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def passages_of_texts(texts: list[str], **metadata: Any) -> list[Passage]:
    return [
        Passage(
            f"id-{row}",
            text,
            "Guide",
            ("Part",),
            f"guide-{row}.md",
            row,
            {"folder": "", **metadata},
        )
        for row, text in enumerate(texts)
    ]


@pytest.fixture
def unit_vectors() -> Callable[..., FloatMatrix]:
    return random_unit_vectors


@pytest.fixture
def passages_of() -> Callable[..., list[Passage]]:
    return passages_of_texts


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a generation into `tmp_path/store` and publish it; every argument of `write_snapshot` may be replaced."""

    def write(
        corpus: str = "demo",
        texts: list[str] | None = None,
        *,
        publish: bool = True,
        **changes: Any,
    ) -> Path:
        texts = (
            [f"passage number {row} about topic{row}" for row in range(20)]
            if texts is None
            else texts
        )
        passages = changes.pop("passages", passages_of_texts(texts))
        texts = [passage.text for passage in passages]
        arguments = {
            "passages": passages,
            "embeddings": random_unit_vectors(len(passages)),
            "embedded_texts": texts,
            "lexical_texts": texts,
            "model": ModelIdentity("all-MiniLM-L6-v2", "ab" * 32, DIM, 256),
            "documents": [
                DocumentEntry(p.source, f"hash-{row}", row, 1)
                for row, p in enumerate(passages)
            ],
        }
        store = Store(tmp_path / "store")
        with store.lock(corpus):
            folder = write_snapshot(store.path, corpus, **(arguments | changes))
            if publish:
                store.publish(corpus, folder.name)
        return folder

    return write


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")
