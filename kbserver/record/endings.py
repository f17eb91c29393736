"""How calls ended, where a client told it (`POST /feedback`)."""

from __future__ import annotations

import sqlite3


def endings(connection: sqlite3.Connection, *, since: float) -> dict[str, int]:
    """Count what clients said of calls since a moment, by verdict; most frequent first.

    Args:
        since: seconds since the epoch.
    """
    rows = connection.execute(
        "SELECT verdict, count(DISTINCT call) FROM feedback WHERE at >= ? "
        "GROUP BY verdict ORDER BY 2 DESC, 1",
        (since,),
    )
    return {verdict: count for verdict, count in rows}


def told(connection: sqlite3.Connection, *, since: float) -> int:
    """Count the calls of which clients said anything since a moment."""
    (count,) = connection.execute(
        "SELECT count(DISTINCT call) FROM feedback WHERE at >= ?", (since,)
    ).fetchone()
    return int(count)
