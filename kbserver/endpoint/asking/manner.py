"""How a door wants its answers: how long, in which form, how soon and how many."""

from __future__ import annotations

from dataclasses import dataclass
from sys import maxsize


@dataclass(frozen=True, slots=True)
class Limits:
    """What fits into one answer of a door."""

    passages_bytes: int
    """Of context and passages together, written as JSON."""
    text_bytes: int
    """Of a fixed text, which may stand in the answer twice; UTF-8."""


UNLIMITED = Limits(passages_bytes=maxsize, text_bytes=maxsize)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a door wants its answers."""

    limits: Limits = UNLIMITED
    """What fits into one."""
    written: bool = False
    """The passages are read, and the words were typed: nothing is small talk, filler or spoken."""
    deadline_ms: float | None = None
    """In place of the route's, which is a voice agent's; None: the route's."""
    top_k: int | None = None
    """In place of the route's; None: the route's."""


SPOKEN = Manner()
