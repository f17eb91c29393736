"""The one process that writes the record: python -m kbserver.record.writer, started by `keeper`.

It reads notes from the server's socket in a thread, so that senders find room while it waits for
the disk, and writes them twice a second. It ends when its standard input does, or its parent.
"""

from __future__ import annotations

import json
import os
import queue
import secrets
import signal
import socket
import sqlite3
import sys
import threading
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from kbserver.errors import StoreError
from kbserver.notes import EventNote, FeedbackNote, TurnNote
from kbserver.record.channel import LONGEST, Message, Page, State
from kbserver.record.database import (
    NewerFile,
    call_of,
    key_of,
    open_for_writing,
    set_aside,
)
from kbserver.record.masking import masker
from kbserver.record.retention import prune, size_of
from kbserver.record.rows import Rows

if TYPE_CHECKING:
    from kbserver.record.otel import SpanSender

WRITE_S = 0.5
"""Between two transactions: so much is lost if the process is killed."""

MOST_IN_HAND = 20_000
"""Turns that are read and not written; then senders find no room."""

SPANS_S = 2.0
"""At the end, for spans that wait to be sent."""

PRUNE_S = 3_600.0
TRY_AGAIN_S = 30.0
"""After the folder could not be written."""

_NICE = 10
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_NOT_WRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Options:
    """What the writer is started with."""

    folder: str
    keep_days: float
    words_keep_days: float
    max_mb: float
    mask: tuple[str, ...]
    mask_with: str | None
    otlp: str | None = None

    def as_json(self) -> str:
        """Return the options as an argument of the process."""
        return json.dumps(asdict(self))


class Writer:
    """Writes notes into the record of one folder, whatever becomes of it."""

    def __init__(
        self,
        options: Options,
        page: Page,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open nothing yet.

        Args:
            page: of which this is the only writer.
            clock: seconds since the epoch.
            monotonic: seconds; decides when something is done again.

        Raises:
            SettingsError: own code that masks cannot be imported.
        """
        self._options = options
        self._folder = Path(options.folder)
        self._page = page
        self._clock = clock
        self._monotonic = monotonic
        self._mask = masker(options.mask, options.mask_with)
        self._connection: sqlite3.Connection | None = None
        self._rows: Rows | None = None
        self._again_at = 0.0
        self._prune_at = 0.0

    def spans(self) -> SpanSender | None:
        """Return what sends turns to a receiver of traces; None if none is named."""
        if self._options.otlp is None:
            return None
        # Imports what only an extra brings, and 20 MB of it.
        from kbserver.record.otel import Spans, SpanSender

        try:
            key = key_of(self._folder)
        except (OSError, StoreError):  # then turns of a call cannot be told to be one
            key = secrets.token_bytes(32)
        spans = Spans(mask=self._mask, call_of=lambda label: call_of(label, key))
        return SpanSender(spans, self._page, self._options.otlp)

    def write(self, messages: list[Message]) -> None:
        """Write some messages. What cannot be written is counted, and given up."""
        turns = [turn for message in messages for turn in message.turns]
        events = [event for message in messages for event in message.events]
        feedback = [note for message in messages for note in message.feedback]
        gone_on = [turn for message in messages for turn in message.gone_on]
        for message in messages:
            self._page["queue"] += message.queue
            self._page["pipe"] += message.pipe
        if self._monotonic() < self._again_at:
            self._page["disk"] += len(turns)
            return

        def add() -> None:
            self._add(turns, events, feedback, gone_on)

        written = self._guarded(add)
        if written is None:  # a damaged file was set aside
            written = self._guarded(add)
        if not written:
            self._page["disk"] += len(turns)
            return
        self._page["written"] += len(turns)
        if turns:
            oldest = min(turn.at for turn in turns)
            self._page["lag_ms"] = max(0, int((self._clock() - oldest) * 1000.0))

    def prune(self) -> None:
        """Remove what is too old or too much, if it is time."""
        now_s = self._monotonic()
        if now_s < max(self._prune_at, self._again_at):
            return
        self._prune_at = now_s + PRUNE_S
        self._guarded(self._prune)

    def close(self) -> None:
        """Let the file go."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._rows = None

    def _add(
        self,
        turns: list[TurnNote],
        events: list[EventNote],
        feedback: list[FeedbackNote],
        gone_on: list[str],
    ) -> None:
        connection, rows = self._opened()
        rows.add(turns, events, feedback, gone_on)
        self._page["bytes"] = size_of(connection)
        if self._page["bytes"] > self._options.max_mb * 1e6:
            self._prune_at = 0.0

    def _prune(self) -> None:
        connection, rows = self._opened()
        prune(
            connection,
            now_s=self._clock(),
            keep_days=self._options.keep_days,
            words_keep_days=self._options.words_keep_days,
            max_mb=self._options.max_mb,
        )
        rows.renew()
        self._page["bytes"] = size_of(connection)

    def _opened(self) -> tuple[sqlite3.Connection, Rows]:
        if self._connection is None or self._rows is None:
            self._connection = open_for_writing(self._folder)
            key = key_of(self._folder)
            self._rows = Rows(self._connection, key=key, mask=self._mask)
        return self._connection, self._rows

    def _guarded(self, work: Callable[[], None]) -> bool | None:
        """Do some work on the file.

        Returns:
            Whether it was done; None if the file was damaged, and is set aside now.
        """
        try:
            work()
        except Exception as exc:
            return self._failed(exc)
        self._page["state"] = State.WRITING
        return True

    def _failed(self, error: Exception) -> bool | None:
        """Say on the page what keeps the file from being written; set a damaged one aside."""
        self.close()
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        state = State.DISK
        if code in _DAMAGED:
            with suppress(OSError):
                set_aside(self._folder)
                self._page.one_set_aside()
                return None
        if code in _NOT_WRITABLE or isinstance(error, PermissionError):
            state = State.NOT_WRITABLE
        elif isinstance(error, OSError) and not isinstance(error, sqlite3.Error):
            state = State.NOT_WRITABLE
        if isinstance(error, NewerFile):
            state = State.NEWER
        self._page["state"] = state
        pause_s = TRY_AGAIN_S
        if state == State.DISK:
            pause_s = 1.0
        self._again_at = self._monotonic() + pause_s
        return False


def read_forever(
    end: socket.socket, page: Page, messages: queue.Queue[Message]
) -> None:
    """Read messages into a queue until the socket is closed; wait while it holds many turns."""
    while True:
        try:
            data = end.recv(LONGEST, socket.MSG_PEEK)
            message = taken(data, end, page)
        except OSError:
            return
        if message is not None:
            messages.put(message)


def taken(data: bytes, end: socket.socket, page: Page) -> Message | None:
    """Take the datagram that waits first, and count its turns.

    The page says beforehand what is taken, so that `count_lost` can count it, too, if this process
    is killed between two of the steps.

    Args:
        data: that datagram.

    Returns:
        None if it is cut short, as of a sender that was killed.

    Raises:
        OSError: the socket is closed.
    """
    message: Message | None = None
    with suppress(Exception):
        message = Message.decoded(data)
    turns = 0
    if message is not None:
        turns = len(message.turns)
    page["received_then"] = page["received"] + turns
    page["taking"] = _mark(data)
    end.recv(1)  # the rest of a datagram goes with its first byte
    page["received"] = page["received_then"]
    page["taking"] = 0
    return message


def count_lost(end: socket.socket, page: Page) -> None:
    """Count what a writer before, which was killed, took and neither wrote nor gave up."""
    if page["taking"]:
        waiting = b""
        with suppress(BlockingIOError):
            waiting = end.recv(LONGEST, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        if _mark(waiting) != page["taking"]:
            page["received"] = page["received_then"]
        page["taking"] = 0
    page["down"] += page.in_hand


def _mark(data: bytes) -> int:
    """Return a number by which a datagram is told from the one behind it; never 0."""
    return zlib.crc32(data) + 1


def run(
    end: socket.socket,
    page: Page,
    options: Options,
    *,
    stopping: threading.Event,
    parent: int,
) -> None:
    """Write what comes in until it is told to stop, or the parent is gone."""
    count_lost(end, page)
    writer = Writer(options, page)
    messages: queue.Queue[Message] = queue.Queue(MOST_IN_HAND // 32)
    reading = threading.Thread(
        target=read_forever, args=(end, page, messages), daemon=True
    )
    writer.write([])  # opens the file, so that the page says what is wrong with it
    spans = writer.spans()
    reading.start()
    while True:
        last = stopping.wait(WRITE_S) or os.getppid() != parent
        if last:
            time.sleep(WRITE_S / 5.0)  # what was sent before the end is still read
        waiting = drained(messages)
        if waiting:
            writer.write(waiting)
        if waiting and spans is not None:
            spans.take([turn for message in waiting for turn in message.turns])
        writer.prune()
        if last:
            break
    if spans is not None:
        spans.close(SPANS_S)
    writer.close()


def drained(messages: queue.Queue[T]) -> list[T]:
    """Take everything out of a queue without waiting."""
    taken = []
    while True:
        try:
            taken.append(messages.get_nowait())
        except queue.Empty:
            return taken


def _wait_for_end(stopping: threading.Event) -> None:
    sys.stdin.read()
    stopping.set()


def main() -> None:
    """Run as `keeper` starts it: descriptors of socket and page, the options, the parent."""
    _, socket_number, page_number, options_json, parent = sys.argv
    stopping = threading.Event()
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):  # the server's
        signal.signal(ignored, signal.SIG_IGN)
    ending = threading.Thread(target=_wait_for_end, args=(stopping,), daemon=True)
    ending.start()
    os.nice(_NICE)
    options = Options(**json.loads(options_json))
    end = socket.socket(fileno=int(socket_number))
    end.setblocking(True)
    page = Page(int(page_number))
    run(end, page, options, stopping=stopping, parent=int(parent))


if __name__ == "__main__":
    main()
