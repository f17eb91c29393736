"""Which documents step back for others: `supersedes` and `pinned` in their metadata."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kbserver.index.snapshot import Snapshot
from kbserver.types import Rows

PINNED_BONUS = 0.05
"""Cosine a pinned passage is ahead by: it wins among passages about the same thing, and nothing else."""

_NO_ROWS = np.empty(0, np.int64)


class Precedence:
    """The rows of one snapshot that are superseded or pinned. Read-only."""

    def __init__(self, snapshot: Snapshot) -> None:
        pinned = (
            snapshot.rows_in_scope({"pinned": "true"})
            if snapshot.scope_values("pinned")
            else None
        )
        self._pinned: Rows = pinned if pinned is not None else _NO_ROWS
        self._pairs: list[
            tuple[Rows, Rows]
        ] = []  # rows that supersede, rows that are superseded
        sources = snapshot.scope_values("supersedes")
        if sources:
            rows: dict[str, list[Rows]] = {}
            for entry in snapshot.documents():
                span = np.arange(
                    entry.first_row, entry.first_row + entry.passages, dtype=np.int64
                )
                for name in {
                    entry.source,
                    entry.source.split("#", 1)[0],
                }:  # a file of records stands for all of them
                    rows.setdefault(name, []).append(span)
            for source in sources:
                newer = snapshot.rows_in_scope({"supersedes": source})
                if newer is not None and source in rows:
                    self._pairs.append((newer, np.concatenate(rows[source])))

    def superseded(self, valid: Rows | None) -> Rows:
        """Return the rows that must not be spoken, ascending: a document that is valid takes their place.

        Args:
            valid: the rows valid now; None if no row is limited in time.
        """
        gone = [
            old
            for new, old in self._pairs
            if valid is None or np.isin(new, valid).any()
        ]
        return np.unique(np.concatenate(gone)) if gone else _NO_ROWS

    def bonus(self, rows: Rows) -> NDArray[np.float32] | None:
        """Return what pinning adds to each of the given rows, shape (len(rows),), in cosine; None if nothing is pinned."""
        if not self._pinned.size:
            return None
        return np.isin(rows, self._pinned).astype(np.float32) * np.float32(PINNED_BONUS)
