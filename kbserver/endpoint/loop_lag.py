"""How long what the event loop comes to now has already waited for it."""

from __future__ import annotations

import asyncio
import time


class LoopLag:
    """Measures the rounds of the event loop while turns come in; costs nothing while none do. For the loop's thread only.

    A request that arrives while the loop is busy lies in its socket until the next round, and is then handled after those
    before it in that round. No counter of turns in work sees it.
    """

    def __init__(self) -> None:
        self._round_began = 0.0
        self._last_round_s = 0.0
        self._looked_at = False  # in this round
        self._measuring = False

    def waited_s(self) -> float:
        """Seconds that a request handled now has probably waited: half of the last round, and this one so far."""
        now = time.monotonic()
        self._looked_at = True
        if not self._measuring:  # the loop had nothing to do
            self._measuring = True
            self._round_began, self._last_round_s = now, 0.0
            asyncio.get_running_loop().call_soon(self._next_round)
        return self._last_round_s / 2.0 + now - self._round_began

    def _next_round(self) -> None:
        now = time.monotonic()
        self._last_round_s, self._round_began = now - self._round_began, now
        self._measuring, self._looked_at = self._looked_at, False
        if self._measuring:
            asyncio.get_running_loop().call_soon(self._next_round)
