"""The arms of the search: words, sounds and meaning. `base` says what an arm is."""

from __future__ import annotations

from collections.abc import Callable

from kbserver.index.snapshot import Snapshot
from kbserver.retrieval.arms.base import Arm
from kbserver.retrieval.arms.meaning import MeaningArm
from kbserver.retrieval.arms.sounds import open_sounds
from kbserver.retrieval.arms.words import WordsArm

OPENERS: tuple[Callable[[Snapshot], Arm | None], ...] = (
    WordsArm,
    open_sounds,
    MeaningArm,
)
"""Each opens one arm over a snapshot, or returns None if the snapshot has no such index."""


def open_arms(snapshot: Snapshot) -> tuple[Arm, ...]:
    """Open every arm that the snapshot has an index for."""
    opened = (open_arm(snapshot) for open_arm in OPENERS)
    return tuple(arm for arm in opened if arm is not None)
