"""Steps of a search: where each is run, and what came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, ParamSpec, TypeAlias, TypeVar

from kbserver.deadline import Deadline

P = ParamSpec("P")
T = TypeVar("T")

_SMOOTHING = 0.05  # weight of the newest run in the usual cost


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """A step that ended well."""

    value: T
    ms: float
    """How long the step took, waiting included."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A step that raised."""

    error: Exception
    ms: float
    """How long the step took, waiting included."""


Outcome: TypeAlias = Done[T] | Failed


@dataclass(frozen=True, slots=True)
class Late:
    """A step that is not over yet."""


class Step(Generic[P, T]):
    """A piece of work that knows what it usually costs, in any thread."""

    def __init__(self, work: Callable[P, T], *, waits: bool) -> None:
        """Take the work.

        Args:
            work: must be safe to run in any thread.
            waits: whether the work waits for a network or a disk, which its cost does not show.
        """
        self.waits = waits
        self.usual_ms = float("inf")
        """Milliseconds of CPU time. Time while others hold the core or the GIL does not count."""
        self._work = work

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Outcome[T]:
        """Do the work, and learn from its cost; an exception is returned, not raised."""
        began_s = time.perf_counter()
        began_cpu_s = time.thread_time()
        try:
            value = self._work(*args, **kwargs)
        except Exception as exc:
            return Failed(exc, _ms_since(began_s))
        finally:
            self._learn((time.thread_time() - began_cpu_s) * 1000.0)
        return Done(value, _ms_since(began_s))

    def _learn(self, ms: float) -> None:
        if self.usual_ms == float("inf"):
            self.usual_ms = ms
        else:
            self.usual_ms += _SMOOTHING * (ms - self.usual_ms)


class StepRunner:
    """Runs the steps of a search in the event loop's thread, or in an executor."""

    def __init__(self, executor: Executor, *, in_loop_ms: float) -> None:
        """Take the executor.

        Args:
            executor: for steps that would hold the event loop for too long.
            in_loop_ms: what the steps of one search may cost together, in milliseconds of CPU time,
                to be run in the event loop's thread; with 0 none is.
        """
        self._executor = executor
        self._in_loop_ms = in_loop_ms
        self._steps: list[Step[Any, Any]] = []

    def add(self, work: Callable[P, T], *, waits: bool) -> Step[P, T]:
        """Make a step of every search; see `Step`."""
        step = Step(work, waits=waits)
        self._steps.append(step)
        return step

    def begin(
        self, step: Step[P, T], may_stay: bool, *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[Outcome[T]]:
        """Begin a step; it is done on return if it ran in the event loop's thread.

        Args:
            step: one that `add` made.
            may_stay: whether the step costs what it usually does; if not, the executor runs it.
            args: of the step.
            kwargs: of the step.
        """
        loop = asyncio.get_running_loop()
        if may_stay and self.runs_in_loop(step):
            done: asyncio.Future[Outcome[T]] = loop.create_future()
            done.set_result(step(*args, **kwargs))
            return done
        return loop.run_in_executor(self._executor, partial(step, *args, **kwargs))

    def runs_in_loop(self, step: Step[P, T]) -> bool:
        """Whether a step is run in the event loop's thread: it never waits, and costs little.

        A hand-over to another thread waits for the GIL, up to 5 ms under load, so it must be worth
        it. A step that waits would stop every turn, however little CPU time it takes.
        """
        if step.waits:
            return False
        usual_ms = sum(one.usual_ms for one in self._steps if not one.waits)
        return usual_ms < self._in_loop_ms


async def until(deadline: Deadline, *steps: asyncio.Future[Any] | None) -> None:
    """Wait until all steps are over, or the deadline has come. Nothing is cancelled.

    Args:
        deadline: the moment after which no step is waited for.
        steps: what `StepRunner.begin` returned; None for a step that was left out.
    """
    pending = [step for step in steps if step is not None and not step.done()]
    if not pending:
        return
    left_ms = max(0.0, deadline.remaining_ms())
    await asyncio.wait(pending, timeout=left_ms / 1000.0)


def outcome_of(step: asyncio.Future[Outcome[T]]) -> Outcome[T] | Late:
    """Return what a step came to so far."""
    if not step.done():
        return Late()
    return step.result()


def _ms_since(began_s: float) -> float:
    return (time.perf_counter() - began_s) * 1000.0
