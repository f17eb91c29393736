"""Which implementation an index has: the one place that names them.

A vector backend is a module with `open_index` and `build_index` as in `VectorBackend`, a lexical
one with those of `LexicalBackend`. A module is imported when a snapshot first needs it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from kbserver.errors import SettingsError

if TYPE_CHECKING:  # a command that only offers the names must not wait for these
    from kbserver.index.embeddings import Embeddings
    from kbserver.index.lexical.base import Bm25Parameters, LexicalIndex
    from kbserver.index.manifest import (
        LexicalKind,
        VectorChoice,
        VectorFacts,
        VectorKind,
    )
    from kbserver.index.vectors.base import VectorIndex

VECTORS = {
    "flat": "kbserver.index.vectors.faiss",
    "pq": "kbserver.index.vectors.faiss",
    "ivf": "kbserver.index.vectors.faiss",
    "hnsw": "kbserver.index.vectors.faiss",
}
"""Module of every kind of vector index."""

LEXICAL = {"bm25": "kbserver.index.lexical.bm25"}
"""Module of every kind of lexical index."""

VECTOR_CHOICES = ("auto", *VECTORS)
"""`auto` is the kind that the number of passages calls for."""

FLAT_ROWS = 10_000
"""`auto` is `flat` up to this many rows: a search takes less than embedding a query varies."""

PQ_ROWS = 100_000
"""`auto` is `pq` up to this many rows, and `ivf` beyond: a scan of codes grows with the rows."""


class VectorBackend(Protocol):
    """A module that builds and opens vector indexes."""

    def open_index(
        self, embeddings: Embeddings, folder: Path, facts: VectorFacts
    ) -> VectorIndex:
        """Open what `build_index` wrote into a snapshot's folder.

        Raises:
            SnapshotCorrupt: the files are no such index, or hold other rows than the embeddings.
        """
        ...

    def build_index(
        self, embeddings: Path, folder: Path, kind: VectorKind
    ) -> VectorFacts:
        """Build the index of a snapshot's embeddings and write it into the snapshot's folder.

        Returns:
            What was built (another kind where that is better), with its recall@10.
        """
        ...


class LexicalBackend(Protocol):
    """A module that builds and opens lexical indexes."""

    def open_index(self, folder: Path) -> LexicalIndex:
        """Open what `build_index` wrote into a snapshot's folder."""
        ...

    def build_index(
        self, texts: Iterable[str], folder: Path, parameters: Bm25Parameters
    ) -> None:
        """Write the index of some texts, one a row, into a snapshot's folder."""
        ...


def open_vectors(
    embeddings: Embeddings, folder: Path, facts: VectorFacts
) -> VectorIndex:
    """Open the vector index of a snapshot.

    Raises:
        SnapshotCorrupt: the files are no such index, or hold other rows than the embeddings.
    """
    return _vector_backend(facts.kind).open_index(embeddings, folder, facts)


def build_vectors(
    choice: VectorChoice, embeddings: Path, folder: Path, *, rows: int
) -> VectorFacts:
    """Build the vector index that was chosen and write it into a snapshot's folder.

    Args:
        choice: one of `VECTOR_CHOICES`.
        embeddings: file of unit vectors as a snapshot stores them.
        folder: the snapshot's.
        rows: how many vectors there are.

    Raises:
        SettingsError: the choice is unknown.
    """
    kind = kind_of(choice, rows)
    facts = _vector_backend(kind).build_index(embeddings, folder, kind)
    return replace(facts, choice=choice)


def open_lexical(kind: LexicalKind, folder: Path) -> LexicalIndex:
    """Open the lexical index of a snapshot."""
    return _lexical_backend(kind).open_index(folder)


def build_lexical(
    kind: LexicalKind, texts: Iterable[str], folder: Path, parameters: Bm25Parameters
) -> None:
    """Build a lexical index of some texts, one a row, and write it into a snapshot's folder."""
    _lexical_backend(kind).build_index(texts, folder, parameters)


def kind_of(choice: VectorChoice, rows: int) -> VectorKind:
    """Return the kind of vector index that a choice means for a number of rows.

    Raises:
        SettingsError: the choice is unknown.
    """
    if choice not in VECTOR_CHOICES:
        known = ", ".join(VECTOR_CHOICES)
        raise SettingsError(
            f"vector index {choice!r} is not known; choose one of {known}"
        )
    if choice != "auto":
        return choice
    if rows <= FLAT_ROWS:
        return "flat"
    if rows <= PQ_ROWS:
        return "pq"
    return "ivf"


def _vector_backend(kind: VectorKind) -> VectorBackend:
    return cast(VectorBackend, import_module(VECTORS[kind]))


def _lexical_backend(kind: LexicalKind) -> LexicalBackend:
    return cast(LexicalBackend, import_module(LEXICAL[kind]))
