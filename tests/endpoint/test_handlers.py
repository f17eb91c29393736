"""Handlers that do what a handler must not: each costs its own turn, and nothing else."""

import asyncio
import itertools
import threading
from concurrent.futures import CancelledError
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.deadline import Deadline
from kbserver.endpoint.handlers import (
    MOST_CHARACTERS,
    MOST_CHARACTERS_TOGETHER,
    MOST_HITS,
    MOST_NAME_CHARACTERS,
    BadAnswer,
    Handlers,
    NoAnswer,
    checked,
)
from kbserver.endpoint.trace import Recorder
from kbserver.endpoint.turn import Turn
from kbserver.settings import TurnSettings
from kbserver.types import Hit, Passage, SpokenForm

HIT = Hit(Passage("1", "The light is red.", title="Lights", heading_path=("Red",)), 0.9)
SOON_MS = 20.0
LIMIT_S = 30.0


def turn(budget_ms=60_000.0):
    return Turn(
        query="why is it red",
        label="a",
        parameters={},
        deadline=Deadline.after_ms(budget_ms),
        settings=TurnSettings(),
        corpora=(),
        scope={},
        _retrievers={},
        _recorder=Recorder(),
    )


@pytest.fixture
def faults():
    return []


@pytest.fixture
def handlers(faults):
    return Handlers(count=faults.append, most_calls_left=2)


def no_answer(handlers, handler, budget_ms=60_000.0):
    """Run a handler that gives no answer; why not."""

    async def run():
        with pytest.raises(NoAnswer) as caught:
            await handlers.answer(handler, turn(budget_ms))
        return caught.value

    return asyncio.run(run())


async def wait_until(holds):
    async with asyncio.timeout(LIMIT_S):
        while not holds():
            await asyncio.sleep(0.002)


# What a handler raises


ENDS = [
    *(RuntimeError, TimeoutError, StopIteration, asyncio.CancelledError),
    *(CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit),
]


@pytest.mark.parametrize("error", ENDS)
@pytest.mark.parametrize("is_async", [True, False], ids=["async", "plain"])
def test_whatever_a_handler_raises_fails_its_turn_alone(
    handlers, faults, error, is_async
):
    def plain(turn):
        raise error

    async def asynchronous(turn):
        await asyncio.sleep(0)
        raise error

    failed = no_answer(handlers, asynchronous if is_async else plain)
    assert (failed.fault, failed.reason) == ("raised", "error")
    assert isinstance(failed.__cause__, error | RuntimeError)
    assert faults == ["raised"]


def test_a_handler_that_cancels_itself_fails_its_turn_alone(handlers):
    async def handler(turn):
        asyncio.current_task().cancel()
        await asyncio.sleep(1)

    assert no_answer(handlers, handler).reason == "error"


def test_a_turn_that_is_cancelled_cancels_its_handler(handlers):
    ended = []

    async def handler(turn):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(turn.label)

    async def run():
        answer = asyncio.create_task(handlers.answer(handler, turn()))
        await asyncio.sleep(0.01)
        answer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answer
        await wait_until(lambda: ended)

    asyncio.run(run())
    assert ended == ["a"]


# A handler that does not end


def test_a_handler_is_cancelled_at_the_deadline_and_may_close_what_it_has_open(
    handlers, faults
):
    steps = []

    async def handler(turn):
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            steps.append("closed")

    assert no_answer(handlers, handler, SOON_MS).reason == "late"
    assert steps == ["closed"]
    assert faults == ["late"]


def test_a_handler_that_swallows_its_cancellation_is_left_and_does_not_hold_the_end(
    handlers, faults
):
    let_go = []

    async def handler(turn):
        while not let_go:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue

    async def run():
        for _ in range(2):
            with pytest.raises(NoAnswer) as late:
                await handlers.answer(handler, turn(SOON_MS))
            assert late.value.reason == "late"
        with pytest.raises(NoAnswer) as busy:
            await handlers.answer(handler, turn())
        assert busy.value.reason == "handler_busy"
        # Another one's calls are counted apart.
        assert await handlers.answer(answering, turn()) == "another"
        # The loop waits for its tasks at the end: these are none of them.
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert faults == ["left", "late", "left", "late", "busy"]
        let_go.append(True)
        calls = handlers._calls_of(handler)
        for call in calls._left:
            call.cancel()
        await wait_until(lambda: all(call.done() for call in calls._left))
        assert await handlers.answer(handler, turn()) is None  # it has places again

    asyncio.run(run())


async def answering(turn):
    return "another"


def test_plain_handlers_that_hang_are_left_and_hold_up_no_other(handlers, faults):
    release = threading.Event()

    def hanging(turn):
        release.wait(LIMIT_S)
        return "at last"

    def other(turn):
        return "another"

    async def run():
        while faults.count("left") < 2:  # a thread may come too late to begin
            with pytest.raises(NoAnswer) as late:
                await handlers.answer(hanging, turn(SOON_MS))
            assert late.value.reason == "late"
        with pytest.raises(NoAnswer) as busy:
            await handlers.answer(hanging, turn())
        assert (busy.value.fault, busy.value.reason) == ("busy", "handler_busy")
        assert await handlers.answer(other, turn()) == "another"
        assert await asyncio.to_thread(lambda: "the loop's own threads") is not None
        release.set()
        calls = handlers._calls_of(hanging)
        await wait_until(lambda: all(call.done() for call in calls._left))
        assert await handlers.answer(hanging, turn()) == "at last"

    asyncio.run(run())
    assert set(faults[:-1]) == {"left", "late"} and faults[-1] == "busy"


def test_more_calls_than_threads_wait_for_one_and_those_too_late_are_not_begun(
    handlers, faults
):
    release = threading.Event()
    begun = []

    def handler(turn):
        begun.append(turn)
        release.wait(LIMIT_S)
        return "done"

    async def run():
        patient = [
            asyncio.create_task(handlers.answer(handler, turn())) for _ in range(3)
        ]
        await wait_until(lambda: len(begun) == 2)
        with pytest.raises(NoAnswer):
            await handlers.answer(handler, turn(SOON_MS))
        release.set()
        assert await asyncio.gather(*patient) == ["done"] * 3
        assert await handlers.answer(handler, turn()) == "done"

    asyncio.run(run())
    assert len(begun) == 4
    assert faults == ["late"]


def test_what_a_plain_handler_works_out_late_is_worked_out_in_its_thread(handlers):
    threads = set()

    def handler(turn):
        threads.add(threading.current_thread().name)
        yield HIT

    assert asyncio.run(handlers.answer(handler, turn())) == [HIT]
    assert threads == {"kbserver-handler"}


# What a handler gives


def hits_of(answer):
    hits = checked(answer)
    assert isinstance(hits, list)
    return hits


def with_passage(**changed):
    return replace(HIT, passage=replace(HIT.passage, **changed))


@pytest.mark.parametrize("answer", [[HIT], (HIT,), iter([HIT]), {HIT.passage.id: HIT}])
def test_hits_may_come_in_anything_that_can_be_gone_through(answer):
    if isinstance(answer, dict):
        answer = answer.values()
    [same] = hits_of(answer)
    assert same is HIT


def test_a_single_hit_a_text_and_nothing_are_answers():
    assert checked(HIT) == [HIT]
    assert checked("We open at nine.") == "We open at nine."
    assert checked(None) is None
    assert checked([]) == []


@pytest.mark.parametrize(
    "answer",
    [42, object(), ["a text"], [HIT, None], [[HIT]], b"bytes", HIT.passage, {"a": HIT}],
    ids=lambda answer: type(answer).__name__,
)
def test_anything_else_is_refused_by_its_type(answer):
    with pytest.raises(BadAnswer, match="it may give hits, a text, or None"):
        checked(answer)


@pytest.mark.parametrize(
    "score",
    [
        *(np.float32(0.5), np.float16(0.5), np.float64(0.5), np.array(0.5)),
        *(Decimal("0.5"), Fraction(1, 2)),
    ],
    ids=lambda score: type(score).__name__,
)
def test_any_number_is_a_score(score):
    [hit] = hits_of([replace(HIT, score=score)])
    assert hit.score == 0.5
    assert type(hit.score) is float


@pytest.mark.parametrize(
    ("hit", "complaint"),
    [
        (replace(HIT, score=float("nan")), "score is nan"),
        (replace(HIT, score=np.float32("inf")), "score is inf"),
        (replace(HIT, score=None), "score is of type NoneType"),
        (replace(HIT, score="0.9"), "score is of type str"),
        (replace(HIT, score=np.array([0.1, 0.2])), "score is of type ndarray"),
        (replace(HIT, score=10**400), "score is of type int"),
        (replace(HIT, score=1j), "score is of type complex"),
        (replace(HIT, passage=None), "passage is of type NoneType"),
        (replace(HIT, corpus=3), "corpus is of type int"),
        (replace(HIT, arms=None), "arms is of type NoneType"),
        (replace(HIT, spoken_form="said"), "spoken_form is of type str"),
        (with_passage(id=7), "passage.id is of type int"),
        (with_passage(text=None), "passage.text is of type NoneType"),
        (with_passage(text=b"bytes"), "passage.text is of type bytes"),
        (with_passage(title=None), "passage.title is of type NoneType"),
        (with_passage(source=1), "passage.source is of type int"),
        (with_passage(heading_path=["a"]), "passage.heading_path is of type list"),
        (with_passage(heading_path=(1,)), "passage.heading_path is of type int"),
        (with_passage(metadata=None), "passage.metadata is of type NoneType"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_hit_with_something_wrong_in_it_is_refused_by_what_is_wrong(hit, complaint):
    with pytest.raises(BadAnswer, match=f"whose {complaint}"):
        checked([HIT, hit])


def test_what_is_refused_is_not_repeated():
    with pytest.raises(BadAnswer) as refused:
        checked([with_passage(id=["the caller's words"])])
    assert "caller" not in str(refused.value)


def test_half_of_a_surrogate_pair_is_replaced():
    half = "\ud83d red"
    hit = with_passage(id=half, text=half, title=half, heading_path=(half,))
    [written] = hits_of(hit)
    passage = written.passage
    assert {passage.id, passage.text, passage.title, *passage.heading_path} == {"? red"}
    assert checked(half) == "? red"


@given(st.text(st.characters(), max_size=50))
def test_every_text_can_be_written_afterwards(text):
    [hit] = hits_of([with_passage(text=text, title=text)])
    assert hit.passage.text.encode() == str(checked(text)).encode()
    assert hit.passage.title.encode() == hit.passage.text.encode()


def test_hits_without_end_are_cut():
    assert len(hits_of(itertools.repeat(HIT))) == MOST_HITS


def test_long_texts_are_cut_before_anything_is_done_with_them():
    long = "x" * (2 * MOST_CHARACTERS)
    assert checked(long) == "x" * MOST_CHARACTERS
    hit = with_passage(text=long, title=long, id=long, heading_path=(long,))
    hits = hits_of([hit] * MOST_HITS)
    passage = hits[0].passage
    assert len(passage.text) == MOST_CHARACTERS
    names = (passage.title, passage.id, *passage.heading_path)
    assert {len(name) for name in names} == {MOST_NAME_CHARACTERS}
    characters = sum(len(hit.passage.text) for hit in hits)
    assert characters < MOST_CHARACTERS_TOGETHER + MOST_CHARACTERS


def test_a_passage_as_it_was_found_is_not_cut_and_a_changed_one_is():
    long = with_passage(text="x" * (2 * MOST_CHARACTERS))
    searched = replace(long, spoken_form=SpokenForm(long.passage, "x", "", "x"))
    assert checked([searched]) == [searched]
    changed = replace(searched, passage=replace(long.passage, title="another"))
    [cut] = hits_of([changed])
    assert len(cut.passage.text) == MOST_CHARACTERS
    assert cut.own_spoken_form is None


def test_what_is_wrong_with_an_answer_fails_the_turn_and_is_counted(handlers, faults):
    async def handler(turn):
        return [42]

    failed = no_answer(handlers, handler)
    assert (failed.fault, failed.reason) == ("bad_answer", "error")
    assert str(failed) == "the handler gave int; it may give hits, a text, or None"
    assert failed.__cause__ is None
    assert faults == ["bad_answer"]


def test_an_answer_that_raises_while_it_is_gone_through_is_a_handler_that_raises(
    handlers, faults
):
    def hits():
        yield HIT
        raise SystemExit(3)

    async def handler(turn):
        return hits()

    failed = no_answer(handlers, handler)
    assert isinstance(failed.__cause__, SystemExit)
    assert faults == ["raised"]
