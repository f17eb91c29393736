"""What all turns add up to: Prometheus counters, of all processes of a server together."""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from importlib.metadata import version
from typing import get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from kbserver.endpoint.figures.followed import LOOKED, TAKEN
from kbserver.endpoint.figures.merged import Merged, WithoutMoments
from kbserver.endpoint.figures.shelf import Shelf
from kbserver.endpoint.figures.summary import Recent
from kbserver.endpoint.handlers import Fault
from kbserver.endpoint.routing import Route
from kbserver.endpoint.trace import Trace
from kbserver.notes import Counts, DropCause
from kbserver.types import Outcome, Reason

# In seconds; fine below the budget of 150 ms and the engine's limit of 300 ms.
_TURN_BUCKETS = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01),
    *(0.02, 0.03, 0.05, 0.075, 0.1),
    *(0.15, 0.2, 0.3, 0.5, 1.0),
)
# Words are searched, fused and composed in less than a millisecond.
_STAGE_BUCKETS = (
    *(0.00005, 0.0001, 0.00025, 0.0005),
    *(0.001, 0.0025, 0.005, 0.01, 0.025),
    *(0.05, 0.1, 0.15, 0.3),
)
_LAG_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)

STAGES = ("recall", "embed", "dense", "lexical", "fuse", "handler", "compose")

DEGRADED: tuple[Reason, ...] = (
    *("busy", "late", "loading", "failed"),
    *("lexical_late", "lexical_failed", "corpus_failed"),
)
"""Reasons of degraded turns; each can be that of an empty one too."""

EMPTY: tuple[Reason, ...] = (
    *DEGRADED,
    *("empty_scope", "no_match", "below_min_score", "error", "handler_busy"),
)
"""Reasons of empty turns under a route."""

CODES = (
    *("invalid_json", "invalid_body", "missing_field", "invalid_type"),
    *("invalid_session_label", "invalid_session", "body_timeout", "body_too_large"),
    *("client_left", "unsupported_encoding", "missing_token", "invalid_token"),
    *("wrong_door", "expired_token", "premature_token", "revoked_token"),
    *("exhausted_token", "not_found", "method_not_allowed", "http_error"),
    *("overloaded", "internal_error"),
    # of the other doors, of feedback and of sessions for browsers
    *("unsupported_filter", "invalid_signature", "expired_signature"),
    *("invalid_field", "origin_not_allowed", "rate_limited", "session_unavailable"),
)
"""Of refused requests, on the page from the start."""

MOST_ROUTES = 200
"""With names of their own on the page; further ones are counted together."""

_OTHERS = "(others)"
_WATCHED = ("published", "unchanged", "failed")

log = logging.getLogger("kbserver.endpoint")


class Metrics:
    """The server's Prometheus counters, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        build = self._gauge(
            "kbserver_build_info", "1, of this version.", "version", "python"
        )
        build.labels(version("kbserver"), platform.python_version()).set(1)
        self._count_turns()
        self._count_failures()
        self._measure_corpora()
        self.in_flight = self._gauge(
            "kbserver_turns_in_flight", "Turns let in and not answered yet."
        )
        self.embedding_queue = self._gauge(
            "kbserver_embedding_queue", "Queries waiting for their embedding."
        )
        self.ready = self._gauge(
            "kbserver_ready", "1 while /readyz answers 200, else 0."
        )
        self.loop_lag = Histogram(
            "kbserver_loop_lag_seconds",
            "How late the event loop came to what was due, twice a second.",
            buckets=_LAG_BUCKETS,
            registry=self.registry,
        )
        self._recent = Recent()
        self._corpora_of: dict[str, str] = {}  # route → its corpora, as a label
        self._merged: Merged | None = None
        self.routes(())

    def _count_turns(self) -> None:
        self.turns = self._counter(
            "kbserver_turns",
            "Turns answered, by route and outcome.",
            *("route", "corpus", "outcome"),
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
            "kbserver_turns_in_budget",
            "Turns answered before their deadline.",
            *("route", "corpus"),
        )
        self.degraded = self._counter(
            "kbserver_turns_degraded",
            "Degraded turns, by cause.",
            *("route", "corpus", "reason"),
        )
        self.empty = self._counter(
            "kbserver_turns_empty",
            "Empty answers, by cause.",
            *("route", "corpus", "reason"),
        )
        self.turn_seconds = Histogram(
            "kbserver_turn_seconds",
            "Whole turn inside the server.",
            buckets=_TURN_BUCKETS,
            registry=self.registry,
        )
        self.stage_seconds = Histogram(
            "kbserver_stage_seconds",
            "One stage of a turn.",
            ["stage"],
            buckets=_STAGE_BUCKETS,
            registry=self.registry,
        )
        for stage in STAGES:
            self.stage_seconds.labels(stage)

    def _count_failures(self) -> None:
        self.refused = self._counter(
            "kbserver_requests_refused",
            "Requests answered with an error, by code.",
            "code",
        )
        for code in CODES:
            self.refused.labels(code)
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
        for fault in get_args(Fault):
            self.handler_faults.labels(fault)
        self.watch_ingests = self._counter(
            "kbserver_watch_ingests",
            "Ingests of `serve --watch`, by what became of them.",
            *("corpus", "result"),
        )
        self.follow_looks = self._counter(
            "kbserver_follow_looks",
            "Looks at the object store that is followed, by what became of them.",
            "result",
        )
        self.follow_generations = self._counter(
            "kbserver_follow_generations",
            "Generations of the object store that is followed, by what became of them.",
            "result",
        )
        self._gauge(
            "kbserver_follow_timestamp_seconds",
            "When the object store was last read, seconds since the epoch; 0 without one.",
        )

    def _measure_corpora(self) -> None:
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
        self.generation = self._gauge(
            "kbserver_corpus_passages",
            "Passages of the generation served.",
            *("corpus", "generation"),
        )
        self.generation_made = self._gauge(
            "kbserver_corpus_generation_timestamp_seconds",
            "When the generation served was made, seconds since the epoch.",
            "corpus",
        )

    def add_recorder(self, counts: Callable[[], Counts]) -> None:
        """Show what was recorded of the turns; `counts` is called for each page."""
        self.registry.register(_OfRecorder(counts))

    def share(self, shelf: Shelf) -> None:
        """Count together with the other processes of a shelf."""
        self._merged = Merged(self.registry, shelf)

    @property
    def is_shared(self) -> bool:
        """Whether other processes count together with this one."""
        return self._merged is not None

    def tell(self) -> None:
        """Tell the other processes what was counted here. Takes milliseconds."""
        if self._merged is not None:
            with suppress(OSError):  # the page says so
                self._merged.put()

    def routes(self, routes: Iterable[Route]) -> None:
        """Put the series of some routes on the page, with 0: `rate` sees their first turn."""
        self.turns.labels("", "", "empty")
        self.empty.labels("", "", "unknown_label")
        self.in_budget.labels("", "")
        first: dict[str, str] = {}
        for route in routes:
            first.setdefault(route.pattern.pattern, ",".join(route.corpora))
        for pattern, corpora in first.items():
            known = self._corpora_of.get(pattern)
            is_one_more = known is None and len(self._corpora_of) >= MOST_ROUTES
            if corpora == known or is_one_more:
                continue
            self._corpora_of[pattern] = corpora
            self.in_budget.labels(pattern, corpora)
            for outcome in get_args(Outcome):
                self.turns.labels(pattern, corpora, outcome)
            for reason in DEGRADED:
                self.degraded.labels(pattern, corpora, reason)
            for reason in EMPTY:
                self.empty.labels(pattern, corpora, reason)

    def corpus(self, name: str) -> None:
        """Put the counters of a corpus on the page."""
        self.reload_failures.labels(name)
        self.edited_files.labels(name)

    def watched(self, corpus: str) -> None:
        """Put the ingests of a corpus on the page."""
        for result in _WATCHED:
            self.watch_ingests.labels(corpus, result)

    def followed(self) -> None:
        """Put the looks at an object store on the page."""
        for result in LOOKED:
            self.follow_looks.labels(result)
        for result in TAKEN:
            self.follow_generations.labels(result)

    def record(self, trace: Trace) -> None:
        """Add one finished turn."""
        route = trace.route
        corpora = ""
        if route:
            corpora = self._corpora_of.get(route, _OTHERS)
        if corpora == _OTHERS:
            route = _OTHERS
        self.turns.labels(route, corpora, trace.outcome).inc()
        if trace.door:
            self.doors.labels(trace.door).inc()
        if trace.in_budget:
            self.in_budget.labels(route, corpora).inc()
        if trace.outcome == "degraded":
            self.degraded.labels(route, corpora, trace.reason).inc()
        if trace.outcome == "empty":
            self.empty.labels(route, corpora, trace.reason).inc()
        self.turn_seconds.observe(trace.total_ms / 1000.0)
        for stage, ms in trace.stages_ms.items():
            self.stage_seconds.labels(stage).observe(ms / 1000.0)
        self._recent.add(trace)

    def supersede(self, trace: Trace) -> None:
        """Count that the words of a finished turn went on: the next turn counts in its place."""
        self.superseded.labels(trace.outcome).inc()
        self._recent.take_back(trace)

    def handler_fault(self, fault: Fault) -> None:
        """Count what was wrong with a call of a handler."""
        self.handler_faults.labels(fault).inc()

    def refuse(self, code: str) -> None:
        """Count a request answered with an error."""
        self.refused.labels(code).inc()
        self._recent.refused[code] += 1

    def forget(self, corpus: str) -> None:
        """Drop what is known of a corpus that is gone; counts stay."""
        for gauge in (self.corpus_failing, self.min_score, self.generation_made):
            with suppress(KeyError):
                gauge.remove(corpus)

    def summary(self) -> Recent:
        """Return how the turns went since the last call."""
        recent = self._recent
        self._recent = Recent()
        return recent

    def page(self) -> tuple[bytes, str]:
        """Return the metrics page and its media type."""
        own = WithoutMoments(self.registry)
        if self._merged is None:
            return generate_latest(own), CONTENT_TYPE_LATEST
        try:
            return generate_latest(self._merged), CONTENT_TYPE_LATEST
        except OSError as exc:
            log.error("metrics are of this process alone: %s", exc)
            return generate_latest(own), CONTENT_TYPE_LATEST

    def _counter(self, name: str, documentation: str, *labels: str) -> Counter:
        return Counter(name, documentation, labels, registry=self.registry)

    def _gauge(self, name: str, documentation: str, *labels: str) -> Gauge:
        return Gauge(name, documentation, labels, registry=self.registry)


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
        spans = CounterMetricFamily(
            "kbserver_record_spans",
            "Turns that were sent to a receiver of traces, by what became of them.",
            labels=["result"],
        )
        spans.add_metric(["sent"], counts.spans_sent)
        spans.add_metric(["lost"], counts.spans_lost)
        yield spans
        yield GaugeMetricFamily(
            "kbserver_record_bytes", "Of the record's file.", value=counts.bytes
        )
        yield GaugeMetricFamily(
            "kbserver_record_lag_seconds",
            "From the beginning of a turn until it was recorded, of the newest batch.",
            value=counts.lag_s,
        )
