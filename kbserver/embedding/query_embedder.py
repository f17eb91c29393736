"""The embedder of queries that stays calm: it answers in time, or says at once that it cannot."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from threading import Thread

from kbserver.deadline import Deadline
from kbserver.embedding.base import Encoder
from kbserver.embedding.vector_cache import VectorCache
from kbserver.embedding.worker_pool import (
    MOST_LEFT_BEHIND,
    Job,
    NoVector,
    VectorOrReason,
    Waiter,
    Worker,
    WorkerPool,
)
from kbserver.errors import EmbedderUnavailable, KbServerError
from kbserver.types import FloatVector, ModelIdentity, Unavailability

QUEUE_LIMIT = 256
"""Texts queued or being embedded: above what any budget lets through, so that memory is bounded whatever comes."""

CACHED_VECTORS = 4096
"""6 MB at 384 dimensions."""

_SAFETY = 1.1  # what a job is expected to take, times this, must fit into the budget
_FAILURES_BEFORE_REOPENING = 3
_REOPENING_PAUSE_S = (
    10.0  # between two openings of a model that opens well and then fails
)
_FIRST_RETRY_S, _LAST_RETRY_S = (
    1.0,
    30.0,
)  # between openings that fail, doubled each time

log = logging.getLogger("kbserver.embedding")


@dataclass
class EmbedderStats:
    """What an embedder has done since it was made. Counts only grow."""

    embedded: int = 0
    """Texts the model was run on."""
    cache_hits: int = 0
    joined: int = 0
    """Calls answered by a text already in flight for another."""
    dropped: int = 0
    """Texts whose last waiter had left before the work on them began."""
    refused: Counter[Unavailability] = field(default_factory=Counter)
    """Calls that got no vector, by reason."""
    hung: int = 0
    """Times a worker was found hung and replaced."""
    reopened: int = 0
    """Times the model was opened again because it failed or hung."""


class QueryEmbedder:
    """Embeds queries for an event loop, never blocking it: one bounded queue, worker threads, an exact cache.

    Every call ends by its deadline, with a vector or with `EmbedderUnavailable`:

        loading   the model is not open yet
        busy      by what calls usually take, this one would not be done in time; no work is spent on it
        late      the deadline came first; no work is begun for those who have left
        failed    the model raised, returned NaN, hung or cannot be opened; it is opened again by itself

    Vectors are those of the model in charge when `embed` is called: compare `identity` with the snapshot's
    right before the call, without an `await` between.
    """

    def __init__(
        self,
        open_encoder: Callable[[], Encoder],
        *,
        workers: int | None = None,
        queue_limit: int = QUEUE_LIMIT,
        cached_vectors: int = CACHED_VECTORS,
        hang_limit_s: float = 2.0,
        on_call: Callable[[float], None] | None = None,
    ) -> None:
        """Make an embedder; `open` opens its model.

        Args:
            open_encoder: opens the model; called in a thread of its own, again after a failure.
            workers: threads that run the model side by side; None: one a core.
            queue_limit: texts queued or being embedded at most.
            cached_vectors: query vectors kept, the least recently used goes first; 0 keeps none.
            hang_limit_s: a call longer than this is given up, and its worker replaced.
            on_call: called in the event loop with the seconds each call of the model took.
        """
        self.stats = EmbedderStats()
        self._open_encoder = open_encoder
        self._workers = workers
        self._queue_limit = queue_limit
        self._cache = VectorCache(cached_vectors)
        self._hang_limit_s = hang_limit_s
        self._on_call = on_call
        self._loop: asyncio.AbstractEventLoop | None = None
        self._crew: WorkerPool | None = None
        self._retired: list[WorkerPool] = []
        self._left_behind: list[Worker] = []
        self._trouble: Exception | None = None
        self._settled = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._openers: list[Thread] = []
        self._opening = False
        self._failures = 0
        self._reopened_at = float("-inf")
        self._closed = False

    @property
    def ready(self) -> bool:
        """Whether a model is open and warm."""
        return self._crew is not None

    @property
    def identity(self) -> ModelIdentity | None:
        """The model in charge; None while there is none."""
        return self._crew.encoder.identity if self._crew else None

    @property
    def backend(self) -> str:
        """How the model runs, for people; empty while there is none."""
        return self._crew.encoder.backend if self._crew else ""

    @property
    def queue_length(self) -> int:
        """Texts queued or being embedded."""
        return len(self._crew.in_flight) if self._crew else 0

    @property
    def call_ms(self) -> float:
        """Milliseconds a call of the model usually takes; 0 while there is none."""
        return self._crew.call_s * 1000.0 if self._crew else 0.0

    async def open(self) -> None:
        """Begin to open the model, in the background; calls are answered `loading` until it is warm."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._background(self._keep_opening())
            self._background(self._watch())

    async def until_ready(self) -> None:
        """Wait until the model is warm.

        Raises:
            KbServerError: it could not be opened; opening goes on being tried.
        """
        await self._settled.wait()
        if self._crew is None:
            raise (
                self._trouble
                if isinstance(self._trouble, KbServerError)
                else EmbedderUnavailable(*self._refusal())
            )

    async def embed(self, text: str, deadline: Deadline) -> FloatVector:
        """Return the unit vector of one query, shape (dim,), float32, read-only, before the deadline.

        Raises:
            EmbedderUnavailable: there is none in time; `reason` is busy, late, loading or failed.
        """
        outcome = await self.start(text, deadline)
        if isinstance(outcome, NoVector):
            raise EmbedderUnavailable(*outcome)
        return outcome

    def start(
        self,
        text: str,
        deadline: Deadline,
        *,
        go_on: Callable[[FloatVector], None] | None = None,
    ) -> asyncio.Future[VectorOrReason]:
        """Ask for the vector of one query, or why there is none; the answer may be there on return, and is by the deadline.

        Args:
            text: the query.
            deadline: when whoever asks goes on without it.
            go_on: told the vector in the thread that made it, as soon as it is there, so that nobody waits for the event
                loop to come round; never if the answer is there on return. It must be quick and raise nothing.
        """
        answer: asyncio.Future[VectorOrReason] = (
            asyncio.get_running_loop().create_future()
        )
        crew = self._crew
        known = (
            self._refusal()
            if crew is None
            else self._known_at_once(crew, text, deadline)
        )
        if known is not None:
            answer.set_result(known)
            self._count(known)
        if crew is None or known is not None:
            return answer
        waiter = Waiter(answer, deadline, go_on)
        if job := crew.in_flight.get(text):
            self.stats.joined += 1
            job.waiters.append(waiter)
        else:
            crew.submit(Job(text, [waiter]))
        left_s = max(0.0, deadline.remaining_ms() / 1000.0)
        timer = answer.get_loop().call_later(
            left_s, _answer_one, answer, NoVector("late")
        )
        answer.add_done_callback(partial(self._answered, timer))
        return answer

    async def swap(self, open_encoder: Callable[[], Encoder]) -> None:
        """Open and warm another model, then put it in charge; until then the old one answers.

        Raises:
            KbServerError: it cannot be opened; the old one stays.
        """
        crew = await self._opened(open_encoder)
        self._open_encoder = open_encoder
        self._put_in_charge(crew)

    async def close(self) -> None:
        """Answer everyone who waits with `failed`, stop the threads and close the model."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        crew, self._crew = self._crew, None
        self._trouble = EmbedderUnavailable("failed", "closed")
        self._settled.set()
        working = list(
            self._openers
        )  # a thread inside a model's native code at the process's end brings it down
        if crew is not None:
            for job in list(crew.in_flight.values()):
                _answer_all(job, NoVector("failed", "closed"))
            crew.retire()
            working += crew.workers
        patience = time.monotonic() + self._hang_limit_s
        while (
            any(thread.is_alive() for thread in working) and time.monotonic() < patience
        ):
            await asyncio.sleep(0.005)

    def _known_at_once(
        self, crew: WorkerPool, text: str, deadline: Deadline
    ) -> VectorOrReason | None:
        """The vector if it is kept, why the text is not let in, or None: it is worked on already, or will be."""
        vector = self._cache.get(crew.encoder.identity.fingerprint, text)
        if vector is not None:
            self.stats.cache_hits += 1
            return vector
        return None if text in crew.in_flight else self._why_not(crew, deadline)

    def _answered(
        self, timer: asyncio.TimerHandle, answer: asyncio.Future[VectorOrReason]
    ) -> None:
        timer.cancel()
        if not answer.cancelled():
            self._count(answer.result())

    def _count(self, answer: VectorOrReason) -> None:
        if isinstance(answer, NoVector):
            self.stats.refused[answer.reason] += 1

    def _why_not(self, crew: WorkerPool, deadline: Deadline) -> NoVector | None:
        """Say why a text is not let in, or None.

        An idle worker takes whatever comes: so a model that was slow for a while is found to be fast again.
        """
        left_ms = deadline.remaining_ms()
        if left_ms <= 0.0:
            return NoVector("late", "no budget left")
        if len(crew.in_flight) >= self._queue_limit:
            return NoVector("busy", f"{self._queue_limit} texts are waiting")
        if crew.has_idle_worker:
            return None
        expected_ms = crew.expected_s() * 1000.0
        if expected_ms * _SAFETY <= left_ms:
            return None
        return NoVector("busy", f"{expected_ms:.0f} ms expected, {left_ms:.0f} ms left")

    def _refusal(self) -> NoVector:
        if self._trouble is None:
            return NoVector("loading")
        return NoVector("failed", str(self._trouble))

    def _delivered(
        self,
        crew: WorkerPool,
        jobs: list[Job],
        outcome: list[FloatVector] | NoVector | None,
        took_s: float,
    ) -> None:
        """Take what a worker brought; in the event loop's thread."""
        if outcome is None:
            for job in jobs:
                if (
                    job.wanted
                ):  # someone with more time joined while it was being put aside
                    crew.submit(job)
                else:
                    self.stats.dropped += 1
                    self._finish(
                        crew, job, NoVector("late", "the work was not begun in time")
                    )
        elif isinstance(outcome, NoVector):
            for job in jobs:
                self._finish(crew, job, outcome)
            self._failures += 1
            if self._failures >= _FAILURES_BEFORE_REOPENING:
                self._reopen(crew, outcome.detail)
        else:
            self._failures = 0
            self.stats.embedded += len(jobs)
            model = crew.encoder.identity.fingerprint
            for job, vector in zip(jobs, outcome, strict=True):
                job.tell(vector)
                self._cache.put(model, job.text, vector)
                self._finish(crew, job, vector)
            if self._on_call is not None:
                self._on_call(took_s)

    def _finish(self, crew: WorkerPool, job: Job, answer: VectorOrReason) -> None:
        if crew.in_flight.get(job.text) is job:
            del crew.in_flight[job.text]
        _answer_all(job, answer)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._hang_limit_s / 4.0)
            self._retired = [crew for crew in self._retired if not crew.gone]
            for crew in filter(None, (self._crew, *self._retired)):
                if lost := crew.replace_hung(self._hang_limit_s):
                    self.stats.hung += 1
                    for job in lost:
                        self._finish(crew, job, NoVector("failed", "the model hung"))
                    self._reopen(crew, f"it hung for {self._hang_limit_s:g} s")

    def _reopen(self, crew: WorkerPool, why: str) -> None:
        now = time.monotonic()
        too_soon = (
            now - self._reopened_at < _REOPENING_PAUSE_S
            or len(self._left_behind) >= MOST_LEFT_BEHIND
        )
        if self._opening or crew is not self._crew or too_soon:
            return
        log.warning("the embedding model is opened again: %s", why)
        self._reopened_at = now
        self.stats.reopened += 1
        self._background(self._keep_opening())

    async def _keep_opening(self) -> None:
        """Open the model, however often it takes, and put it in charge."""
        self._opening = True
        pause_s = _FIRST_RETRY_S
        while True:
            try:
                self._put_in_charge(await self._opened(self._open_encoder))
                break
            except (
                Exception
            ) as exc:  # whatever a model raises, the embedder must outlive it
                if str(exc) != str(self._trouble):
                    log.error("the embedding model cannot be opened: %s", exc)
                self._trouble = exc
                self._settled.set()
            await asyncio.sleep(pause_s)
            pause_s = min(2.0 * pause_s, _LAST_RETRY_S)
        self._opening = False

    async def _opened(self, open_encoder: Callable[[], Encoder]) -> WorkerPool:
        """Open and warm a model in a thread of its own, which does not keep the process alive if it hangs."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[WorkerPool] = loop.create_future()

        def open_it() -> None:
            try:
                encoder = open_encoder()
                try:
                    crew = WorkerPool(
                        encoder,
                        workers=self._workers,
                        deliver=self._deliver,
                        left_behind=self._left_behind,
                    )
                except BaseException:
                    encoder.close()
                    raise
            except BaseException as exc:
                failure = exc if isinstance(exc, Exception) else RuntimeError(repr(exc))
                _call_soon(loop, _settle, result, None, failure)
            else:
                _call_soon(loop, _settle, result, crew, None)

        opener = Thread(target=open_it, name="kbserver-open-model", daemon=True)
        self._openers = [
            *(thread for thread in self._openers if thread.is_alive()),
            opener,
        ]
        opener.start()
        return await result

    def _deliver(
        self,
        crew: WorkerPool,
        jobs: list[Job],
        outcome: list[FloatVector] | NoVector | None,
        took_s: float,
    ) -> None:
        if self._loop is not None:
            _call_soon(self._loop, self._delivered, crew, jobs, outcome, took_s)

    def _put_in_charge(self, crew: WorkerPool) -> None:
        old, self._crew = self._crew, crew
        self._failures = 0
        self._trouble = None
        self._settled.set()
        if old is not None:
            old.retire()
            self._retired.append(old)

    def _background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _answer_all(job: Job, answer: VectorOrReason) -> None:
    for waiter in job.waiters:
        _answer_one(waiter.answer, answer)


def _answer_one(waiter: asyncio.Future[VectorOrReason], answer: VectorOrReason) -> None:
    if not waiter.done():
        waiter.set_result(answer)


def _settle(
    result: asyncio.Future[WorkerPool],
    crew: WorkerPool | None,
    failure: Exception | None,
) -> None:
    if result.done():  # the embedder was closed meanwhile
        if crew is not None:
            crew.retire()
    elif crew is not None:
        result.set_result(crew)
    elif failure is not None:
        result.set_exception(failure)


def _call_soon(
    loop: asyncio.AbstractEventLoop, function: Callable[..., None], *arguments: object
) -> None:
    """Call in the event loop's thread; nothing if the loop is gone, and with it all who could wait."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(function, *arguments)
