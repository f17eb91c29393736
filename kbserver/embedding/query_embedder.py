"""Embeds queries under a deadline; refuses at once what cannot be done in time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

from kbserver.deadline import Deadline
from kbserver.embedding.model_host import ModelHost, OpenEncoder
from kbserver.embedding.vector_cache import VectorCache
from kbserver.embedding.worker_pool import (
    Batch,
    Clock,
    Failure,
    Job,
    NoVector,
    Outcome,
    VectorOrReason,
    Waiter,
    WorkerPool,
)
from kbserver.errors import EmbedderUnavailable
from kbserver.types import FloatVector, ModelIdentity, Unavailability

QUEUE_LIMIT = 256
"""Texts queued or being embedded at most; more than any budget admits, so it only bounds memory."""

CACHE_BYTES = 12_000_000
"""Some 6,000 queries and their vectors of 384 dimensions."""

_SAFETY = 1.1  # the expected time, times this, must fit into the budget


@dataclass
class EmbedderStats:
    """What an embedder has done since it was made. Counts only grow."""

    embedded: int = 0
    """Texts the model was run on."""
    cache_hits: int = 0
    joined: int = 0
    """Calls answered by a text that was already in flight for another call."""
    dropped: int = 0
    """Texts whose last waiter had left before the work on them began."""
    refused: Counter[Unavailability] = field(default_factory=Counter)
    """Calls that got no vector, by reason."""


class QueryEmbedder:
    """Embeds queries for an event loop without blocking it: one bounded queue, an exact cache.

    Every call ends by its deadline, with a vector or with the reason why there is none:

        loading   the model is not open yet
        busy      judging by recent calls it would not be done in time; no work is spent on it
        late      the deadline came first; texts that no call waits for any more are not begun
        failed    the model raised, returned NaN, hung or cannot be opened; it is opened again

    Vectors are those of the model in charge when the call is made: compare `identity` with
    the snapshot's right before it, without an `await` between.
    """

    def __init__(
        self,
        open_encoder: OpenEncoder,
        *,
        workers: int | None = None,
        queue_limit: int = QUEUE_LIMIT,
        cache_bytes: int = CACHE_BYTES,
        hang_limit_s: float = 2.0,
        clock: Clock = time.monotonic,
    ) -> None:
        """Make an embedder; `open` opens its model.

        Args:
            open_encoder: opens the model; called in a thread of its own, again after a failure.
            workers: threads that run the model side by side; None: one a core.
            queue_limit: texts queued or being embedded at most.
            cache_bytes: of query vectors kept, the least recently used goes first; 0 keeps none.
            hang_limit_s: a call that lasts longer is given up, and its thread replaced.
            clock: what deadlines and the model's calls are measured by.
        """
        self.stats = EmbedderStats()
        self._queue_limit = queue_limit
        self._cache = VectorCache(cache_bytes)
        self._clock = clock
        self._host = ModelHost(
            open_encoder,
            take=self._take,
            workers=workers,
            hang_limit_s=hang_limit_s,
            clock=clock,
        )

    @property
    def ready(self) -> bool:
        """Whether a model is open and warm."""
        return self._host.pool is not None

    @property
    def identity(self) -> ModelIdentity | None:
        """The model in charge; None while there is none."""
        pool = self._host.pool
        if pool is None:
            return None
        return pool.encoder.identity

    @property
    def backend(self) -> str:
        """How the model runs, for people; empty while there is none."""
        pool = self._host.pool
        if pool is None:
            return ""
        return pool.encoder.backend

    @property
    def queue_length(self) -> int:
        """Texts queued or being embedded."""
        pool = self._host.pool
        if pool is None:
            return 0
        return len(pool.in_flight)

    async def open(self) -> None:
        """Begin to open the model, in the background; calls get `loading` until it is warm."""
        self._host.open()

    async def until_ready(self) -> None:
        """Wait until the model is warm.

        Raises:
            KbServerError: it could not be opened; opening goes on being tried.
        """
        await self._host.until_ready()

    async def embed(self, text: str, deadline: Deadline) -> FloatVector:
        """Return the unit vector of one query before the deadline.

        Returns:
            Shape (dim,), float32, read-only.

        Raises:
            EmbedderUnavailable: there is none in time; `reason` is busy, late, loading or failed.
        """
        outcome = await self.start(text, deadline)
        if isinstance(outcome, NoVector):
            raise EmbedderUnavailable(*outcome)
        return outcome

    def start(self, text: str, by: Deadline) -> asyncio.Future[VectorOrReason]:
        """Begin to embed one query, and return at once; the model works while the caller goes on.

        Args:
            text: the query.
            by: when the caller goes on without the vector.

        Returns:
            A future of the unit vector, shape (dim,), float32, read-only, or of why there
            is none. It is done by the deadline, perhaps already on return, and raises
            nothing. Cancelling it withdraws the call.
        """
        answer: asyncio.Future[VectorOrReason] = (
            asyncio.get_running_loop().create_future()
        )
        pool = self._host.pool
        if pool is None:
            self._refuse(answer, self._host.why_none)
            return answer
        vector = self._cache.get(pool.encoder.identity.fingerprint, text)
        if vector is not None:
            self.stats.cache_hits += 1
            answer.set_result(vector)
            return answer
        waiter = Waiter(answer, by)
        job = pool.in_flight.get(text)
        if job is not None:
            self.stats.joined += 1
            job.waiters.append(waiter)
        else:
            refusal = self._refusal(pool, by)
            if refusal is not None:
                self._refuse(answer, refusal)
                return answer
            pool.submit(Job(text, [waiter]))
        self._end_by(answer, by)
        return answer

    async def swap(self, open_encoder: OpenEncoder) -> None:
        """Open and warm another model, then put it in charge; until then the old one answers.

        Raises:
            KbServerError: it cannot be opened, and the old one stays; or the embedder was closed.
        """
        await self._host.swap(open_encoder)

    async def close(self) -> None:
        """Answer every waiting call with `failed`, stop the threads and close the model."""
        for pool in self._host.pools:
            for job in list(pool.in_flight.values()):
                self._finish(pool, job, NoVector("failed", "closed"))
        await self._host.close()

    def _refusal(self, pool: WorkerPool, by: Deadline) -> NoVector | None:
        """Why a text is not admitted to the queue; None if it is.

        An idle worker takes any text, so a model that was slow for a while is found to be
        fast again.
        """
        left_ms = self._left_s(by) * 1000.0
        if left_ms <= 0.0:
            return NoVector("late", "no budget left")
        if len(pool.in_flight) >= self._queue_limit:
            return NoVector("busy", f"{self._queue_limit} texts are waiting")
        if pool.has_idle_worker:
            return None
        expected_ms = pool.expected_s() * 1000.0
        if expected_ms * _SAFETY <= left_ms:
            return None
        return NoVector("busy", f"{expected_ms:.0f} ms expected, {left_ms:.0f} ms left")

    def _refuse(self, answer: asyncio.Future[VectorOrReason], why: NoVector) -> None:
        self.stats.refused[why.reason] += 1
        answer.set_result(why)

    def _end_by(self, answer: asyncio.Future[VectorOrReason], by: Deadline) -> None:
        """Answer `late` once the deadline has passed, unless there is an answer by then."""
        left_s = max(0.0, self._left_s(by))
        timer = answer.get_loop().call_later(left_s, _answer, answer, NoVector("late"))
        answer.add_done_callback(partial(self._answered, timer))

    def _answered(
        self, timer: asyncio.TimerHandle, answer: asyncio.Future[VectorOrReason]
    ) -> None:
        timer.cancel()
        if answer.cancelled():
            return
        outcome = answer.result()
        if isinstance(outcome, NoVector):
            self.stats.refused[outcome.reason] += 1

    def _left_s(self, by: Deadline) -> float:
        return by.at - self._clock()

    def _take(self, pool: WorkerPool, outcome: Outcome) -> None:
        """Answer the calls that wait for a worker's jobs; in the event loop's thread."""
        if isinstance(outcome, Batch):
            self.stats.embedded += len(outcome.jobs)
            model = pool.encoder.identity.fingerprint
            for job, vector in zip(outcome.jobs, outcome.vectors, strict=True):
                self._cache.put(model, job.text, vector)
                self._finish(pool, job, vector)
        elif isinstance(outcome, Failure):
            for job in outcome.jobs:
                self._finish(pool, job, NoVector("failed", outcome.detail))
        else:
            for job in outcome.jobs:
                self._drop(pool, job)

    def _drop(self, pool: WorkerPool, job: Job) -> None:
        """Give up an unwanted job, unless a call with more time has joined it meanwhile."""
        if job.is_wanted(self._clock()):
            pool.submit(job)
            return
        self.stats.dropped += 1
        self._finish(pool, job, NoVector("late", "the work was not begun in time"))

    def _finish(self, pool: WorkerPool, job: Job, outcome: VectorOrReason) -> None:
        pool.forget(job)
        for waiter in job.waiters:
            _answer(waiter.answer, outcome)


def _answer(answer: asyncio.Future[VectorOrReason], outcome: VectorOrReason) -> None:
    if not answer.done():
        answer.set_result(outcome)
