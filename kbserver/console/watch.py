"""Looks at a running server now and then, so that no page waits for it."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from kbserver.answers import AnswerLimits, Client, NoAnswer

LOOK_S = 5.0
LIMITS = AnswerLimits(seconds=2.0, body_bytes=1 << 20)


@dataclass(frozen=True, slots=True)
class ServerState:
    """What a server said when it was last looked at."""

    url: str
    state: str = "not looked at yet"
    """`ready`, `loading`, or why it cannot be told."""
    at: float = 0.0
    """Seconds since the epoch."""
    metrics: dict[str, float] = field(default_factory=dict)
    """Sums over all labels; {} if it does not show them."""
    dropped: float | None = None
    """Turns that were not recorded; None if it cannot be told."""

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


class ServerWatch:
    """Looks at one server, from the event loop."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.time) -> None:
        """Look at nothing yet.

        Args:
            url: of the server, without a path.
            clock: seconds since the epoch.
        """
        self.state = ServerState(url)
        self._url = url
        self._clock = clock

    async def look_forever(self) -> None:
        """Look again and again."""
        async with Client(LIMITS) as client:
            while True:
                self.state = await self.look(client)
                await asyncio.sleep(LOOK_S)

    async def look(self, client: Client) -> ServerState:
        """Return what the server says now."""
        now = self._clock()
        try:
            ready = await client.ask("GET", f"{self._url}/readyz")
            page = await client.ask("GET", f"{self._url}/metrics")
        except NoAnswer as exc:
            return ServerState(self._url, f"no answer ({exc})", now)
        state = "loading"
        if ready.status == 200:
            state = "ready"
        metrics: dict[str, float] = {}
        if page.status == 200:
            with suppress(ValueError):  # a page of another program
                metrics = sums(page.content.decode("utf-8", "replace"))
        dropped = metrics.get("kbserver_record_dropped_total")
        return ServerState(self._url, state, now, metrics, dropped)


def sums(page: str) -> dict[str, float]:
    """Return every counter and gauge of kbserver in a page of metrics, added up over its labels."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(page):
        if family.type not in ("counter", "gauge"):
            continue
        for sample in family.samples:
            if sample.name.startswith("kbserver_") and math.isfinite(sample.value):
                found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found
