"""What one turn did: stage times, outcome and why; and the counters all turns add up to."""

from __future__ import annotations

import time
from collections import Counter as Counted
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from kbserver.deadline import Deadline
from kbserver.types import FloatVector, Outcome

# Milliseconds a voice turn cares about, in seconds: the budget is 150 ms, the engine's limit 300 ms.
_BUCKETS = (
    0.001,
    0.0025,
    0.005,
    0.0075,
    0.01,
    0.015,
    0.02,
    0.03,
    0.05,
    0.075,
    0.1,
    0.15,
    0.2,
    0.3,
    0.5,
    1.0,
)

_REMEMBERED_TIMES = 10_000  # of the newest turns; a line in the log needs no more


@dataclass(slots=True)
class Trace:
    """One turn's record. It holds no words of the caller."""

    route: str = ""
    """The pattern that answered; empty if none did."""
    outcome: Outcome = "empty"
    reason: str = ""
    """Why a turn is degraded or empty, as a stable word: `busy`, `unknown_label`, `below_min_score`, …"""
    hits: int = 0
    deadline: Deadline | None = None
    started: float = field(default_factory=time.perf_counter)
    stages_ms: dict[str, float] = field(default_factory=dict)
    total_ms: float = 0.0
    in_budget: bool = True
    embedding: FloatVector | None = field(default=None, repr=False)
    """Of the query alone, when the dense arm answered; for the follow-up memory, never shown."""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a step of the turn under `name`."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.stages_ms[name] = (
                self.stages_ms.get(name, 0.0) + (time.perf_counter() - begun) * 1000.0
            )

    def empty(self, reason: str) -> None:
        """Mark the turn as answered with nothing, and why."""
        self.outcome, self.reason, self.hits = "empty", reason, 0

    def finish(self) -> None:
        """Take the total time and whether it was inside the budget."""
        self.total_ms = (time.perf_counter() - self.started) * 1000.0
        self.in_budget = self.deadline is None or not self.deadline.passed

    def as_dict(self) -> dict[str, object]:
        """JSON values for the debug answer and `kbserver query --json`; times in milliseconds."""
        return {
            "route": self.route,
            "outcome": self.outcome,
            "reason": self.reason,
            "hits": self.hits,
            "in_budget": self.in_budget,
            "total_ms": round(self.total_ms, 3),
            "stages_ms": {name: round(ms, 3) for name, ms in self.stages_ms.items()},
        }


@dataclass(slots=True)
class Recent:
    """The turns of a while, for people."""

    outcomes: Counted[str] = field(default_factory=Counted)
    in_budget: int = 0
    refused: int = 0
    total_ms: deque[float] = field(
        default_factory=lambda: deque(maxlen=_REMEMBERED_TIMES)
    )

    def add(self, trace: Trace) -> None:
        """Add one finished turn."""
        self.outcomes[
            f"{trace.outcome} {trace.reason}"
            if trace.outcome == "degraded"
            else trace.outcome
        ] += 1
        self.in_budget += trace.in_budget
        self.total_ms.append(trace.total_ms)

    def __str__(self) -> str:
        turns = self.outcomes.total()
        if not turns:
            return f"no turns, {self.refused} requests refused" if self.refused else ""
        ordered = sorted(self.total_ms)
        median, p99 = (
            ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.99)
        )
        parts = ", ".join(
            f"{count} {what}" for what, count in self.outcomes.most_common()
        )
        return (
            f"{turns} turns, {100.0 * self.in_budget / turns:.1f} % in budget: {parts}; {self.refused} refused; "
            f"median {median:.1f} ms, p99 {p99:.1f} ms"
        )


class Metrics:
    """The server's Prometheus counters, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.turns = Counter(
            "kbserver_turns",
            "Turns answered, by outcome.",
            ["outcome"],
            registry=self.registry,
        )
        self.in_budget = Counter(
            "kbserver_turns_in_budget",
            "Turns answered before their deadline.",
            registry=self.registry,
        )
        self.degraded = Counter(
            "kbserver_turns_degraded",
            "Degraded turns, by cause.",
            ["reason"],
            registry=self.registry,
        )
        self.empty = Counter(
            "kbserver_turns_empty",
            "Empty answers, by cause.",
            ["reason"],
            registry=self.registry,
        )
        self.refused = Counter(
            "kbserver_requests_refused",
            "Requests answered with an error, by code.",
            ["code"],
            registry=self.registry,
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
        self.generation = Gauge(
            "kbserver_corpus_passages",
            "Passages of the generation served.",
            ["corpus", "generation"],
            registry=self.registry,
        )
        self.reload_failures = Counter(
            "kbserver_reload_failures",
            "New generations that could not be taken over.",
            ["corpus"],
            registry=self.registry,
        )
        # Looking a child up by its label costs more than counting, and a turn has some ten of them.
        self._turns = {
            outcome: self.turns.labels(outcome)
            for outcome in ("full", "degraded", "empty", "gated")
        }
        self._stages: dict[str, Histogram] = {}
        self._recent = Recent()
        self._all, self._all_in_budget = 0, 0
        ratio = Gauge(
            "kbserver_turns_in_budget_ratio",
            "Share of all turns that were answered before their deadline, 0 to 1.",
            registry=self.registry,
        )
        ratio.set_function(
            lambda: self._all_in_budget / self._all if self._all else 1.0
        )

    def record(self, trace: Trace) -> None:
        """Add one finished turn."""
        self._turns[trace.outcome].inc()
        self._all += 1
        if trace.in_budget:
            self._all_in_budget += 1
            self.in_budget.inc()
        if trace.outcome == "degraded":
            self.degraded.labels(trace.reason).inc()
        elif trace.outcome == "empty":
            self.empty.labels(trace.reason).inc()
        self.turn_seconds.observe(trace.total_ms / 1000.0)
        for stage, ms in trace.stages_ms.items():
            child = self._stages.get(stage)
            if child is None:
                child = self._stages[stage] = self.stage_seconds.labels(stage)
            child.observe(ms / 1000.0)
        self._recent.add(trace)

    def refuse(self, code: str) -> None:
        """Count a request answered with an error."""
        self.refused.labels(code).inc()
        self._recent.refused += 1

    def summary(self) -> str:
        """Say in a line how the turns went since the last call; empty if nobody asked."""
        recent, self._recent = self._recent, Recent()
        return str(recent)

    def page(self) -> tuple[bytes, str]:
        """Return the metrics page and its media type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST
