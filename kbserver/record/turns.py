"""Reads turns out of the record, as JSON values: what commands, pages and exports show."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from kbserver.errors import StoreError

Row: TypeAlias = dict[str, Any]

COLUMNS = (
    *("id", "time", "at", "call", "label", "route", "outcome", "reason"),
    *("cached", "leaned", "in_budget", "total_ms", "budget_ms", "waited_ms"),
    *("stages_ms", "answer_bytes", "spoken_s", "token", "probe", "query", "heard"),
    "feedback",
)
"""Of a turn, before `searches` and `candidates`."""

_BOOLEANS = ("cached", "leaned", "in_budget")
_BATCH = 500  # turns whose candidates are read together
_LONGEST_ID = 20


class NoWords(StoreError):
    """Something was asked that only words can tell, and none are recorded."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which turns are wanted; None and 0 choose nothing out."""

    since: float | None = None
    """Seconds since the epoch."""
    route: str | None = None
    outcome: str | None = None
    """An outcome, or a reason."""
    search: str | None = None
    """Words that all stand in what was said."""
    call: str | None = None
    corpus: str | None = None
    """One that was searched."""
    routes: Sequence[str] | None = None
    """Only turns of one of these routes."""
    callers: bool = False
    """Only turns that no probe asked."""
    before: tuple[float, str] | None = None
    """Only turns before this moment and id; for the page after."""
    after: int = 0
    """Only turns with a greater number; for following."""

    def condition(self) -> tuple[str, list[object]]:
        """Return the condition of a query over `turns_seen`, and its values."""
        conditions = ["n > ?"]
        values: list[object] = [self.after]
        if self.since is not None:
            conditions.append("at >= ?")
            values.append(self.since)
        if self.route is not None:
            conditions.append("route = ?")
            values.append(self.route)
        if self.outcome is not None:
            conditions.append("? IN (outcome, reason)")
            values.append(self.outcome)
        if self.call is not None:
            conditions.append("call = ?")
            values.append(self.call)
        if self.corpus is not None:
            conditions.append(
                "EXISTS (SELECT 1 FROM searches WHERE turn = n AND corpus = ?)"
            )
            values.append(self.corpus)
        if self.routes is not None:
            conditions.append("route IN (SELECT value FROM json_each(?))")
            values.append(json.dumps(list(self.routes)))
        if self.callers:
            conditions.append("probe IS NULL")
        if self.before is not None:
            conditions.append("(at, id) < (?, ?)")
            values.extend(self.before)
        if self.search is not None:
            conditions.append(
                "n IN (SELECT rowid FROM words_found "
                "WHERE words_found MATCH ? AND rowid > ?)"
            )
            values += [matching(self.search), self.after]
        return " AND ".join(conditions), values


def matching(words: str) -> str:
    """Return words as the full-text index asks for them: all of them, none with a meaning."""
    quoted = [
        '"' + word.replace('"', '""') + '"' for word in words.replace("\0", " ").split()
    ]
    return " ".join(quoted) or '""'


def newest(
    connection: sqlite3.Connection, wanted: Wanted, *, most: int | None = None
) -> list[Row]:
    """Return the newest turns that are wanted, oldest first.

    Args:
        most: how many at most; None for all.

    Raises:
        NoWords: words are searched for, and none are recorded.
    """
    if wanted.search is not None:
        check_words(connection, "a search")
    condition, values = wanted.condition()
    limit = -1
    if most is not None:
        limit = most
    select = (
        f"SELECT * FROM (SELECT * FROM turns_seen WHERE {condition} "  # noqa: S608  # ours
        "ORDER BY at DESC, id DESC LIMIT ?) ORDER BY at, id"
    )
    found = connection.execute(select, [*values, limit]).fetchall()
    return list(_whole(connection, found))


def one(connection: sqlite3.Connection, id: str) -> Row | None:
    """Return the turn of an id, or of the beginning of one; None if there is none.

    Raises:
        StoreError: several turns begin so.
    """
    if not id or len(id) > _LONGEST_ID:
        return None
    found = connection.execute(
        "SELECT * FROM turns_seen WHERE id >= ? AND id < ? ORDER BY id LIMIT 2",
        (id, id + "~"),
    ).fetchall()
    if len(found) > 1 and found[0]["id"] != id:
        raise StoreError(f"several turns have an id that begins with {id}; write more")
    return next(_whole(connection, found[:1]), None)


def label_of(connection: sqlite3.Connection, call: str) -> str | None:
    """Return the session label of a call; None where no words were recorded."""
    row = connection.execute(_LABEL, (call,)).fetchone()
    if row is None:
        return None
    return str(row[0])


def last_number(connection: sqlite3.Connection) -> int:
    """Return the number of the newest turn; 0 if there is none."""
    (number,) = connection.execute("SELECT coalesce(max(n), 0) FROM turns").fetchone()
    return int(number)


def later(connection: sqlite3.Connection, wanted: Wanted, number: int) -> Wanted:
    """Return a choice among the turns after a number, which is found without a look at older ones.

    They come in the order of time, so the index of time would be gone through from `since`.
    """
    (first,) = connection.execute(
        "SELECT min(+at) FROM turns WHERE n > ?", (number,)
    ).fetchone()
    since = max(first or 0.0, wanted.since or 0.0)
    return replace(wanted, since=since, after=number)


def check_words(connection: sqlite3.Connection, what: str) -> None:
    """Check that words are recorded.

    Raises:
        NoWords: there are none.
    """
    (there,) = connection.execute("SELECT EXISTS (SELECT 1 FROM words)").fetchone()
    if not there:
        raise NoWords(
            f"{what} needs callers' words, and none are recorded; say  [record] "
            'mode = "words"  in the configuration (docs/recording.md), then serve'
        )


def _whole(
    connection: sqlite3.Connection, found: Sequence[sqlite3.Row]
) -> Iterator[Row]:
    for first in range(0, len(found), _BATCH):
        batch = found[first : first + _BATCH]
        numbers = json.dumps([row["n"] for row in batch])
        searches = _by_turn(connection, _SEARCHES, numbers)
        candidates = _by_turn(connection, _CANDIDATES, numbers)
        for row in batch:
            turn = {name: row[name] for name in COLUMNS}
            turn |= {name: bool(turn[name]) for name in _BOOLEANS}
            turn["stages_ms"] = json.loads(turn["stages_ms"])
            turn["searches"] = searches[row["n"]]
            turn["candidates"] = candidates[row["n"]]
            yield turn


_LABEL = """
SELECT label FROM words JOIN turns ON turns.n = words.turn
WHERE call = ? AND label IS NOT NULL LIMIT 1
"""
_SEARCHES = """
SELECT turn, corpus, generation, min_score, min_score_from
FROM searches WHERE turn IN (SELECT value FROM json_each(?)) ORDER BY turn, place
"""
_CANDIDATES = """
SELECT turn, corpus, passages.passage, document, answered, score, lexical, dense
FROM candidates JOIN passages ON passages.n = candidates.passage
WHERE turn IN (SELECT value FROM json_each(?)) ORDER BY turn, place
"""


def _by_turn(
    connection: sqlite3.Connection, select: str, numbers: str
) -> defaultdict[int, list[Row]]:
    rows: defaultdict[int, list[Row]] = defaultdict(list)
    for found in connection.execute(select, (numbers,)):
        row = dict(found)
        number = row.pop("turn")
        if "answered" in row:
            row["answered"] = bool(row["answered"])
        rows[number].append(row)
    return rows
