"""The rounds of a real event loop, by a clock that only the work in it moves on."""

import asyncio

import pytest

from kbserver.endpoint.figures.loop_lag import LoopLag, lags_forever


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_a_request_to_an_idle_loop_has_not_waited(clock):
    async def run():
        lag = LoopLag(clock=clock)
        waits = []
        for _ in range(5):
            waits.append(lag.waited_s())
            await idle_round()
            clock.now += 10.0  # a pause in which the loop has nothing to do
        return waits

    assert asyncio.run(run()) == [0.0] * 5


def test_a_request_waits_for_those_before_it_and_half_of_the_round_it_came_in(clock):
    async def run():
        lag = LoopLag(clock=clock)
        waits = []

        def handle():
            waits.append(lag.waited_s())
            clock.now += 2.0

        loop = asyncio.get_running_loop()
        for _ in range(2):
            for _ in range(3):
                loop.call_soon(handle)
            await asyncio.sleep(0)
        await idle_round()
        waits.append(lag.waited_s())
        return waits

    # Three requests of 2 s a round: the second round's came in the middle of the first's 6 s.
    assert asyncio.run(run()) == [0.0, 2.0, 4.0, 3.0, 5.0, 7.0, 0.0]


def test_a_round_without_requests_ends_the_measurement(clock):
    async def run():
        lag = LoopLag(clock=clock)
        lag.waited_s()
        clock.now += 4.0
        await asyncio.sleep(0)
        clock.now += 4.0
        await idle_round()
        return lag.waited_s()

    assert asyncio.run(run()) == 0.0


async def idle_round():
    """Let the loop come round until nothing is measured any more."""
    for _ in range(3):
        await asyncio.sleep(0)


def test_the_lag_is_how_late_the_loop_comes_to_what_is_due():
    times = iter([0.0, 0.75, 1.0, 1.2])
    seen = []

    async def measure():
        seeing = asyncio.Event()

        def observe(seconds):
            seen.append(round(seconds, 6))
            if len(seen) == 2:
                seeing.set()

        measuring = asyncio.create_task(
            lags_forever(observe, clock=lambda: next(times, 9.0), look_s=0.25)
        )
        await asyncio.wait_for(seeing.wait(), 30)
        measuring.cancel()

    asyncio.run(measure())
    assert seen == [0.5, 0.0]
