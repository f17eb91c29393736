"""A turn as a handler sees it, and what a handler is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import (
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from kbserver.deadline import Deadline
from kbserver.endpoint.trace import Recorder
from kbserver.retrieval.retriever import Retrieval, Retriever
from kbserver.retrieval.transcript.followup import Exchange
from kbserver.settings import TurnSettings
from kbserver.types import Hit, Scope

log = logging.getLogger("kbserver.endpoint")

HEARD_CHARACTERS = 1000
"""Of a query that are searched for: a minute of speech. Its end asks; more would hold the loop."""


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
    _recorder: Recorder = field(repr=False)
    _past: tuple[Exchange, ...] = field(repr=False, default=())
    """Earlier turns of the same label, newest first."""
    _embed_by: Deadline | None = field(repr=False, default=None)
    _copies: bool = field(repr=False, default=True)
    """Whether hits go to a handler, which may change them, and so must not be shared."""

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
            min_score: leave out hits below; None: the route's, or what was calibrated for the
                corpus.

        Returns:
            Hits of all corpora together, best first; [] if nothing is good enough or a key of
            `scope` contradicts the turn's own. They are the handler's own: what it does to their
            metadata is seen by no other turn.
        """
        narrowed = narrow(self.scope, scope or {})
        if narrowed is None:
            return []
        past = self._past
        # Not the caller's words: what was said before is no context.
        if query is not None:
            past = ()
        settings = _with(self.settings, top_k=top_k, min_score=min_score)
        outcomes = await _outcomes(
            retriever.retrieve(
                end_of(self.query if query is None else query),
                scope=narrowed,
                settings=settings,
                deadline=self.deadline,
                embed_by=self._embed_by,
                past=past,
            )
            for retriever in self._searched(corpora)
        )
        hits = self._noted(outcomes)
        hits.sort(key=lambda hit: hit.score, reverse=True)
        best = hits[: settings.top_k]
        if self._copies:
            best = [own(hit) for hit in best]
        return best

    def _searched(self, corpora: Sequence[str] | None) -> list[Retriever]:
        """Return the retrievers of some corpora, or of all; note those that are not served."""
        names = self.corpora
        if corpora is not None:
            names = tuple(name for name in corpora if name in self.corpora)
        served = [name for name in names if name in self._retrievers]
        if len(served) < len(names):
            self._recorder.corpus_failed()
        return [self._retrievers[name] for name in served]

    def _noted(self, outcomes: Sequence[Retrieval | BaseException]) -> list[Hit]:
        """Note what the searches came to and return their hits; raise if every one failed."""
        failures = [one for one in outcomes if isinstance(one, BaseException)]
        retrievals = [one for one in outcomes if isinstance(one, Retrieval)]
        if failures and not retrievals:
            raise failures[0]
        for retrieval in retrievals:
            self._recorder.add(retrieval)
        for failure in failures:
            self._recorder.corpus_failed()
            kind = type(failure).__name__
            log.error("a corpus of route %r failed: %s", self._recorder.route, kind)
        return [hit for retrieval in retrievals for hit in retrieval.hits]


HandlerAnswer: TypeAlias = Sequence[Hit] | str | None
"""What a handler gives back: hits (best first), text to be spoken as it is, or nothing."""

Handler: TypeAlias = Callable[[Turn], HandlerAnswer | Awaitable[HandlerAnswer]]
"""Own code for a turn; plain or async. A plain one runs in a thread."""


def own(hit: Hit) -> Hit:
    """Return a copy of a hit: changing it changes no other."""
    passage = replace(hit.passage, metadata=deepcopy(hit.passage.metadata))
    spoken_form = hit.own_spoken_form
    if spoken_form is not None:
        spoken_form = replace(spoken_form, passage=passage)
    return replace(hit, passage=passage, arms=dict(hit.arms), spoken_form=spoken_form)


def narrow(outer: Scope, inner: Scope) -> Scope | None:
    """Return both filters as one; None if they contradict each other.

    Of two values of `folder`, one of which lies below the other, the lower one counts.
    """
    merged = dict(outer)
    for key, value in inner.items():
        held = merged.setdefault(key, value)
        if held == value:
            continue
        if key != "folder":
            return None
        if value.startswith(f"{held}/"):
            merged[key] = value
        elif not held.startswith(f"{value}/"):
            return None
    return merged


def end_of(query: str) -> str:
    """Return the last `HEARD_CHARACTERS` of a query, from a word's beginning."""
    if len(query) <= HEARD_CHARACTERS:
        return query
    end = query[-HEARD_CHARACTERS:]
    _, _, whole_words = end.partition(" ")
    return whole_words or end


def _with(
    settings: TurnSettings, *, top_k: int | None, min_score: float | None
) -> TurnSettings:
    changed: dict[str, float] = {}
    if top_k is not None:
        changed["top_k"] = top_k
    if min_score is not None:
        changed["min_score"] = min_score
    if not changed:
        return settings
    return settings.model_copy(update=changed)


async def _outcomes(
    searches: Iterable[Coroutine[Any, Any, Retrieval]],
) -> list[Retrieval | BaseException]:
    """Return what each search found, or the exception it raised."""
    started = list(searches)
    if len(started) != 1:
        return await asyncio.gather(*started, return_exceptions=True)
    try:  # one alone, as most are, needs no task of its own
        return [await started[0]]
    except Exception as exc:
        return [exc]
