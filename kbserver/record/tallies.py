"""What turns add up to, by hour and by day: so that a figure over a month reads no turn.

Probes are not counted. What is forgotten, or had to go for want of room, stays counted.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from kbserver.notes import TurnNote
from kbserver.record.database import storable

HOUR_S = 3_600
DAY_S = 86_400

_ADD_HOUR = """
INSERT INTO hour_tallies VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (hour, route, outcome, reason) DO UPDATE SET
    turns = turns + excluded.turns, calls = calls + excluded.calls,
    late = late + excluded.late, total_ms = total_ms + excluded.total_ms
"""
_ADD_USE = """
INSERT INTO day_uses VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (day, route, corpus, document) DO UPDATE SET
    turns = turns + excluded.turns,
    first_places = first_places + excluded.first_places,
    last_answered = max(coalesce(last_answered, excluded.last_answered),
        coalesce(excluded.last_answered, last_answered)),
    near_misses = near_misses + excluded.near_misses
"""

_HOUR_OF_TURN = """
SELECT CAST(at AS INTEGER) / 3600 * 3600, route, outcome, coalesce(reason, ''),
    -1, -(call IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM turns AS before
        WHERE before.call = turns.call AND before.n < turns.n
    )), -(NOT in_budget), -total_ms
FROM turns WHERE n = ? AND probe IS NULL
"""
_NEXT_BEGINS = """
SELECT CAST(at AS INTEGER) / 3600 * 3600, route, outcome, coalesce(reason, ''),
    0, 1, 0, 0.0
FROM turns WHERE probe IS NULL AND n = (
    SELECT min(later.n) FROM turns AS gone
    JOIN turns AS later ON later.call = gone.call AND later.n > gone.n
    WHERE gone.n = ? AND NOT EXISTS (
        SELECT 1 FROM turns AS before
        WHERE before.call = gone.call AND before.n < gone.n
    )
)
"""
_USES_OF_TURN = """
SELECT CAST(turns.at AS INTEGER) / 86400 * 86400, turns.route,
    passages.corpus, passages.document,
    -max(answered), -sum(answered AND place = 0), NULL, -max(NOT answered)
FROM candidates
JOIN passages ON passages.n = candidates.passage
JOIN turns ON turns.n = candidates.turn AND turns.probe IS NULL
WHERE turns.n = ? GROUP BY 1, 2, 3, 4
"""


class _Hour(NamedTuple):
    hour: int
    route: str
    outcome: str
    reason: str


class _Use(NamedTuple):
    day: int
    route: str
    corpus: str
    document: str


@dataclass(slots=True)
class _Turns:
    turns: int = 0
    calls: int = 0
    late: int = 0
    total_ms: float = 0.0


@dataclass(slots=True)
class _Uses:
    turns: int = 0
    first_places: int = 0
    last_answered: float | None = None
    near_misses: int = 0


Names: TypeAlias = tuple[str, str]
"""Of a document: corpus, and its own."""


@dataclass(slots=True)
class Tallies:
    """What the turns of one transaction add up to."""

    _hours: dict[_Hour, _Turns] = field(default_factory=dict)
    _uses: dict[_Use, _Uses] = field(default_factory=dict)

    def add(self, turn: TurnNote, *, route: str, begins: bool) -> None:
        """Count a turn, unless it is a probe.

        Args:
            route: as it is stored.
            begins: whether it is the first turn of its call.
        """
        if turn.probe is not None:
            return
        hour = int(turn.at) // HOUR_S * HOUR_S
        key = _Hour(hour, route, turn.outcome, turn.reason or "")
        turns = self._hours.setdefault(key, _Turns())
        turns.turns += 1
        turns.calls += begins
        turns.late += not turn.in_budget
        turns.total_ms += turn.total_ms
        self._add_uses(turn, route)

    def _add_uses(self, turn: TurnNote, route: str) -> None:
        day = int(turn.at) // DAY_S * DAY_S
        answered: set[Names] = set()
        near: set[Names] = set()
        for place, candidate in enumerate(turn.candidates):
            names = storable(candidate.corpus), storable(candidate.document)
            uses = self._uses.setdefault(_Use(day, route, *names), _Uses())
            if not candidate.answered:
                uses.near_misses += names not in near
                near.add(names)
                continue
            uses.turns += names not in answered
            uses.first_places += place == 0
            uses.last_answered = max(uses.last_answered or 0.0, turn.at)
            answered.add(names)

    def write(self, connection: sqlite3.Connection) -> None:
        """Add everything to the record, inside the transaction of its turns.

        Raises:
            sqlite3.Error: it cannot be written.
        """
        hours = [
            (*key, one.turns, one.calls, one.late, one.total_ms)
            for key, one in self._hours.items()
        ]
        connection.executemany(_ADD_HOUR, hours)
        uses = [
            (*key, one.turns, one.first_places, one.last_answered, one.near_misses)
            for key, one in self._uses.items()
        ]
        connection.executemany(_ADD_USE, uses)


def take_back(connection: sqlite3.Connection, turn: int) -> None:
    """Count a turn no more, inside the transaction that removes it, while it is still there.

    If it began its call, the turn after it does now. When a document was last answered stays as
    it is.

    Args:
        turn: its number.

    Raises:
        sqlite3.Error: it cannot be written.
    """
    for change in (_HOUR_OF_TURN, _NEXT_BEGINS):
        hours = connection.execute(change, (turn,)).fetchall()
        connection.executemany(_ADD_HOUR, hours)
    uses = connection.execute(_USES_OF_TURN, (turn,)).fetchall()
    connection.executemany(_ADD_USE, uses)
    (at,) = connection.execute("SELECT at FROM turns WHERE n = ?", (turn,)).fetchone()
    connection.execute(
        "DELETE FROM hour_tallies WHERE hour >= ? AND turns = 0", (at - HOUR_S,)
    )
    connection.execute(
        "DELETE FROM day_uses WHERE day >= ? AND turns = 0 AND near_misses = 0",
        (at - DAY_S,),
    )
