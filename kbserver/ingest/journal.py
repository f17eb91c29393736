"""Embeddings as they are computed: an interrupted ingest leaves them to the next one."""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

from kbserver.files import without_following
from kbserver.index.durable import disk_trouble
from kbserver.types import FloatMatrix, FloatVector, ModelIdentity

_DIGEST_BYTES = 32
_PREFIX = ".embedded-"  # of a journal's name; the model's fingerprint follows


class EmbeddingJournal:
    """A file of (text hash, embedding, checksum) records of one model; append-only.

    Opening the journal drops a record that a killed process cut short. A record that
    a power cut left half on the disk fails its checksum and is not found.
    """

    def __init__(self, folder: Path, model: ModelIdentity) -> None:
        """Open or start the journal of a model in a corpus's folder.

        Raises:
            StoreError: it cannot be written, or is a symbolic link.
        """
        self._file = folder / f"{_PREFIX}{model.fingerprint[:16]}"
        self._record = np.dtype(
            [
                ("hash", f"V{_DIGEST_BYTES}"),
                ("vector", np.float32, (model.dim,)),
                ("checksum", np.uint32),
            ]
        )
        with disk_trouble("write the journal of embeddings", self._file):
            # unbuffered: closing must not repeat a write that failed
            self._stream = open(
                self._file, "a+b", buffering=0, opener=without_following
            )
            size = os.fstat(self._stream.fileno()).st_size
            whole = size // self._record.itemsize
            self._stream.truncate(whole * self._record.itemsize)
        self._rows = self._known(whole)
        self.kept = whole
        """How many embeddings are in the file."""

    def find(self, digest: bytes) -> FloatVector | None:
        """Return the embedding of a text by its SHA-256, shape (dim,); None if unknown."""
        row = self._rows.get(digest)
        if row is None:
            return None
        size = self._record.itemsize
        record = os.pread(self._stream.fileno(), size, row * size)
        found = np.frombuffer(record, dtype=self._record)[0]
        if _checksum(found["hash"], found["vector"]) != found["checksum"]:
            return None
        vector: FloatVector = found["vector"]
        return vector

    def append(self, digests: Sequence[bytes], vectors: FloatMatrix) -> None:
        """Add embeddings; they are in the file when this returns.

        Args:
            digests: SHA-256 of each embedded text.
            vectors: shape (len(digests), dim).

        Raises:
            StoreError: the disk is full.
        """
        records = np.empty(len(digests), dtype=self._record)
        records["hash"] = np.frombuffer(b"".join(digests), dtype=f"V{_DIGEST_BYTES}")
        records["vector"] = vectors
        records["checksum"] = [
            _checksum(record["hash"], record["vector"]) for record in records
        ]
        with disk_trouble("keep the embeddings computed so far", self._file):
            left = memoryview(records.tobytes())
            while left:
                written = self._stream.write(left)
                left = left[written:]
        rows = range(self.kept, self.kept + len(digests))
        self._rows.update(zip(digests, rows, strict=True))
        self.kept += len(digests)

    def __enter__(self) -> EmbeddingJournal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()
        if self._file.exists() and self._file.stat().st_size == 0:
            self._file.unlink()

    def _known(self, count: int) -> dict[bytes, int]:
        """Return the row of each text hash in the file."""
        if not count:
            return {}
        records = np.memmap(self._stream, dtype=self._record, mode="r", shape=(count,))
        return {digest.tobytes(): row for row, digest in enumerate(records["hash"])}


def remove_journals(folder: Path) -> None:
    """Delete the journals of a corpus that is up to date: its live generation holds what counts.

    Those of a killed ingest are among them, whatever its model was.

    Raises:
        StoreError: one cannot be deleted.
    """
    with disk_trouble("remove the journals of embeddings", folder):
        for file in folder.glob(f"{_PREFIX}*"):
            file.unlink()


def _checksum(digest: np.void, vector: FloatVector) -> int:
    of_digest = zlib.crc32(digest.tobytes())
    return zlib.crc32(np.ascontiguousarray(vector).tobytes(), of_digest)
