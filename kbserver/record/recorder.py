"""The recorder of one serving process: takes turns at once, and sends them on between turns."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from itertools import islice

from kbserver.notes import Counts, DropCause, EventNote, FeedbackNote, TurnNote
from kbserver.record.channel import Message, Sender, State

MOST_WAITING = 4096
"""Turns that wait to be sent; then the oldest go. Some seconds of the heaviest load."""

MOST_EVENTS = 256
BATCH = 32
"""Turns of one datagram: 40 KB, and half a millisecond of the event loop."""

_CAUSES: tuple[DropCause, ...] = ("queue", "pipe", "disk", "down")
_OFF = (State.NOT_WRITABLE, State.NEWER)

log = logging.getLogger("kbserver.record")


class Recorder:
    """Sends what a server tells to the writer. For the event loop's thread."""

    def __init__(self, sender: Sender, *, most_waiting: int = MOST_WAITING) -> None:
        """Take the server's end of a channel."""
        self._sender = sender
        self._waiting: deque[Callable[[], TurnNote]] = deque(maxlen=most_waiting)
        self._events: deque[EventNote] = deque(maxlen=MOST_EVENTS)
        self._feedback: deque[FeedbackNote] = deque(maxlen=MOST_EVENTS)
        self._gone_on: deque[str] = deque(maxlen=most_waiting)
        self._queue = 0
        self._pipe = 0

    def turn(self, tell: Callable[[], TurnNote]) -> None:
        """Take a finished turn; a full queue lets its oldest go."""
        if len(self._waiting) == self._waiting.maxlen:
            self._queue += 1
        self._waiting.append(tell)

    def event(self, note: EventNote) -> None:
        """Take something that changed; a full queue lets its oldest go."""
        self._events.append(note)

    def feedback(self, note: FeedbackNote) -> None:
        """Take what a client says of a call; a full queue lets its oldest go."""
        self._feedback.append(note)

    def gone_on(self, turn: str) -> None:
        """Take the id of a turn whose words went on; a full queue lets its oldest go."""
        self._gone_on.append(turn)

    def flush(self) -> bool:
        """Send a batch; return whether another can be sent now.

        What finds no room stays, and is sent the next time.
        """
        if self._sender.page.state in _OFF:
            self._waiting.clear()
            self._events.clear()
            self._feedback.clear()
            self._gone_on.clear()
            return False
        if not self._waiting and not self._events and not self._queue + self._pipe:
            return self._send_afterwards()
        taken = list(islice(self._waiting, BATCH))
        turns = self._told(taken)
        sent = self._send(turns, list(self._events))
        if not sent:
            return False
        for _ in taken:
            self._waiting.popleft()
        return bool(self._waiting or self._feedback or self._gone_on)

    def counts(self) -> Counts:
        """Return what the writer recorded of all processes, and what was dropped."""
        page = self._sender.page
        dropped = {cause: page[cause] for cause in _CAUSES}
        dropped["queue"] += self._queue
        dropped["pipe"] += self._pipe
        return Counts(
            on=page.state == State.WRITING,
            written=page["written"],
            dropped=dropped,
            bytes=page["bytes"],
            lag_s=page["lag_ms"] / 1000.0,
            spans_sent=page["spans_sent"],
            spans_lost=page["spans_lost"],
        )

    def _send_afterwards(self) -> bool:
        """Send what is said of turns, behind the turns; return whether there is more."""
        said = list(islice(self._feedback, BATCH))
        gone_on = list(islice(self._gone_on, BATCH))
        if not said and not gone_on:
            return False
        if not self._sender.send(Message(0, 0, [], [], said, gone_on).encoded()):
            return False
        for _ in said:
            self._feedback.popleft()
        for _ in gone_on:
            self._gone_on.popleft()
        return bool(self._feedback or self._gone_on)

    def _told(self, taken: list[Callable[[], TurnNote]]) -> list[TurnNote]:
        turns = []
        for tell in taken:
            try:
                turns.append(tell())
            except Exception as exc:  # of a hit that own code made up
                self._pipe += 1
                log.debug("a turn could not be told: %s", type(exc).__name__)
        return turns

    def _send(self, turns: list[TurnNote], events: list[EventNote]) -> bool:
        """Send some notes, in halves if they are too many bytes; False if there is no room."""
        message = Message(self._queue, self._pipe, turns, events)
        try:
            sent = self._sender.send(message.encoded())
        except OSError:
            return self._send_apart(turns, events)
        if sent:
            self._queue = self._pipe = 0
            self._events.clear()
        return sent

    def _send_apart(self, turns: list[TurnNote], events: list[EventNote]) -> bool:
        """Send what is too long for one datagram; what is too long alone is dropped."""
        if turns and events:
            return self._send([], events) and self._send(turns, [])
        if len(turns) > 1:
            half = len(turns) // 2
            return self._send(turns[:half], []) and self._send(turns[half:], [])
        if len(events) > 1:
            self._events.popleft()
            return self._send([], list(self._events))
        self._pipe += len(turns)
        self._events.clear()
        return True
