"""How often somebody may ask: token buckets, one a caller, in a table that cannot grow without bound."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable

from kbserver.lru import LruCache

MAX_CALLERS = 10_000  # about 2 MB; whoever fills it with addresses still meets the limit on all callers together


class RateLimit:
    """So many requests a minute for each caller, with bursts of as many at once. Counts are of this process alone."""

    def __init__(
        self,
        per_minute: int,
        *,
        most_callers: int = MAX_CALLERS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._burst = float(per_minute)
        self._per_second = per_minute / 60.0
        self._clock = clock
        # caller → (requests left, when)
        self._levels: LruCache[str, tuple[float, float]] = LruCache(most_callers)

    def __len__(self) -> int:
        """How many callers are remembered."""
        return len(self._levels)

    def wait_s(self, caller: str) -> float:
        """Count one request of a caller.

        Returns:
            0 if it may pass; else the seconds until one would, and the request is not counted.
        """
        now = self._clock()
        level, when = self._levels.get(caller) or (self._burst, now)
        level = min(self._burst, level + (now - when) * self._per_second)
        passes = level >= 1.0
        self._levels.put(caller, (level - 1.0 if passes else level, now))
        return 0.0 if passes else (1.0 - level) / self._per_second


def caller_of(address: str) -> str:
    """Return what to count a client address under: an IPv6 client owns its whole /64, an IPv4 one its address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
