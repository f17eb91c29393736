"""Turns that count once, with answers that come when the test lets them."""

import asyncio

import pytest

from kbserver.endpoint.asking.ask import Ask
from kbserver.endpoint.counted import CountedTurns
from kbserver.endpoint.figures.metrics import Metrics
from kbserver.endpoint.ground import Call, Grounding
from kbserver.endpoint.tokens.static import EVERYTHING, Grant
from kbserver.endpoint.trace import Recorder
from kbserver.labels import LabelPattern
from kbserver.retrieval.context import EMPTY

HOTELS = Grant((LabelPattern("hotels"),))


def grounding():
    return Grounding((), EMPTY, Recorder().finish("full", None, hits=1))


@pytest.fixture
def metrics():
    return Metrics()


def call(query, grant=EVERYTHING):
    return Call(Ask(query, "support", "call-7"), grant=grant)


@pytest.mark.parametrize(("grant", "dropped"), [(EVERYTHING, True), (HOTELS, False)])
def test_only_a_token_that_opens_the_label_drops_its_words(metrics, grant, dropped):
    gone_on = []

    async def both():
        may_answer = asyncio.Event()

        async def ground(call):
            await may_answer.wait()
            return grounding()

        turns = CountedTurns(ground, metrics, gone_on.append)
        first = asyncio.create_task(turns.answer(call("how much")))
        await asyncio.sleep(0)
        second = asyncio.create_task(turns.answer(call("how much is it", grant)))
        await asyncio.sleep(0)
        may_answer.set()
        return await first, await second

    first, second = asyncio.run(both())
    assert gone_on == []
    assert (first is None, second is None) == (dropped, False)
    superseded = metrics.superseded.labels("dropped")._value.get()
    assert superseded == int(dropped)


def test_what_was_answered_before_the_last_words_is_told_and_counted_no_more(metrics):
    answered, gone_on = [], []

    async def ground(call):
        answered.append(grounding())
        return answered[-1]

    async def all_of_them():
        turns = CountedTurns(ground, metrics, gone_on.append)
        for query in ("how", "how much", "how much is it", "and when"):
            await turns.answer(call(query))

    asyncio.run(all_of_them())
    assert gone_on == [one.trace.id for one in answered[:2]]
    assert metrics.superseded.labels("full")._value.get() == 2
