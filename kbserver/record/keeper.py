"""Keeps the writer alive: starts it, says what it says, and starts it again when it dies."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from kbserver.extras import require
from kbserver.record.channel import Channel, State
from kbserver.record.masking import masker
from kbserver.record.recorder import Recorder
from kbserver.record.writer import Options
from kbserver.settings import Settings

FIRST_PAUSE_S = 0.5
"""Before a writer that died is started again; doubled after each that dies soon."""

LAST_PAUSE_S = 60.0
_LOOK_S = 0.5
_LONG_S = 60.0  # a writer that lives so long begins with the first pause again
_STOP_S = 5.0

_SAID = {
    State.NOT_WRITABLE: "turns are not recorded: %s cannot be written; let the server write "
    'there, name another [record] folder, or say  [record] mode = "off"',
    State.NEWER: "turns are not recorded: the file in %s was written by a newer kbserver; it is "
    "left alone",
    State.DISK: "turns are not recorded: the disk of %s is full or fails; kbserver tries again",
}

_DAMAGED = (
    "the record in %s was damaged: it was set aside as record.sqlite.damaged-…, and a new one "
    "begun"
)

log = logging.getLogger("kbserver.record")


class Keeper:
    """One writer process for a channel, from `start` to `stop`."""

    def __init__(
        self,
        channel: Channel,
        options: Options,
        *,
        start: Callable[[list[str], tuple[int, ...]], subprocess.Popen[str]]
        | None = None,
        clock: Callable[[], float] = time.monotonic,
        look_s: float = _LOOK_S,
    ) -> None:
        """Start nothing yet.

        Args:
            start: starts a process with arguments and inherited descriptors.
            clock: monotonic seconds.
            look_s: between two looks at the process.
        """
        self._channel = channel
        self._options = options
        self._start = start or _started
        self._clock = clock
        self._look_s = look_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._keep, name="kbserver-record", daemon=True
        )
        self._process: subprocess.Popen[str] | None = None
        self._began = 0.0
        self._pause_s = FIRST_PAUSE_S
        self._state = State.STARTING
        self._set_aside = 0
        self._spans_sent = self._spans_lost = 0
        self._loses_spans = False

    @property
    def pid(self) -> int | None:
        """The writer's process; None while there is none."""
        if self._process is None or self._process.poll() is not None:
            return None
        return self._process.pid

    def start(self) -> None:
        """Start the writer, and watch it from a thread."""
        self._begin()
        self._thread.start()

    def stop(self) -> None:
        """Let the writer write what was sent, and end it."""
        self._stopping.set()
        self._thread.join()
        process = self._process
        if process is None:
            return
        self._let_go(process)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _keep(self) -> None:
        again_at: float | None = None
        while not self._stopping.wait(self._look_s):
            self._say_state()
            if self.pid is not None:
                continue
            if again_at is None:
                again_at = self._clock() + self._died()
            elif self._clock() >= again_at:
                self._begin()
                again_at = None

    def _begin(self) -> None:
        descriptors = self._channel.for_writer
        module = "kbserver.record.writer"
        numbers = [str(number) for number in descriptors]
        command = [
            sys.executable,
            "-P",
            "-m",
            module,
            *numbers,
            self._options.as_json(),
        ]
        self._began = self._clock()
        try:
            self._process = self._start([*command, str(os.getpid())], descriptors)
        except OSError as exc:  # no memory, no process
            self._process = None
            log.error("the writer of turns cannot be started: %s", exc)

    def _died(self) -> float:
        """Say that the writer died; return how long to wait for the next."""
        if self._clock() - self._began > _LONG_S:
            self._pause_s = FIRST_PAUSE_S
        pause_s = self._pause_s
        self._pause_s = min(2.0 * pause_s, LAST_PAUSE_S)
        code: int | None = None
        if self._process is not None:
            code = self._process.returncode
            self._let_go(self._process)
        log.error(
            "the writer of turns ended (exit code %s); started again in %.1f s; turns go on",
            code,
            pause_s,
        )
        return pause_s

    def _let_go(self, process: subprocess.Popen[str]) -> None:
        """End the input of a writer, and so the writer."""
        if process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()

    def _say_spans(self) -> None:
        """Say once that spans are lost, and once that they are taken again."""
        page = self._channel.page
        sent, lost = page["spans_sent"], page["spans_lost"]
        if lost > self._spans_lost and not self._loses_spans:
            log.error(
                "spans cannot be sent to %s; turns are recorded all the same",
                self._options.otlp,
            )
            self._loses_spans = True
        elif sent > self._spans_sent and self._loses_spans:
            log.info("spans are sent to %s again", self._options.otlp)
            self._loses_spans = False
        self._spans_sent, self._spans_lost = sent, lost

    def _say_state(self) -> None:
        """Say once what the page says of the writer."""
        page = self._channel.page
        self._say_spans()
        if page.set_aside != self._set_aside:
            self._set_aside = page.set_aside
            log.error(_DAMAGED, self._options.folder)
        state = page.state
        if state == self._state:
            return
        if state in _SAID:
            log.error(_SAID[state], self._options.folder)
        elif state == State.WRITING and self._state in _SAID:
            log.info("turns are recorded again in %s", self._options.folder)
        self._state = state


def options_of(settings: Settings) -> Options:
    """Return what the writer needs to know of the settings."""
    record = settings.record
    return Options(
        folder=str(settings.record_folder.absolute()),
        keep_days=record.keep_days,
        words_keep_days=record.words_keep_days,
        max_mb=record.max_mb,
        mask=record.mask,
        mask_with=record.mask_with,
        otlp=record.otlp,
    )


@contextmanager
def recording(settings: Settings) -> Iterator[Recorder | None]:
    """Record turns while the block runs: give what is yielded to `KBServer(listener=…)`.

    Raises:
        SettingsError: own code that masks cannot be imported.
        ExtraMissing: traces are wanted, and what sends them is not installed.

    Yields:
        None if the settings record nothing. A recorder can be given to processes being started.
    """
    if not settings.records:
        yield None
        return
    masker(settings.record.mask, settings.record.mask_with)  # an error shows here
    if settings.record.otlp is not None:
        require("otel", "[record] otlp")
    channel = Channel()
    keeper = Keeper(channel, options_of(settings))
    keeper.start()
    try:
        yield Recorder(channel.sender)
    finally:
        keeper.stop()
        channel.close()


def _started(command: list[str], descriptors: tuple[int, ...]) -> subprocess.Popen[str]:
    # Imports from where this process does, and not from the working directory.
    path = os.pathsep.join(filter(None, sys.path))
    return subprocess.Popen(  # noqa: S603  # our own module
        command,
        pass_fds=descriptors,
        stdin=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": path},
        text=True,
    )
