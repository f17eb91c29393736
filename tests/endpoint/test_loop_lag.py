"""The rounds of a real event loop, held up by real work."""

import asyncio
import time

import uvloop

from kbserver.endpoint.loop_lag import LoopLag

from ..conftest import watches_a_clock

pytestmark = watches_a_clock


def held_up(seconds):
    time.sleep(seconds)


def test_an_idle_loop_keeps_nobody_waiting():
    async def run():
        lag = LoopLag()
        waits = []
        for _ in range(5):
            waits.append(lag.waited_s())
            await asyncio.sleep(0.02)
        return waits

    assert max(uvloop.run(run())) < 0.01


def test_a_request_waits_for_those_before_it_and_for_half_of_the_round_it_came_in():
    async def run():
        lag, waits = LoopLag(), []

        def handle():
            waits.append(lag.waited_s())
            held_up(0.02)

        loop = asyncio.get_running_loop()
        for _ in range(2):
            for _ in range(3):
                loop.call_soon(handle)
            await asyncio.sleep(0)
        await asyncio.sleep(0.1)
        waits.append(lag.waited_s())
        return waits

    waits = uvloop.run(run())
    expected = [0.0, 0.02, 0.04, 0.03, 0.05, 0.07, 0.0]
    assert all(
        abs(found - wanted) < 0.01
        for found, wanted in zip(waits, expected, strict=True)
    ), waits
