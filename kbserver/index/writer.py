"""Write a generation: beside the others, checked, flushed to the disk, and only then renamed into place."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from kbserver.errors import DimensionMismatch, IngestError, NotFinite
from kbserver.index.documents import DocumentEntry, write_documents, write_text_hashes
from kbserver.index.durable import disk_trouble
from kbserver.index.embeddings import rounded
from kbserver.index.lexical.bm25 import Bm25Parameters
from kbserver.index.lexical.build import build_lexical
from kbserver.index.manifest import (
    SCHEMA_VERSION,
    Manifest,
    VectorChoice,
    VectorPrecision,
    facts_of_files,
    write_manifest,
)
from kbserver.index.names import UNFINISHED, checked_corpus, next_generation
from kbserver.index.passages import PassageWriter
from kbserver.index.scopes import ScopeWriter
from kbserver.index.snapshot import APPROXIMATE, EMBEDDINGS, settle
from kbserver.index.validity import ValidityWriter
from kbserver.index.vectors.faiss import build_vectors
from kbserver.types import FloatMatrix, ModelIdentity, Passage

Part = Callable[[Path], object]
"""Writes one more file or folder of a snapshot at the path it is given."""

_BLOCK_ROWS = 50_000  # embeddings checked and written at once: 75 MB at 384 dimensions


def write_snapshot(
    store: Path,
    corpus: str,
    *,
    passages: Iterable[Passage],
    embeddings: FloatMatrix,
    embedded_texts: Iterable[str],
    lexical_texts: Iterable[str],
    model: ModelIdentity,
    documents: Iterable[DocumentEntry] = (),
    chunking: Mapping[str, Any] | None = None,
    bm25: Bm25Parameters | None = None,
    vectors: VectorChoice = "auto",
    precision: VectorPrecision = "float32",
    queries: FloatMatrix | None = None,
    parts: Mapping[str, Part] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Path:
    """Write a generation of a corpus and return its folder. It is served once `Store.publish` names it.

    Every iterable is read once, in row order, one after the other, so that none need be in memory as a whole.
    The caller holds `Store.lock`.

    Args:
        store: the store's folder; made if it is not there.
        corpus: its name; see `names.checked_corpus`.
        passages: one a row.
        embeddings: unit vectors, shape (passages, model.dim); may be mapped, is read in blocks.
        embedded_texts: what each embedding was computed from, so that the next ingest can take it over.
        lexical_texts: what each passage is found by in the lexical index.
        model: where the embeddings come from.
        documents: what the passages come from, with their rows.
        chunking: the parameters the documents were cut with; JSON values.
        bm25: parameters of the lexical index.
        vectors: how embeddings are searched; `auto` decides by their number.
        precision: of the stored embeddings; `float16` takes half the space and moves scores by some 1e-5, `int8` a
            quarter and some 3e-4; see `embeddings.rounded`.
        queries: embedded questions to measure recall with; without them, passages with noise.
        parts: more files by their name, each with what writes it; checksummed like the others.
        extra: JSON values for the manifest.

    Raises:
        DimensionMismatch: the embeddings' length is not the model's.
        NotFinite: an embedding holds NaN or infinity.
        IngestError: the numbers of passages, texts and embeddings differ, or a validity date cannot be read.
        StoreError: the disk is full, read-only or closed to us; nothing is left behind, no generation changes.
    """
    corpus = checked_corpus(corpus)
    with disk_trouble("write a snapshot", store):
        (store / corpus).mkdir(parents=True, exist_ok=True)
        generation = next_generation(entry.name for entry in (store / corpus).iterdir())
        unfinished = store / corpus / f"{UNFINISHED}{generation}"
        try:
            unfinished.mkdir()
            count = _write_passages(passages, unfinished)
            _write_embeddings(embeddings, count, model.dim, precision, unfinished)
            _same_count(
                "embedded texts", write_text_hashes(embedded_texts, unfinished), count
            )
            build_lexical(_counted(lexical_texts, count), unfinished, bm25)
            facts = build_vectors(
                unfinished / EMBEDDINGS,
                unfinished / APPROXIMATE,
                kind=vectors,
                queries=queries,
            )
            number_of_documents = write_documents(documents, unfinished)
            for name, write_part in (parts or {}).items():
                write_part(unfinished / name)
            manifest = Manifest(
                schema_version=SCHEMA_VERSION,
                corpus=corpus,
                generation=generation,
                created_at=datetime.now(UTC).isoformat(timespec="seconds"),
                model=model,
                chunking=dict(chunking or {}),
                documents=number_of_documents,
                passages=count,
                vectors=replace(facts, choice=vectors, precision=precision),
                files=facts_of_files(unfinished),
                extra=dict(extra or {}),
            )
            write_manifest(manifest, unfinished)
            settle(unfinished, store / corpus / generation)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
    return store / corpus / generation


def _write_passages(passages: Iterable[Passage], folder: Path) -> int:
    scopes, validity = ScopeWriter(), ValidityWriter()
    with PassageWriter(folder) as writer:
        for passage in passages:
            writer.add(passage)
            scopes.add(passage.metadata)
            try:
                validity.add(passage.metadata)
            except ValueError as exc:
                raise IngestError(f"{passage.source}: {exc}") from exc
        count = len(writer)
    scopes.write(folder)
    validity.write(folder)
    return count


def _write_embeddings(
    embeddings: FloatMatrix,
    count: int,
    dim: int,
    precision: VectorPrecision,
    folder: Path,
) -> None:
    if embeddings.ndim != 2 or embeddings.shape[1] != dim:
        raise DimensionMismatch(
            f"embeddings of shape {embeddings.shape}, the model's vectors have length {dim}"
        )
    _same_count("embeddings", embeddings.shape[0], count)
    with (folder / EMBEDDINGS).open("wb") as stream:
        none = rounded(embeddings[:0], precision)
        shape, descr = (
            (count, *none.shape[1:]),
            np.lib.format.dtype_to_descr(none.dtype),
        )
        np.lib.format.write_array_header_2_0(
            stream, {"descr": descr, "fortran_order": False, "shape": shape}
        )
        for start in range(0, count, _BLOCK_ROWS):
            block = np.ascontiguousarray(
                embeddings[start : start + _BLOCK_ROWS], dtype=np.float32
            )
            finite = np.isfinite(block).all(axis=1)
            if not finite.all():
                raise NotFinite(
                    f"the embedding of row {start + int(np.argmin(finite))} holds NaN or infinity; "
                    "the model returned garbage, so nothing was written"
                )
            stream.write(rounded(block, precision).data)


def _counted(texts: Iterable[str], wanted: int) -> Iterator[str]:
    count = 0
    for text in texts:
        count += 1
        yield text
    _same_count("lexical texts", count, wanted)


def _same_count(what: str, found: int, passages: int) -> None:
    if found != passages:
        raise IngestError(
            f"{found} {what} for {passages} passages; one for each is needed"
        )
