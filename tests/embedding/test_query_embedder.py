import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from kbserver.deadline import Deadline
from kbserver.embedding.base import Encoder
from kbserver.embedding.models import open_encoder
from kbserver.embedding.query_embedder import QueryEmbedder
from kbserver.embedding.worker_pool import NoVector, VectorOrReason
from kbserver.errors import EmbedderUnavailable, ModelError
from kbserver.lru import ENTRY_BYTES, bytes_of

from .faulty import FaultyModel, Gate, HandClock, until

pytestmark = pytest.mark.anyio

PLENTY_S = 60.0
SOON_S = 0.02  # of real time: the model is held until the deadline has passed


class Started:
    """An embedder around a model, on a clock set by hand; open on entry, closed on exit."""

    def __init__(
        self, model: Encoder, clock: HandClock | None = None, **options: object
    ) -> None:
        self.clock = clock or HandClock()
        settings = {"workers": 1} | options
        self.embedder = QueryEmbedder(
            lambda: model,
            clock=self.clock,
            **settings,  # type: ignore[arg-type]
        )

    async def __aenter__(self) -> "Started":
        await self.embedder.open()
        await self.embedder.until_ready()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.embedder.close()

    def start(
        self, text: str, budget_s: float = PLENTY_S
    ) -> asyncio.Future[VectorOrReason]:
        return self.embedder.start(text, Deadline(self.clock() + budget_s))

    async def length(self, text: str) -> float:
        """What the model says of a text."""
        vector = await self.embedder.embed(text, Deadline(self.clock() + PLENTY_S))
        return float(vector[0])


def reason_of(outcome: VectorOrReason) -> str:
    assert isinstance(outcome, NoVector)
    return outcome.reason


def held_model(**options: object) -> tuple[FaultyModel, Gate]:
    model, gate = FaultyModel(**options), Gate()  # type: ignore[arg-type]
    model.trouble = gate
    return model, gate


# The real model


async def test_many_at_once_get_the_vectors_of_the_model(
    encoder: Encoder, cache: Path
) -> None:
    texts = [f"how do i reset pin number {number}" for number in range(40)]
    embedder = QueryEmbedder(
        lambda: open_encoder(encoder.identity, cache=cache, for_queries=True)
    )
    plenty = Deadline.after_ms(PLENTY_S * 1000.0)
    await embedder.open()
    with pytest.raises(EmbedderUnavailable, match="embedder loading"):
        await embedder.embed("hello", plenty)
    await embedder.until_ready()
    assert embedder.identity == encoder.identity
    assert embedder.backend.startswith("onnx")
    found = await asyncio.gather(*(embedder.embed(text, plenty) for text in texts))
    np.testing.assert_allclose(np.array(found), encoder.embed_queries(texts), atol=1e-6)
    assert embedder.stats.embedded == 40
    assert embedder.queue_length == 0
    await embedder.close()
    assert not any(thread.name == "kbserver-embed" for thread in threading.enumerate())


async def test_the_event_loop_goes_on_while_the_model_works(
    encoder: Encoder, cache: Path
) -> None:
    real = open_encoder(encoder.identity, cache=cache, for_queries=True)
    long = "word " * 250  # some 60 ms on one core
    embedder = QueryEmbedder(lambda: real)
    await embedder.open()
    await embedder.until_ready()
    plenty = Deadline.after_ms(PLENTY_S * 1000.0)
    calls = asyncio.gather(*(embedder.embed(f"{long}{n}", plenty) for n in range(6)))
    rounds = 0
    while not calls.done():
        rounds += 1
        await asyncio.sleep(0.001)
    await calls
    assert rounds > 12  # more than one before and after each call
    await embedder.close()


# One text, one call


async def test_start_returns_while_the_model_works() -> None:
    model, gate = held_model()
    async with Started(model) as started:
        answer = started.start("four")
        await until(lambda: gate.held == 1)
        assert not answer.done()
        assert started.embedder.queue_length == 1
        gate.open()
        vector = await answer
        assert isinstance(vector, np.ndarray)
        assert vector.tolist() == [4.0, 1.0, 0.0]
        assert started.embedder.queue_length == 0


async def test_the_same_text_in_flight_is_embedded_once() -> None:
    model, gate = held_model()
    async with Started(model) as started:
        answers = [started.start("same") for _ in range(5)]
        await until(lambda: gate.held == 1)
        gate.open()
        vectors = await asyncio.gather(*answers)
        assert all(vector is vectors[0] for vector in vectors)
        assert model.calls == [["same"]]
        stats = started.embedder.stats
        assert (stats.joined, stats.embedded) == (4, 1)


async def test_a_text_asked_before_is_answered_at_once_and_not_embedded_again() -> None:
    model = FaultyModel()
    one = ENTRY_BYTES + bytes_of(("faulty", "a"), "a") + model.identity.dim * 4
    two = 2 * one
    async with Started(model, cache_bytes=two) as started:
        for text in ("a", "b", "a", "c", "a", "b"):  # c pushes b out
            await started.length(text)
        assert model.calls == [["a"], ["b"], ["c"], ["b"]]
        assert started.embedder.stats.cache_hits == 2
        known = started.start("b")
        assert known.done()


async def test_a_vector_cannot_be_changed_by_a_caller() -> None:
    async with Started(FaultyModel()) as started:
        vector = await started.start("a")
        assert isinstance(vector, np.ndarray)
        with pytest.raises(ValueError, match="read-only"):
            vector[0] = 7.0


# In time, or not at all


async def test_a_deadline_is_kept_while_the_model_takes_longer() -> None:
    model, gate = held_model()
    async with Started(model) as started:
        assert await started.start("slow", SOON_S) == NoVector("late")
        with pytest.raises(EmbedderUnavailable) as caught:
            await started.embedder.embed("slow", Deadline(started.clock() + SOON_S))
        assert caught.value.reason == "late"
        assert started.embedder.stats.refused == {"late": 2}
        gate.open()


@pytest.mark.parametrize("budget_s", [0.0, -1.0])
async def test_no_budget_is_late_without_any_work(budget_s: float) -> None:
    model = FaultyModel()
    async with Started(model) as started:
        answer = started.start("x", budget_s)
        assert answer.done()
        assert reason_of(answer.result()) == "late"
        assert model.calls == []


async def test_texts_whose_callers_have_left_are_not_embedded() -> None:
    model, gate = held_model()
    async with Started(model) as started:
        first = started.start("first")
        await until(lambda: gate.held == 1)
        cancelled = started.start("cancelled")
        expired = started.start("expired", SOON_S)
        patient = started.start("patient")
        cancelled.cancel()
        assert reason_of(await expired) == "late"
        gate.open()
        await first
        await patient
        assert model.calls == [["first"], ["patient"]]
        assert started.embedder.stats.dropped == 2
        assert started.embedder.queue_length == 0


async def test_a_call_that_joins_a_text_as_it_is_dropped_gets_its_vector() -> None:
    model, gate = held_model()
    async with Started(model) as started:
        started.start("same").cancel()
        started.start("next")
        gate.wait_for_call()  # "same" was put aside, and the event loop does not know yet
        joined = started.start("same")
        gate.open()
        vector = await joined
        assert isinstance(vector, np.ndarray)
        assert model.calls == [["next"], ["same"]]
        stats = started.embedder.stats
        assert (stats.joined, stats.dropped) == (1, 0)


async def test_a_text_that_cannot_be_embedded_in_time_is_refused_at_once() -> None:
    clock = HandClock()
    model, gate = held_model(time_passes=lambda texts: clock.advance(0.020))
    async with Started(model, clock) as started:
        model.time_passes = lambda texts: None
        waiting = [started.start(f"ahead {number}") for number in range(4)]
        refused = started.start("one too many", budget_s=0.100)  # 5 calls take 100 ms
        assert refused.done()
        assert reason_of(refused.result()) == "busy"
        admitted = started.start("just in time", budget_s=0.120)
        assert not admitted.done()
        admitted.cancel()
        gate.open()
        await asyncio.gather(*waiting)
        assert ["one too many"] not in model.calls


async def test_the_queue_is_bounded() -> None:
    model, gate = held_model()
    async with Started(model, queue_limit=3) as started:
        waiting = [started.start(f"{number}") for number in range(3)]
        assert reason_of(await started.start("fourth")) == "busy"
        assert not started.start("2").done()  # it joins
        gate.open()
        await asyncio.gather(*waiting)
        assert started.embedder.stats.refused == {"busy": 1}


async def test_after_a_slow_spell_the_model_is_found_to_be_fast_again() -> None:
    clock = HandClock()
    model = FaultyModel(time_passes=lambda texts: clock.advance(4 * PLENTY_S))
    async with Started(model, clock, hang_limit_s=10 * PLENTY_S) as started:
        model.time_passes = lambda texts: None
        for number in range(30):  # judging by recent calls, none would be in time
            answer = await started.start(f"fast {number}")
            assert isinstance(answer, np.ndarray)


async def test_each_text_of_a_batch_gets_its_own_vector() -> None:
    clock = HandClock()
    takes = {"time_passes": lambda texts: clock.advance(0.01)}
    model, gate = held_model(queries_per_call=8, **takes)
    async with Started(model, clock) as started:
        answers = [started.start("x" * length) for length in range(1, 12)]
        await until(lambda: gate.held == 1)
        gate.open()
        vectors = await asyncio.gather(*answers)
        lengths = [vector[0] for vector in vectors]
        assert lengths == list(range(1, 12))
        assert max(len(texts) for texts in model.calls) == 8


# Failures


async def test_a_failure_reaches_every_waiter_and_the_next_call_is_tried() -> None:
    model, gate = FaultyModel(), Gate()

    def fail(texts: Sequence[str]) -> None:
        gate(texts)
        raise MemoryError("no room")

    model.trouble = fail
    async with Started(model) as started:
        answers = [started.start("same") for _ in range(3)]
        await until(lambda: gate.held == 1)
        gate.open()
        failed = NoVector("failed", "MemoryError: no room")
        assert await asyncio.gather(*answers) == [failed] * 3
        model.trouble = lambda texts: None
        assert await started.length("same") == 4


async def test_vectors_with_nan_are_failures_and_are_not_kept() -> None:
    model = FaultyModel()
    async with Started(model) as started:
        model.value = float("nan")
        assert reason_of(await started.start("a")) == "failed"
        model.value = 1.0
        assert await started.length("a") == 1


async def test_patient_callers_of_a_hung_call_hear_that_it_failed() -> None:
    model, gate = held_model()
    async with Started(model, hang_limit_s=0.04) as started:
        patient = started.start("hangs")
        impatient = started.start("hangs", SOON_S)
        assert reason_of(await impatient) == "late"
        await until(lambda: gate.held == 1)
        started.clock.advance(0.05)
        assert await patient == NoVector("failed", "the model hung")
        model.trouble = lambda texts: None
        assert await started.length("after") == 5
        gate.open()


async def test_what_a_hung_call_brings_late_is_not_kept() -> None:
    model, gate = held_model()
    async with Started(model, hang_limit_s=0.04) as started:
        hung = started.start("hangs")
        await until(lambda: gate.held == 1)
        started.clock.advance(0.05)
        assert reason_of(await hung) == "failed"
        model.trouble = lambda texts: None
        await started.length("other")
        gate.open()
        await started.length("another")
        assert started.embedder.stats.embedded == 2
        assert await started.length("hangs") == 5
        assert model.calls.count(["hangs"]) == 2


async def test_calls_say_why_there_is_no_model_until_one_opens() -> None:
    attempts = iter([ModelError("the weights are missing")])

    def open_at_second_attempt() -> Encoder:
        for error in attempts:
            raise error
        return FaultyModel()

    embedder = QueryEmbedder(open_at_second_attempt)
    plenty = Deadline.after_ms(PLENTY_S * 1000.0)
    assert (embedder.identity, embedder.backend) == (None, "")
    assert embedder.queue_length == 0
    assert await embedder.start("a", plenty) == NoVector("loading")
    await embedder.open()
    with pytest.raises(ModelError, match="the weights are missing"):
        await embedder.until_ready()
    with pytest.raises(
        EmbedderUnavailable, match="embedder failed: the weights are missing"
    ):
        await embedder.embed("a", plenty)
    await until(lambda: embedder.ready)
    assert isinstance(await embedder.start("a", plenty), np.ndarray)
    assert embedder.stats.refused == {"loading": 1, "failed": 1}
    await embedder.close()


# Changing the model, and the end


async def test_a_swap_loses_no_call_and_mixes_no_vectors() -> None:
    old, new = FaultyModel(name="old"), FaultyModel(name="new")
    old.value, new.value = 1.0, 2.0
    async with Started(old, workers=2) as started:
        embedder = started.embedder
        wrong: list[str] = []
        asked = {"old": 0, "new": 0}

        async def ask_until_both_have_answered(number: int) -> None:
            while min(asked.values()) < 20:
                identity = embedder.identity
                assert identity is not None
                asked[identity.name] += 1
                text = f"{number} {sum(asked.values())}"
                vector = await started.start(text)
                assert isinstance(vector, np.ndarray)
                if vector[1] != {"old": 1.0, "new": 2.0}[identity.name]:
                    wrong.append(text)

        async with asyncio.TaskGroup() as callers:
            for number in range(8):
                callers.create_task(ask_until_both_have_answered(number))
            await until(lambda: asked["old"] >= 20)
            await embedder.swap(lambda: new)
            assert embedder.identity == new.identity
        assert wrong == []
        await until(old.closed.is_set)


async def test_closing_answers_every_waiting_call() -> None:
    model, gate = held_model()
    async with Started(model, hang_limit_s=0.04) as started:
        answers = [started.start(f"{number}") for number in range(4)]
        await until(lambda: gate.held == 1)
    assert await asyncio.gather(*answers) == [NoVector("failed", "closed")] * 4
    assert await started.start("after the end") == NoVector("failed", "closed")
    gate.open()
    await until(model.closed.is_set)


async def test_closing_answers_calls_that_a_replaced_model_still_has() -> None:
    old, gate = held_model(name="old")
    async with Started(old, hang_limit_s=PLENTY_S) as started:
        answer = started.start("in the old one")
        await until(lambda: gate.held == 1)
        await started.embedder.swap(lambda: FaultyModel(name="new"))
    assert answer.done()
    assert answer.result() == NoVector("failed", "closed")
    gate.open()


async def test_real_time_is_what_deadlines_are_measured_by_without_a_clock() -> None:
    embedder = QueryEmbedder(FaultyModel)
    await embedder.open()
    await embedder.until_ready()
    assert isinstance(
        await embedder.start("a", Deadline.after_ms(60_000.0)), np.ndarray
    )
    assert reason_of(await embedder.start("b", Deadline.after_ms(-1.0))) == "late"
    await embedder.close()
