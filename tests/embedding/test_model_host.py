import asyncio
import logging
import threading
from collections.abc import Callable, Iterable

import pytest

from kbserver.deadline import Deadline
from kbserver.embedding.base import Encoder
from kbserver.embedding.model_host import MOST_ABANDONED, ModelHost
from kbserver.embedding.worker_pool import (
    Batch,
    Failure,
    Job,
    NoVector,
    Outcome,
    VectorOrReason,
    Waiter,
    WorkerPool,
)
from kbserver.errors import EmbedderUnavailable, ModelError

from .faulty import FaultyModel, Gate, HandClock, until

pytestmark = pytest.mark.anyio

NEVER = Deadline(float("inf"))
HANG_LIMIT_S = 0.04  # looked at every 10 ms; calls are timed by the hand clock


class Hosted:
    """A host, what it was delivered, and the pauses it made between attempts to open."""

    def __init__(self, open_encoder: Callable[[], Encoder], **options: object) -> None:
        self.clock = HandClock()
        self.outcomes: list[Outcome] = []
        self.pauses: list[float] = []
        settings = {"workers": 1, "hang_limit_s": HANG_LIMIT_S} | options
        self.host = ModelHost(
            open_encoder,
            take=self._take,
            clock=self.clock,
            sleep=self._sleep,
            **settings,  # type: ignore[arg-type]
        )

    async def __aenter__(self) -> "Hosted":
        self.host.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.host.close()

    def _take(self, pool: WorkerPool, outcome: Outcome) -> None:
        for job in outcome.jobs:
            pool.forget(job)
        self.outcomes.append(outcome)

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)

    @property
    def pool(self) -> WorkerPool:
        pool = self.host.pool
        assert pool is not None
        return pool

    def submit(self, *texts: str) -> None:
        for text in texts:
            answer: asyncio.Future[VectorOrReason] = (
                asyncio.get_running_loop().create_future()
            )
            self.pool.submit(Job(text, [Waiter(answer, NEVER)]))

    async def ask(self, text: str) -> Outcome:
        """Submit one text, and wait for the next outcome."""
        before = len(self.outcomes)
        self.submit(text)
        await until(lambda: len(self.outcomes) > before)
        return self.outcomes[before]


def one_after_the_other(models: Iterable[Encoder | Exception]) -> Callable[[], Encoder]:
    following = iter(models)

    def open_next() -> Encoder:
        model = next(following)
        if isinstance(model, BaseException):
            raise model
        return model

    return open_next


def broken(name: str = "broken") -> FaultyModel:
    model = FaultyModel(name=name)

    def fail(texts: object) -> None:
        raise RuntimeError("broken")

    model.trouble = fail
    return model


# Opening


async def test_until_a_model_is_open_there_is_none_and_it_is_loading() -> None:
    opening = threading.Event()

    def open_slowly() -> Encoder:
        opening.wait(20)
        return FaultyModel()

    async with Hosted(open_slowly) as hosted:
        assert hosted.host.pool is None
        assert hosted.host.why_none == NoVector("loading")
        assert hosted.host.pools == []
        opening.set()
        await hosted.host.until_ready()
        assert isinstance(await hosted.ask("a"), Batch)


async def test_opening_is_tried_again_with_growing_pauses() -> None:
    failures = [ModelError(f"attempt {number}") for number in range(7)]
    sound = FaultyModel()
    async with Hosted(one_after_the_other([*failures, sound])) as hosted:
        with pytest.raises(ModelError, match="attempt 0"):
            await hosted.host.until_ready()
        await until(lambda: hosted.host.pool is not None)
        assert hosted.pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
        assert hosted.pool.encoder is sound
        await hosted.host.until_ready()


async def test_why_there_is_no_model_is_known_between_attempts() -> None:
    def missing() -> Encoder:
        raise ModelError("the weights are missing")

    async with Hosted(missing) as hosted:
        with pytest.raises(ModelError):
            await hosted.host.until_ready()
        assert hosted.host.why_none == NoVector("failed", "the weights are missing")


async def test_the_same_failure_to_open_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failures = [ModelError("first"), ModelError("first"), ModelError("second")]
    with caplog.at_level(logging.ERROR, logger="kbserver.embedding"):
        async with Hosted(one_after_the_other([*failures, FaultyModel()])) as hosted:
            await until(lambda: hosted.host.pool is not None)
    messages = [record.getMessage().rpartition(": ")[2] for record in caplog.records]
    assert messages == ["first", "second"]


async def test_an_error_that_is_not_ours_is_given_as_unavailable() -> None:
    def leave() -> Encoder:
        raise SystemExit(3)

    async with Hosted(leave) as hosted:
        with pytest.raises(
            EmbedderUnavailable, match=r"embedder failed: SystemExit\(3\)"
        ):
            await hosted.host.until_ready()


async def test_a_model_whose_first_vectors_are_nan_is_closed_and_not_put_in_charge() -> (
    None
):
    blank, sound = FaultyModel(), FaultyModel()
    blank.value = float("nan")
    async with Hosted(one_after_the_other([blank, sound])) as hosted:
        with pytest.raises(Exception, match="NaN"):
            await hosted.host.until_ready()
        assert blank.closed.is_set()
        await until(lambda: hosted.host.pool is not None)
        assert hosted.pool.encoder is sound


async def test_opening_twice_opens_one_model() -> None:
    opened: list[Encoder] = []

    def open_one() -> Encoder:
        opened.append(FaultyModel())
        return opened[-1]

    async with Hosted(open_one) as hosted:
        hosted.host.open()
        await hosted.host.until_ready()
        assert len(opened) == 1


# A model that fails


async def test_a_model_that_fails_three_times_in_a_row_is_opened_again() -> None:
    first, second = broken(), FaultyModel(name="sound")
    async with Hosted(one_after_the_other([first, second])) as hosted:
        await hosted.host.until_ready()
        for text in ("a", "b"):
            assert isinstance(await hosted.ask(text), Failure)
        assert hosted.host.reopened == 0
        await hosted.ask("c")
        await until(lambda: hosted.pool.encoder is second)
        assert hosted.host.reopened == 1
        await until(first.closed.is_set)
        assert isinstance(await hosted.ask("d"), Batch)


async def test_a_success_in_between_starts_the_count_anew() -> None:
    model = broken()
    fail = model.trouble
    async with Hosted(one_after_the_other([model])) as hosted:
        await hosted.host.until_ready()
        await hosted.ask("a")
        await hosted.ask("b")
        model.trouble = lambda texts: None
        await hosted.ask("c")
        model.trouble = fail
        await hosted.ask("d")
        await hosted.ask("e")
        assert hosted.host.reopened == 0


async def test_a_model_is_not_opened_again_twice_within_ten_seconds() -> None:
    models = [broken("first"), broken("second"), FaultyModel(name="third")]
    async with Hosted(one_after_the_other(models)) as hosted:
        await hosted.host.until_ready()
        for text in ("a", "b", "c"):
            await hosted.ask(text)
        await until(lambda: hosted.pool.encoder is models[1])
        hosted.clock.advance(9.0)
        for text in ("d", "e", "f"):
            await hosted.ask(text)
        assert hosted.host.reopened == 1
        hosted.clock.advance(1.0)
        await hosted.ask("g")
        assert hosted.host.reopened == 2
        await until(lambda: hosted.pool.encoder is models[2])


# A model that hangs


async def test_jobs_of_a_hung_call_fail_and_the_model_is_opened_again() -> None:
    hanging, sound, gate = (
        FaultyModel(name="hanging"),
        FaultyModel(name="sound"),
        Gate(),
    )
    hanging.trouble = gate
    async with Hosted(one_after_the_other([hanging, sound])) as hosted:
        await hosted.host.until_ready()
        hosted.submit("hangs")
        await until(lambda: gate.held == 1)
        hosted.clock.advance(HANG_LIMIT_S + 0.01)
        await until(lambda: hosted.pool.encoder is sound)
        [lost] = hosted.outcomes
        assert isinstance(lost, Failure)
        assert ([job.text for job in lost.jobs], lost.detail) == (
            ["hangs"],
            "the model hung",
        )
        assert (hosted.host.hung, hosted.host.reopened) == (1, 1)
        assert isinstance(await hosted.ask("after"), Batch)
        gate.open()


async def test_a_retired_models_hung_call_is_given_up_without_opening_anything() -> (
    None
):
    old, new, gate = FaultyModel(name="old"), FaultyModel(name="new"), Gate()
    old.trouble = gate
    async with Hosted(one_after_the_other([old])) as hosted:
        await hosted.host.until_ready()
        hosted.submit("hangs")
        await until(lambda: gate.held == 1)
        await hosted.host.swap(lambda: new)
        assert len(hosted.host.pools) == 2
        hosted.clock.advance(HANG_LIMIT_S + 0.01)
        await until(lambda: len(hosted.outcomes) == 1)
        assert isinstance(hosted.outcomes[0], Failure)
        assert (hosted.host.hung, hosted.host.reopened) == (1, 0)
        await until(lambda: len(hosted.host.pools) == 1)
        gate.open()


async def test_abandoned_threads_are_bounded_and_work_goes_on_when_they_return() -> (
    None
):
    model, gate = FaultyModel(), Gate()
    model.trouble = gate
    async with Hosted(lambda: model, workers=2) as hosted:
        await hosted.host.until_ready()
        first = hosted.pool
        for hung in range(2, MOST_ABANDONED + 1, 2):
            hosted.submit(f"{hung} a", f"{hung} b")
            await until(lambda: gate.held == hung)  # noqa: B023 - awaited in this round
            hosted.clock.advance(HANG_LIMIT_S + 0.01)
            await until(lambda: len(hosted.outcomes) > 0 and not hosted.pool.in_flight)
            await until(lambda: hosted.pool is not first and first.gone)
        assert hosted.host.reopened == 1
        await until(lambda: hosted.pool.workers == [])
        assert hosted.pool.expected_s() == float("inf")
        assert threads_that_embed() == MOST_ABANDONED

        gate.open()
        await until(lambda: len(hosted.pool.workers) == 2)
        assert isinstance(await hosted.ask("again"), Batch)
        await until(lambda: threads_that_embed() == 2)


def threads_that_embed() -> int:
    return sum(thread.name == "kbserver-embed" for thread in threading.enumerate())


# Another model, and the end


async def test_a_swap_puts_the_other_model_in_charge_and_lets_the_old_one_finish() -> (
    None
):
    old, new, gate = FaultyModel(name="old"), FaultyModel(name="new"), Gate()
    old.trouble = gate
    async with Hosted(lambda: old) as hosted:
        await hosted.host.until_ready()
        hosted.submit("in the old one")
        await until(lambda: gate.held == 1)
        await hosted.host.swap(lambda: new)
        assert hosted.pool.encoder is new
        assert not old.closed.is_set()
        gate.open()
        await until(lambda: len(hosted.outcomes) == 1)
        assert isinstance(hosted.outcomes[0], Batch)
        await until(old.closed.is_set)


async def test_a_swap_to_a_model_that_cannot_be_opened_keeps_the_old_one() -> None:
    def missing() -> Encoder:
        raise ModelError("not there")

    old = FaultyModel()
    async with Hosted(lambda: old) as hosted:
        await hosted.host.until_ready()
        with pytest.raises(ModelError, match="not there"):
            await hosted.host.swap(missing)
        assert hosted.pool.encoder is old


async def test_after_a_swap_the_new_model_is_the_one_opened_again() -> None:
    again = FaultyModel(name="again")
    swapped = one_after_the_other([broken(), again])
    async with Hosted(one_after_the_other([FaultyModel(name="old")])) as hosted:
        await hosted.host.until_ready()
        await hosted.host.swap(swapped)
        for text in ("a", "b", "c"):
            await hosted.ask(text)
        await until(lambda: hosted.pool.encoder is again)


async def test_a_swap_that_ends_after_the_host_was_closed_puts_nothing_in_charge() -> (
    None
):
    late, opening, opened = (
        FaultyModel(name="late"),
        threading.Event(),
        threading.Event(),
    )

    def open_slowly() -> Encoder:
        opening.set()
        opened.wait(20)
        return late

    hosted = Hosted(FaultyModel)
    async with hosted:
        await hosted.host.until_ready()
        swapping = asyncio.ensure_future(hosted.host.swap(open_slowly))
        await until(opening.is_set)
    opened.set()
    with pytest.raises(EmbedderUnavailable, match="closed"):
        await swapping
    assert hosted.host.pool is None
    await until(late.closed.is_set)


async def test_closing_stops_the_threads_and_says_so() -> None:
    model = FaultyModel()
    hosted = Hosted(lambda: model, workers=3)
    async with hosted:
        await hosted.host.until_ready()
        assert threads_that_embed() == 3
    await until(lambda: threads_that_embed() == 0)
    assert model.closed.is_set()
    assert hosted.host.why_none == NoVector("failed", "closed")
    with pytest.raises(EmbedderUnavailable, match="embedder failed: closed"):
        await hosted.host.until_ready()


async def test_closing_does_not_wait_for_a_hung_call() -> None:
    model, gate = FaultyModel(), Gate()
    model.trouble = gate
    async with Hosted(lambda: model) as hosted:
        await hosted.host.until_ready()
        hosted.submit("hangs")
        await until(lambda: gate.held == 1)
    assert not model.closed.is_set()
    gate.open()
    await until(model.closed.is_set)


async def test_closing_while_the_model_opens_leaves_no_threads() -> None:
    model, opening, opened = FaultyModel(), threading.Event(), threading.Event()

    def open_slowly() -> Encoder:
        opening.set()
        opened.wait(20)
        return model

    async with Hosted(open_slowly):
        await until(opening.is_set)
    opened.set()
    await until(model.closed.is_set)
    await until(lambda: threads_that_embed() == 0)


async def test_closing_in_the_moment_a_model_is_open_leaves_no_threads() -> None:
    model = FaultyModel()
    async with Hosted(lambda: model) as hosted:
        await asyncio.sleep(0)  # the opener starts
        for thread in threading.enumerate():
            if thread.name == "kbserver-open-model":
                thread.join()
        await asyncio.sleep(0)  # the model is open, but not in charge
        assert hosted.host.pool is None
    await until(model.closed.is_set)
    await until(lambda: threads_that_embed() == 0)
