"""Lines for the log: one for a turn, and one that says how the turns of a while went."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter as Tally
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from kbserver.endpoint.trace import Trace

log = logging.getLogger("kbserver.endpoint")
turns = logging.getLogger("kbserver.turns")

SUMMARY_S = 60.0
"""Between two lines that say how the turns went."""
QUIET = (1, 10)
"""Summaries in a row without a request that are said; then every `SAID_AGAIN`-th."""
SAID_AGAIN = 60

_MOST_TIMES = 10_000  # of the newest turns; a line in the log needs no more
_MOST_ROUTES = 8  # in the line; the others are counted together
_NO_ROUTE = "no route"
_OTHERS = "other routes"


@dataclass(slots=True)
class Recent:
    """The turns of a while, as a line for the log."""

    routes: dict[str, Tally[str]] = field(default_factory=dict)
    """Outcomes with their reasons, by route."""
    in_budget: int = 0
    refused: Tally[str] = field(default_factory=Tally)
    """Requests, by the code of the error."""
    total_ms: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST_TIMES))

    def add(self, trace: Trace) -> None:
        """Add one finished turn."""
        outcomes = self.routes.setdefault(trace.route or _NO_ROUTE, Tally())
        outcomes[_outcome_of(trace)] += 1
        self.in_budget += trace.in_budget
        self.total_ms.append(trace.total_ms)

    def take_back(self, trace: Trace) -> None:
        """Take one finished turn out again, if it is from this while."""
        outcomes = self.routes.get(trace.route or _NO_ROUTE, Tally())
        outcome = _outcome_of(trace)
        if not outcomes[outcome]:
            return
        outcomes[outcome] -= 1
        self.in_budget -= trace.in_budget
        with suppress(ValueError):
            self.total_ms.remove(trace.total_ms)

    @property
    def turns(self) -> int:
        """How many there were."""
        return sum(outcomes.total() for outcomes in self.routes.values())

    @property
    def is_quiet(self) -> bool:
        """Whether nothing was asked."""
        return not self.routes and not self.refused

    def as_dict(self) -> dict[str, object]:
        """JSON values, for a log of JSON lines."""
        return {
            "turns": self.turns,
            "in_budget": self.in_budget,
            "routes": {name: dict(found) for name, found in self.routes.items()},
            "refused": dict(self.refused),
            "median_ms": round(self._quantile(0.5), 1),
            "p99_ms": round(self._quantile(0.99), 1),
        }

    def __str__(self) -> str:
        turns = self.turns
        refused = f"{self.refused.total()} refused"
        if self.refused:
            refused += f" ({_counted(self.refused)})"
        if not turns:
            return f"no turns, {refused}"
        in_budget = 100.0 * self.in_budget / turns
        return (
            f"{turns} turns, {in_budget:.1f} % in budget: {self._outcomes()}; {refused}; "
            f"median {self._quantile(0.5):.1f} ms, p99 {self._quantile(0.99):.1f} ms"
        )

    def _outcomes(self) -> str:
        """Say how turns ended: of one route `3 full`, of several each with its name."""
        by_size = sorted(
            self.routes.items(), key=lambda found: found[1].total(), reverse=True
        )
        if len(by_size) > _MOST_ROUTES:
            others: Tally[str] = Tally()
            for _, outcomes in by_size[_MOST_ROUTES:]:
                others.update(outcomes)
            by_size[_MOST_ROUTES:] = [(_OTHERS, others)]
        said = [f"{name}: {_counted(outcomes)}" for name, outcomes in by_size]
        return " | ".join(said)

    def _quantile(self, share: float) -> float:
        if not self.total_ms:
            return 0.0
        ordered = sorted(self.total_ms)
        return ordered[int(share * (len(ordered) - 1))]


def _outcome_of(trace: Trace) -> str:
    if trace.outcome in ("degraded", "empty"):
        return f"{trace.outcome} {trace.reason}"
    return trace.outcome


def _counted(tally: Tally[str]) -> str:
    """Say how often each came, the most frequent first: `3 full, 1 gated`."""
    by_frequency = [one for one in tally.most_common() if one[1]]
    return ", ".join(f"{count} {name}" for name, count in by_frequency)


async def summaries_forever(summary: Callable[[], Recent]) -> None:
    """Log how the turns went, again and again; seldom while nothing is asked.

    Args:
        summary: returns how the turns went since its last call.
    """
    quiet = 0
    while True:
        await asyncio.sleep(SUMMARY_S)
        recent = summary()
        quiet = (quiet + 1) * recent.is_quiet
        if quiet and quiet not in QUIET and quiet % SAID_AGAIN:
            continue
        seconds = max(1, quiet) * SUMMARY_S
        event = {"event": "summary", "facts": recent.as_dict()}
        log.info("%s in %.0f s", recent, seconds, extra=event)


def log_turn(trace: Trace) -> None:
    """Log a turn, without its words."""
    facts = {
        "turn": trace.id,
        "door": trace.door,
        "route": trace.route,
        "outcome": trace.outcome,
        "reason": trace.reason,
        "in_budget": trace.in_budget,
        "ms": round(trace.total_ms, 1),
    }
    turns.info(
        "turn %s %s: %s %s, %.1f ms",
        trace.id,
        trace.route or "no route",
        trace.outcome,
        trace.reason or "",
        trace.total_ms,
        extra={"event": "turn", "facts": facts},
    )
