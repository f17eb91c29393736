"""Worker threads around one encoder: they take jobs, run the model and hand back what came of it."""

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


class NoVector(NamedTuple):
    """Why there is no vector."""

    reason: Unavailability
    detail: str = ""


VectorOrReason: TypeAlias = FloatVector | NoVector
"""A vector of shape (dim,), read-only, or why there is none."""

MOST_WORKERS = 16
"""Beyond this the interpreter's lock, about 0.3 ms a query, is what they wait for."""

MOST_LEFT_BEHIND = 8
"""Hung threads alive at most; a model that hangs this often gets no further ones."""

_SMOOTHING = 0.1  # weight of the newest call in the usual call time: follows a change within some ten calls
_WORTHWHILE = 0.9  # of the time of single calls: batches that take longer are not made
_STUCK_AFTER_CALLS = 8  # a call this many times longer than usual ...
_STUCK_AFTER_S = 0.1  # ... and longer than this does not count on being done in time


class Waiter(NamedTuple):
    """Someone who waits for a text's vector."""

    answer: Future[VectorOrReason]
    """Of the event loop; done as well once the deadline has come."""
    deadline: Deadline
    go_on: Callable[[FloatVector], None] | None = None
    """Told the vector before anybody else is, in the worker's thread: it must be quick and raise nothing."""


@dataclass(eq=False, slots=True)
class Job:
    """One text to embed, and those who wait for it."""

    text: str
    waiters: list[Waiter] = field(default_factory=list)
    """Grows in the event loop's thread."""
    _told: int = 0

    @property
    def wanted(self) -> bool:
        """Whether anyone is still waiting, and in time."""
        return any(
            not (waiter.answer.done() or waiter.deadline.passed)
            for waiter in list(self.waiters)
        )

    def tell(self, vector: FloatVector) -> None:
        """Let those go on who have not been told; first in the worker's thread, then once more in the event loop's."""
        waiting = self.waiters[self._told :]
        self._told += len(waiting)
        for waiter in waiting:
            if waiter.go_on is not None:
                waiter.go_on(vector)


Deliver: TypeAlias = "Callable[[WorkerPool, list[Job], list[FloatVector] | NoVector | None, float], None]"
"""Called in a worker's thread with jobs and their vectors, why there are none, or None if nobody wanted them any
more; and the seconds the model took."""


class WorkerPool:
    """An encoder with its queue and its threads. A new model gets a new crew; the old one finishes what it has."""

    def __init__(
        self,
        encoder: Encoder,
        *,
        workers: int | None,
        deliver: Deliver,
        left_behind: list[Worker],
    ) -> None:
        """Warm the encoder up and start the threads.

        Args:
            encoder: ready to use; closed by the last thread to leave.
            workers: threads that run it side by side; None: one a core. A model whose calls take all cores gets one.
            deliver: where results go.
            left_behind: hung threads of this and earlier crews, kept here; with `MOST_LEFT_BEHIND` of them alive,
                no new ones are hired.

        Raises:
            NotFinite, DimensionMismatch: the encoder's first vectors are not vectors of its dimension.
            Exception: whatever the encoder raises.
        """
        self.encoder = encoder
        self.in_flight: dict[str, Job] = {}
        """By text, what is queued or being embedded. Touched by the event loop's thread only."""
        self.call_s = 0.0
        """How long a call of the model usually takes, in seconds."""
        self.text_s = 0.0
        """How much of a call a text usually takes: less than `call_s` where several share a call."""
        self.texts_per_call = 1
        """Texts handed to one call at most."""
        self._warm_up()
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._deliver = deliver
        self._size = (
            (workers or min(usable_cores(), MOST_WORKERS))
            if encoder.side_by_side
            else 1
        )
        self._left_behind = left_behind
        self._retired = False
        self.workers: list[Worker] = []
        self._hire()

    def submit(self, job: Job) -> None:
        """Put a job at the end of the queue."""
        alone = not self.in_flight
        self._make_room(core_of_this_thread() if alone else None)
        self.in_flight[job.text] = job
        self._jobs.put(job)

    def expected_s(self) -> float:
        """Seconds until a job submitted now would be done; infinite if every worker is stuck."""
        now = time.monotonic()
        limit = max(_STUCK_AFTER_S, _STUCK_AFTER_CALLS * self.call_s)
        able = sum(worker.busy_for(now) < limit for worker in self.workers)
        if able == 0:
            return float("inf")
        waiting = max(0, len(self.in_flight) - able + 1)
        return self.call_s + waiting / able * self.text_s

    @property
    def has_idle_worker(self) -> bool:
        """Whether a job submitted now would begin at once."""
        return len(self.in_flight) < sum(
            worker.busy_since is None for worker in self.workers
        )

    def replace_hung(self, limit_s: float) -> list[Job]:
        """Hire a new worker for each that has been in one call for longer than `limit_s` seconds, or has died.

        A thread inside a hung call cannot be stopped: it is left behind, and what it may yet bring is not taken.

        Returns:
            The jobs that went with them.
        """
        now = time.monotonic()
        lost: list[Job] = []
        for worker in [
            worker
            for worker in self.workers
            if worker.busy_for(now) > limit_s or worker.has_died
        ]:
            worker.dismissed = True
            lost += worker.jobs
            self.workers.remove(worker)
            self._left_behind.append(worker)
        self._hire()
        return lost

    def retire(self) -> None:
        """Let the workers finish what is queued, then leave and close the encoder."""
        self._retired = True
        for _ in self.workers:
            self._jobs.put(None)

    @property
    def gone(self) -> bool:
        """Whether it is retired and every worker has left."""
        return self._retired and not any(worker.is_alive() for worker in self.workers)

    def _make_room(self, core: int | None) -> None:
        """Have the workers keep off a core, where who asks goes on meanwhile; with None off none."""
        if (
            not self.encoder.side_by_side
        ):  # its calls start threads, which would keep off it for ever
            return
        for worker in self.workers:
            if worker.off != core and worker.native_id is not None:
                keep_off(core, worker.native_id)
                worker.off = core

    def _hire(self) -> None:
        self._left_behind[:] = [
            worker for worker in self._left_behind if worker.is_alive()
        ]
        while (
            not self._retired
            and len(self.workers) < self._size
            and len(self._left_behind) < MOST_LEFT_BEHIND
        ):
            worker = Worker(self._work)
            self.workers.append(worker)
            worker.start()

    def _work(self, worker: Worker) -> None:
        while not worker.dismissed and (jobs := self._next_jobs()):
            wanted = [job for job in jobs if job.wanted]
            if unwanted := [job for job in jobs if job not in wanted]:
                self._deliver(self, unwanted, None, 0.0)
            if wanted:
                begun = worker.begin(wanted)
                outcome = self._embed([job.text for job in wanted])
                worker.end()
                if not worker.dismissed:
                    took_s = time.monotonic() - begun
                    if not isinstance(outcome, NoVector):
                        for job, vector in zip(wanted, outcome, strict=True):
                            job.tell(vector)
                    self._deliver(self, wanted, outcome, took_s)
        if not worker.dismissed:
            worker.left = True
            if all(other.left for other in self.workers):
                self.encoder.close()

    def _next_jobs(self) -> list[Job]:
        """Wait for a job, and take this worker's share of what else is there, up to what one call is best given.

        Returns:
            [] when all is over.
        """
        first = self._jobs.get()
        if first is None:
            return []
        jobs = [first]
        idle = max(
            1, sum(worker.busy_since is None for worker in self.workers)
        )  # with this one
        share = -(-(1 + self._jobs.qsize()) // idle)
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

    def _embed(self, texts: list[str]) -> list[FloatVector] | NoVector:
        begun = time.monotonic()
        try:
            vectors = self._vectors(texts)
        except (
            BaseException
        ) as exc:  # a model may raise anything, and whoever waits must hear of it
            return NoVector("failed", f"{type(exc).__name__}: {exc}")
        took_s = time.monotonic() - begun
        self.call_s += _SMOOTHING * (took_s - self.call_s)
        self.text_s += _SMOOTHING * (took_s / len(texts) - self.text_s)
        vectors.flags.writeable = False  # shared by the cache and all who asked
        return list(vectors)

    def _vectors(self, texts: list[str]) -> FloatMatrix:
        return _checked(
            self.encoder.embed_queries(texts), len(texts), self.encoder.identity.dim
        )

    def _warm_up(self) -> None:
        """Run the model a few times, and find out what batches gain on this machine: more than a tenth, or none are made."""
        one, most = (
            "a question of about the usual length",
            self.encoder.queries_per_call,
        )
        self._timed(["warm up"])
        self.call_s = self.text_s = min(self._timed([one]) for _ in range(2))
        several = [f"{one} {number}" for number in range(most)]
        if most > 1:
            together_s = min(self._timed(several) for _ in range(2))
            self.texts_per_call = (
                most if together_s < _WORTHWHILE * most * self.call_s else 1
            )

    def _timed(self, texts: list[str]) -> float:
        begun = time.monotonic()
        self._vectors(texts)
        return time.monotonic() - begun


class Worker(Thread):
    """One thread, and what it is at."""

    def __init__(self, work: Callable[[Worker], None]) -> None:
        super().__init__(
            name="kbserver-embed", daemon=True
        )  # a hung call must not keep the process alive
        self._work = work
        self.jobs: list[Job] = []
        self.busy_since: float | None = None
        self.off: int | None = None
        """The core it keeps off."""
        self.dismissed = False
        self.left = False

    def run(self) -> None:
        # The model's queue refuses what would be late; the searches have no such queue.
        yield_to_turns()
        self._work(self)

    def begin(self, jobs: list[Job]) -> float:
        self.jobs = jobs
        self.busy_since = begun = time.monotonic()
        return begun

    def end(self) -> None:
        self.busy_since = None
        self.jobs = []

    @property
    def has_died(self) -> bool:
        """Whether the thread is over though it never left."""
        return not (self.left or self.is_alive())

    def busy_for(self, now: float) -> float:
        """Seconds in the current call; 0 if there is none."""
        since = self.busy_since
        return 0.0 if since is None else now - since


def _checked(vectors: FloatMatrix, count: int, dim: int) -> FloatMatrix:
    """Refuse what is not one finite vector of the right length for each text."""
    if vectors.shape != (count, dim):
        raise DimensionMismatch(
            f"the model gave vectors of shape {vectors.shape}, wanted ({count}, {dim})"
        )
    if not np.isfinite(vectors).all():
        raise NotFinite("the model gave vectors with NaN or infinity")
    return vectors
