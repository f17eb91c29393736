"""What does not work at the moment: said once, and tried again ever more seldom."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

FIRST_PAUSE_S = 1.0
"""Before the first new attempt; doubled after each that fails."""

LAST_PAUSE_S = 300.0
"""A damaged generation is read whole at each attempt: of 10 GB that is 20 s of the disk's work."""


@dataclass(slots=True)
class _Trouble:
    attempt: str
    reason: str
    pause_s: float
    again_at_s: float


class Troubles:
    """The things that failed, by name, with what was tried and when to try it again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin without any; `clock` gives seconds."""
        self._clock = clock
        self._troubles: dict[str, _Trouble] = {}

    def may_try(self, name: str, attempt: str) -> bool:
        """Whether something may be tried now.

        Args:
            name: what it is about.
            attempt: what is tried; another than the one that failed is tried at once.
        """
        trouble = self._troubles.get(name)
        if trouble is None or trouble.attempt != attempt:
            return True
        return self._clock() >= trouble.again_at_s

    def add(self, name: str, attempt: str, reason: str) -> bool:
        """Note that an attempt failed; return whether that is news."""
        before = self._troubles.get(name)
        pause_s = FIRST_PAUSE_S
        if before is not None and before.attempt == attempt:
            pause_s = min(2.0 * before.pause_s, LAST_PAUSE_S)
        again_at_s = self._clock() + pause_s
        self._troubles[name] = _Trouble(attempt, reason, pause_s, again_at_s)
        if before is None:
            return True
        return (before.attempt, before.reason) != (attempt, reason)

    def end(self, name: str) -> bool:
        """Note that something works, or is gone; return whether that is news."""
        return self._troubles.pop(name, None) is not None

    def reason(self, name: str) -> str:
        """Return why something does not work; empty if it does."""
        trouble = self._troubles.get(name)
        if trouble is None:
            return ""
        return trouble.reason
