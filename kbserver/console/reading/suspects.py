"""Answered turns that look wrong: worth a person's look before a caller complains."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np

from kbserver.console.reading.turns import seen_routes, walked, with_judgements
from kbserver.console.resources import Asked, Json
from kbserver.record.gaps.grouping import BARELY, unit_vectors
from kbserver.record.turns import Row, Wanted, newest

Sign: TypeAlias = Literal["asked_again", "barely", "level", "marked"]

SIGNS: dict[Sign, str] = {
    "asked_again": "the caller asked the same again, in other words",
    "barely": f"the best score is within {BARELY} of the threshold",
    "level": "two documents score the same",
    "marked": "a person or the end of the call says that it was wrong",
}

AGAIN = 0.8
"""Cosine to the turn before, above which a caller asks again."""

LEVEL = 0.01
"""Scores of two documents that are no further apart are level."""

MOST_LOOKED_AT = 1_000
"""Turns that are looked through, the newest."""

_BATCH = 100
_EMBEDDINGS = """
SELECT turns.id, words.embedding, words.query FROM turns
JOIN words ON words.turn = turns.n AND words.embedding IS NOT NULL
WHERE turns.call = ? AND turns.at <= ? ORDER BY turns.at DESC, turns.id DESC LIMIT 2
"""
_WRONG = (
    "SELECT DISTINCT turn FROM judgements WHERE verdict = 'wrong' AND turn NOT NULL"
)
_JUDGED = "SELECT DISTINCT turn FROM judgements WHERE turn NOT NULL"


def suspects(asked: Asked) -> Json:
    """Return answered turns with a sign that they were wrong, newest first.

    The newest turns are looked through; those that were judged are left out, unless as wrong.
    """
    limit = asked.limit()
    sign = asked.text("sign")
    if sign is not None and sign not in SIGNS:
        raise asked.wrong("sign", f"is none of {', '.join(SIGNS)}")
    with asked.source.record() as record:
        wanted = Wanted(
            since=asked.since(),
            route=asked.text("route"),
            corpus=asked.text("corpus"),
            routes=seen_routes(asked, record),
            callers=True,
        )
        wanted, _ = walked(record, wanted)
        wrong = {turn for (turn,) in record.execute(_WRONG)}
        judged = {turn for (turn,) in record.execute(_JUDGED)} - wrong
        found: list[Json] = []
        looked_at = 0
        for turn in _newest_first(record, wanted):
            if len(found) == limit or looked_at == MOST_LOOKED_AT:
                break
            looked_at += 1
            if turn["outcome"] not in ("full", "degraded") or turn["id"] in judged:
                continue
            signs = list(_signs(record, turn, wrong))
            if signs and (sign is None or sign in signs):
                found.append(with_judgements(record, turn) | {"signs": signs})
    return {
        "suspects": found,
        "signs": SIGNS,
        "looked_at": looked_at,
        "most": MOST_LOOKED_AT,
    }


def _newest_first(record: sqlite3.Connection, wanted: Wanted) -> Iterator[Row]:
    """Yield turns, read some at a time: most pages are full soon."""
    while True:
        batch = newest(record, wanted, most=_BATCH)
        yield from reversed(batch)
        if len(batch) < _BATCH:
            return
        wanted = replace(wanted, before=(batch[0]["at"], batch[0]["id"]))


def _signs(record: sqlite3.Connection, turn: Row, wrong: set[str]) -> Iterable[Sign]:
    if turn["id"] in wrong or turn["feedback"] == "wrong":
        yield "marked"
    answered = [one for one in turn["candidates"] if one["answered"]]
    if not answered:
        return
    limits = {one["corpus"]: one["min_score"] for one in turn["searches"]}
    best = answered[0]
    if best["score"] < limits.get(best["corpus"], 0.0) + BARELY:
        yield "barely"
    if _is_level(best, turn["candidates"]):
        yield "level"
    if turn["query"] and turn["call"] and _asks_again(record, turn):
        yield "asked_again"


def _is_level(best: Row, candidates: Sequence[Row]) -> bool:
    return any(
        one["document"] != best["document"] and best["score"] - one["score"] <= LEVEL
        for one in candidates
    )


def _asks_again(record: sqlite3.Connection, turn: Row) -> bool:
    """Whether a turn asks what the turn before it asked, in other words."""
    rows = record.execute(_EMBEDDINGS, (turn["call"], turn["at"])).fetchall()
    if len(rows) < 2 or rows[0]["id"] != turn["id"]:
        return False
    embeddings = [row["embedding"] for row in rows]
    if len(embeddings[0]) != len(embeddings[1]) or rows[0]["query"] == rows[1]["query"]:
        return False
    now, before = unit_vectors(embeddings)
    return float(np.dot(now, before)) > AGAIN
