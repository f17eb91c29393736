"""Write a generation: beside the others, checked, flushed to the disk, then renamed into place."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from kbserver.errors import DimensionMismatch, IngestError, NotFinite
from kbserver.index.arrays import write_header
from kbserver.index.backends import build_lexical, build_vectors
from kbserver.index.documents import DocumentEntry, TextHashWriter, write_documents
from kbserver.index.durable import disk_trouble
from kbserver.index.embeddings import LengthWriter, encoded
from kbserver.index.lexical.base import Bm25Parameters
from kbserver.index.manifest import (
    SCHEMA_VERSION,
    Manifest,
    VectorChoice,
    VectorFacts,
    VectorPrecision,
    facts_of_files,
    write_manifest,
)
from kbserver.index.names import UNFINISHED, checked_corpus, next_generation
from kbserver.index.passages import PassageWriter
from kbserver.index.scopes import ScopeWriter
from kbserver.index.snapshot import EMBEDDINGS, seal
from kbserver.index.validity import ValidityWriter
from kbserver.types import FloatMatrix, ModelIdentity, Passage

Part: TypeAlias = Callable[[Path], object]
"""Writes one more file or folder of a snapshot at the path it is given."""

_LEXICAL = "bm25"
_BLOCK_ROWS = 50_000  # embeddings written at once: 75 MB at 384 dimensions


class IndexedPassage(NamedTuple):
    """One row of a snapshot."""

    passage: Passage
    embedded_text: str
    """What its embedding was computed from, so that the next ingest can take it over."""
    lexical_text: str
    """What the lexical index finds it by."""


@dataclass(frozen=True, slots=True)
class SnapshotFacts:
    """What a snapshot is built with."""

    model: ModelIdentity
    """Where the embeddings come from."""
    chunking: Mapping[str, Any] = field(default_factory=dict)
    """The parameters the documents were cut with; JSON values."""
    bm25: Bm25Parameters = field(default_factory=Bm25Parameters)
    vectors: VectorChoice = "auto"
    """How embeddings are searched; `auto` decides by their number."""
    precision: VectorPrecision = "float32"
    """Of the stored embeddings; see `embeddings.encoded`."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """JSON values for the manifest."""


def write_snapshot(
    store: Path,
    corpus: str,
    rows: Iterable[IndexedPassage],
    embeddings: FloatMatrix,
    facts: SnapshotFacts,
    *,
    documents: Iterable[DocumentEntry] = (),
    parts: Mapping[str, Part] | None = None,
) -> Path:
    """Write a generation of a corpus and return its folder; `Store.publish` makes it live.

    The caller holds `Store.lock`.

    Args:
        store: the store's folder; made if it is not there.
        corpus: its name; see `names.checked_corpus`.
        rows: read once, so that they need not be in memory together.
        embeddings: unit vectors, shape (rows, model.dim); may be mapped, is read in blocks.
        facts: what the snapshot is built with.
        documents: what the passages come from, with their rows; read once.
        parts: more files by their name, each with what writes it; checksummed like the others.

    Raises:
        DimensionMismatch: the embeddings' length is not the model's.
        NotFinite: an embedding holds NaN or infinity.
        IngestError: there are not as many rows as embeddings, or a validity date cannot be read.
        StoreError: the disk is full, read-only or closed to us; nothing is left behind.
    """
    corpus = checked_corpus(corpus)
    folder = store / corpus
    with disk_trouble("write a snapshot", store):
        folder.mkdir(parents=True, exist_ok=True)
        generation = next_generation(entry.name for entry in folder.iterdir())
        unfinished = folder / f"{UNFINISHED}{generation}"
        try:
            unfinished.mkdir()
            _write_embeddings(embeddings, facts, unfinished)
            written = _RowWriter(unfinished)
            build_lexical(_LEXICAL, written.texts_of(rows), unfinished, facts.bm25)
            _check_count(written.count, embeddings)
            vectors = _build_vectors(facts, unfinished, written.count)
            number_of_documents = write_documents(documents, unfinished)
            for name, write_part in (parts or {}).items():
                write_part(unfinished / name)
            manifest = Manifest(
                schema_version=SCHEMA_VERSION,
                corpus=corpus,
                generation=generation,
                created_at=datetime.now(UTC).isoformat(timespec="seconds"),
                model=facts.model,
                chunking=dict(facts.chunking),
                documents=number_of_documents,
                passages=written.count,
                vectors=vectors,
                files=facts_of_files(unfinished),
                lexical=_LEXICAL,
                extra=dict(facts.extra),
            )
            write_manifest(manifest, unfinished)
            seal(unfinished, folder / generation)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
    return folder / generation


class _RowWriter:
    """Writes what a snapshot holds of every row, but for its vector and its terms."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.count = 0

    def texts_of(self, rows: Iterable[IndexedPassage]) -> Iterator[str]:
        """Write the rows and yield what the lexical index finds each by."""
        scopes = ScopeWriter()
        validity = ValidityWriter()
        lengths = LengthWriter()
        with (
            PassageWriter(self._folder) as passages,
            TextHashWriter(self._folder) as hashes,
        ):
            for passage, embedded_text, lexical_text in rows:
                passages.add(passage)
                hashes.add(embedded_text)
                lengths.add(embedded_text)
                scopes.add(passage.metadata)
                try:
                    validity.add(passage.metadata)
                except ValueError as exc:
                    raise IngestError(f"{passage.source}: {exc}") from exc
                self.count += 1
                yield lexical_text
        scopes.write(self._folder)
        validity.write(self._folder)
        lengths.write(self._folder)


def _build_vectors(facts: SnapshotFacts, folder: Path, rows: int) -> VectorFacts:
    vectors = build_vectors(facts.vectors, folder / EMBEDDINGS, folder, rows=rows)
    return replace(vectors, precision=facts.precision)


def _write_embeddings(
    embeddings: FloatMatrix, facts: SnapshotFacts, folder: Path
) -> None:
    dim = facts.model.dim
    if embeddings.ndim != 2 or embeddings.shape[1] != dim:
        raise DimensionMismatch(
            f"embeddings of shape {embeddings.shape}, the model's vectors have length {dim}"
        )
    with (folder / EMBEDDINGS).open("wb") as stream:
        none = encoded(embeddings[:0], facts.precision)
        write_header(stream, none.dtype, (embeddings.shape[0], *none.shape[1:]))
        for start in range(0, embeddings.shape[0], _BLOCK_ROWS):
            block = embeddings[start : start + _BLOCK_ROWS]
            block = np.ascontiguousarray(block, dtype=np.float32)
            finite = np.isfinite(block).all(axis=1)
            if not finite.all():
                raise NotFinite(
                    f"the embedding of row {start + int(np.argmin(finite))} holds NaN or infinity; "
                    "the model returned garbage, so nothing was written"
                )
            stream.write(encoded(block, facts.precision).data)


def _check_count(rows: int, embeddings: FloatMatrix) -> None:
    found = embeddings.shape[0]
    if found != rows:
        raise IngestError(
            f"{found} embeddings for {rows} passages; one for each is needed"
        )
