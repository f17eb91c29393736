"""What one turn did: the notes taken while it runs, and the trace that is left of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from kbserver.deadline import Deadline
from kbserver.notes import new_id
from kbserver.retrieval.retriever import Retrieval, Search
from kbserver.settings import RecordMode
from kbserver.types import FloatVector, Hit, Outcome, Reason


@dataclass(frozen=True, slots=True)
class Trace:
    """The record of one finished turn. Only its searches hold words of the caller."""

    outcome: Outcome
    reason: Reason | None
    """Why the turn is degraded, empty or gated; None when it is full."""
    route: str = ""
    """The pattern that answered; empty if none did."""
    door: str = ""
    """Where the turn came in; empty if it was asked in this process."""
    hits: int = 0
    """Passages in the answer; 0 when the turn is empty."""
    stages_ms: Mapping[str, float] = field(default_factory=dict)
    total_ms: float = 0.0
    in_budget: bool = True
    budget_ms: float = 0.0
    """What the turn had until its deadline; 0 if no route answered."""
    id: str = ""
    """Later turns have greater ids."""
    at: float = 0.0
    """When the turn began, seconds since the epoch."""
    cached: bool = False
    """Whether the same was asked before, and its findings were kept."""
    searches: Sequence[Search] = ()
    """Of each corpus; these hold words of the caller."""
    record: RecordMode | None = None
    """What the route lets be recorded; None: what the server records."""

    def as_dict(self) -> dict[str, object]:
        """JSON values for the debug answer and `kbserver query --json`; milliseconds."""
        stages_ms = {name: round(ms, 3) for name, ms in self.stages_ms.items()}
        return {
            "route": self.route,
            "door": self.door,
            "outcome": self.outcome,
            "reason": self.reason or "",
            "hits": self.hits,
            "in_budget": self.in_budget,
            "total_ms": round(self.total_ms, 3),
            "stages_ms": stages_ms,
        }

    def why(self) -> list[dict[str, object]]:
        """Say of each search what was heard, by which threshold it was judged, what came near.

        JSON values for `kbserver query --json`; they hold words of the caller.
        """
        return [
            {
                "corpus": search.corpus,
                "generation": search.generation,
                "heard": search.heard,
                "leaned": search.leaned,
                "requests": list(search.requests),
                "min_score": round(search.threshold.min_score, 4),
                "min_score_from": search.threshold.origin,
                "near": [_near(hit) for hit in search.near],
            }
            for search in self.searches
        ]


def _near(hit: Hit) -> dict[str, object]:
    return {
        "id": hit.passage.id,
        "score": round(hit.score, 4),
        "source": hit.passage.source,
        "arms": {arm: round(score, 4) for arm, score in hit.arms.items()},
    }


class Recorder:
    """Notes on a turn that is under way. Whether it is full or empty is decided elsewhere."""

    def __init__(self, *, clock: Callable[[], float] = time.perf_counter) -> None:
        """Start the turn's time now; `clock` gives seconds."""
        self._clock = clock
        self._started = clock()
        self.route = ""
        """The pattern that answers; empty while none is known."""
        self.door = ""
        self.deadline: Deadline | None = None
        """Of the whole turn."""
        self.stages_ms: dict[str, float] = {}
        self.degraded: Reason | None = None
        """Why an arm or a corpus was left out of a search; None if none was."""
        self.nothing: Reason | None = None
        """Why a search found no passage; None if each found one."""
        self.embedding: FloatVector | None = None
        """Of the query alone, shape (dim,); None if no model was asked or none answered."""
        self.budget_ms = 0.0
        self.record: RecordMode | None = None
        """What the route lets be recorded."""
        self.searches: list[Search] = []
        self._at = time.time()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a step of the turn under `name`."""
        began = self._clock()
        try:
            yield
        finally:
            elapsed_ms = (self._clock() - began) * 1000.0
            self.stages_ms[name] = self.stages_ms.get(name, 0.0) + elapsed_ms

    def add(self, retrieval: Retrieval) -> None:
        """Note what a search came to; corpora are searched side by side: the slowest counts."""
        for stage, ms in retrieval.stages_ms.items():
            slowest_ms = self.stages_ms.get(stage, 0.0)
            self.stages_ms[stage] = max(ms, slowest_ms)
        if retrieval.search is not None:
            self.searches.append(retrieval.search)
        if self.embedding is None:
            self.embedding = retrieval.embedding
        if retrieval.degraded:
            self.degraded = retrieval.degraded
        if retrieval.nothing:
            self.nothing = retrieval.nothing

    def corpus_failed(self) -> None:
        """Note that one of several corpora could not be searched."""
        self.degraded = "corpus_failed"

    def finish(
        self,
        outcome: Outcome,
        reason: Reason | None,
        *,
        hits: int,
        known: Sequence[Search] | None = None,
    ) -> Trace:
        """Return the trace; the turn's time ends now.

        Args:
            known: the searches that the findings are from, if they were kept from another turn.
        """
        cached = known is not None
        in_budget = self.deadline is None or not self.deadline.passed
        return Trace(
            outcome=outcome,
            reason=reason,
            route=self.route,
            door=self.door,
            hits=hits,
            stages_ms=self.stages_ms,
            total_ms=(self._clock() - self._started) * 1000.0,
            in_budget=in_budget,
            budget_ms=self.budget_ms,
            id=new_id(self._at),
            at=self._at,
            cached=cached,
            searches=known if known is not None else self.searches,
            record=self.record,
        )
