"""What all turns add up to: Prometheus counters, and a line for the log."""

from __future__ import annotations

from collections import Counter as Tally
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from kbserver.endpoint.trace import Trace
from kbserver.notes import Counts, DropCause
from kbserver.types import Outcome

# In seconds; fine below the budget of 150 ms and the engine's limit of 300 ms.
_BUCKETS = (
    *(0.001, 0.0025, 0.005, 0.0075),
    *(0.01, 0.015, 0.02, 0.03, 0.05, 0.075),
    *(0.1, 0.15, 0.2, 0.3, 0.5),
    1.0,
)

_MOST_TIMES = 10_000  # of the newest turns; a line in the log needs no more


class Metrics:
    """The server's Prometheus counters, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.turns = self._counter(
            "kbserver_turns", "Turns answered, by outcome.", "outcome"
        )
        self.doors = self._counter(
            "kbserver_door_turns",
            "Turns answered, by the door they came in by.",
            "door",
        )
        self.superseded = self._counter(
            "kbserver_turns_superseded",
            "Turns whose words went on: those answered are in kbserver_turns as well, those "
            "dropped are not.",
            "outcome",
        )
        self.in_budget = self._counter(
            "kbserver_turns_in_budget", "Turns answered before their deadline."
        )
        self.degraded = self._counter(
            "kbserver_turns_degraded", "Degraded turns, by cause.", "reason"
        )
        self.empty = self._counter(
            "kbserver_turns_empty", "Empty answers, by cause.", "reason"
        )
        self.refused = self._counter(
            "kbserver_requests_refused",
            "Requests answered with an error, by code.",
            "code",
        )
        self.reload_failures = self._counter(
            "kbserver_reload_failures",
            "New generations that could not be taken over.",
            "corpus",
        )
        self.edited_files = self._counter(
            "kbserver_edited_files",
            "Files of a generation being served that were found to be edited in place.",
            "corpus",
        )
        self.handler_faults = self._counter(
            "kbserver_handler_faults",
            "Calls of handlers that gave no answer, by what was wrong.",
            "fault",
        )
        self.corpus_failing = self._gauge(
            "kbserver_corpus_failing",
            "1 while the live generation of a corpus cannot be served, else 0.",
            "corpus",
        )
        self.store_failing = self._gauge(
            "kbserver_store_failing", "1 while the store cannot be read, else 0."
        )
        self.min_score = self._gauge(
            "kbserver_corpus_min_score",
            "Least score of an answer, for routes without one of their own.",
            "corpus",
        )
        self.turn_seconds = Histogram(
            "kbserver_turn_seconds",
            "Whole turn inside the server.",
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.stage_seconds = Histogram(
            "kbserver_stage_seconds",
            "One stage of a turn.",
            ["stage"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.generation = self._gauge(
            "kbserver_corpus_passages",
            "Passages of the generation served.",
            "corpus",
            "generation",
        )
        ratio = self._gauge(
            "kbserver_turns_in_budget_ratio",
            "Share of all turns that were answered before their deadline, 0 to 1.",
        )
        ratio.set_function(self._in_budget_ratio)
        for outcome in get_args(Outcome):
            self.turns.labels(outcome)  # on the page from the start, with 0
        self._recent = Recent()
        self._all = 0
        self._all_in_budget = 0

    def add_recorder(self, counts: Callable[[], Counts]) -> None:
        """Show what was recorded of the turns; `counts` is called for each page."""
        self.registry.register(_OfRecorder(counts))

    def record(self, trace: Trace) -> None:
        """Add one finished turn."""
        self.turns.labels(trace.outcome).inc()
        if trace.door:
            self.doors.labels(trace.door).inc()
        self._all += 1
        if trace.in_budget:
            self._all_in_budget += 1
            self.in_budget.inc()
        if trace.outcome == "degraded":
            self.degraded.labels(trace.reason).inc()
        if trace.outcome == "empty":
            self.empty.labels(trace.reason).inc()
        self.turn_seconds.observe(trace.total_ms / 1000.0)
        for stage, ms in trace.stages_ms.items():
            self.stage_seconds.labels(stage).observe(ms / 1000.0)
        self._recent.add(trace)

    def supersede(self, trace: Trace) -> None:
        """Count that the words of a finished turn went on: the next turn counts in its place."""
        self.superseded.labels(trace.outcome).inc()
        self._recent.take_back(trace)

    def handler_fault(self, fault: str) -> None:
        """Count what was wrong with a call of a handler; see `handlers.Fault`."""
        self.handler_faults.labels(fault).inc()

    def refuse(self, code: str) -> None:
        """Count a request answered with an error."""
        self.refused.labels(code).inc()
        self._recent.refused[code] += 1

    def forget(self, corpus: str) -> None:
        """Drop what is known of a corpus that is gone; counts stay."""
        for gauge in (self.corpus_failing, self.min_score):
            with suppress(KeyError):
                gauge.remove(corpus)

    def summary(self) -> str:
        """Say in a line how the turns went since the last call; empty if there were none."""
        recent = self._recent
        self._recent = Recent()
        return str(recent)

    def page(self) -> tuple[bytes, str]:
        """Return the metrics page and its media type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST

    def _counter(self, name: str, documentation: str, *labels: str) -> Counter:
        return Counter(name, documentation, labels, registry=self.registry)

    def _gauge(self, name: str, documentation: str, *labels: str) -> Gauge:
        return Gauge(name, documentation, labels, registry=self.registry)

    def _in_budget_ratio(self) -> float:
        if not self._all:
            return 1.0
        return self._all_in_budget / self._all


class _OfRecorder(Collector):
    """What a recorder came to, as metrics."""

    def __init__(self, counts: Callable[[], Counts]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        counts = self._counts()
        name = "kbserver_recording"
        yield GaugeMetricFamily(
            name, "1 while turns are being recorded, else 0.", value=counts.on
        )
        name = "kbserver_record_turns"
        yield CounterMetricFamily(name, "Turns recorded.", value=counts.written)
        dropped = CounterMetricFamily(
            "kbserver_record_dropped",
            "Turns that were not recorded, by cause.",
            labels=["reason"],
        )
        for cause in get_args(DropCause):
            dropped.add_metric([cause], counts.dropped.get(cause, 0))
        yield dropped
        yield GaugeMetricFamily(
            "kbserver_record_bytes", "Of the record's file.", value=counts.bytes
        )
        yield GaugeMetricFamily(
            "kbserver_record_lag_seconds",
            "From the beginning of a turn until it was recorded, of the newest batch.",
            value=counts.lag_s,
        )


@dataclass(slots=True)
class Recent:
    """The turns of a while, as a line for the log."""

    outcomes: Tally[str] = field(default_factory=Tally)
    in_budget: int = 0
    refused: Tally[str] = field(default_factory=Tally)
    """Requests, by the code of the error."""
    total_ms: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST_TIMES))

    def take_back(self, trace: Trace) -> None:
        """Take one finished turn out again, if it is from this while."""
        outcome = _outcome_of(trace)
        if not self.outcomes[outcome]:
            return
        self.outcomes[outcome] -= 1
        self.in_budget -= trace.in_budget
        with suppress(ValueError):
            self.total_ms.remove(trace.total_ms)

    def add(self, trace: Trace) -> None:
        """Add one finished turn."""
        self.outcomes[_outcome_of(trace)] += 1
        self.in_budget += trace.in_budget
        self.total_ms.append(trace.total_ms)

    def __str__(self) -> str:
        turns = self.outcomes.total()
        refused = f"{self.refused.total()} refused"
        if self.refused:
            refused += f" ({_counted(self.refused)})"
        if not turns and not self.refused:
            return ""
        if not turns:
            return f"no turns, {refused}"
        outcomes = _counted(self.outcomes)
        in_budget = 100.0 * self.in_budget / turns
        ordered = sorted(self.total_ms)
        last = len(ordered) - 1
        median, p99 = ordered[int(0.5 * last)], ordered[int(0.99 * last)]
        return (
            f"{turns} turns, {in_budget:.1f} % in budget: {outcomes}; "
            f"{refused}; median {median:.1f} ms, p99 {p99:.1f} ms"
        )


def _outcome_of(trace: Trace) -> str:
    if trace.outcome in ("degraded", "empty"):
        return f"{trace.outcome} {trace.reason}"
    return trace.outcome


def _counted(tally: Tally[str]) -> str:
    """Say how often each came, the most frequent first: `3 full, 1 gated`."""
    by_frequency = [one for one in tally.most_common() if one[1]]
    return ", ".join(f"{count} {name}" for name, count in by_frequency)
