import asyncio
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pytest

from kbserver.deadline import Deadline
from kbserver.embedding.base import Encoder, Progress
from kbserver.embedding.models import open_encoder
from kbserver.embedding.query_embedder import QueryEmbedder
from kbserver.errors import EmbedderUnavailable, ModelError
from kbserver.types import FloatMatrix, FloatVector, ModelIdentity

from ..conftest import watches_a_clock
from .test_cores import needs_two_cores

pytestmark = [pytest.mark.anyio, watches_a_clock]

PLENTY = 10_000.0  # milliseconds


class FaultyModel:
    """Stands for a model on a bad day: each text gets a vector of its own length, after what `trouble` does."""

    def __init__(
        self,
        *,
        name: str = "faulty",
        queries_per_call: int = 1,
        side_by_side: bool | None = None,
    ) -> None:
        self.identity = ModelIdentity(name, fingerprint=name, dim=3, max_tokens=256)
        self.backend = "none"
        self.queries_per_call = queries_per_call
        self.side_by_side = (
            queries_per_call == 1 if side_by_side is None else side_by_side
        )
        self.trouble: Callable[[Sequence[str]], None] = lambda texts: None
        self.value = 1.0
        self.calls: list[list[str]] = []
        self.closed = threading.Event()

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        if not any(
            text == "warm up" or text.startswith("a question of") for text in texts
        ):
            self.calls.append(list(texts))
            self.trouble(texts)
        return np.array([[len(text), self.value, 0.0] for text in texts], np.float32)

    def embed_passages(
        self, texts: Sequence[str], *, on_progress: Progress | None = None
    ) -> FloatMatrix:
        return self.embed_queries(texts)

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def close(self) -> None:
        self.closed.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Gate:
    """Holds every call of a model until it is opened."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.held = 0

    def __call__(self, texts: Sequence[str]) -> None:
        self.held += 1
        self.open.wait(20)


class Started:
    """An embedder around a model, started on entry and closed on exit."""

    def __init__(self, model: Encoder, **options: object) -> None:
        self.embedder = QueryEmbedder(lambda: model, **options)  # type: ignore[arg-type]

    async def __aenter__(self) -> QueryEmbedder:
        await self.embedder.open()
        await self.embedder.until_ready()
        return self.embedder

    async def __aexit__(self, *_: object) -> None:
        await self.embedder.close()


async def until(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    patience = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < patience, "it did not come about"
        await asyncio.sleep(0.002)


async def reason_of(
    embedder: QueryEmbedder, text: str, budget_ms: float = PLENTY
) -> str:
    with pytest.raises(EmbedderUnavailable) as caught:
        await embedder.embed(text, Deadline.after_ms(budget_ms))
    return caught.value.reason


# The real model


async def test_many_at_once_get_the_vectors_of_the_model(
    encoder: Encoder, cache: Path
) -> None:
    texts = [f"how do i reset pin number {number}" for number in range(40)]
    embedder = QueryEmbedder(
        lambda: open_encoder(encoder.identity, cache=cache, for_queries=True)
    )
    await embedder.open()
    assert await reason_of(embedder, "hello") == "loading"
    await embedder.until_ready()
    assert embedder.identity == encoder.identity
    found = await asyncio.gather(
        *(embedder.embed(text, Deadline.after_ms(PLENTY)) for text in texts)
    )
    np.testing.assert_allclose(np.array(found), encoder.embed_queries(texts), atol=1e-6)
    assert embedder.stats.embedded == 40
    assert embedder.queue_length == 0
    await embedder.close()
    assert [
        thread.name
        for thread in threading.enumerate()
        if thread.name == "kbserver-embed"
    ] == []


async def test_the_event_loop_goes_on_while_the_model_works(
    encoder: Encoder, cache: Path
) -> None:
    async with Started(
        open_encoder(encoder.identity, cache=cache, for_queries=True)
    ) as embedder:
        longest = "word " * 250  # some 60 ms on one core
        busy = asyncio.gather(
            *(
                embedder.embed(f"{longest}{n}", Deadline.after_ms(PLENTY))
                for n in range(6)
            )
        )
        turns = 0
        while not busy.done():
            turns += 1
            await asyncio.sleep(0.001)
        await busy
        assert turns > 20


# One text, one call


async def test_the_same_text_in_flight_is_embedded_once() -> None:
    model, gate = FaultyModel(), Gate()
    model.trouble = gate
    async with Started(model) as embedder:
        asked = [
            asyncio.create_task(embedder.embed("same", Deadline.after_ms(PLENTY)))
            for _ in range(5)
        ]
        await until(lambda: gate.held == 1)
        gate.open.set()
        vectors = await asyncio.gather(*asked)
        assert all(vector[0] == len("same") for vector in vectors)
        assert model.calls == [["same"]]
        assert (embedder.stats.joined, embedder.stats.embedded) == (4, 1)


async def test_a_text_asked_before_is_not_embedded_again() -> None:
    model = FaultyModel()
    async with Started(model, cached_vectors=2) as embedder:
        for text in ("a", "b", "a", "c", "a", "b"):  # b was put out by c
            await embedder.embed(text, Deadline.after_ms(PLENTY))
        assert model.calls == [["a"], ["b"], ["c"], ["b"]]
        assert embedder.stats.cache_hits == 2


async def test_a_cached_vector_cannot_be_changed_by_who_gets_it() -> None:
    async with Started(FaultyModel()) as embedder:
        vector = await embedder.embed("a", Deadline.after_ms(PLENTY))
        with pytest.raises(ValueError, match="read-only"):
            vector[0] = 7.0


# In time, or not at all


async def test_a_deadline_is_kept_while_the_model_takes_longer() -> None:
    model, gate = FaultyModel(), Gate()
    model.trouble = gate
    async with Started(model) as embedder:
        begun = time.monotonic()
        assert await reason_of(embedder, "slow", budget_ms=60) == "late"
        assert 0.055 < time.monotonic() - begun < 0.5
        gate.open.set()


async def test_no_budget_is_late_without_any_work() -> None:
    model = FaultyModel()
    async with Started(model) as embedder:
        assert await reason_of(embedder, "x", budget_ms=-1) == "late"
        assert model.calls == []


async def test_who_has_left_is_not_worked_for() -> None:
    model, gate = FaultyModel(), Gate()
    model.trouble = gate
    async with Started(model, workers=1) as embedder:
        first = asyncio.create_task(embedder.embed("first", Deadline.after_ms(PLENTY)))
        await until(lambda: gate.held == 1)
        cancelled = asyncio.create_task(
            embedder.embed("cancelled", Deadline.after_ms(PLENTY))
        )
        expired = asyncio.create_task(reason_of(embedder, "expired", budget_ms=50))
        patient = asyncio.create_task(
            embedder.embed("patient", Deadline.after_ms(PLENTY))
        )
        await asyncio.sleep(0)
        cancelled.cancel()
        assert await expired == "late"
        gate.open.set()
        await first
        await patient
        assert model.calls == [["first"], ["patient"]]
        assert embedder.stats.dropped == 2
        assert embedder.queue_length == 0


async def test_what_cannot_be_done_in_time_is_refused_at_once() -> None:
    model, gate = FaultyModel(), Gate()
    model.trouble = lambda texts: time.sleep(0.02)
    async with Started(model, workers=1) as embedder:
        for number in range(30):  # it learns that a call takes 20 ms
            await embedder.embed(f"text {number}", Deadline.after_ms(PLENTY))
        assert 10.0 < embedder.call_ms < 60.0
        model.trouble = gate
        waiting = [
            asyncio.create_task(embedder.embed(f"ahead {n}", Deadline.after_ms(PLENTY)))
            for n in range(10)
        ]
        await asyncio.sleep(0)
        begun = time.monotonic()
        assert await reason_of(embedder, "one too many", budget_ms=100) == "busy"
        assert time.monotonic() - begun < 0.05
        gate.open.set()
        await asyncio.gather(*waiting)
        assert ["one too many"] not in model.calls


async def test_the_queue_is_bounded() -> None:
    model, gate = FaultyModel(), Gate()
    model.trouble = gate
    async with Started(model, workers=1, queue_limit=3) as embedder:
        waiting = [
            asyncio.create_task(embedder.embed(f"{number}", Deadline.after_ms(PLENTY)))
            for number in range(3)
        ]
        await asyncio.sleep(0)
        assert await reason_of(embedder, "fourth") == "busy"
        gate.open.set()
        await asyncio.gather(*waiting)
        assert embedder.stats.refused == {"busy": 1}


async def test_after_a_slow_spell_it_is_found_to_be_fast_again() -> None:
    model = FaultyModel()
    model.trouble = lambda texts: time.sleep(0.4)
    async with Started(model, workers=1) as embedder:
        for number in range(4):
            await embedder.embed(f"slow {number}", Deadline.after_ms(PLENTY))
        assert embedder.call_ms > 100.0
        model.trouble = lambda texts: None
        number = 0
        while (
            embedder.call_ms > 20.0
        ):  # by its last calls none would fit into 100 ms, yet it is asked
            number += 1
            assert number < 100
            await embedder.start(f"fast {number}", Deadline.after_ms(100))


async def test_a_model_that_gains_from_batches_gets_them() -> None:
    model, gate = FaultyModel(queries_per_call=8), Gate()
    model.trouble = gate
    async with Started(model, workers=4) as embedder:
        waiting = [
            asyncio.create_task(embedder.embed("x" * n, Deadline.after_ms(PLENTY)))
            for n in range(1, 12)
        ]
        await until(lambda: gate.held == 1)
        gate.open.set()
        assert [vector[0] for vector in await asyncio.gather(*waiting)] == list(
            range(1, 12)
        )
        assert [len(texts) for texts in model.calls] in ([1, 8, 2], [8, 3])


async def test_workers_side_by_side_share_what_is_waiting() -> None:
    model, gate = FaultyModel(queries_per_call=4, side_by_side=True), Gate()
    model.trouble = gate
    async with Started(model, workers=2) as embedder:
        waiting = [asyncio.create_task(embedder.embed("x", Deadline.after_ms(PLENTY)))]
        await until(lambda: gate.held == 1)
        waiting.append(
            asyncio.create_task(embedder.embed("xx", Deadline.after_ms(PLENTY)))
        )
        await until(
            lambda: gate.held == 2
        )  # the other worker takes it: alone it is done sooner
        waiting += [
            asyncio.create_task(embedder.embed("x" * n, Deadline.after_ms(PLENTY)))
            for n in range(3, 13)
        ]
        await asyncio.sleep(0.05)
        gate.open.set()
        assert [vector[0] for vector in await asyncio.gather(*waiting)] == list(
            range(1, 13)
        )
        sizes = [len(texts) for texts in model.calls]
        assert sizes[:2] == [1, 1] and max(sizes) == 4 and sum(sizes) == 12


async def test_batches_that_gain_nothing_are_not_made() -> None:
    model, gate = FaultyModel(queries_per_call=8), Gate()
    in_turn = model.embed_queries

    def embed_queries(texts: Sequence[str]) -> FloatMatrix:
        time.sleep(0.01 * len(texts))
        return in_turn(texts)

    model.embed_queries = embed_queries  # type: ignore[method-assign]
    model.trouble = gate
    async with Started(model) as embedder:
        waiting = [
            asyncio.create_task(embedder.embed("x" * n, Deadline.after_ms(PLENTY)))
            for n in range(1, 6)
        ]
        await until(lambda: gate.held == 1)
        gate.open.set()
        await asyncio.gather(*waiting)
        assert [len(texts) for texts in model.calls] == [1] * 5


# Whoever asks goes on in the thread that knows the vector


@needs_two_cores
async def test_who_asks_alone_keeps_its_core_and_workers_of_many_have_them_all() -> (
    None
):
    model, gate = FaultyModel(), Gate()
    model.trouble = gate
    ours = os.sched_getaffinity(0)

    def cores_of_workers() -> list[set[int]]:
        crew = embedder._crew
        assert crew is not None
        return [os.sched_getaffinity(worker.native_id or 0) for worker in crew.workers]

    async with Started(model, workers=2) as embedder:
        alone = embedder.start("alone", Deadline.after_ms(PLENTY))
        for cores in cores_of_workers():
            assert len(cores) == len(ours) - 1 and cores < ours
        second = embedder.start("and another", Deadline.after_ms(PLENTY))
        assert cores_of_workers() == [ours, ours]
        gate.open.set()
        await asyncio.gather(alone, second)


async def test_those_who_go_on_are_told_once_each_before_the_event_loop_comes_round() -> (
    None
):
    model, gate = FaultyModel(), Gate()
    model.trouble = gate
    told: list[tuple[float, bool]] = []

    def go_on(vector: FloatVector) -> None:
        told.append(
            (float(vector[0]), threading.current_thread() is threading.main_thread())
        )

    async with Started(model) as embedder:
        asked = [
            embedder.start("same", Deadline.after_ms(PLENTY), go_on=go_on)
            for _ in range(3)
        ]
        assert not any(answer.done() for answer in asked)
        await until(lambda: gate.held == 1)
        gate.open.set()
        time.sleep(0.2)  # the event loop does not come round
        assert told == [(4.0, False)] * 3
        answers = await asyncio.gather(*asked)
        assert told == [(4.0, False)] * 3
        known = embedder.start("same", Deadline.after_ms(PLENTY), go_on=go_on)
        assert known.done() and known.result() is answers[0]
    assert len(told) == 3


# Failures


async def test_a_failure_reaches_every_waiter_and_the_next_call_is_tried() -> None:
    model, gate = FaultyModel(), Gate()

    def fail(texts: Sequence[str]) -> None:
        gate(texts)
        raise MemoryError("no room")

    model.trouble = fail
    async with Started(model) as embedder:
        asked = [asyncio.create_task(reason_of(embedder, "same")) for _ in range(3)]
        await until(lambda: gate.held == 1)
        gate.open.set()
        assert await asyncio.gather(*asked) == ["failed"] * 3
        model.trouble = lambda texts: None
        assert (await embedder.embed("same", Deadline.after_ms(PLENTY)))[0] == 4


async def test_a_worker_survives_whatever_is_raised() -> None:
    model = FaultyModel()

    def leave(texts: Sequence[str]) -> None:
        raise SystemExit(3)

    model.trouble = leave
    async with Started(model, workers=1) as embedder:
        assert await reason_of(embedder, "a") == "failed"
        model.trouble = lambda texts: None
        assert (await embedder.embed("a", Deadline.after_ms(PLENTY)))[0] == 1


async def test_vectors_of_nothing_are_failures_and_are_not_kept() -> None:
    model = FaultyModel()
    async with Started(model) as embedder:
        model.value = float("nan")
        assert await reason_of(embedder, "a") == "failed"
        model.value = 1.0
        assert (await embedder.embed("a", Deadline.after_ms(PLENTY)))[1] == 1.0


async def test_a_model_that_keeps_failing_is_opened_again() -> None:
    broken, sound = FaultyModel(), FaultyModel()
    models = iter([broken, sound])
    embedder = QueryEmbedder(lambda: next(models))
    await embedder.open()
    await embedder.until_ready()
    broken.value = float("nan")
    for number in range(3):
        assert await reason_of(embedder, f"{number}") == "failed"
    await until(lambda: embedder.stats.reopened == 1 and broken.closed.is_set())
    assert (await embedder.embed("again", Deadline.after_ms(PLENTY)))[0] == 5
    await embedder.close()
    assert sound.closed.is_set()


async def test_a_hung_call_is_given_up_and_others_go_on() -> None:
    hanging, sound = FaultyModel(name="hanging"), FaultyModel(name="sound")
    models, gate = iter([hanging, sound]), Gate()
    embedder = QueryEmbedder(lambda: next(models), workers=1, hang_limit_s=0.2)
    await embedder.open()
    await embedder.until_ready()
    hanging.trouble = gate
    begun = time.monotonic()
    assert await reason_of(embedder, "hangs", budget_ms=50) == "late"
    assert await reason_of(embedder, "meanwhile", budget_ms=150) in (
        "busy",
        "late",
        "failed",
    )
    assert time.monotonic() - begun < 1.0
    await until(lambda: embedder.identity == sound.identity)
    assert (embedder.stats.hung, embedder.stats.reopened) == (1, 1)
    for number in range(5):
        assert (await embedder.embed("x" * number, Deadline.after_ms(PLENTY)))[
            0
        ] == number
    gate.open.set()  # what the lost thread brings now goes to nobody
    await asyncio.sleep(0.05)
    assert embedder.stats.embedded == 5
    await embedder.close()


async def test_patient_waiters_of_a_hung_call_hear_that_it_failed() -> None:
    model, gate = FaultyModel(), Gate()
    async with Started(model, workers=1, hang_limit_s=0.2) as embedder:
        model.trouble = gate
        assert await reason_of(embedder, "hangs", budget_ms=PLENTY) == "failed"
        gate.open.set()


async def test_threads_left_behind_are_bounded_and_work_goes_on_when_they_come_back() -> (
    None
):
    model, gate = FaultyModel(), Gate()
    async with Started(model, workers=2, hang_limit_s=0.05) as embedder:
        model.trouble = gate
        before = threading.active_count()
        for number in range(60):
            assert await reason_of(embedder, f"{number}", budget_ms=20) in (
                "busy",
                "late",
                "failed",
            )
        assert embedder.stats.hung > 2
        # 8 left behind; the two of the crew before the reopening, and those who have not hung for long enough yet.
        assert threading.active_count() - before <= 8 + 2 + 2
        gate.open.set()
        model.trouble = lambda texts: None

        async def answers() -> bool:
            return isinstance(
                await embedder.start("again", Deadline.after_ms(200)), np.ndarray
            )

        await asyncio.sleep(0.1)
        assert await answers()
        assert threading.active_count() <= before


async def test_a_model_that_cannot_be_opened_is_tried_until_it_can() -> None:
    attempts = 0

    def open_at_second_try() -> Encoder:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise ModelError("the weights are missing")
        return FaultyModel()

    embedder = QueryEmbedder(open_at_second_try)
    await embedder.open()
    with pytest.raises(ModelError, match="the weights are missing"):
        await embedder.until_ready()
    with pytest.raises(
        EmbedderUnavailable, match="embedder failed: the weights are missing"
    ):
        await embedder.embed("a", Deadline.after_ms(PLENTY))
    await until(lambda: embedder.ready)
    assert (await embedder.embed("a", Deadline.after_ms(PLENTY)))[0] == 1
    await embedder.close()


async def test_a_model_whose_first_vectors_are_nothing_does_not_get_in_charge() -> None:
    model = FaultyModel()
    model.value = float("nan")
    embedder = QueryEmbedder(lambda: model)
    await embedder.open()
    with pytest.raises(Exception, match="NaN"):
        await embedder.until_ready()
    assert not embedder.ready
    assert model.closed.is_set()
    await embedder.close()


# Changing the model, and the end


async def test_a_swap_loses_no_call_and_mixes_no_vectors() -> None:
    old, new = FaultyModel(name="old"), FaultyModel(name="new")
    old.value, new.value = 1.0, 2.0
    old.trouble = new.trouble = lambda texts: time.sleep(0.002)
    async with Started(old) as embedder:
        wrong: list[str] = []

        async def caller(number: int) -> None:
            for turn in range(40):
                identity = embedder.identity
                assert identity is not None
                vector = await embedder.embed(
                    f"{number} {turn}", Deadline.after_ms(PLENTY)
                )
                if vector[1] != (1.0 if identity.name == "old" else 2.0):
                    wrong.append(identity.name)

        callers = [asyncio.create_task(caller(number)) for number in range(8)]
        await until(lambda: len(old.calls) > 20)
        await embedder.swap(lambda: new)
        assert embedder.identity == new.identity
        await asyncio.gather(*callers)
        assert wrong == []
        assert old.calls and new.calls
        await until(old.closed.is_set)


async def test_a_swap_to_a_model_that_cannot_be_opened_keeps_the_old_one() -> None:
    def missing() -> Encoder:
        raise ModelError("not there")

    async with Started(FaultyModel(name="old")) as embedder:
        with pytest.raises(ModelError, match="not there"):
            await embedder.swap(missing)
        assert (await embedder.embed("a", Deadline.after_ms(PLENTY)))[0] == 1


async def test_closing_answers_everyone_who_waits() -> None:
    model, gate = FaultyModel(), Gate()
    model.trouble = gate
    async with Started(model, workers=1, hang_limit_s=0.2) as embedder:
        asked = [
            asyncio.create_task(reason_of(embedder, f"{number}")) for number in range(4)
        ]
        await until(lambda: gate.held == 1)
        await embedder.close()
        assert await asyncio.gather(*asked) == ["failed"] * 4
        assert await reason_of(embedder, "after the end") == "failed"
        gate.open.set()
        await until(model.closed.is_set)


async def test_closing_while_the_model_opens_leaves_no_threads() -> None:
    model, opening, opened = FaultyModel(), threading.Event(), threading.Event()

    def open_slowly() -> Encoder:
        opening.set()
        opened.wait(20)
        return model

    embedder = QueryEmbedder(open_slowly)
    await embedder.open()
    await until(opening.is_set)
    await embedder.close()
    opened.set()
    await until(model.closed.is_set)
