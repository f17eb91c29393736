"""How often each document was answered, as far back as figures are kept."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """What one document did for callers."""

    turns: int = 0
    """In which a passage of it was answered."""
    first_places: int = 0
    last_answered: float | None = None
    """Seconds since the epoch; None if never."""
    near_misses: int = 0
    """Turns in which it came near."""


def usage_of(connection: sqlite3.Connection, corpus: str) -> dict[str, Usage]:
    """Return the usage of every document of a corpus that was ever found, by source."""
    rows = connection.execute(
        "SELECT document, turns, first_places, last_answered, near_misses "
        "FROM documents WHERE corpus = ?",
        (corpus,),
    )
    return {document: Usage(*figures) for document, *figures in rows}


def began(connection: sqlite3.Connection) -> float | None:
    """Return since when turns are counted, seconds since the epoch; None if none ever was."""
    (at,) = connection.execute(
        "SELECT min(at) FROM (SELECT min(at) AS at FROM turns "
        "UNION ALL SELECT min(hour) FROM hour_tallies)"
    ).fetchone()
    if at is None:
        return None
    return float(at)
