"""Small real snapshots: passages with metadata and unit vectors, written as an ingest does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kbserver.index.documents import DocumentEntry
from kbserver.index.store import Store
from kbserver.index.writer import IndexedPassage, SnapshotFacts, write_snapshot
from kbserver.types import FloatMatrix, ModelIdentity, Passage

DIM = 16
MODEL = ModelIdentity("all-MiniLM-L6-v2", "ab" * 16, DIM, 256)


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


def rows_of_passages(passages: list[Passage]) -> list[IndexedPassage]:
    """Rows whose texts for both indexes are the passages' own."""
    return [IndexedPassage(passage, passage.text, passage.text) for passage in passages]


@pytest.fixture
def unit_vectors() -> Callable[..., FloatMatrix]:
    return random_unit_vectors


@pytest.fixture
def passages_of() -> Callable[..., list[Passage]]:
    return passages_of_texts


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a generation into `tmp_path/store` and publish it; anything of it may be replaced."""

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
        rows = changes.pop("rows", rows_of_passages(passages))
        embeddings = changes.pop("embeddings", random_unit_vectors(len(passages)))
        documents = [
            DocumentEntry(passage.source, f"hash-{row}", row, 1)
            for row, passage in enumerate(passages)
        ]
        options = {
            "documents": changes.pop("documents", documents),
            "parts": changes.pop("parts", None),
        }
        facts = SnapshotFacts(**{"model": MODEL, **changes})
        store = Store(tmp_path / "store")
        with store.lock(corpus):
            folder = write_snapshot(
                store.path, corpus, rows, embeddings, facts, **options
            )
            if publish:
                store.publish(corpus, folder.name)
        return folder

    return write


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")
