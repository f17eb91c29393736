"""One turn: route → retrieve → compose, inside the deadline. Read this first.

Everything below raises; here, and only here, a failure becomes an empty or partial grounding, counted by its cause
and seen in the trace. The engine treats a late or failed answer as no answer, so a turn always answers.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import logging
import time
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from kbserver.deadline import Deadline
from kbserver.endpoint.admission import Place
from kbserver.endpoint.doors.omni import MAX_ANSWER_BYTES
from kbserver.endpoint.grounding_cache import CachedGrounding, GroundingCache
from kbserver.endpoint.routing import Match, RouteTable
from kbserver.endpoint.tokens.static import Grant
from kbserver.endpoint.trace import Trace
from kbserver.endpoint.turn import Handler, HandlerAnswer, Turn, end_of, narrow
from kbserver.retrieval.context import EMPTY, Context, compose, compose_text
from kbserver.retrieval.retriever import Retriever
from kbserver.retrieval.transcript.cleaning import hear
from kbserver.retrieval.transcript.followup import Exchange, Memory, dependence
from kbserver.retrieval.transcript.small_talk import gate
from kbserver.settings import TurnSettings
from kbserver.types import Hit

log = logging.getLogger("kbserver.endpoint")

# Kept back for what comes after the search: composing and writing the answer take 0.5 to 2 ms; the rest is for the event
# loop to come round under load. With 30 ms two to four turns in a thousand were late at twice the capacity, with 45 none.
RESERVE_MS = 45.0
_RESERVE_SHARE = 0.3  # of the budget at most: a small one must leave time to search

_CROWDED = {
    "misheard": False
}  # the field of sounds is more than half of the work of a search by words

_FOUND_NOTHING = ("below_min_score", "no_match")  # and looked everywhere

GREEDY_SHARE = 0.5  # of its budget, for the embeddings of a label that asks for more than its share

# {"session_label":…,"query":…,"context":…,"results":[…]} around the passages: label and query at their longest.
_ENVELOPE_BYTES = 700

_MAX_TEXT_BYTES = (
    2400  # a fixed text stands in the answer twice, as context and as result
)
_LONGEST_TEXT = 20_000  # characters of a handler's text that are looked at


@dataclass(frozen=True, slots=True)
class Grounding:
    """What a turn found: the hits, the context made from them, and the trace of how."""

    hits: Sequence[Hit]
    context: Context
    trace: Trace


async def ground(
    query: str,
    label: str | None,
    *,
    table: RouteTable,
    retrievers: Mapping[str, Retriever],
    memory: Memory,
    answers: GroundingCache,
    grant: Grant,
    deadline_ms: float | None = None,
    place: Place | None = None,
) -> Grounding:
    """Answer one turn. Never raises for what a caller, a handler or a broken index can do.

    Args:
        query: the caller's words.
        label: the session label, or None.
        memory: what was asked before, by session label; takes this turn in.
        answers: what was answered before; takes this answer in.
        grant: what the bearer token allows.
        deadline_ms: an upper bound on the route's budget, from the caller.
        place: where the turn was let in; None for one that need not be.
    """
    trace = Trace()
    match = table.resolve(label) if grant.allows(label) else None
    if match is None:
        trace.empty("unknown_label")
        return _finished(Grounding((), EMPTY, trace))

    settings = match.route.settings
    trace.route = match.route.pattern.pattern
    waited_ms = place.waited_ms if place is not None else 0.0
    budget_ms = max(
        0.0, min(settings.deadline_ms, deadline_ms or settings.deadline_ms) - waited_ms
    )
    trace.deadline = deadline = Deadline.after_ms(budget_ms)
    said = end_of(query)
    reason = gate(said) if settings.gate else ("empty" if not said.strip() else None)
    if reason is not None:
        trace.outcome, trace.reason = "gated", reason
        return _finished(Grounding((), EMPTY, trace))

    remembers = bool(label) and settings.follow_up and not settings.shared_label
    past = memory.recall(label, now_s=time.monotonic()) if label and remembers else ()
    embed_by = _embed_by(budget_ms, place)
    # It will have to wait for the event loop once more as long as it did, before its answer is written.
    search_by = deadline.less_ms(
        min(RESERVE_MS, _RESERVE_SHARE * budget_ms) + waited_ms
    )
    searched = (
        settings.model_copy(update=_CROWDED)
        if place is not None and place.words_only
        else settings
    )
    turn = _turn(
        query,
        label,
        match,
        searched,
        grant,
        search_by,
        retrievers,
        trace,
        past,
        embed_by,
    )
    if (
        turn is None
    ):  # not the token's to ask: not even the route's fallback or handler may show
        trace.route = ""
        trace.empty("unknown_label")
        return _finished(Grounding((), EMPTY, trace))
    alone = match.route.handler is None and (
        not past or dependence(hear(said).text) == 0.0
    )
    version = turn._version() if alone else ()
    asked = (turn.corpora, tuple(turn.scope.items()), settings)
    with trace.stage("recall"):
        known = answers.get(query, asked, version) if alone else None
    if known is not None:
        trace.outcome, trace.reason = (
            ("empty", known.nothing) if known.nothing else ("full", "")
        )
        trace.hits, trace.embedding = len(known.context.passages), known.embedding
        return _remembered(
            Grounding(known.hits, known.context, trace),
            memory if remembers else None,
            label,
            said,
        )
    try:
        # Our own search ends by its deadline by itself; cut off from here, it would lose what it has found.
        left_s = (
            max(0.0, turn.deadline.remaining_ms() / 1000.0)
            if match.route.handler is not None
            else None
        )
        async with asyncio.timeout(left_s):
            answer = await _answer(match.route.handler, turn, place)
        with trace.stage("compose"):
            hits, context = _composed(answer, settings)
    except TimeoutError:
        trace.empty("late")
        return _finished(Grounding((), _fallback(settings), trace))
    except (
        Exception
    ) as exc:  # whatever a handler or an index does, the call goes on ungrounded
        trace.empty("error")
        log.exception("turn failed: route %r: %s", trace.route, type(exc).__name__)
        return _finished(Grounding((), _fallback(settings), trace))

    if not context.text:
        trace.empty(trace.reason or "no_match")
        context = _fallback(settings)
    elif trace.outcome == "empty":
        trace.outcome, trace.reason = "full", ""
    trace.hits = len(context.passages)
    nothing = (
        trace.reason
        if trace.outcome == "empty" and trace.reason in _FOUND_NOTHING
        else ""
    )
    if alone and searched is settings and (trace.outcome == "full" or nothing):
        answers.put(
            query,
            asked,
            CachedGrounding(hits, context, trace.embedding, version, nothing),
        )
    return _remembered(
        Grounding(hits, context, trace), memory if remembers else None, label, said
    )


def _remembered(
    grounding: Grounding, memory: Memory | None, label: str | None, said: str
) -> Grounding:
    """Take a turn into the memory of its label, and finish it."""
    if memory is not None and label:
        titles = tuple(hit.passage.title for hit in grounding.hits)
        memory.remember(
            label,
            Exchange(
                hear(said).text, time.monotonic(), titles, grounding.trace.embedding
            ),
        )
    return _finished(grounding)


async def _answer(
    handler: Handler | None, turn: Turn, place: Place | None
) -> HandlerAnswer:
    if handler is None:
        return await turn.retrieve()
    with (
        turn._trace.stage("handler"),
        place.elsewhere() if place is not None else nullcontext(),
    ):
        if inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(
            getattr(handler, "__call__", None)
        ):
            awaitable = handler(turn)
        else:
            awaitable = await asyncio.to_thread(handler, turn)
        return await awaitable if isinstance(awaitable, Awaitable) else awaitable


def _turn(
    query: str,
    label: str | None,
    match: Match,
    settings: TurnSettings,
    grant: Grant,
    deadline: Deadline,
    retrievers: Mapping[str, Retriever],
    trace: Trace,
    past: tuple[Exchange, ...],
    embed_by: Deadline | None,
) -> Turn | None:
    """Bind the turn to what its route and its token both allow; None if that is nothing."""
    corpora = match.route.corpora or tuple(retrievers)
    scope = narrow(match.scope, grant.scope)
    if grant.corpora is not None:
        corpora = tuple(name for name in corpora if name in grant.corpora)
        if not corpora:
            return None
    if (
        scope is None
    ):  # route and token name different values for one key: nothing lies in both
        return None
    return Turn(
        query,
        label,
        match.parameters,
        deadline,
        settings,
        corpora,
        scope,
        retrievers,
        trace,
        past,
        embed_by,
        match.route.handler is not None,
    )


def _embed_by(budget_ms: float, place: Place | None) -> Deadline | None:
    """When the embedding must be there, if that is earlier than for others; at once: from the cache or not at all."""
    if place is None or not (place.words_only or place.greedy):
        return None
    return Deadline.after_ms(0.0 if place.words_only else GREEDY_SHARE * budget_ms)


def _composed(
    answer: HandlerAnswer, settings: TurnSettings
) -> tuple[Sequence[Hit], Context]:
    if answer is None:
        return (), EMPTY
    if isinstance(answer, str):
        digest = hashlib.sha256(answer.encode("utf-8", "replace")).hexdigest()[:12]
        limit = min(settings.max_context_bytes, _MAX_TEXT_BYTES)
        return (), compose_text(
            answer[:_LONGEST_TEXT],
            id=f"text-{digest}",
            score=1.0,
            max_context_bytes=limit,
        )
    hits = list(answer) if isinstance(answer, Iterable) else [answer]
    for hit in hits:
        if not isinstance(hit, Hit):
            raise TypeError(
                f"a handler gave {type(hit).__name__}; it may give hits, a text, or None"
            )
    context = compose(
        hits,
        max_context_bytes=settings.max_context_bytes,
        max_answer_bytes=MAX_ANSWER_BYTES - _ENVELOPE_BYTES,
        speak=settings.speakable,
    )
    return hits, context


def _fallback(settings: TurnSettings) -> Context:
    limit = min(settings.max_context_bytes, _MAX_TEXT_BYTES)
    return compose_text(
        settings.fallback, id="fallback", score=0.0, max_context_bytes=limit
    )


def _finished(grounding: Grounding) -> Grounding:
    grounding.trace.finish()
    return grounding
