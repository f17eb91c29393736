import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue

import numpy as np
import pytest

from kbserver.deadline import Deadline
from kbserver.embedding.base import Encoder
from kbserver.embedding.worker_pool import (
    Batch,
    Deliver,
    Failure,
    Job,
    NoVector,
    Outcome,
    Unwanted,
    Waiter,
    WorkerPool,
)
from kbserver.errors import DimensionMismatch, NotFinite
from kbserver.types import FloatMatrix

from .faulty import PATIENCE_S, FaultyModel, Gate, HandClock
from .test_cores import needs_two_cores

NEVER = Deadline(float("inf"))


class FixedModel(FaultyModel):
    """Gives `vectors`, once they are set, whatever the texts."""

    def __init__(self, vectors: FloatMatrix | None = None) -> None:
        super().__init__()
        self.vectors = vectors

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        if self.vectors is None:
            return super().embed_queries(texts)
        return self.vectors


class Bench:
    """A pool that is driven by hand: jobs in, outcomes out, no event loop running."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.loop = asyncio.new_event_loop()
        self.pools: list[WorkerPool] = []
        self._outcomes: SimpleQueue[Outcome] = SimpleQueue()

    def pool(
        self, model: Encoder, workers: int | None = 1, deliver: Deliver | None = None
    ) -> WorkerPool:
        pool = WorkerPool(
            model,
            workers=workers,
            deliver=deliver or self._keep,
            clock=self.clock,
        )
        self.pools.append(pool)
        return pool

    def _keep(self, pool: WorkerPool, outcome: Outcome) -> None:
        self._outcomes.put(outcome)

    def job(self, text: str, deadline: Deadline = NEVER) -> Job:
        return Job(text, [Waiter(self.loop.create_future(), deadline)])

    def submit(self, pool: WorkerPool, *texts: str) -> list[Job]:
        jobs = [self.job(text) for text in texts]
        for job in jobs:
            pool.submit(job)
        return jobs

    def outcome(self) -> Outcome:
        return self._outcomes.get(timeout=PATIENCE_S)

    @property
    def nothing_more(self) -> bool:
        return self._outcomes.empty()

    def close(self) -> None:
        for pool in self.pools:
            pool.retire()
            for worker in pool.workers:
                worker.join(PATIENCE_S)
        self.loop.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


def held_model(**options: object) -> tuple[FaultyModel, Gate]:
    model, gate = FaultyModel(**options), Gate()  # type: ignore[arg-type]
    model.trouble = gate
    return model, gate


def texts_of(outcome: Outcome) -> list[str]:
    return [job.text for job in outcome.jobs]


# One call of the model


def test_a_jobs_vector_is_delivered_read_only(bench):
    pool = bench.pool(FaultyModel())
    [job] = bench.submit(pool, "four")
    outcome = bench.outcome()
    assert isinstance(outcome, Batch)
    assert outcome.jobs == [job]
    [vector] = outcome.vectors
    assert vector.tolist() == [4.0, 1.0, 0.0]
    with pytest.raises(ValueError, match="read-only"):
        vector[0] = 7.0


def raise_memory_error(texts: Sequence[str]) -> None:
    raise MemoryError("no room")


def raise_system_exit(texts: Sequence[str]) -> None:
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("trouble", "detail"),
    [
        (raise_memory_error, "MemoryError: no room"),
        (raise_system_exit, "SystemExit: 3"),
    ],
)
def test_whatever_the_model_raises_is_a_failure_and_the_worker_lives(
    bench, trouble, detail
):
    model = FaultyModel()
    model.trouble = trouble
    pool = bench.pool(model)
    jobs = bench.submit(pool, "a")
    assert bench.outcome() == Failure(jobs, detail)
    model.trouble = lambda texts: None
    bench.submit(pool, "b")
    assert isinstance(bench.outcome(), Batch)


def test_vectors_with_nan_are_a_failure(bench):
    model = FaultyModel()
    pool = bench.pool(model)
    model.value = float("nan")
    bench.submit(pool, "a")
    outcome = bench.outcome()
    assert isinstance(outcome, Failure) and "NaN" in outcome.detail


def test_a_vector_too_few_is_a_failure(bench):
    model = FixedModel()
    pool = bench.pool(model)
    model.vectors = np.zeros((0, 3), np.float32)
    bench.submit(pool, "a")
    outcome = bench.outcome()
    assert (
        isinstance(outcome, Failure) and "shape (0, 3), wanted (1, 3)" in outcome.detail
    )


@pytest.mark.parametrize(
    ("vectors", "error"),
    [
        (np.full((1, 3), np.nan, np.float32), NotFinite),
        (np.zeros((1, 4), np.float32), DimensionMismatch),
    ],
)
def test_a_model_whose_first_vectors_are_wrong_gets_no_pool(bench, vectors, error):
    with pytest.raises(error):
        bench.pool(FixedModel(vectors))


# Jobs that no call waits for


def test_jobs_nobody_waits_for_are_handed_back_without_a_call(bench):
    model, gate = held_model()
    pool = bench.pool(model)
    bench.submit(pool, "first")
    gate.wait_for_call()
    answered, patient = bench.submit(pool, "answered", "patient")
    expired = bench.job("expired", Deadline(bench.clock() + 1.0))
    pool.submit(expired)
    answered.waiters[0].answer.set_result(NoVector("late"))
    bench.clock.advance(1.0)
    gate.open()
    outcomes = [bench.outcome() for _ in range(4)]
    assert isinstance(outcomes[0], Batch)
    assert outcomes[1] == Unwanted([answered])
    assert texts_of(outcomes[2]) == ["patient"] and isinstance(outcomes[2], Batch)
    assert outcomes[3] == Unwanted([expired])
    assert model.calls == [["first"], ["patient"]]


def test_one_patient_waiter_among_others_is_enough_to_be_wanted(bench):
    job = bench.job("x", Deadline(10.0))
    job.waiters.append(Waiter(bench.loop.create_future(), Deadline(20.0)))
    assert job.is_wanted(10.0)
    assert not job.is_wanted(20.0)
    job.waiters[1].answer.cancel()
    assert not job.is_wanted(10.0)


def test_an_answered_job_is_forgotten_but_not_a_later_one_of_the_same_text(bench):
    model, gate = held_model()
    pool = bench.pool(model)
    [first] = bench.submit(pool, "same")
    pool.forget(first)
    assert pool.in_flight == {}
    [second] = bench.submit(pool, "same")
    pool.forget(first)
    assert pool.in_flight == {"same": second}
    gate.open()


# Batches


def each_call_takes(
    seconds: float, clock: HandClock
) -> Callable[[Sequence[str]], None]:
    return lambda texts: clock.advance(seconds)


def each_text_takes(
    seconds: float, clock: HandClock
) -> Callable[[Sequence[str]], None]:
    return lambda texts: clock.advance(seconds * len(texts))


def test_a_model_that_gains_from_batches_gets_them_in_one_delivery_a_call(bench):
    model, gate = held_model(
        queries_per_call=8, time_passes=each_call_takes(0.01, bench.clock)
    )
    pool = bench.pool(model)
    assert pool.texts_per_call == 8
    bench.submit(pool, "first")
    gate.wait_for_call()
    texts = [f"text {number}" for number in range(10)]
    bench.submit(pool, *texts)
    gate.open()
    outcomes = [bench.outcome() for _ in range(3)]
    assert [texts_of(outcome) for outcome in outcomes] == [
        ["first"],
        texts[:8],
        texts[8:],
    ]
    assert model.calls == [["first"], texts[:8], texts[8:]]
    assert bench.nothing_more


def test_batches_that_gain_nothing_are_not_made(bench):
    model, gate = held_model(
        queries_per_call=8, time_passes=each_text_takes(0.01, bench.clock)
    )
    pool = bench.pool(model)
    bench.submit(pool, "first")
    gate.wait_for_call()
    bench.submit(pool, "second", "third")
    gate.open()
    for _ in range(3):
        bench.outcome()
    assert model.calls == [["first"], ["second"], ["third"]]


def test_idle_workers_share_what_is_queued(bench):
    takes = each_call_takes(0.01, bench.clock)
    model, gate = held_model(queries_per_call=4, side_by_side=True, time_passes=takes)
    pool = bench.pool(model, workers=2)
    for text in (
        "first",
        "second",
    ):  # each goes to a worker of its own: it is done sooner
        bench.submit(pool, text)
        gate.wait_for_call()
    texts = [f"text {number}" for number in range(10)]
    bench.submit(pool, *texts)
    gate.open()
    embedded = 0
    while embedded < 12:
        embedded += len(bench.outcome().jobs)
    assert model.calls[:2] == [["first"], ["second"]]
    sizes = [len(call) for call in model.calls]
    assert max(sizes) <= 4 and sum(sizes) == 12
    assert len(sizes) < 12


def test_a_model_that_uses_all_cores_itself_gets_one_worker(bench):
    pool = bench.pool(FaultyModel(queries_per_call=8), workers=4)
    assert len(pool.workers) == 1
    assert len(bench.pool(FaultyModel(), workers=4).workers) == 4


# How long a job takes


def test_the_usual_time_follows_the_calls(bench):
    model = FaultyModel(time_passes=each_call_takes(0.010, bench.clock))
    pool = bench.pool(model)
    assert pool.call_s == pytest.approx(0.010)
    model.time_passes = each_call_takes(0.020, bench.clock)
    bench.submit(pool, "a")
    bench.outcome()
    assert pool.call_s == pytest.approx(0.011)


def test_the_expected_time_grows_with_the_queue_and_falls_with_the_workers(bench):
    model, gate = held_model(time_passes=each_call_takes(0.010, bench.clock))
    pool = bench.pool(model, workers=2)
    model.time_passes = lambda texts: None
    assert pool.has_idle_worker
    assert pool.expected_s() == pytest.approx(0.010)
    bench.submit(pool, "a", "b")
    gate.wait_for_call()
    gate.wait_for_call()
    assert not pool.has_idle_worker
    assert pool.expected_s() == pytest.approx(
        0.015
    )  # one of two workers ends in half a call
    bench.submit(pool, "c", "d")
    assert pool.expected_s() == pytest.approx(0.025)
    gate.open()


def test_stuck_workers_are_not_counted_on(bench):
    model, gate = held_model(time_passes=each_call_takes(0.010, bench.clock))
    pool = bench.pool(model, workers=1)
    model.time_passes = lambda texts: None
    bench.submit(pool, "a")
    gate.wait_for_call()
    bench.clock.advance(0.09)
    assert pool.expected_s() < 1.0
    bench.clock.advance(0.02)
    assert pool.expected_s() == float("inf")
    gate.open()


# Hung threads


def test_a_hung_worker_is_dropped_with_its_jobs_and_what_it_brings_is_not_delivered(
    bench,
):
    model, gate = held_model()
    pool = bench.pool(model)
    jobs = bench.submit(pool, "hangs")
    gate.wait_for_call()
    bench.clock.advance(2.0)
    assert pool.dismiss_hung(2.0) == []
    bench.clock.advance(0.5)
    [hung] = pool.dismiss_hung(2.0)
    assert hung.jobs == jobs
    assert pool.workers == []
    pool.hire()
    assert len(pool.workers) == 1
    model.trouble = lambda texts: None
    bench.submit(pool, "after")
    assert texts_of(bench.outcome()) == ["after"]
    gate.open()
    hung.join(PATIENCE_S)
    assert not hung.is_alive()
    assert bench.nothing_more
    assert not model.closed.is_set()


def test_a_worker_that_died_is_dropped_too(bench, monkeypatch):
    def fail(pool: WorkerPool, outcome: Outcome) -> None:
        raise TypeError("cannot be delivered")

    died: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda how: died.append(how.exc_type))
    pool = bench.pool(FaultyModel(), deliver=fail)
    [worker] = pool.workers
    bench.submit(pool, "a")
    worker.join(PATIENCE_S)
    assert died == [TypeError]
    assert pool.dismiss_hung(2.0) == [worker]


# The end


def test_a_retired_pool_finishes_its_queue_and_closes_the_model_last(bench):
    model, gate = held_model()
    pool = bench.pool(model, workers=2)
    bench.submit(pool, "a", "b", "c")
    gate.wait_for_call()
    gate.wait_for_call()
    pool.retire()
    assert not pool.gone and not model.closed.is_set()
    gate.open()
    done = [bench.outcome() for _ in range(3)]
    assert sorted(text for outcome in done for text in texts_of(outcome)) == [
        "a",
        "b",
        "c",
    ]
    for worker in pool.workers:
        worker.join(PATIENCE_S)
    assert pool.gone and model.closed.is_set()
    pool.hire()
    assert not any(worker.is_alive() for worker in pool.workers)


# Cores and priority


def cores_of_workers(pool: WorkerPool) -> list[set[int]]:
    return [os.sched_getaffinity(worker.native_id or 0) for worker in pool.workers]


@needs_two_cores
def test_a_lone_jobs_model_keeps_off_the_callers_core_and_those_of_many_use_all(bench):
    model, gate = held_model()
    ours = os.sched_getaffinity(0)
    pool = bench.pool(model, workers=2)
    bench.submit(pool, "alone")
    for cores in cores_of_workers(pool):
        assert len(cores) == len(ours) - 1 and cores < ours
    bench.submit(pool, "and another")
    assert cores_of_workers(pool) == [ours, ours]
    gate.open()


@needs_two_cores
def test_a_model_that_starts_threads_itself_keeps_all_cores(bench):
    model, gate = held_model(queries_per_call=8)
    pool = bench.pool(model)
    bench.submit(pool, "alone")
    assert cores_of_workers(pool) == [os.sched_getaffinity(0)]
    gate.open()


@pytest.mark.skipif(
    sys.platform != "linux", reason="threads have no priority of their own"
)
def test_workers_give_way_to_turns(bench):
    pool = bench.pool(FaultyModel())
    bench.submit(pool, "a")
    bench.outcome()
    [worker] = pool.workers
    assert worker.native_id is not None
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, worker.native_id) == min(19, max(ours, 10))
