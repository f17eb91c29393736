"""The embedding of every row of a generation: taken over where possible, else computed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from kbserver.embedding.base import Encoder
from kbserver.index.arrays import new_array
from kbserver.index.documents import text_hash
from kbserver.index.durable import disk_trouble
from kbserver.index.embeddings import decoded
from kbserver.index.snapshot import Snapshot
from kbserver.ingest.journal import EmbeddingJournal
from kbserver.ingest.report import IngestReport, OnProgress
from kbserver.ingest.spool import Spool
from kbserver.types import FloatMatrix

_SLICE = 128
"""Passages embedded between two writes of the journal: about 6 s of work to lose."""
_BLOCK_ROWS = 50_000
"""Rows copied at once: 75 MB at 384 dimensions."""


def embed_rows(
    spool: Spool,
    *,
    previous: Snapshot | None,
    journal: EmbeddingJournal,
    encoder: Encoder,
    file: Path,
    report: IngestReport,
    progress: OnProgress,
) -> FloatMatrix:
    """Return one embedding a row of the spool, in row order.

    Args:
        previous: the live generation; its embeddings are taken over if its model is
            the encoder's.
        journal: holds the embeddings of an interrupted ingest, and gets computed ones.
        file: made, to hold the result.
        report: gets the numbers of computed and taken-over embeddings as they grow.

    Returns:
        Shape (passages, dim), float32, mapped to the file.

    Raises:
        StoreError: the disk is full.
    """
    shape = (len(spool), encoder.identity.dim)
    with disk_trouble("write embeddings", file.parent):
        embeddings = new_array(file, np.float32, shape)
    started = time.monotonic()
    if previous is not None and not _same_model(previous, encoder):
        previous = None
    missing = _take_over(spool, embeddings, previous, journal)
    report.reused = len(spool) - len(missing)
    progress("embed", 0, len(missing))

    missing.sort(key=lambda row: spool.lengths[row])
    for start in range(0, len(missing), _SLICE):
        rows = missing[start : start + _SLICE]
        texts = [spool[row].embedded for row in rows]
        counter = _counter(progress, start, len(missing))
        vectors = encoder.embed_passages(texts, on_progress=counter)
        journal.append([text_hash(text) for text in texts], vectors)
        embeddings[rows] = vectors
        report.embedded = start + len(rows)
        report.kept = journal.kept
    report.embedding_seconds = time.monotonic() - started
    return embeddings


def count_new(spool: Spool, previous: Snapshot | None, encoder: Encoder) -> int:
    """Return how many rows have no embedding in the live generation.

    What a journal may hold is not looked at.
    """
    if previous is None or not _same_model(previous, encoder):
        return len(spool)
    new = np.flatnonzero(spool.origins() < 0).tolist()
    if not new:
        return 0
    known = previous.embedded_rows()
    return sum(text_hash(spool[row].embedded) not in known for row in new)


def _same_model(previous: Snapshot, encoder: Encoder) -> bool:
    return previous.manifest.model.fingerprint == encoder.identity.fingerprint


def _counter(progress: OnProgress, done: int, total: int) -> Callable[[int], None]:
    """Return a callback that adds up what the encoder finished and reports the sum."""

    def count(more: int) -> None:
        nonlocal done
        done += more
        progress("embed", done, total)

    return count


def _take_over(
    spool: Spool,
    embeddings: FloatMatrix,
    previous: Snapshot | None,
    journal: EmbeddingJournal,
) -> list[int]:
    """Fill in the embeddings that are known and return the rows that are not.

    Args:
        previous: the live generation if it has the encoder's model, else None.
    """
    if previous is None:
        return _look_up(spool, range(len(spool)), embeddings, None, journal)
    origins = spool.origins()
    known = np.flatnonzero(origins >= 0)
    for start in range(0, known.size, _BLOCK_ROWS):
        rows = known[start : start + _BLOCK_ROWS]
        embeddings[rows] = decoded(previous.embeddings[origins[rows]])
    new = np.flatnonzero(origins < 0).tolist()
    return _look_up(spool, new, embeddings, previous, journal)


def _look_up(
    spool: Spool,
    rows: Sequence[int],
    embeddings: FloatMatrix,
    previous: Snapshot | None,
    journal: EmbeddingJournal,
) -> list[int]:
    """Find rows by their text: in a document that moved, or in the journal."""
    known: dict[bytes, int] = {}
    if previous is not None and rows:
        known = previous.embedded_rows()
    missing: list[int] = []
    for row in rows:
        digest = text_hash(spool[row].embedded)
        if previous is not None and digest in known:
            embeddings[row] = decoded(previous.embeddings[known[digest]])
            continue
        vector = journal.find(digest)
        if vector is None:
            missing.append(row)
        else:
            embeddings[row] = vector
    return missing
