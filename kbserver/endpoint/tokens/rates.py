"""How often a caller may ask: token buckets in a table of bounded size."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable

from kbserver.lru import LruCache

CALLERS_BYTES = 4_000_000
"""Some 10,000 addresses. Filling it does not help: all callers together are limited too."""


class RateLimit:
    """So many requests a minute for each caller, in bursts of as many at once.

    Counts are of this process alone.
    """

    def __init__(
        self,
        per_minute: int,
        *,
        most_bytes: int = CALLERS_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start with full buckets.

        Args:
            per_minute: requests of one caller.
            most_bytes: of callers remembered; the one that has been silent longest is forgotten.
            clock: monotonic seconds.
        """
        self._burst = float(per_minute)
        self._per_second = per_minute / 60.0
        self._clock = clock
        # caller → (requests left, when they were counted)
        self._levels: LruCache[str, tuple[float, float]] = LruCache(most_bytes)

    def __len__(self) -> int:
        """How many callers are remembered."""
        return len(self._levels)

    def wait_s(self, caller: str) -> float:
        """Count one request of a caller.

        Returns:
            0 if it may pass; else the seconds until one would, and the request is not counted.
        """
        now = self._clock()
        left, counted_at = self._levels.get(caller) or (self._burst, now)
        refilled = left + (now - counted_at) * self._per_second
        left = min(self._burst, refilled)
        if left < 1.0:
            self._levels.put(caller, (left, now))
            return (1.0 - left) / self._per_second
        self._levels.put(caller, (left - 1.0, now))
        return 0.0


def caller_of(address: str) -> str:
    """Return what a client address is counted under.

    An IPv6 client owns its whole /64, an IPv4 client its address. A text that is no address
    stands for itself.
    """
    without_zone, _, _ = address.partition("%")
    try:
        parsed = ipaddress.ip_address(without_zone)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    network = ipaddress.ip_network((parsed, 64), strict=False)
    return str(network)
