"""What a server tells of its turns, and of what changes between them.

The endpoint tells, `kbserver.record` keeps. Neither knows the other: both know these plain values,
which travel between processes as tuples.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from itertools import count
from typing import Literal, NamedTuple, Protocol, TypeAlias

TURN_HEADER = "x-kbserver-turn"
"""Of an answer: the id under which the turn is recorded."""

PROBE_HEADER = "x-kbserver-probe"
"""Of a request: what asks in place of a caller. Such turns are left out of every figure."""

TRACE_HEADER = "traceparent"
"""Of a request: the trace that a turn is part of (W3C Trace Context)."""

LONGEST_TRACEPARENT = 64
"""Characters; 55 are in use."""

PROBES = ("doctor", "call", "simulate", "eval", "console", "replay")

DropCause: TypeAlias = Literal["queue", "pipe", "disk", "down"]
"""Why a turn was not recorded.

queue: more turns than the writer took. pipe: it could not be sent. disk: it could not be written.
down: the writer was killed with it in hand.
"""


class CandidateNote(NamedTuple):
    """A passage that was answered, or that came close."""

    corpus: str
    passage: str
    document: str
    score: float
    lexical: float | None
    dense: float | None
    answered: bool


class SearchNote(NamedTuple):
    """One corpus that was searched."""

    corpus: str
    generation: str
    min_score: float
    min_score_from: str


class WordsNote(NamedTuple):
    """What the caller said; only where words are recorded."""

    label: str | None
    query: str
    heard: str
    embedding: bytes | None
    """Of the query, int8, 127 for 1.0."""


class TurnNote(NamedTuple):
    """What one turn did."""

    id: str
    at: float
    """When it began, seconds since the epoch."""
    label: str | None
    """Never stored: the call's key is made of it."""
    route: str
    outcome: str
    reason: str | None
    cached: bool
    leaned: bool
    in_budget: bool
    total_ms: float
    budget_ms: float
    waited_ms: float
    stages_ms: Mapping[str, float]
    answer_bytes: int
    spoken_s: float
    token: str
    probe: str | None
    traceparent: str | None
    """The header of the request, as it came; the trace that the turn is part of."""
    searches: tuple[SearchNote, ...]
    candidates: tuple[CandidateNote, ...]
    words: WordsNote | None


class EventNote(NamedTuple):
    """What changed between turns."""

    at: float
    """Seconds since the epoch."""
    kind: str
    """`start`, `stop`, `routes`, `generation`, `calibration`, `refused`, `unknown_labels`."""
    corpus: str
    """Empty if it is about no corpus."""
    text: str
    """One sentence."""
    details: Mapping[str, object]
    """JSON values."""


Ending: TypeAlias = Literal["right", "wrong", "handed_over", "hung_up"]
"""What a client says of a call, or of one turn of it."""


class FeedbackNote(NamedTuple):
    """How a call ended, as a client tells it."""

    at: float
    """Seconds since the epoch."""
    label: str
    """Never stored: the call's key is made of it."""
    turn: str
    """Id of the turn that is meant; empty for the call."""
    verdict: Ending


class Counts(NamedTuple):
    """What a recorder came to so far, of all processes of a server."""

    on: bool
    """Whether turns are being written."""
    written: int
    dropped: Mapping[DropCause, int]
    bytes: int
    """Of the file."""
    lag_s: float
    """From the beginning of a turn until it was written, of the newest batch."""
    spans_sent: int = 0
    """Turns that a receiver of traces took."""
    spans_lost: int = 0
    """Turns that it did not take, or that came faster than it takes them."""


class Listener(Protocol):
    """What a server tells its turns to. No call waits, fails or does work."""

    def turn(self, tell: Callable[[], TurnNote]) -> None:
        """Take a finished turn; `tell` is called when the turn is long answered."""

    def event(self, note: EventNote) -> None:
        """Take something that changed."""

    def feedback(self, note: FeedbackNote) -> None:
        """Take what a client says of a call."""

    def gone_on(self, turn: str) -> None:
        """Take the id of a turn whose words went on, so that another stands for it."""

    def flush(self) -> bool:
        """Hand on some of what was taken; return whether there is more to hand on now."""

    def counts(self) -> Counts:
        """Return what was recorded and dropped so far."""


_process = secrets.randbits(16)
_number = count(secrets.randbits(16))


def new_id(at: float) -> str:
    """Return the id of a turn, 20 hex digits: milliseconds, then the process and a number.

    Args:
        at: when the turn began, seconds since the epoch.
    """
    return f"{int(at * 1000.0):012x}{_process:04x}{next(_number) & 0xFFFF:04x}"
