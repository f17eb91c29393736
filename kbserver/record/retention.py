"""What is too old, or too much, goes: by days and by megabytes."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable

_DAY_S = 86_400.0
_SHARE = 0.05  # of all turns that go at once while the file is too large
_EVENTS_KEPT = 1_000  # that stay, however old: so few say since when something is so


def prune(
    connection: sqlite3.Connection,
    *,
    now_s: float,
    keep_days: float,
    words_keep_days: float,
    max_mb: float,
    wrote: Callable[[], None] = lambda: None,
) -> None:
    """Remove turns, events and words that are older than they may be, and give the room back.

    Args:
        now_s: seconds since the epoch.
        max_mb: of the file; the oldest turns and replays go until it is smaller.
        wrote: called after each transaction, so that others may have theirs.

    Raises:
        sqlite3.Error: the file cannot be written.
    """
    turns_before = now_s - keep_days * _DAY_S
    words_before = max(turns_before, now_s - words_keep_days * _DAY_S)
    connection.execute(
        "DELETE FROM events WHERE at < ? AND n NOT IN "
        "(SELECT n FROM events ORDER BY at DESC LIMIT ?)",
        (turns_before, _EVENTS_KEPT),
    )
    old_words = "turn IN (SELECT n FROM turns WHERE at < ?)"
    gone = connection.execute(
        f"DELETE FROM words WHERE {old_words}",  # noqa: S608  # our own condition
        (words_before,),
    ).rowcount
    connection.execute("DELETE FROM turns WHERE at < ?", (turns_before,))
    connection.execute("DELETE FROM hour_tallies WHERE hour < ?", (turns_before,))
    connection.execute("DELETE FROM day_uses WHERE day < ?", (turns_before - _DAY_S,))
    wrote()
    while size_of(connection) > max_mb * 1e6 and _remove_oldest(connection):
        gone += 1
        wrote()
    if gone:
        # The index would keep the words of what was removed until its parts are merged.
        connection.execute("INSERT INTO words_found (words_found) VALUES ('rebuild')")
    _remove_unused(connection)
    shrink(connection)


def size_of(connection: sqlite3.Connection) -> int:
    """Return the bytes that the record takes, without its free pages."""
    pages, free, size = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def shrink(connection: sqlite3.Connection) -> None:
    """Give free pages back to the disk."""
    connection.executescript("PRAGMA incremental_vacuum")  # `execute` does one page


def _remove_oldest(connection: sqlite3.Connection) -> bool:
    """Remove a part of the turns and of the replays, the oldest; return whether any went."""
    gone = 0
    for table in ("turns", "replays"):
        counting = f"SELECT count(*) FROM {table}"  # noqa: S608  # our own names
        (count,) = connection.execute(counting).fetchone()
        gone += connection.execute(
            f"DELETE FROM {table} WHERE n IN "  # noqa: S608  # our own names
            f"(SELECT n FROM {table} ORDER BY at LIMIT ?)",
            (math.ceil(count * _SHARE),),
        ).rowcount
    return gone > 0


def _remove_unused(connection: sqlite3.Connection) -> None:
    connection.execute(
        "DELETE FROM feedback WHERE call NOT IN (SELECT call FROM turns WHERE call NOT NULL)"
    )
    # What no turn of the time that is kept was asked of is not live, or asked anew.
    connection.execute(
        "DELETE FROM asked_again WHERE generation NOT IN "
        "(SELECT generation FROM searches)"
    )
    connection.execute(
        "DELETE FROM passages WHERE n NOT IN (SELECT passage FROM candidates)"
    )
