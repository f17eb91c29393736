"""Passages as a turn needs them: each with how it is said, the last read kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from kbserver.index.snapshot import Snapshot
from kbserver.retrieval.spoken.table import SpokenFormTable
from kbserver.types import Passage, SpokenForm

_KEPT = 2_000
"""Passages with their spoken_forms, 6 MB. Reading six takes .1 ms, .2 right after the model has had the processor's caches."""

Reader = Callable[[int], tuple[Passage, SpokenForm | None]]
"""Gives the passage of a row, and how it is said: None if nobody worked that out or it is damaged, the turn does it then."""


def sayable_passages(
    snapshot: Snapshot, complain: Callable[[str, Exception], None]
) -> Reader:
    """Return what reads the passages of an open snapshot; they are let go together with it.

    They are shared: nobody may change their metadata.

    Args:
        complain: told what is damaged, and how.
    """
    passages, spoken_forms = snapshot.passages, _open_spoken_forms(snapshot, complain)

    @lru_cache(maxsize=_KEPT)
    def read(row: int) -> tuple[Passage, SpokenForm | None]:
        passage = passages[row]
        try:
            return passage, spoken_forms.of(
                row, passage
            ) if spoken_forms is not None else None
        except Exception as exc:
            complain("the table of wordings", exc)
            return passage, None

    return read


def _open_spoken_forms(
    snapshot: Snapshot, complain: Callable[[str, Exception], None]
) -> SpokenFormTable | None:
    try:
        return SpokenFormTable.open(snapshot)
    except Exception as exc:  # whatever is wrong with them, the passages are there
        complain("the table of wordings", exc)
        return None
