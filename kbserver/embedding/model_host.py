"""Keeps one warm model in charge: opens it, swaps it, watches it, replaces it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from threading import Thread

from kbserver.embedding.base import Encoder
from kbserver.embedding.worker_pool import (
    Batch,
    Clock,
    Deliver,
    EmbeddingThread,
    Failure,
    NoVector,
    Outcome,
    WorkerPool,
)
from kbserver.errors import EmbedderUnavailable, KbServerError

MOST_ABANDONED = 8
"""Hung threads alive at most: a model that hangs this often gets no further ones."""

_FAILURES_BEFORE_REOPENING = 3
_REOPENING_PAUSE_S = 10.0  # between openings of a model that opens well and then fails
_FIRST_RETRY_S = 1.0  # after an opening that failed; doubled each time
_LAST_RETRY_S = 30.0
_CHECKS_PER_HANG_LIMIT = 4
_LEAVING_POLL_S = 0.005

log = logging.getLogger("kbserver.embedding")

OpenEncoder = Callable[[], Encoder]
"""Opens a model; called in a thread of its own, again after a failure."""


class ModelHost:
    """The model in charge of an event loop's queries, and the threads it runs in.

    A model that cannot be opened is tried again, with growing pauses. One that fails
    several times in a row or hangs is opened anew; the old one answers meanwhile. Every
    method is for the event loop's thread.
    """

    def __init__(
        self,
        open_encoder: OpenEncoder,
        *,
        take: Deliver,
        workers: int | None = None,
        hang_limit_s: float = 2.0,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Make a host; `open` opens its model.

        Args:
            open_encoder: opens the model.
            take: called in the event loop's thread with each outcome and its pool.
            workers: threads that run the model side by side; None: one a core.
            hang_limit_s: a call that lasts longer is given up, and its thread replaced.
            clock: times the model's calls and the pauses between reopenings.
            sleep: waits before a failed opening is tried again.
        """
        self.pool: WorkerPool | None = None
        """The model in charge; None while there is none."""
        self.why_none = NoVector("loading")
        """Why there is no model in charge."""
        self.hung = 0
        """Times that threads were found hung and replaced."""
        self.reopened = 0
        """Times the model was opened again because it failed or hung."""
        self._open_encoder = open_encoder
        self._take = take
        self._workers = workers
        self._hang_limit_s = hang_limit_s
        self._clock = clock
        self._sleep = sleep
        self._loop: asyncio.AbstractEventLoop | None = None
        self._retired: list[WorkerPool] = []
        self._abandoned: list[EmbeddingThread] = []
        self._tried = asyncio.Event()  # an opening has succeeded or failed
        self._error: Exception | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._openers: list[Thread] = []
        self._opening = False
        self._failures = 0
        self._reopened_at = float("-inf")
        self._closed = False

    @property
    def pools(self) -> list[WorkerPool]:
        """Every model that may still have jobs: the one in charge first."""
        if self.pool is None:
            return list(self._retired)
        return [self.pool, *self._retired]

    def open(self) -> None:
        """Begin to open the model, in the background. Calling it again does nothing."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._in_background(self._open_until_it_works())
            self._in_background(self._watch())

    async def until_ready(self) -> None:
        """Wait until the model is warm.

        Raises:
            KbServerError: it could not be opened; opening goes on being tried.
        """
        await self._tried.wait()
        if self.pool is not None:
            return
        if isinstance(self._error, KbServerError):
            raise self._error
        raise EmbedderUnavailable(*self.why_none)

    async def swap(self, open_encoder: OpenEncoder) -> None:
        """Open and warm another model, then put it in charge; until then the old one answers.

        Raises:
            KbServerError: it cannot be opened, and the old one stays; or the host was closed.
        """
        pool = await self._opened(open_encoder)
        if self._closed:
            pool.retire()
            raise EmbedderUnavailable(*self.why_none)
        self._open_encoder = open_encoder
        self._put_in_charge(pool)

    async def close(self) -> None:
        """Stop the threads and close the model; wait for a hung call no longer than its limit."""
        self._closed = True
        self.why_none = NoVector("failed", "closed")
        self._error = None
        self._tried.set()
        for task in self._tasks:
            task.cancel()
        # A thread inside a model's native code at the process's end brings the process down.
        working: list[Thread] = list(self._openers)
        pool, self.pool = self.pool, None
        if pool is not None:
            pool.retire()
            working += pool.workers
        with suppress(TimeoutError):
            async with asyncio.timeout(self._hang_limit_s):
                while any(thread.is_alive() for thread in working):
                    await asyncio.sleep(_LEAVING_POLL_S)

    def _deliver(self, pool: WorkerPool, outcome: Outcome) -> None:
        """Take an outcome from a worker's thread to the event loop's: one wake-up for each call."""
        if self._loop is not None:
            _call_soon(self._loop, self._delivered, pool, outcome)

    def _delivered(self, pool: WorkerPool, outcome: Outcome) -> None:
        self._take(pool, outcome)
        if pool is not self.pool:
            return
        if isinstance(outcome, Batch):
            self._failures = 0
        elif isinstance(outcome, Failure):
            self._failures += 1
            if self._failures >= _FAILURES_BEFORE_REOPENING:
                self._reopen(outcome.detail)

    async def _watch(self) -> None:
        """Replace threads that hang, and open the model again where one did."""
        while True:
            await asyncio.sleep(self._hang_limit_s / _CHECKS_PER_HANG_LIMIT)
            self._retired = [pool for pool in self._retired if not pool.gone]
            for pool in self.pools:
                self._replace_hung(pool)

    def _replace_hung(self, pool: WorkerPool) -> None:
        hung = pool.dismiss_hung(self._hang_limit_s)
        self._abandoned += hung
        self._abandoned = [thread for thread in self._abandoned if thread.is_alive()]
        if len(self._abandoned) < MOST_ABANDONED:
            pool.hire()
        lost = [job for thread in hung for job in thread.jobs]
        if not lost:
            return
        self.hung += 1
        self._take(pool, Failure(lost, "the model hung"))
        if pool is self.pool:
            self._reopen(f"it hung for {self._hang_limit_s:g} s")

    def _reopen(self, why: str) -> None:
        """Open the model in charge again, unless that is under way or was done a moment ago."""
        now = self._clock()
        too_soon = now - self._reopened_at < _REOPENING_PAUSE_S
        if self._opening or too_soon or len(self._abandoned) >= MOST_ABANDONED:
            return
        log.warning("the embedding model is opened again: %s", why)
        self._reopened_at = now
        self.reopened += 1
        self._in_background(self._open_until_it_works())

    async def _open_until_it_works(self) -> None:
        """Open the model, however many attempts that takes, and put it in charge."""
        self._opening = True
        pause_s = _FIRST_RETRY_S
        while True:
            try:
                pool = await self._opened(self._open_encoder)
            except Exception as exc:
                # Whatever a model raises, the host must outlive it.
                self._note_failed_opening(exc)
            else:
                self._put_in_charge(pool)
                break
            await self._sleep(pause_s)
            pause_s = min(2.0 * pause_s, _LAST_RETRY_S)
        self._opening = False

    def _note_failed_opening(self, error: Exception) -> None:
        if str(error) != str(self._error):
            log.error("the embedding model cannot be opened: %s", error)
        self._error = error
        self.why_none = NoVector("failed", str(error))
        self._tried.set()

    async def _opened(self, open_encoder: OpenEncoder) -> WorkerPool:
        """Open and warm a model in a thread of its own.

        That thread is a daemon, so that an opening that hangs does not keep the process alive.
        """
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[WorkerPool] = loop.create_future()

        def open_it() -> None:
            try:
                pool = self._pool_of(open_encoder())
            except BaseException as exc:
                _call_soon(loop, _fail, opened, exc)
            else:
                _call_soon(loop, _succeed, opened, pool)

        opener = Thread(target=open_it, name="kbserver-open-model", daemon=True)
        self._openers = [thread for thread in self._openers if thread.is_alive()]
        self._openers.append(opener)
        opener.start()
        try:
            return await opened
        except asyncio.CancelledError:
            _retire_if_open(opened)
            raise

    def _pool_of(self, encoder: Encoder) -> WorkerPool:
        try:
            return WorkerPool(
                encoder,
                workers=self._workers,
                deliver=self._deliver,
                clock=self._clock,
            )
        except BaseException:
            encoder.close()
            raise

    def _put_in_charge(self, pool: WorkerPool) -> None:
        old, self.pool = self.pool, pool
        self._failures = 0
        self._error = None
        self._tried.set()
        if old is not None:
            old.retire()
            self._retired.append(old)

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _succeed(opened: asyncio.Future[WorkerPool], pool: WorkerPool) -> None:
    if opened.done():  # the host was closed meanwhile
        pool.retire()
    else:
        opened.set_result(pool)


def _retire_if_open(opened: asyncio.Future[WorkerPool]) -> None:
    """Let go of a model that was open when its opening was cancelled."""
    if not opened.cancelled() and opened.exception() is None:
        opened.result().retire()


def _fail(opened: asyncio.Future[WorkerPool], error: BaseException) -> None:
    if opened.done():
        return
    # SystemExit in a future would end the event loop.
    if not isinstance(error, Exception):
        error = RuntimeError(repr(error))
    opened.set_exception(error)


def _call_soon(
    loop: asyncio.AbstractEventLoop, function: Callable[..., None], *arguments: object
) -> None:
    """Call in the event loop's thread; do nothing if the loop is gone, for nothing waits then."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(function, *arguments)
