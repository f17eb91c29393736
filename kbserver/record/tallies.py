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
