"""What a replay asks: recorded calls, judged questions, and those that documents name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from kbserver.endpoint.routing import Route, RouteTable, table_for
from kbserver.evaluation.ask import PATIENCE_MS
from kbserver.index.documents import DocumentEntry
from kbserver.index.snapshot import Snapshot
from kbserver.labels import LabelPattern
from kbserver.record.qrels import JudgedQuestion
from kbserver.record.releases.asked import AskedCall
from kbserver.settings import Settings, TurnSettings

Origin: TypeAlias = Literal["recorded", "judged", "document"]
"""Where a question comes from: a call, a judgement, or the `questions:` of a document."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One turn that is asked of both generations."""

    query: str
    key: str
    """Id of the turn, of the judged question, or the source of the document."""
    origin: Origin


@dataclass(slots=True)
class Dialogue:
    """Turns that are asked behind each other."""

    turns: tuple[Asked, ...]
    route: Route
    weight: int = 1
    """How many calls were this one, word for word."""
    counted: int = 0
    """Place of the first turn that counts; those before are only said."""


def recorded(
    calls: Sequence[AskedCall], corpus: str, settings: Settings
) -> list[Dialogue]:
    """Return the calls as they are asked again; calls that are the same word for word are one."""
    routes = table_for(settings, (), _known(settings, corpus)).routes
    dialogues: dict[object, Dialogue] = {}
    for call in calls:
        route = _route_of(call, routes, corpus, settings)
        turns = [Asked(turn.query, turn.id, "recorded") for turn in call.turns]
        parts = [tuple(turns)]
        if call.label is None or route.settings.shared_label:
            parts = [(turn,) for turn in turns]  # nothing is remembered
        for part in parts:
            said = tuple(turn.query for turn in part)
            scope = tuple(sorted(route.scope.items()))
            key = (said, scope, route.settings)
            known = dialogues.get(key)
            weight = 1
            if known is not None:
                weight += known.weight
            dialogues[key] = Dialogue(part, route, weight)
    return list(dialogues.values())


def of_judged(
    judged: Iterable[JudgedQuestion], corpus: str, settings: Settings
) -> Iterator[Dialogue]:
    """Yield each judged question, behind what was said before it."""
    route = _patient(settings.turn_settings(), corpus)
    for question in judged:
        said = (*question.history, question.text)
        turns = tuple(Asked(query, question.id, "judged") for query in said)
        yield Dialogue(turns, route, counted=len(question.history))


def of_documents(
    snapshots: Iterable[Snapshot], corpus: str, settings: Settings
) -> Iterator[Dialogue]:
    """Yield the `questions:` of the documents of some generations, each once."""
    route = _patient(settings.turn_settings(), corpus)
    seen: set[str] = set()
    for snapshot in snapshots:
        for entry in snapshot.documents():
            for question in _questions_of(entry):
                if question not in seen:
                    seen.add(question)
                    asked = Asked(question, entry.source, "document")
                    yield Dialogue((asked,), route)


def _known(settings: Settings, corpus: str) -> list[str]:
    """Return every corpus that a route may name; other ones than this are not searched."""
    named = {name for route in settings.routes for name in route.corpora}
    return sorted({corpus, *named})


def _route_of(
    call: AskedCall, routes: Sequence[Route], corpus: str, settings: Settings
) -> Route:
    """Return how a call would be answered today, of one corpus, and with time."""
    serving = [
        route for route in routes if not route.corpora or corpus in route.corpora
    ]
    match = RouteTable(serving).resolve(call.label)
    by_pattern = [route for route in serving if route.pattern.pattern == call.route]
    if by_pattern and (match is None or call.label is None):  # another now, or not kept
        return _patient(by_pattern[0].settings, corpus)
    if match is not None:
        scope = {name: _as_written(value) for name, value in match.scope.items()}
        return _patient(match.route.settings, corpus, scope)
    return _patient(settings.turn_settings(), corpus)


def _as_written(value: str) -> str:
    """Return a value of a scope in which no parameter is looked for."""
    return value.replace("{", "{{").replace("}", "}}")


def _patient(
    settings: TurnSettings, corpus: str, scope: Mapping[str, str] | None = None
) -> Route:
    """Return a route for every label, in which nothing is left out for want of time."""
    patience = {"deadline_ms": PATIENCE_MS, "fallback": ""}
    values = TurnSettings(**settings.model_dump() | patience)
    return Route(LabelPattern("*"), (corpus,), values, scope=scope or {})


def _questions_of(entry: DocumentEntry) -> Iterator[str]:
    questions: Mapping[str, Sequence[str]] = entry.extra.get("questions", {})
    for listed in questions.values():
        yield from listed
