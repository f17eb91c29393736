"""One page of metrics of several processes: counts add up, and never fall."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from prometheus_client import Metric
from prometheus_client.registry import Collector

from kbserver.endpoint.figures.shelf import Sample, Shelf

_SHARED = "kbserver_record"
"""Metrics whose names begin so are of all processes together, whichever tells them."""

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
"""Of the samples that add up, by the type of their metric."""

_Key = tuple[str, tuple[tuple[str, str], ...]]


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

    def put(self) -> None:
        """Tell the others what this process counted.

        Raises:
            OSError: there is no place for it.
        """
        families = list(self._own.collect())
        self._shelf.put(lambda before: _after(before, families))

    def collect(self) -> Iterator[Metric]:
        """Yield every metric, of all processes together.

        Raises:
            OSError: there is no place for what this process counted.
        """
        self.put()
        families = list(self._own.collect())
        added = _added(families)
        values: dict[_Key, list[float]] = {}
        for sample in _samples(families):
            first = sample.value
            if sample.name in added:
                first = 0.0  # the shelf holds it
            values[_key(sample.name, sample.labels)] = [first]
        for written in self._shelf.all():
            for name, labels, value in written.samples:
                if name in added or self._tells_now(written.place, written.is_fresh):
                    values.setdefault(_key(name, labels), []).append(value)
        of_family = {name: family for family in families for name in _names(family)}
        together = {family.name: _emptied(family) for family in families}
        for (name, pairs), of_each in values.items():
            if name in of_family:
                family = of_family[name]
                value = _way(family)(of_each)
                together[family.name].add_sample(name, dict(pairs), value)
        yield from together.values()

    def _tells_now(self, place: int, is_fresh: bool) -> bool:
        """Whether the gauges of a place count: not those that are known better already."""
        return is_fresh and place != self._shelf.place


def _after(before: Iterable[Sample], families: Sequence[Metric]) -> list[Sample]:
    """Return what a process tells: its counts on top of those of the process before it."""
    added = _added(families)
    values: dict[_Key, float] = {}
    for name, labels, value in before:
        if name in added:
            values[_key(name, labels)] = value
    for sample in _samples(families):
        key = _key(sample.name, sample.labels)
        value = sample.value
        if sample.name in added:
            value += values.get(key, 0.0)
        values[key] = value
    return [
        (key[0], dict(key[1]), value)
        for key, value in values.items()
        if value or not key[0].endswith("_total")  # each process begins with them
    ]


def _way(family: Metric) -> Callable[[Iterable[float]], float]:
    """Return how the values of several processes become one."""
    if _is_added(family):
        return sum
    return _OF_ALL.get(family.name, max)


def _emptied(family: Metric) -> Metric:
    return Metric(family.name, family.documentation, family.type)


def _samples(families: Sequence[Metric]) -> Iterator[Any]:
    """Yield the samples of some metrics, without the moments at which they were made."""
    for family in families:
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                yield sample


def _added(families: Iterable[Metric]) -> set[str]:
    """Return the names of the samples that add up."""
    return {name for family in families if _is_added(family) for name in _names(family)}


def _is_added(family: Metric) -> bool:
    return family.type in _ENDINGS and not family.name.startswith(_SHARED)


def _names(family: Metric) -> list[str]:
    """Return the names of a metric's samples."""
    return [family.name + ending for ending in _ENDINGS.get(family.type, ("",))]


def _key(name: str, labels: dict[str, str]) -> _Key:
    return name, tuple(labels.items())
