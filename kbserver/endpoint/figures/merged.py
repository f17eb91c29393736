"""One page of metrics of several processes: counts add up, and never fall."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from prometheus_client import Metric
from prometheus_client.registry import Collector

from kbserver.endpoint.figures.shelf import Sample, Shelf, is_count, key_of, on_top

_OF_ALL: dict[str, Callable[[Iterable[float]], float]] = {
    "kbserver_turns_in_flight": sum,
    "kbserver_embedding_queue": sum,
    "process_resident_memory_bytes": sum,
    "process_virtual_memory_bytes": sum,
    "process_open_fds": sum,
    "process_max_fds": min,
    "process_start_time_seconds": min,
    "kbserver_ready": min,
}
"""How gauges of several processes become one; all others by their greatest."""

_ENDINGS = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_sum", "_count"),
}
"""Of a metric's samples, by its type; without any they have its name."""


class WithoutMoments(Collector):
    """The metrics of a registry without the moments at which their series were made."""

    def __init__(self, registry: Collector) -> None:
        """Take a registry."""
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        for family in self._registry.collect():
            kept = _emptied(family)
            kept.samples = list(_samples([family]))
            yield kept


class Merged(Collector):
    """The metrics of this process, and of those that share a shelf with it."""

    def __init__(self, own: Collector, shelf: Shelf) -> None:
        """Take this process's metrics."""
        self._own = own
        self._shelf = shelf

    def put(self) -> list[Metric]:
        """Tell the others what this process counted; return it.

        Raises:
            OSError: there is no place for it.
        """
        families = list(self._own.collect())
        self._shelf.put(lambda before: _told(before, families))
        return families

    def collect(self) -> Iterator[Metric]:
        """Yield every metric, of all processes together.

        Raises:
            OSError: there is no place for what this process counted.
        """
        families = self.put()
        told: list[Sample] = []
        for name, labels, value in _samples_of(families):
            on_shelf = is_count(name)  # and what is measured is better known here
            told.append((name, labels, 0.0 if on_shelf else value))
        for written in self._shelf.all():
            told += [
                sample
                for sample in written.samples
                if is_count(sample[0])
                or self._tells_now(written.place, written.is_fresh)
            ]
        values: dict[object, list[Sample]] = {}
        for sample in told:
            values.setdefault(key_of(sample), []).append(sample)
        of_family = {name: family for family in families for name in _names(family)}
        together = {family.name: _emptied(family) for family in families}
        for of_each in values.values():
            name, labels, _ = of_each[0]
            if name in of_family:
                family = of_family[name]
                value = _way(family, name)(one[2] for one in of_each)
                together[family.name].add_sample(name, labels, value)
        yield from together.values()

    def _tells_now(self, place: int, is_fresh: bool) -> bool:
        """Whether the gauges of a place count: not those that are known better already."""
        return is_fresh and place != self._shelf.place


def _told(before: Iterable[Sample], families: Iterable[Metric]) -> list[Sample]:
    """Return what a process tells."""
    told = on_top(before, _samples_of(families))
    # Each process begins with counts of 0 by itself.
    return [one for one in told if one[2] or not one[0].endswith("_total")]


def _way(family: Metric, name: str) -> Callable[[Iterable[float]], float]:
    """Return how the values of several processes become one."""
    if is_count(name):
        return sum
    return _OF_ALL.get(family.name, max)


def _emptied(family: Metric) -> Metric:
    return Metric(family.name, family.documentation, family.type)


def _samples(families: Iterable[Metric]) -> Iterator[Any]:
    """Yield the samples of some metrics, without the moments at which they were made."""
    for family in families:
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                yield sample


def _samples_of(families: Iterable[Metric]) -> Iterator[Sample]:
    """Yield the same as they stand on the shelf."""
    for sample in _samples(families):
        yield sample.name, sample.labels, sample.value


def _names(family: Metric) -> list[str]:
    """Return the names of a metric's samples."""
    return [family.name + ending for ending in _ENDINGS.get(family.type, ("",))]
