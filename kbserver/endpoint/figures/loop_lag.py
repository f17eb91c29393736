"""How long a request has already waited for the event loop when its turn begins."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

LOOK_S = 0.5
"""Between two times that the lag is measured without any turn."""


async def lags_forever(
    observe: Callable[[float], None],
    *,
    clock: Callable[[], float] = time.monotonic,
    look_s: float = LOOK_S,
) -> None:
    """Tell again and again how many seconds too late the event loop is.

    Args:
        clock: gives monotonic seconds.
    """
    while True:
        due = clock() + look_s
        await asyncio.sleep(look_s)
        observe(max(0.0, clock() - due))


class LoopLag:
    """Measures the rounds of the event loop while turns come in; costs nothing while none do.

    A request that arrives while the loop is busy lies in its socket until the next round, and is
    then handled after those before it in that round. No counter of turns in work sees it.
    For the event loop's thread.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with an idle loop; `clock` gives monotonic seconds."""
        self._clock = clock
        self._round_began = 0.0
        self._last_round_s = 0.0
        self._asked = False  # in this round
        self._measuring = False

    def waited_s(self) -> float:
        """Estimate the seconds a request handled now has waited.

        Returns:
            Half of the last round, in the middle of which it came on average, and this round so
            far.
        """
        now = self._clock()
        self._asked = True
        if not self._measuring:  # the loop had nothing to do
            self._measuring = True
            self._round_began = now
            self._last_round_s = 0.0
            self._call_next_round()
        return self._last_round_s / 2.0 + now - self._round_began

    def _next_round(self) -> None:
        now = self._clock()
        self._last_round_s = now - self._round_began
        self._round_began = now
        self._measuring = self._asked
        self._asked = False
        if self._measuring:
            self._call_next_round()

    def _call_next_round(self) -> None:
        asyncio.get_running_loop().call_soon(self._next_round)
