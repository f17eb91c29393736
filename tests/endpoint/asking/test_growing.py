"""Words that go on, with answers that come when the test lets them."""

import asyncio

import pytest

from kbserver.endpoint.asking.growing import GOES_ON_S, GrowingTurns


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def taken_back():
    return []


@pytest.fixture
def growing(taken_back, clock):
    return GrowingTurns(taken_back.append, clock=clock)


async def at_once(answer):
    return answer


def asked(growing, said, answer=None, session="room"):
    return growing.latest(session, said, lambda: at_once(answer or said))


def test_what_was_answered_before_the_words_went_on_is_taken_back(growing, taken_back):
    async def turns():
        return [
            await asked(growing, said) for said in ("how", "how much", "how much is")
        ]

    assert asyncio.run(turns()) == ["how", "how much", "how much is"]
    assert taken_back == ["how", "how much"]


@pytest.mark.parametrize(
    ("first", "second", "session"),
    [
        ("how much", "how much", "room"),
        ("how much", "when do you open", "room"),
        ("how much", "how much is it", "another room"),
        ("", "how much", "room"),
    ],
)
def test_other_words_another_session_and_the_same_again_are_other_turns(
    growing, taken_back, first, second, session
):
    async def turns():
        await asked(growing, first)
        await asked(growing, second, session=session)

    asyncio.run(turns())
    assert taken_back == []


def test_after_a_while_the_same_beginning_is_another_turn(growing, taken_back, clock):
    async def turns():
        await asked(growing, "how much")
        clock.now += GOES_ON_S + 0.1
        await asked(growing, "how much is it")

    asyncio.run(turns())
    assert taken_back == []


def test_work_for_words_that_have_gone_on_is_dropped_and_its_task_lives(growing):
    cancelled = []

    async def never():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async def request():
        answer = await growing.latest("room", "how", never)
        await asyncio.sleep(0)  # the task is not being cancelled any more
        return answer

    async def both():
        first = asyncio.create_task(request())
        await asyncio.sleep(0)
        second = await asked(growing, "How  much")
        return await first, second

    assert asyncio.run(both()) == (None, "How  much")
    assert cancelled == [True]


def test_work_that_cannot_be_cancelled_is_taken_back(growing, taken_back):
    async def stubborn():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "late"

    async def both():
        first = asyncio.create_task(growing.latest("room", "how", stubborn))
        await asyncio.sleep(0)
        await asked(growing, "how much")
        return await first

    assert asyncio.run(both()) is None
    assert taken_back == ["late"]


def test_a_task_that_is_cancelled_from_outside_stays_so(growing):
    async def one():
        task = asyncio.create_task(growing.latest("room", "how", asyncio.Event().wait))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(one())


def test_words_that_can_go_on_no_more_are_forgotten(growing, clock):
    async def turns():
        for number in range(5):
            await asked(growing, "how much", session=f"room-{number}")
            clock.now += GOES_ON_S / 2
        return len(growing)

    assert asyncio.run(turns()) == 3


def test_of_too_many_sessions_the_one_that_was_silent_longest_goes(
    growing, monkeypatch
):
    monkeypatch.setattr("kbserver.endpoint.asking.growing.MOST_SESSIONS", 2)

    async def turns():
        for number in range(5):
            await asked(growing, "how much", session=f"room-{number}")
        return len(growing)

    assert asyncio.run(turns()) == 2
