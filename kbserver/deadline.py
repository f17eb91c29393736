"""A moment by which an answer must be there, passed down and divided on the way."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Deadline:
    """A moment on the monotonic clock, in seconds. The budget is what is left until then."""

    at: float

    @classmethod
    def after_ms(cls, budget_ms: float) -> Deadline:
        """Return the deadline that lies `budget_ms` milliseconds from now."""
        return cls(time.monotonic() + budget_ms / 1000.0)

    def remaining_ms(self) -> float:
        """Milliseconds left; negative once the moment has passed."""
        return (self.at - time.monotonic()) * 1000.0

    def less_ms(self, reserve_ms: float) -> Deadline:
        """The earlier deadline of a step; `reserve_ms` are left for the steps after it."""
        return Deadline(self.at - reserve_ms / 1000.0)

    def sooner(self, budget_ms: float) -> Deadline:
        """This deadline or the one `budget_ms` from now, whichever comes first."""
        return min(self, Deadline.after_ms(budget_ms))

    @property
    def passed(self) -> bool:
        """Whether the moment is over."""
        return time.monotonic() >= self.at
