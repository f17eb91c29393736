"""Counts looks at the object store of `[follow]`, which happen in a process of their own."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from kbserver.endpoint.figures.shelf import FRESH_S, Sample, Shelf, on_top

LOOKS = "kbserver_follow_looks_total"
GENERATIONS = "kbserver_follow_generations_total"
SEEN = "kbserver_follow_timestamp_seconds"

LOOKED = ("read", "failed")
TAKEN = ("published", "refused")


class FollowCounts:
    """Counts what became of each look. Can be given to a process being started."""

    def __init__(self, shelf: Shelf, *, clock: Callable[[], float] = time.time) -> None:
        """Take the shelf of the server's processes; `clock` gives seconds since 1970."""
        self._shelf = shelf
        self._clock = clock
        self._results: Counter[str] = Counter()
        self._seen_at = 0.0

    def __call__(self, result: str) -> None:
        """Count a look, `read` or `failed`, or a generation, `published` or `refused`."""
        self._results[result] += 1
        if result == "read":
            self._seen_at = self._clock()
        self._put()

    def go_on_telling(self, stop: threading.Event) -> None:
        """Tell again before what was told grows stale, until stopped; a look may take long."""
        while not stop.wait(FRESH_S / 4):
            self._put()

    def _put(self) -> None:
        with suppress(OSError):  # the page of metrics says so
            self._shelf.put(self._samples)

    def _samples(self, before: list[Sample]) -> list[Sample]:
        """Return what is counted, on top of what another process left in its place."""
        now: list[Sample] = [(SEEN, {}, self._seen_at)]
        for result, count in list(self._results.items()):
            name = GENERATIONS
            if result in LOOKED:
                name = LOOKS
            now.append((name, {"result": result}, float(count)))
        return on_top(before, now)
