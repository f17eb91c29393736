"""The embedding of every row of a generation: taken over where text and model are the same, else computed."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from kbserver.embedding.base import Encoder
from kbserver.index.documents import text_hash
from kbserver.index.durable import disk_trouble
from kbserver.index.embeddings import decoded
from kbserver.index.snapshot import Snapshot
from kbserver.ingest.journal import EmbeddingJournal
from kbserver.ingest.report import IngestReport, OnProgress
from kbserver.ingest.spool import Spool
from kbserver.types import FloatMatrix

_SLICE = 128  # passages embedded between two writes of the journal: about 6 s of work to lose
_BLOCK_ROWS = 50_000  # copied at once: 75 MB at 384 dimensions


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
    """Return one embedding a row of the spool, in its order.

    Args:
        previous: the live generation, whose embeddings are taken over if its model is the encoder's.
        journal: where embeddings of an interrupted ingest are found, and computed ones are kept.
        file: made, to hold the result.
        report: the numbers of computed and taken-over embeddings are written here as they grow.

    Returns:
        Shape (passages, dim), float32, mapped to the file.

    Raises:
        StoreError: the disk is full.
    """
    embeddings = _room(file, (len(spool), encoder.identity.dim))
    begun = time.monotonic()
    missing = _take_over(spool, embeddings, previous, journal, encoder)
    report.reused = len(spool) - len(missing)
    progress("embed", 0, len(missing))
    missing.sort(key=lambda row: spool.lengths[row])
    for start in range(0, len(missing), _SLICE):
        rows = missing[start : start + _SLICE]
        texts = [spool[row].embedded for row in rows]
        done = start

        def count(more: int) -> None:
            nonlocal done
            done += more
            progress("embed", done, len(missing))

        vectors = encoder.embed_passages(texts, on_progress=count)
        journal.append([text_hash(text) for text in texts], vectors)
        embeddings[rows] = vectors
        report.embedded, report.kept = start + len(rows), journal.kept
    report.embedding_seconds = time.monotonic() - begun
    return embeddings


def count_new(spool: Spool, previous: Snapshot | None, encoder: Encoder) -> int:
    """Return how many rows have no embedding in the live generation; what a journal may hold is not looked at."""
    if (
        previous is None
        or previous.manifest.model.fingerprint != encoder.identity.fingerprint
    ):
        return len(spool)
    new = np.flatnonzero(spool.origins() < 0).tolist()
    known = previous.embedded_rows() if new else {}
    return sum(text_hash(spool[row].embedded) not in known for row in new)


def _take_over(
    spool: Spool,
    embeddings: FloatMatrix,
    previous: Snapshot | None,
    journal: EmbeddingJournal,
    encoder: Encoder,
) -> list[int]:
    """Fill in what is known and return the rows that are not."""
    origins = spool.origins()
    same_model = (
        previous is not None
        and previous.manifest.model.fingerprint == encoder.identity.fingerprint
    )
    if previous is not None and same_model:
        known = np.flatnonzero(origins >= 0)
        for start in range(0, known.size, _BLOCK_ROWS):
            rows = known[start : start + _BLOCK_ROWS]
            embeddings[rows] = decoded(previous.embeddings[origins[rows]])
    new = np.flatnonzero(origins < 0).tolist() if same_model else range(len(spool))
    elsewhere = (
        previous.embedded_rows() if previous is not None and same_model and new else {}
    )
    missing: list[int] = []
    for row in new:
        digest = text_hash(spool[row].embedded)
        if (
            previous is not None and digest in elsewhere
        ):  # moved or renamed, or in another document
            embeddings[row] = decoded(previous.embeddings[elsewhere[digest]])
        elif (vector := journal.find(digest)) is not None:
            embeddings[row] = vector
        else:
            missing.append(row)
    return missing


def _room(file: Path, shape: tuple[int, int]) -> FloatMatrix:
    """Make a file for an array and map it.

    Its bytes are really written: storing into a mapped hole of a full disk kills the process without a word.
    """
    rows = np.zeros((min(shape[0], _BLOCK_ROWS), shape[1]), dtype=np.float32)
    with disk_trouble("write embeddings", file.parent), file.open("wb") as stream:
        header = {"descr": rows.dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, header)
        for start in range(0, shape[0], _BLOCK_ROWS):
            stream.write(rows[: shape[0] - start].data)
    embeddings: FloatMatrix = np.load(file, mmap_mode="r+")
    return embeddings
