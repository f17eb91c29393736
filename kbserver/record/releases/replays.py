"""Replays that were made, as reports without words: what a release would have changed, and when."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from kbserver.record.turns import Row

MOST_KEPT = 200
"""Of one corpus; the oldest go."""

_COLUMNS = "n, at, corpus, before, after, held, report"


def add(connection: sqlite3.Connection, report: Row, *, at: float) -> int:
    """Keep a report of `evaluation.replay_report.as_dict`; return its number.

    Words of callers are left out: a question is found again by the id of its turn.

    Raises:
        sqlite3.Error: it cannot be written.
    """
    without = report | {
        "questions": [_without_words(one) for one in report["questions"]]
    }
    corpus = report["corpus"]
    values = (
        at,
        corpus,
        report["before"],
        report["after"],
        report["held"],
        json.dumps(without, ensure_ascii=False),
    )
    cursor = connection.execute(
        "INSERT INTO replays (at, corpus, before, after, held, report) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        values,
    )
    connection.execute(
        "DELETE FROM replays WHERE corpus = ? AND n NOT IN "
        "(SELECT n FROM replays WHERE corpus = ? ORDER BY n DESC LIMIT ?)",
        (corpus, corpus, MOST_KEPT),
    )
    return int(cursor.lastrowid or 0)


def replays(
    connection: sqlite3.Connection, *, corpus: str | None = None, most: int = 50
) -> list[Row]:
    """Return the newest reports, newest first; `words` are those that are still recorded."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM replays WHERE (?1 IS NULL OR corpus = ?1) "  # noqa: S608  # ours
        "ORDER BY n DESC LIMIT ?2",
        (corpus, most),
    ).fetchall()
    return [_row(row) for row in rows]


def one(connection: sqlite3.Connection, number: int) -> Row | None:
    """Return one report with the words that are still recorded; None if it is not there."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM replays WHERE n = ?",  # noqa: S608  # our own columns
        (number,),
    ).fetchone()
    if row is None:
        return None
    found = _row(row)
    questions = found["report"]["questions"]
    found["report"]["questions"] = list(_with_words(connection, questions))
    return found


def _row(row: Any) -> Row:
    n, at, corpus, before, after, held, report = row
    return {
        "n": n,
        "at": at,
        "corpus": corpus,
        "before": before,
        "after": after,
        "held": bool(held),
        "report": json.loads(report),
    }


def _without_words(question: Row) -> Row:
    if question["origin"] == "document":
        return question
    return question | {"question": None, "behind": []}


def _with_words(
    connection: sqlite3.Connection, questions: Iterable[Row]
) -> Iterable[Row]:
    """Yield questions with what the record still holds of them."""
    for question in questions:
        said = question["question"]
        if question["origin"] == "recorded":
            row = connection.execute(
                "SELECT query FROM words JOIN turns ON turns.n = words.turn WHERE id = ?",
                (question["key"],),
            ).fetchone()
            if row is not None:
                (said,) = row
        yield question | {"question": said}
