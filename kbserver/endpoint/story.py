"""What a server tells its listener: every turn, and what changed between turns."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

from kbserver.endpoint.doors.feedback import Feedback
from kbserver.endpoint.ground import Call, Grounding
from kbserver.endpoint.telling import note_of, pattern_of
from kbserver.notes import TURN_HEADER, Counts, EventNote, FeedbackNote, Listener
from kbserver.settings import RecordMode

HAND_ON_S = 0.25
"""Between two times that the listener is let do its work."""

MOST_PATTERNS = 200
"""Of unknown labels in a minute; others are counted together."""

_OTHERS = "(others)"

log = logging.getLogger("kbserver.endpoint")


class Story:
    """Tells a listener what happens. Without one, nothing is told and nothing kept."""

    def __init__(
        self, listener: Listener | None, *, clock: Callable[[], float] = time.time
    ) -> None:
        """Tell nothing yet; `clock` gives seconds since the epoch."""
        self._listener = listener
        self._clock = clock
        self._refused: Counter[str] = Counter()
        self._unknown: Counter[str] = Counter()

    @property
    def is_told(self) -> bool:
        """Whether anything listens."""
        return self._listener is not None

    def turn(
        self,
        call: Call,
        grounding: Grounding,
        mode: RecordMode,
        headers: Mapping[str, str],
        answer_bytes: int,
    ) -> dict[str, str]:
        """Tell of a turn; return the headers of its answer."""
        if self._listener is None or mode == "off":
            return {}
        trace = grounding.trace
        if trace.reason == "unknown_label":
            self._count(self._unknown, pattern_of(call.ask.label or ""))
        tell = partial(
            note_of,
            call,
            grounding,
            mode,
            answer_bytes=answer_bytes,
            headers=headers,
        )
        self._listener.turn(tell)
        return {TURN_HEADER: trace.id}

    def event(
        self,
        kind: str,
        text: str,
        *,
        corpus: str = "",
        details: Mapping[str, object] | None = None,
    ) -> None:
        """Tell of something that changed; `details` are JSON values."""
        if self._listener is not None:
            note = EventNote(self._clock(), kind, corpus, text, details or {})
            self._listener.event(note)

    def feedback(self, said: Feedback) -> None:
        """Tell what a client says of a call."""
        if self._listener is not None:
            note = FeedbackNote(
                self._clock(), said.label, said.turn or "", said.verdict
            )
            self._listener.feedback(note)

    def gone_on(self, turn: str) -> None:
        """Tell that the words of a turn went on: a later turn stands for it."""
        if self._listener is not None:
            self._listener.gone_on(turn)

    def refused(self, code: str) -> None:
        """Count a request that was refused; `minute` tells of it."""
        self._count(self._refused, code)

    def minute(self) -> None:
        """Tell of the refusals and the unknown labels since the last call."""
        for kind, tally in (
            ("refused", self._refused),
            ("unknown_labels", self._unknown),
        ):
            if tally:
                by_frequency = tally.most_common()
                said = ", ".join(f"{count} {name}" for name, count in by_frequency)
                self.event(kind, said, details=dict(by_frequency))
                tally.clear()

    async def hand_on_forever(self) -> None:
        """Let the listener work, in steps that hold the event loop for a moment each."""
        while self._listener is not None:
            await asyncio.sleep(HAND_ON_S)
            try:
                while self._listener.flush():
                    await asyncio.sleep(0)
            except Exception:  # turns go on, whatever becomes of their record
                log.exception("what was told of turns could not be handed on")

    def end(self) -> None:
        """Tell that the server stops, and hand on what is left."""
        if self._listener is None:
            return
        self.minute()
        self.event("stop", "stopped")
        while self._listener.flush():
            pass

    def counts(self) -> Counts:
        """Return what was recorded so far."""
        if self._listener is None:
            return Counts(on=False, written=0, dropped={}, bytes=0, lag_s=0.0)
        return self._listener.counts()

    def _count(self, tally: Counter[str], name: str) -> None:
        if self._listener is None:
            return
        if len(tally) >= MOST_PATTERNS and name not in tally:
            name = _OTHERS
        tally[name] += 1
