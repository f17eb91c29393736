"""Where a step is run, what it learns, and what came of it."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from kbserver.deadline import Deadline
from kbserver.retrieval.steps import (
    Done,
    Failed,
    Late,
    Step,
    StepRunner,
    outcome_of,
    until,
)

PLENTY = 1e9  # milliseconds


def this_thread():
    return threading.current_thread()


def burn(cpu_s):
    end = time.thread_time() + cpu_s
    while time.thread_time() < end:
        pass


async def where(runner, step, may_stay=True):
    """Whether a step ran in the event loop's thread."""
    outcome = await runner.begin(step, may_stay)
    return outcome.value is threading.current_thread()


def in_a_loop(check):
    with ThreadPoolExecutor(2) as executor:
        return asyncio.run(check(executor))


def test_a_step_whose_cost_is_known_to_be_small_runs_in_the_loop():
    async def check(executor):
        runner = StepRunner(executor, in_loop_ms=PLENTY)
        step = runner.add(this_thread, waits=False)
        unknown = await where(runner, step)
        return unknown, await where(runner, step), await where(runner, step, False)

    assert in_a_loop(check) == (False, True, False)


def test_the_steps_of_a_search_count_together():
    async def check(executor):
        runner = StepRunner(executor, in_loop_ms=5.0)
        cheap = runner.add(this_thread, waits=False)
        dear = runner.add(lambda: burn(0.02), waits=False)
        cheap(), dear()
        return await where(runner, cheap)

    assert in_a_loop(check) is False


def test_a_step_that_waits_never_runs_in_the_loop_however_little_it_costs():
    def answer_from_afar():
        time.sleep(0.02)
        return threading.current_thread()

    async def check(executor):
        runner = StepRunner(executor, in_loop_ms=5.0)
        remote = runner.add(answer_from_afar, waits=True)
        local = runner.add(this_thread, waits=False)
        for _ in range(3):
            remote()
            local()
        cost_ms = remote.usual_ms
        return cost_ms, await where(runner, remote), await where(runner, local)

    cost_ms, remote_in_loop, local_in_loop = in_a_loop(check)
    assert cost_ms < 5.0, "waiting costs no CPU time"
    assert (remote_in_loop, local_in_loop) == (False, True)


def test_a_failure_is_an_outcome_in_either_place():
    error = RuntimeError("broken")

    def fail():
        raise error

    async def check(executor):
        runner = StepRunner(executor, in_loop_ms=PLENTY)
        step = runner.add(fail, waits=False)
        return [await runner.begin(step, may_stay) for may_stay in (False, True)]

    for outcome in in_a_loop(check):
        assert isinstance(outcome, Failed)
        assert outcome.error is error


def test_no_step_is_waited_for_beyond_the_deadline():
    release = threading.Event()

    async def check(executor):
        runner = StepRunner(executor, in_loop_ms=0.0)
        hung = runner.begin(runner.add(release.wait, waits=False), True)
        quick = runner.begin(runner.add(this_thread, waits=False), True)
        await quick
        await until(Deadline.after_ms(10.0), hung, quick, None)
        outcomes = outcome_of(hung), outcome_of(quick)
        release.set()
        await until(Deadline.after_ms(PLENTY), hung)
        return *outcomes, outcome_of(hung)

    late, done, afterwards = in_a_loop(check)
    assert isinstance(late, Late)
    assert isinstance(done, Done)
    assert afterwards.value is True


def test_what_is_over_is_taken_though_the_deadline_has_passed():
    async def check(executor):
        runner = StepRunner(executor, in_loop_ms=PLENTY)
        step = runner.add(lambda: "done", waits=False)
        step()
        begun = runner.begin(step, True)
        await until(Deadline.after_ms(-1.0), begun)
        return outcome_of(begun)

    assert in_a_loop(check).value == "done"


def test_the_usual_cost_is_cpu_time_and_the_duration_is_not():
    step = Step(time.sleep, waits=False)
    assert step.usual_ms == float("inf")
    slept = step(0.05)
    assert slept.ms >= 50.0
    assert step.usual_ms < 25.0


def test_the_usual_cost_follows_a_change():
    step = Step(burn, waits=False)
    step(0.0)
    before = step.usual_ms
    for _ in range(100):
        step(0.002)
    assert before < 1.9 < step.usual_ms


def test_a_failure_costs_as_well():
    def fail():
        burn(0.002)
        raise ValueError

    step = Step(fail, waits=False)
    step()
    assert step.usual_ms == pytest.approx(2.0, abs=1.9)
