"""Counts the ingests of `serve --watch`, which run in processes of their own."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

from kbserver.endpoint.figures.shelf import Sample, Shelf, on_top

METRIC = "kbserver_watch_ingests_total"


class WatchCounts:
    """Counts the ingests of one watched corpus. Can be given to a process being started."""

    def __init__(self, shelf: Shelf, corpus: str) -> None:
        """Take the shelf of the server's processes."""
        self._shelf = shelf
        self._corpus = corpus
        self._results: Counter[str] = Counter()

    def __call__(self, result: str) -> None:
        """Count an ingest: `published`, `unchanged` or `failed`."""
        self._results[result] += 1
        with suppress(OSError):  # the page of metrics says so
            self._shelf.put(self._samples)

    def _samples(self, before: list[Sample]) -> list[Sample]:
        """Return what is counted, on top of what another process left in its place."""
        now: list[Sample] = [
            (METRIC, {"corpus": self._corpus, "result": result}, float(count))
            for result, count in self._results.items()
        ]
        return on_top(before, now)
