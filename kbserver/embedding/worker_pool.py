"""Runs one encoder in worker threads: jobs go in, the outcome of each call comes out."""

from __future__ import annotations

import time
from asyncio import Future
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread
from typing import NamedTuple, TypeAlias

import numpy as np

from kbserver.deadline import Deadline
from kbserver.embedding.base import Encoder
from kbserver.embedding.cores import core_of_this_thread, keep_off, usable_cores
from kbserver.errors import DimensionMismatch, NotFinite
from kbserver.priority import yield_to_turns
from kbserver.types import FloatMatrix, FloatVector, Unavailability

MOST_WORKERS = 16
"""With more threads than this, the interpreter's lock is what they wait for."""

_SMOOTHING = 0.1  # weight of the newest call: follows a change within some ten calls
# Batches that take longer than this share of single calls are not made.
_WORTHWHILE = 0.9
_STUCK_AFTER_CALLS = 8  # a call this many times longer than usual ...
_STUCK_AFTER_S = 0.1  # ... and longer than this is not expected to end in time
_USUAL_QUERY = "a question of about the usual length"

Clock: TypeAlias = Callable[[], float]
"""A monotonic clock, in seconds."""


class NoVector(NamedTuple):
    """Why a query has no vector."""

    reason: Unavailability
    detail: str = ""


VectorOrReason: TypeAlias = FloatVector | NoVector
"""A vector of shape (dim,), float32, read-only, or why there is none."""


class Waiter(NamedTuple):
    """One call that waits for a text's vector."""

    answer: Future[VectorOrReason]
    """Belongs to the event loop; done, too, once the deadline has passed."""
    deadline: Deadline


@dataclass(eq=False, slots=True)
class Job:
    """One text to embed, and the calls that wait for it."""

    text: str
    waiters: list[Waiter] = field(default_factory=list)
    """Grows in the event loop's thread; workers only read it."""

    def is_wanted(self, now: float) -> bool:
        """Whether a call still waits for it, and its deadline lies after `now`."""
        for waiter in list(self.waiters):
            if not waiter.answer.done() and now < waiter.deadline.at:
                return True
        return False


@dataclass(frozen=True, slots=True)
class Batch:
    """The model embedded these jobs."""

    jobs: list[Job]
    vectors: list[FloatVector]
    """One for each job, in their order."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The model raised, or gave something other than vectors."""

    jobs: list[Job]
    detail: str


@dataclass(frozen=True, slots=True)
class Unwanted:
    """No call waited for these jobs when their turn came; the model did not see them."""

    jobs: list[Job]


Outcome: TypeAlias = Batch | Failure | Unwanted
"""What became of the jobs that a worker took."""

Deliver: TypeAlias = Callable[["WorkerPool", Outcome], None]
"""Called in a worker's thread, once for each call of the model."""


class WorkerPool:
    """One encoder, its queue and its threads.

    A pool lives as long as its encoder: another model gets a pool of its own, and the
    old pool finishes what it has.
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        workers: int | None,
        deliver: Deliver,
        clock: Clock = time.monotonic,
    ) -> None:
        """Warm the encoder up, and start the threads.

        Args:
            encoder: ready to use; the last thread to leave closes it.
            workers: threads that run the encoder side by side; None: one a core. An
                encoder whose calls take all cores gets one.
            deliver: takes the outcomes.
            clock: times the calls.

        Raises:
            NotFinite, DimensionMismatch: the encoder's first vectors are no vectors of
                its dimension.
            Exception: whatever the encoder raises.
        """
        self.encoder = encoder
        self.in_flight: dict[str, Job] = {}
        """By text, what is queued or being embedded. For the event loop's thread only."""
        self.call_s = 0.0
        """Seconds that a call of the model usually takes."""
        self.text_s = 0.0
        """Seconds of a call for each text in it; below `call_s` where texts share calls."""
        self.texts_per_call = 1
        """Texts given to one call at most."""
        self.workers: list[EmbeddingThread] = []
        self._clock = clock
        self._deliver = deliver
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._retired = False
        self._size = 1
        if encoder.side_by_side:
            self._size = workers or min(usable_cores(), MOST_WORKERS)
        self._warm_up()
        self.hire()

    def submit(self, job: Job) -> None:
        """Put a job at the end of the queue. A lone job's model keeps off the caller's core."""
        core = None
        if not self.in_flight:
            core = core_of_this_thread()
        self._exclude_core(core)
        self.in_flight[job.text] = job
        self._jobs.put(job)

    def forget(self, job: Job) -> None:
        """Take a job that has been answered out of `in_flight`."""
        if self.in_flight.get(job.text) is job:
            del self.in_flight[job.text]

    def expected_s(self) -> float:
        """Seconds until a job submitted now would be done; infinite if every worker is stuck."""
        now = self._clock()
        limit = max(_STUCK_AFTER_S, _STUCK_AFTER_CALLS * self.call_s)
        able = sum(worker.busy_for(now) < limit for worker in self.workers)
        if able == 0:
            return float("inf")
        waiting = max(0, len(self.in_flight) - able + 1)
        return self.call_s + waiting / able * self.text_s

    @property
    def has_idle_worker(self) -> bool:
        """Whether a job submitted now would begin at once."""
        return len(self.in_flight) < self._idle()

    def dismiss_hung(self, limit_s: float) -> list[EmbeddingThread]:
        """Drop the workers whose call has lasted longer than `limit_s`, and those that died.

        A thread inside a hung call cannot be stopped. Its outcome, should it come after
        all, is not delivered.

        Returns:
            The workers dropped; each still names its jobs.
        """
        now = self._clock()
        hung = [
            worker
            for worker in self.workers
            if worker.busy_for(now) > limit_s or worker.has_died
        ]
        for worker in hung:
            worker.dismissed = True
            self.workers.remove(worker)
        return hung

    def hire(self) -> None:
        """Start threads until the pool has as many as it should; none once it is retired."""
        while not self._retired and len(self.workers) < self._size:
            worker = EmbeddingThread(self._work)
            self.workers.append(worker)
            worker.start()

    def retire(self) -> None:
        """Let the workers finish what is queued, then leave and close the encoder."""
        self._retired = True
        for _ in self.workers:
            self._jobs.put(None)

    @property
    def gone(self) -> bool:
        """Whether the pool is retired and every worker has left."""
        return self._retired and not any(worker.is_alive() for worker in self.workers)

    def _exclude_core(self, core: int | None) -> None:
        """Exclude one core from the workers' affinity, so that the event loop keeps it.

        Args:
            core: its number; None excludes none.
        """
        if not self.encoder.side_by_side:  # threads its calls start would inherit this
            return
        for worker in self.workers:
            if worker.excluded_core != core and worker.native_id is not None:
                keep_off(core, worker.native_id)
                worker.excluded_core = core

    def _idle(self) -> int:
        return sum(worker.busy_since is None for worker in self.workers)

    def _work(self, worker: EmbeddingThread) -> None:
        while not worker.dismissed:
            jobs = self._next_jobs()
            if not jobs:
                break
            wanted = self._wanted(jobs)
            if not wanted:
                continue
            worker.begin(wanted, self._clock())
            outcome = self._embed(wanted)
            worker.end()
            if not worker.dismissed:
                self._deliver(self, outcome)
        if not worker.dismissed:
            worker.left = True
            if all(other.left for other in self.workers):
                self.encoder.close()

    def _next_jobs(self) -> list[Job]:
        """Wait for a job, and take this worker's share of what else is queued.

        Returns:
            At most `texts_per_call` jobs, in the queue's order; [] when the worker should leave.
        """
        first = self._jobs.get()
        if first is None:
            return []
        jobs = [first]
        queued = 1 + self._jobs.qsize()
        idle = max(1, self._idle())  # with this worker
        share = -(-queued // idle)
        while len(jobs) < min(share, self.texts_per_call):
            try:
                following = self._jobs.get_nowait()
            except Empty:
                break
            if following is None:
                self._jobs.put(None)
                break
            jobs.append(following)
        return jobs

    def _wanted(self, jobs: list[Job]) -> list[Job]:
        """The jobs that a call still waits for; the others are delivered as `Unwanted`."""
        now = self._clock()
        wanted: list[Job] = []
        unwanted: list[Job] = []
        for job in jobs:
            if job.is_wanted(now):
                wanted.append(job)
            else:
                unwanted.append(job)
        if unwanted:
            self._deliver(self, Unwanted(unwanted))
        return wanted

    def _embed(self, jobs: list[Job]) -> Batch | Failure:
        texts = [job.text for job in jobs]
        begun = self._clock()
        try:
            vectors = [_own(vector) for vector in self._vectors(texts)]
        except BaseException as exc:
            # A model may raise anything; its waiters must hear of it.
            return Failure(jobs, f"{type(exc).__name__}: {exc}")
        took_s = self._clock() - begun
        self.call_s += _SMOOTHING * (took_s - self.call_s)
        self.text_s += _SMOOTHING * (took_s / len(texts) - self.text_s)
        return Batch(jobs, vectors)

    def _vectors(self, texts: list[str]) -> FloatMatrix:
        vectors = self.encoder.embed_queries(texts)
        return _checked(vectors, len(texts), self.encoder.identity.dim)

    def _warm_up(self) -> None:
        """Time a few calls, and make batches if they gain more than a tenth."""
        self._timed(["warm up"])
        self.call_s = min(self._timed([_USUAL_QUERY]) for _ in range(2))
        self.text_s = self.call_s
        most = self.encoder.queries_per_call
        if most > 1:
            several = [f"{_USUAL_QUERY} {number}" for number in range(most)]
            together_s = min(self._timed(several) for _ in range(2))
            if together_s < _WORTHWHILE * most * self.call_s:
                self.texts_per_call = most

    def _timed(self, texts: list[str]) -> float:
        begun = self._clock()
        self._vectors(texts)
        return self._clock() - begun


class EmbeddingThread(Thread):
    """One worker, and the call it is in."""

    def __init__(self, work: Callable[[EmbeddingThread], None]) -> None:
        """Make a worker that runs `work(self)`."""
        # A daemon, because a hung call must not keep the process alive.
        super().__init__(name="kbserver-embed", daemon=True)
        self._work = work
        self.jobs: list[Job] = []
        """What it is embedding."""
        self.busy_since: float | None = None
        self.excluded_core: int | None = None
        """The core it may not run on."""
        self.dismissed = False
        """Whether the pool has given it up."""
        self.left = False
        """Whether it ended as it should."""

    def run(self) -> None:
        """Take jobs until told to leave."""
        # Under overload the model falls behind first, and its queue refuses what would be late.
        yield_to_turns()
        self._work(self)

    def begin(self, jobs: list[Job], now: float) -> None:
        """Note that a call begins."""
        self.jobs = jobs
        self.busy_since = now

    def end(self) -> None:
        """Note that the call is over."""
        self.busy_since = None
        self.jobs = []

    @property
    def has_died(self) -> bool:
        """Whether the thread ended without leaving."""
        return not self.left and not self.is_alive()

    def busy_for(self, now: float) -> float:
        """Seconds in the current call; 0 if there is none."""
        since = self.busy_since  # read once: the worker's thread may clear it meanwhile
        if since is None:
            return 0.0
        return now - since


def _own(row: FloatVector) -> FloatVector:
    """Return a copy of one row: a view would keep all rows for as long as it is cached."""
    vector = row.copy()
    vector.flags.writeable = False  # shared by the cache and every caller
    return vector


def _checked(vectors: FloatMatrix, count: int, dim: int) -> FloatMatrix:
    """Refuse anything but one finite vector of the right length for each text."""
    vectors = np.asarray(vectors, np.float32)
    if vectors.shape != (count, dim):
        raise DimensionMismatch(
            f"the model gave vectors of shape {vectors.shape}, wanted ({count}, {dim})"
        )
    if not np.isfinite(vectors).all():
        raise NotFinite("the model gave vectors with NaN or infinity")
    return vectors
