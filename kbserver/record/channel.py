"""What a server's processes and the one writer share: a socket for notes, a page of numbers.

Several processes send datagrams into one socket, which stays open while the writer is restarted:
what waits in it is not lost. The page of numbers is the writer's to change, and anyone's to read.
"""

from __future__ import annotations

import errno
import mmap
import os
import pickle  # between our own processes, over a socket pair that has no name
import socket
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import IntEnum
from multiprocessing import reduction
from typing import Any, Literal, NamedTuple, TypeAlias

from kbserver.notes import (
    CandidateNote,
    EventNote,
    FeedbackNote,
    SearchNote,
    TurnNote,
    WordsNote,
)

_SOCKET_BYTES = 1 << 20  # asked for; Linux gives some 400 KB
_PAGE_BYTES = mmap.PAGESIZE
LONGEST = 1 << 20
"""Bytes of a datagram; the system's own limit is lower."""

Number: TypeAlias = Literal[
    "state", "received", "written", "queue", "pipe", "disk", "down", "bytes", "lag_ms",
    "spans_sent", "spans_lost", "taking", "received_then",
]  # fmt: skip
_PLACES: dict[Number, int] = {
    "state": 0,
    "received": 1,
    "written": 2,
    "queue": 3,
    "pipe": 4,
    "disk": 5,
    "down": 6,
    "bytes": 7,
    "lag_ms": 8,
    "spans_sent": 10,
    "spans_lost": 11,
    "taking": 12,
    "received_then": 13,
}
_SET_ASIDE = 9


class State(IntEnum):
    """What the writer is doing; a row of the page."""

    STARTING = 0
    WRITING = 1
    NOT_WRITABLE = 2
    """The folder cannot be written: nothing is recorded."""
    NEWER = 3
    """A newer kbserver wrote the file: nothing is recorded."""
    DISK = 4
    """The disk is full or fails: what comes is dropped until it can be written again."""


class Page:
    """Some 64-bit numbers in memory that processes share."""

    def __init__(self, descriptor: int) -> None:
        """Map an open file of a page's size; the descriptor stays the caller's."""
        self._memory = mmap.mmap(descriptor, _PAGE_BYTES)
        self._numbers = memoryview(self._memory).cast("q")

    def __getitem__(self, name: Number) -> int:
        return int(self._numbers[_PLACES[name]])

    def __setitem__(self, name: Number, value: int) -> None:
        self._numbers[_PLACES[name]] = value

    @property
    def state(self) -> State:
        """What the writer is doing."""
        return State(self["state"])

    @property
    def set_aside(self) -> int:
        """How many damaged files the writer has set aside."""
        return int(self._numbers[_SET_ASIDE])

    def one_set_aside(self) -> None:
        """Count a damaged file."""
        self._numbers[_SET_ASIDE] += 1

    @property
    def in_hand(self) -> int:
        """Turns that the writer took and has neither written nor given up."""
        return self["received"] - self["written"] - self["disk"] - self["down"]


class Message(NamedTuple):
    """One datagram."""

    queue: int
    """Turns that the sender dropped since its last message, for want of room."""
    pipe: int
    """The same of turns that could not be sent."""
    turns: Sequence[TurnNote]
    events: Sequence[EventNote]
    feedback: Sequence[FeedbackNote] = ()
    gone_on: Sequence[str] = ()
    """Ids of turns whose words went on."""

    def encoded(self) -> bytes:
        """Return the message as bytes."""
        turns = [_plain(turn) for turn in self.turns]
        events = [tuple(event) for event in self.events]
        feedback = [tuple(note) for note in self.feedback]
        gone_on = list(self.gone_on)
        values = (self.queue, self.pipe, turns, events, feedback, gone_on)
        return pickle.dumps(values, protocol=5)

    @classmethod
    def decoded(cls, data: bytes) -> Message:
        """Read what `encoded` wrote."""
        values = pickle.loads(data)  # noqa: S301  # our own
        queue, pipe, turns, events, feedback, gone_on = values
        return cls(
            queue,
            pipe,
            [_turn(turn) for turn in turns],
            [EventNote(*event) for event in events],
            tuple(FeedbackNote(*note) for note in feedback),
            tuple(gone_on),
        )


class Sender:
    """The end of a server's process. Can be given to a process that is being started."""

    def __init__(self, end: socket.socket, page: int) -> None:
        """Take the socket and the descriptor of the page's file; both stay the channel's."""
        self._end = end
        self._descriptor = page
        self.page = Page(page)

    def send(self, data: bytes) -> bool:
        """Send a datagram; return False if there is no room for it now.

        Raises:
            OSError: it cannot be sent at all, as one that is too long.
        """
        if len(data) > LONGEST:
            raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
        try:
            self._end.send(data, socket.MSG_DONTWAIT)
        except (BlockingIOError, ConnectionError):
            return False
        except OSError as exc:
            if exc.errno == errno.ENOBUFS:
                return False
            raise
        return True

    def __reduce__(self) -> tuple[Callable[..., Sender], tuple[Any, ...]]:
        """Send both descriptors along to a process that is being started."""
        return _sender, (self._end, reduction.DupFd(self._descriptor))


class Channel:
    """Makes and owns both ends and the page. A context manager."""

    def __init__(self) -> None:
        self._to, self._from = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with suppress(OSError):
            self._to.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BYTES)
        with suppress(OSError):
            self._from.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BYTES)
        self._file = tempfile.TemporaryFile()
        self._file.truncate(_PAGE_BYTES)
        self.sender = Sender(self._to, self._file.fileno())
        self.page = self.sender.page

    @property
    def for_writer(self) -> tuple[int, int]:
        """The descriptors that the writer inherits: socket and page."""
        return self._from.fileno(), self._file.fileno()

    def close(self) -> None:
        """Close both ends; what waits in the socket is lost."""
        self._to.close()
        self._from.close()
        self._file.close()


def _sender(end: socket.socket, page: Any) -> Sender:
    return Sender(end, page.detach())


def _plain(turn: TurnNote) -> tuple[Any, ...]:
    words: tuple[Any, ...] | None = None
    if turn.words is not None:
        words = tuple(turn.words)
    searches = [tuple(search) for search in turn.searches]
    candidates = [tuple(candidate) for candidate in turn.candidates]
    return (*turn[:-3], searches, candidates, words)


def _turn(values: tuple[Any, ...]) -> TurnNote:
    *first, searches, candidates, words = values
    said: WordsNote | None = None
    if words is not None:
        said = WordsNote(*words)
    searched = tuple(SearchNote(*search) for search in searches)
    found = tuple(CandidateNote(*candidate) for candidate in candidates)
    return TurnNote._make((*first, searched, found, said))
