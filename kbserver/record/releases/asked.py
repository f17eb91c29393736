"""What callers asked of a corpus, call by call and in order: to be asked again.

Needs words. Turns that searched nothing (small talk, unknown labels) leave no trace in a call, so
they are left out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

PAUSE_S = 600.0
"""After so long a silence a label is another call: a server remembers no turn for longer."""

_ASKED = """
SELECT turns.n, turns.id, turns.at, turns.call, turns.route, words.label, words.query
FROM turns JOIN words ON words.turn = turns.n
WHERE turns.at >= ? AND turns.probe IS NULL
    AND EXISTS (SELECT 1 FROM searches WHERE turn = turns.n AND corpus = ?)
ORDER BY turns.at DESC LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class AskedTurn:
    """One thing that a caller said."""

    query: str
    """As it came, masked."""
    id: str
    """Of the turn."""


@dataclass(frozen=True, slots=True)
class AskedCall:
    """Turns that one server would have remembered together, oldest first."""

    route: str
    """The pattern that answered."""
    label: str | None
    """As it was recorded; None where it was not."""
    turns: tuple[AskedTurn, ...]


def asked_calls(
    connection: sqlite3.Connection, corpus: str, *, since: float, most: int
) -> list[AskedCall]:
    """Return the newest turns that searched a corpus, by call; the newest call last.

    Args:
        since: seconds since the epoch.
        most: turns at most; the first of the oldest call may be missing then.
    """
    rows = connection.execute(_ASKED, (since, corpus, most)).fetchall()
    rows.reverse()
    calls: dict[object, list[sqlite3.Row]] = {}
    for row in rows:
        calls.setdefault(row["call"] or row["n"], []).append(row)
    return [call for turns in calls.values() for call in _without_pauses(turns)]


def count_asked(connection: sqlite3.Connection, corpus: str, *, since: float) -> int:
    """Count the turns that `asked_calls` would return without a limit."""
    (count,) = connection.execute(
        "SELECT count(*) FROM turns JOIN words ON words.turn = turns.n "
        "WHERE turns.at >= ? AND turns.probe IS NULL AND EXISTS "
        "(SELECT 1 FROM searches WHERE turn = turns.n AND corpus = ?)",
        (since, corpus),
    ).fetchone()
    return int(count)


def _without_pauses(rows: Iterable[sqlite3.Row]) -> Iterator[AskedCall]:
    """Yield the parts of a call that no long silence interrupts."""
    part = 0
    last = None

    def part_of(row: sqlite3.Row) -> int:
        nonlocal part, last
        if last is not None and row["at"] - last > PAUSE_S:
            part += 1
        last = row["at"]
        return part

    for _, group in groupby(rows, key=part_of):
        turns = list(group)
        yield AskedCall(
            turns[0]["route"],
            turns[0]["label"],
            tuple(AskedTurn(row["query"], row["id"]) for row in turns),
        )
