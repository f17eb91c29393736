"""One question, asked here: of two generations, with every candidate and any threshold."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left

from kbserver.console.reading.library import corpora_of, seen_corpora
from kbserver.console.resources import Asked, Json, NotThere
from kbserver.endpoint.ground import Grounding
from kbserver.endpoint.routing import Match, table_for
from kbserver.record.turns import Row
from kbserver.settings import Settings, TurnSettings
from kbserver.types import Hit

STEPS = 100
"""Of the thresholds from 0 to 1 whose effect is told: as fine as pages choose one."""

MOST_TURNS = 20_000
"""The newest turns of a corpus, whose scores are looked at."""

_BEST = """
SELECT max(candidates.score) AS score FROM (
    SELECT n FROM turns WHERE at >= :since AND probe IS NULL
        AND outcome IN ('full', 'degraded', 'empty')
    ORDER BY at DESC LIMIT :most
) AS asked
CROSS JOIN candidates ON candidates.turn = asked.n
CROSS JOIN passages ON passages.n = candidates.passage AND passages.corpus = :corpus
GROUP BY asked.n
"""
_JUDGED = """
SELECT max(candidates.score) AS score, judgements.verdict FROM judgements
JOIN turns ON turns.id = judgements.turn
JOIN candidates ON candidates.turn = turns.n
JOIN passages ON passages.n = candidates.passage
    AND passages.document = judgements.document AND passages.corpus = judgements.corpus
WHERE judgements.corpus = ? GROUP BY judgements.n
"""


def try_question(asked: Asked) -> Json:
    """Ask a question of one generation or two: every candidate, and what would be said.

    Raises:
        NotThere: the label reaches no route that the visitor sees, or there is no such corpus.
        StoreError, ModelError: a generation cannot be asked.
    """
    question = asked.wanted("question")
    label = asked.text("label")
    match, corpus = _reached(asked, label)
    settings = asked.source.settings.turn_settings()
    scope: dict[str, str] = {}
    if match is not None:
        settings, scope = match.route.settings, match.scope
    store = asked.source.store
    names = [asked.text("a") or store.live(corpus)]
    other = asked.text("b")
    if other is not None and other != names[0]:
        names.append(other)
    min_score: float | None = None
    if asked.text("min_score") is not None:
        min_score = asked.number("min_score", 0.0, most=1.0)
    answers = []
    for name in names:
        if name not in store.generations(corpus):
            raise NotThere(f"generation {name}")
        hits, turn = asked.source.generations.ask(
            corpus,
            name,
            question,
            settings=settings,
            scope=scope,
            min_score=min_score,
        )
        answers.append(_answer(name, hits, turn, settings))
    route: str | None = None
    if match is not None:
        route = match.route.pattern.pattern
    return {
        "question": question,
        "label": label,
        "corpus": corpus,
        "route": route,
        "answers": answers,
    }


def threshold_effect(asked: Asked) -> Json:
    """Return how many recorded turns of a corpus each least score would answer.

    Raises:
        Forbidden: the visitor's token is bound to labels: a threshold is of all of them.
    """
    asked.check_sees_all()
    corpus = asked.wanted("corpus")
    with asked.source.record() as record:
        scores = _scores(record, corpus, asked.since())
        judged = [tuple(row) for row in record.execute(_JUDGED, (corpus,))]
    right = sorted(score for score, verdict in judged if verdict != "wrong")
    wrong = sorted(score for score, verdict in judged if verdict == "wrong")
    curve = []
    for step in range(STEPS + 1):
        least = step / STEPS
        curve.append(
            {
                "min_score": least,
                "answered": len(scores) - bisect_left(scores, least),
                "right_lost": bisect_left(right, least),
                "wrong_spared": bisect_left(wrong, least),
            }
        )
    return {
        "corpus": corpus,
        "turns": len(scores),
        "most_turns": MOST_TURNS,
        "steps": STEPS,
        "curve": curve,
    }


def _reached(asked: Asked, label: str | None) -> tuple[Match | None, str]:
    """Return the route of a label, and the corpus that is asked.

    Raises:
        NotThere: there is none that the visitor sees.
    """
    known = seen_corpora(asked)
    corpus = asked.text("corpus")
    match: Match | None = None
    if label is not None or not asked.visitor.sees_all:
        routed = without_handlers(asked.source.settings)
        table = table_for(routed, (), corpora_of(asked))
        match = table.resolve(label)
        if match is None or not asked.visitor.sees(match.route.pattern.pattern):
            raise NotThere(f"a route for the label {label!r}")
        reached = [name for name in match.route.corpora or known if name in known]
        if corpus is None or corpus not in reached:
            corpus = next(iter(reached), None)
    corpus = corpus or next(iter(known), None)
    if corpus is None or corpus not in known:
        raise NotThere("a corpus to ask")
    return match, corpus


def without_handlers(settings: Settings) -> Settings:
    """Return settings whose routes run no code of their own: it is not imported here."""
    routes = tuple(
        route.model_copy(update={"handler": None}) for route in settings.routes
    )
    return settings.model_copy(update={"routes": routes})


def _answer(
    generation: str, hits: list[Hit], turn: Grounding, settings: TurnSettings
) -> Json:
    threshold: float | None = None
    origin: str | None = None
    heard: str | None = None
    for search in turn.trace.searches:
        threshold, origin = search.threshold.min_score, search.threshold.origin
        heard = search.heard
    spoken = {passage.id for passage in turn.context.passages}
    return {
        "generation": generation,
        "outcome": turn.trace.outcome,
        "reason": turn.trace.reason,
        "heard": heard,
        "min_score": threshold,
        "min_score_from": origin,
        "context": turn.context.text,
        "top_k": settings.top_k,
        "candidates": [_candidate(hit, spoken) for hit in hits],
    }


def _candidate(hit: Hit, spoken: set[str]) -> Row:
    return {
        "passage": hit.passage.id,
        "document": hit.passage.source,
        "score": round(hit.score, 4),
        "lexical": hit.arms.get("lexical"),
        "dense": hit.arms.get("dense"),
        "answered": hit.passage.id in spoken,
        "text": hit.passage.text,
    }


def _scores(record: sqlite3.Connection, corpus: str, since: float) -> list[float]:
    """Return the best score of each turn, the lowest first."""
    values = {"corpus": corpus, "since": since, "most": MOST_TURNS}
    return sorted(row["score"] for row in record.execute(_BEST, values))
