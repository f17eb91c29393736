"""A turn as a handler sees it, and what a handler is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from kbserver.deadline import Deadline
from kbserver.endpoint.trace import Trace
from kbserver.retrieval.retriever import Retrieval, Retriever
from kbserver.retrieval.transcript.followup import Exchange
from kbserver.settings import TurnSettings
from kbserver.types import Hit, Scope

log = logging.getLogger("kbserver.endpoint")

HEARD_CHARACTERS = 1000  # a minute of speech, 256 tokens; the question is at the end. More would hold the event loop


@dataclass(frozen=True, slots=True)
class Turn:
    """One caller turn, as a handler sees it."""

    query: str
    """What the caller said, as the recogniser heard it."""
    label: str | None
    parameters: Mapping[str, str]
    """What the route's pattern found in the label: {"id": "7"} for `hotel-{id}` and `hotel-7`."""
    deadline: Deadline
    settings: TurnSettings
    corpora: tuple[str, ...]
    """The corpora this turn may search."""
    scope: Scope
    """The metadata filter this turn is bound to."""
    _retrievers: Mapping[str, Retriever] = field(repr=False)
    _trace: Trace = field(repr=False)
    _past: tuple[Exchange, ...] = field(repr=False, default=())
    """Earlier turns of the same label, newest first."""
    _embed_by: Deadline | None = field(repr=False, default=None)
    _handled: bool = field(repr=False, default=True)
    """Whether a handler gets what is found: nobody else may then see what it does to it."""

    async def retrieve(
        self,
        query: str | None = None,
        *,
        corpora: Sequence[str] | None = None,
        scope: Scope | None = None,
        top_k: int | None = None,
        min_score: float | None = None,
    ) -> list[Hit]:
        """Search, inside what is left of the turn's deadline.

        Args:
            query: other words to search for; None: the caller's.
            corpora: some of the turn's corpora; None: all of them.
            scope: a narrower filter, on top of the turn's own.
            top_k: at most this many hits; None: the route's.
            min_score: leave out hits below; None: the route's, or what was calibrated for the corpus.

        Returns:
            Hits of all corpora together, best first; [] if nothing is good enough or a key of `scope` contradicts
            the turn's own. They are the handler's own: nobody else sees what it does to their metadata.
        """
        changed = {
            key: value
            for key, value in (("top_k", top_k), ("min_score", min_score))
            if value is not None
        }
        settings = (
            self.settings.model_copy(update=changed) if changed else self.settings
        )
        narrowed = narrow(self.scope, scope or {})
        allowed = [
            name
            for name in (self.corpora if corpora is None else corpora)
            if name in self.corpora
        ]
        if narrowed is None:
            return []
        text = end_of(self.query if query is None else query)
        searches = [
            self._retrievers[name].retrieve(
                text,
                scope=narrowed,
                settings=settings,
                deadline=self.deadline,
                embed_by=self._embed_by,
                past=self._past if query is None else (),
            )
            for name in allowed
            if name in self._retrievers
        ]
        outcomes = await _outcomes(searches)
        retrievals = [outcome for outcome in outcomes if isinstance(outcome, Retrieval)]
        _note(self._trace, retrievals)
        for failure in (
            outcome for outcome in outcomes if isinstance(outcome, BaseException)
        ):
            if not retrievals:
                raise failure
            log.error(
                "a corpus of route %r failed: %s",
                self._trace.route,
                type(failure).__name__,
            )
            self._trace.outcome, self._trace.reason = "degraded", "corpus_failed"
        hits = [hit for retrieval in retrievals for hit in retrieval.hits]
        best = sorted(hits, key=lambda hit: -hit.score)[: settings.top_k]
        return [own(hit) for hit in best] if self._handled else best

    def _version(self) -> tuple[object, ...]:
        """What the answer of the turn's own search depends on, to be compared with `is`."""
        found = (
            self._retrievers[name].version()
            for name in self.corpora
            if name in self._retrievers
        )
        return tuple(part for parts in found for part in parts)


HandlerAnswer: TypeAlias = Sequence[Hit] | str | None
"""What a handler gives back: hits (best first), text to be spoken as it is, or nothing."""

Handler: TypeAlias = Callable[[Turn], HandlerAnswer | Awaitable[HandlerAnswer]]
"""Own code for a turn; plain or async. A plain one runs in a thread."""


def own(hit: Hit) -> Hit:
    """The same hit, of which nothing is shared that can be changed."""
    passage = replace(hit.passage, metadata=deepcopy(hit.passage.metadata))
    spoken_form = hit.own_spoken_form
    spoken_form = (
        replace(spoken_form, passage=passage) if spoken_form is not None else None
    )
    return replace(hit, passage=passage, arms=dict(hit.arms), spoken_form=spoken_form)


async def _outcomes(
    searches: Sequence[Coroutine[Any, Any, Retrieval]],
) -> list[Retrieval | BaseException]:
    """What each search found, or raised. One alone, as most are, needs no task of its own and no turns of the event loop."""
    if len(searches) != 1:
        return await asyncio.gather(*searches, return_exceptions=True)
    try:
        return [await searches[0]]
    except Exception as exc:
        return [exc]


def narrow(outer: Scope, inner: Scope) -> Scope | None:
    """Both filters as one; None if they contradict each other (a folder below the other's narrows it)."""
    merged = dict(outer)
    for key, value in inner.items():
        held = merged.get(key)
        if (
            held is None
            or held == value
            or (key == "folder" and value.startswith(held + "/"))
        ):
            merged[key] = value
        elif not (key == "folder" and held.startswith(value + "/")):
            return None
    return merged


def end_of(query: str) -> str:
    """The last `HEARD_CHARACTERS` of a query, from a word's beginning."""
    if len(query) <= HEARD_CHARACTERS:
        return query
    end = query[-HEARD_CHARACTERS:]
    return end.partition(" ")[2] or end


def _note(trace: Trace, retrievals: Sequence[Retrieval]) -> None:
    """Write into the trace what the searches did; the worst of several corpora decides the outcome."""
    for retrieval in retrievals:
        for stage, ms in retrieval.stages_ms.items():
            trace.stages_ms[stage] = max(ms, trace.stages_ms.get(stage, 0.0))
        trace.embedding = (
            retrieval.embedding if trace.embedding is None else trace.embedding
        )
        if retrieval.degraded is not None:
            trace.outcome, trace.reason = "degraded", retrieval.degraded
        elif not retrieval.hits and trace.outcome == "empty" and retrieval.nothing:
            trace.reason = retrieval.nothing
