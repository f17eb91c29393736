"""One turn: route → retrieve → compose, inside the deadline. Read this first.

Everything below raises; here, and only here, a failure becomes an empty or partial grounding,
counted by its cause and seen in the trace. The engine treats a late or failed answer as no
answer, so a turn always answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kbserver.deadline import Deadline
from kbserver.endpoint.admission import Place
from kbserver.endpoint.asking.ask import Ask
from kbserver.endpoint.asking.manner import SPOKEN, Limits, Manner
from kbserver.endpoint.complaints import Complaints
from kbserver.endpoint.conversation import Conversation
from kbserver.endpoint.findings import Findings, decide, fallback_context
from kbserver.endpoint.grounding_cache import CacheKey, GroundingCache
from kbserver.endpoint.handlers import Handlers, NoAnswer
from kbserver.endpoint.routing import Route, RouteTable
from kbserver.endpoint.tokens.static import EVERYTHING, Grant
from kbserver.endpoint.trace import Recorder, Trace
from kbserver.endpoint.turn import HandlerAnswer, Turn, end_of, narrow
from kbserver.languages.profile import Profile
from kbserver.retrieval.context import Context
from kbserver.retrieval.retriever import Retriever
from kbserver.retrieval.transcript.followup import Memory
from kbserver.retrieval.transcript.small_talk import gate
from kbserver.settings import TurnSettings
from kbserver.types import FloatVector, Hit, Reason, Scope

RESERVE_MS = 45.0
"""Kept of a budget for composing and writing the answer, under load too; see benchmarks."""

RESERVE_SHARE = 0.3
"""Of a budget that the reserve takes at most: a small one must leave time to search."""

GREEDY_SHARE = 0.5
"""Of its budget in which a label that asks for more than its share gets its embedding."""


@dataclass(frozen=True, slots=True)
class Call:
    """One turn as it comes in."""

    ask: Ask
    grant: Grant = EVERYTHING
    """What the bearer token allows."""
    place: Place = Place()
    """Where the turn was let in."""
    limit_ms: float | None = None
    """The caller's own bound on the budget."""
    manner: Manner = SPOKEN
    """What the door makes of it."""
    door: str = ""
    """Where the turn came in, for metrics and trace."""


@dataclass(frozen=True, slots=True)
class Services:
    """What turns are answered with."""

    table: RouteTable
    retrievers: Mapping[str, Retriever]
    """By the name of the corpus."""
    memory: Memory
    """Earlier turns of each session label."""
    cache: GroundingCache
    handlers: Handlers = field(default_factory=Handlers)
    complaints: Complaints = field(default_factory=Complaints)


@dataclass(frozen=True, slots=True)
class Grounding:
    """What a turn found: the hits, the context made from them, and the trace of how."""

    hits: Sequence[Hit]
    context: Context
    trace: Trace
    embedding: FloatVector | None = None
    """Of the query alone, shape (dim,)."""


async def ground(call: Call, services: Services) -> Grounding:
    """Answer one turn. Never raises for what a caller, a handler or a broken index can do."""
    recorder = Recorder()
    recorder.door = call.door
    access = open_access(call, services)
    if access is None:
        return _finished(recorder, Findings("empty", "unknown_label"))
    settings = settings_of(call, access.route)
    limits = call.manner.limits
    times = divide_budget(call, settings)
    recorder.route = access.route.pattern.pattern
    recorder.deadline = times.answer_by
    recorder.budget_ms = times.budget_ms
    recorder.record = access.route.record

    ask = call.ask
    heard = end_of(ask.query)
    profiles = languages_of(access, services)
    gated = small_talk(heard, settings, profiles)
    if gated is not None:
        return _finished(recorder, Findings("gated", gated))

    conversation = Conversation.of(ask, heard, profiles, settings, services.memory)
    turn = _turn(call, access, settings, times, conversation, services, recorder)
    key = _cache_key(call, access, settings, conversation, services)
    with recorder.stage("recall"):
        known = services.cache.get(key)
    if known is not None:
        conversation.remember(known)
        return _finished(recorder, known, cached=True)

    try:
        answer = await _answer(turn, access, call, services, recorder)
        with recorder.stage("compose"):
            answer = narrowed(answer, ask, recorder)
            findings = decide(answer, recorder, settings, limits)
    except NoAnswer as exc:
        services.complaints(_failure(recorder, str(exc)), exc.__cause__)
        return _finished(recorder, _fallback(exc.reason, settings, limits))
    except Exception as exc:  # of an index: the call goes on ungrounded
        services.complaints(_failure(recorder, type(exc).__name__), exc)
        return _finished(recorder, _fallback("error", settings, limits))

    if not call.place.words_only:  # with more time the turn might find more
        services.cache.put(key, findings)
    conversation.remember(findings)
    return _finished(recorder, findings)


@dataclass(frozen=True, slots=True)
class Access:
    """What a route and a token both allow."""

    route: Route
    parameters: Mapping[str, str]
    corpora: tuple[str, ...]
    scope: Scope


def open_access(call: Call, services: Services) -> Access | None:
    """Bind a call to what its route, its token and its scope all allow; None if that is nothing.

    A label that the token does not open, corpora or a scope outside it, and a label without a
    route look the same from outside.
    """
    ask = call.ask
    if not call.grant.allows(ask.label):
        return None
    match = services.table.resolve(ask.label)
    if match is None:
        return None
    corpora = match.route.corpora or tuple(services.retrievers)
    if call.grant.corpora is not None:
        corpora = tuple(name for name in corpora if name in call.grant.corpora)
        if not corpora:
            return None
    scope = narrow(match.scope, call.grant.scope)
    if scope is not None and ask.scope:
        scope = narrow(scope, ask.scope)
    if scope is None:
        return None
    return Access(match.route, match.parameters, corpora, scope)


def settings_of(call: Call, route: Route) -> TurnSettings:
    """Return what holds for a turn: the route's settings, as the door and the ask change them."""
    settings, manner = route.settings, call.manner
    changed: dict[str, object] = {}
    if manner.written:
        changed |= {"gate": False, "fillers": False}
        if not call.ask.spoken:
            changed["speakable"] = False
            changed["max_context_bytes"] = manner.limits.passages_bytes
    if manner.deadline_ms is not None:
        changed["deadline_ms"] = manner.deadline_ms
    if manner.top_k is not None:
        changed["top_k"] = manner.top_k
    if call.ask.top_k is not None:
        most = manner.top_k or settings.top_k
        changed["top_k"] = min(most, call.ask.top_k)
    if not changed:
        return settings
    return settings.model_copy(update=changed)


def narrowed(answer: HandlerAnswer, ask: Ask, recorder: Recorder) -> HandlerAnswer:
    """Leave out what the ask does not want, whatever found it."""
    if answer is None or isinstance(answer, str):
        return answer
    hits = answer
    if ask.min_score is not None:
        hits = [hit for hit in hits if hit.score >= ask.min_score]
        if answer and not hits:
            recorder.nothing = "below_min_score"
    if ask.top_k is not None:
        hits = hits[: ask.top_k]
    return hits


@dataclass(frozen=True, slots=True)
class Times:
    """The deadlines of one turn."""

    answer_by: Deadline
    search_by: Deadline
    embed_by: Deadline | None
    """None: no earlier than the search ends."""
    budget_ms: float
    """Until the answer's deadline, when it was divided."""


def divide_budget(call: Call, settings: TurnSettings) -> Times:
    """Divide what is left of a turn's budget between the search and what comes after it."""
    place = call.place
    limit_ms = call.limit_ms or settings.deadline_ms
    budget_ms = max(0.0, min(settings.deadline_ms, limit_ms) - place.waited_ms)
    answer_by = Deadline.after_ms(budget_ms)
    # The event loop will keep the answer waiting as long as it kept the request.
    reserve_ms = min(RESERVE_MS, RESERVE_SHARE * budget_ms) + place.waited_ms
    embed_by = None
    if place.words_only:  # from the cache, or not at all
        embed_by = Deadline.after_ms(0.0)
    elif place.greedy:
        embed_by = Deadline.after_ms(GREEDY_SHARE * budget_ms)
    return Times(answer_by, answer_by.less_ms(reserve_ms), embed_by, budget_ms)


def languages_of(access: Access, services: Services) -> tuple[Profile, ...]:
    """Return the languages of the corpora that a turn may search, each once, in their order."""
    served = services.retrievers
    found = (served[name].profile for name in access.corpora if name in served)
    return tuple(dict.fromkeys(found))


def small_talk(
    heard: str, settings: TurnSettings, profiles: Sequence[Profile]
) -> Reason | None:
    """Say why nothing is to be looked up; None if something is."""
    if settings.gate:
        return gate(heard, profiles)
    if not heard.strip():
        return "empty"
    return None


def _turn(
    call: Call,
    access: Access,
    settings: TurnSettings,
    times: Times,
    conversation: Conversation,
    services: Services,
    recorder: Recorder,
) -> Turn:
    if call.place.words_only:  # the phonetic field is half of a search by words
        settings = settings.model_copy(update={"misheard": False})
    return Turn(
        query=call.ask.query,
        label=call.ask.label,
        parameters=access.parameters,
        deadline=times.search_by,
        settings=settings,
        corpora=access.corpora,
        scope=access.scope,
        _retrievers=services.retrievers,
        _recorder=recorder,
        _past=conversation.leans_on,
        _embed_by=times.embed_by,
        _copies=access.route.handler is not None,
    )


def _cache_key(
    call: Call,
    access: Access,
    settings: TurnSettings,
    conversation: Conversation,
    services: Services,
) -> CacheKey | None:
    """Return what decides the findings; None if a handler or earlier turns do as well."""
    route = access.route
    if route.handler is not None or conversation.leans_on:
        return None
    version: list[object] = []
    for name in access.corpora:
        if name in services.retrievers:
            version += services.retrievers[name].version()
    scope = tuple(access.scope.items())
    ask = call.ask
    narrower = call.manner.limits, ask.min_score, ask.passage_id
    choices = (access.corpora, scope, settings, narrower)
    return CacheKey(ask.query, choices, version)


async def _answer(
    turn: Turn, access: Access, call: Call, services: Services, recorder: Recorder
) -> HandlerAnswer:
    """Search, read the one passage that is asked for, or let the route's handler answer.

    Raises:
        NoAnswer: the handler has none.
    """
    handler = access.route.handler
    if call.ask.passage_id is not None:
        if handler is not None:  # own code decides what is answered, and was not asked
            return []
        return await _passage(call.ask.passage_id, access, services)
    if handler is None:
        return await turn.retrieve()  # ends by the deadline, with what it has by then
    with recorder.stage("handler"), call.place.elsewhere():
        return await services.handlers.answer(handler, turn)


async def _passage(passage_id: str, access: Access, services: Services) -> list[Hit]:
    """Return one passage as the only hit.

    One that lies outside of corpora and scope is not found, like one that is nowhere.
    """
    for name in access.corpora:
        retriever = services.retrievers.get(name)
        if retriever is not None:
            hit = await retriever.passage(passage_id, access.scope)
            if hit is not None:
                return [hit]
    return []


def _failure(recorder: Recorder, why: str) -> str:
    return f"turn failed: route {recorder.route!r}: {why}"


def _fallback(reason: Reason, settings: TurnSettings, limits: Limits) -> Findings:
    return Findings("empty", reason, context=fallback_context(settings, limits))


def _finished(
    recorder: Recorder, findings: Findings, *, cached: bool = False
) -> Grounding:
    outcome, reason = findings.outcome, findings.reason
    known = None
    if cached:
        known = findings.searches
    trace = recorder.finish(outcome, reason, hits=findings.answered, known=known)
    return Grounding(findings.hits, findings.context, trace, findings.embedding)
