"""Which documents give way to others: `supersedes` and `pinned` in their metadata."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from kbserver.index.documents import DocumentEntry
from kbserver.index.snapshot import Snapshot
from kbserver.types import Rows

PINNED_BONUS = 0.05
"""Cosine that a pinned passage is ahead by: enough to win among passages about the same thing."""

_NO_ROWS = np.empty(0, np.int64)


class Precedence:
    """The rows of one snapshot that are superseded or pinned. Read-only."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._pinned: Rows = _NO_ROWS
        if snapshot.scope_values("pinned"):
            self._pinned = _rows_with(snapshot, "pinned", "true")
        self._pairs: list[tuple[Rows, Rows]] = []  # (superseding rows, superseded rows)
        sources = snapshot.scope_values("supersedes")
        if not sources:
            return
        rows_of = _rows_by_source(snapshot.documents())
        for source in sources:
            if source in rows_of:
                newer = _rows_with(snapshot, "supersedes", source)
                older = np.concatenate(rows_of[source])
                self._pairs.append((newer, older))

    def superseded(self, valid: Rows | None) -> Rows:
        """Return the rows that a valid document has superseded, ascending.

        Args:
            valid: the rows valid now; None if no row is limited in time.
        """
        gone = []
        for newer, older in self._pairs:
            if valid is None or np.isin(newer, valid).any():
                gone.append(older)
        if not gone:
            return _NO_ROWS
        return np.unique(np.concatenate(gone))

    def bonus(self, rows: Rows) -> NDArray[np.float32] | None:
        """Return what pinning adds to each row, in cosine.

        Returns:
            Shape (len(rows),), float32; None if nothing is pinned.
        """
        if not self._pinned.size:
            return None
        pinned = np.isin(rows, self._pinned).astype(np.float32)
        return pinned * np.float32(PINNED_BONUS)


def _rows_with(snapshot: Snapshot, key: str, value: str) -> Rows:
    rows = snapshot.rows_in_scope({key: value})
    if rows is None:
        return _NO_ROWS
    return rows


def _rows_by_source(documents: Iterable[DocumentEntry]) -> dict[str, list[Rows]]:
    """The rows of each document. A file of records also stands for all of its records."""
    rows_of: dict[str, list[Rows]] = {}
    for entry in documents:
        end = entry.first_row + entry.passages
        rows = np.arange(entry.first_row, end, dtype=np.int64)
        file = entry.source.split("#", 1)[0]
        for name in {entry.source, file}:
            rows_of.setdefault(name, []).append(rows)
    return rows_of
