"""Passages as a turn needs them, each with its spoken form; those read last are cached."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from kbserver.index.snapshot import Snapshot
from kbserver.retrieval.spoken.table import SpokenFormTable
from kbserver.types import Passage, SpokenForm

_CACHED = 2_000  # passages with their spoken forms, 6 MB

PassageReader: TypeAlias = Callable[[int], tuple[Passage, SpokenForm | None]]
"""Row → the passage and its spoken form.

The form is None if missing or damaged; it is then computed in the turn.
"""


def open_passages(
    snapshot: Snapshot, complain: Callable[[str, Exception], None]
) -> PassageReader:
    """Return a function that reads the passages of an open snapshot.

    It holds the snapshot's tables, so drop it together with the snapshot. The passages are shared:
    do not change their metadata.

    Args:
        snapshot: where the passages and spoken forms are.
        complain: called with what is damaged, and the exception.
    """
    passages = snapshot.passages
    spoken_forms = _open_spoken_forms(snapshot, complain)

    @lru_cache(maxsize=_CACHED)
    def read(row: int) -> tuple[Passage, SpokenForm | None]:
        passage = passages[row]
        if spoken_forms is None:
            return passage, None
        try:
            return passage, spoken_forms.of(row, passage)
        except Exception as exc:
            complain("the table of wordings", exc)
            return passage, None

    return read


def _open_spoken_forms(
    snapshot: Snapshot, complain: Callable[[str, Exception], None]
) -> SpokenFormTable | None:
    try:
        return SpokenFormTable.open(snapshot)
    except Exception as exc:  # the passages are there, so the turn can go on
        complain("the table of wordings", exc)
        return None
