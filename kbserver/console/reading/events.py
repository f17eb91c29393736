"""What changed beside the turns."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from kbserver.console.resources import Asked, Json, cursor_of
from kbserver.record.turns import Row

_SELECT = """
SELECT n, at, kind, corpus, text, details FROM events
WHERE at >= :since
    AND (:kinds IS NULL OR kind IN (SELECT value FROM json_each(:kinds)))
    AND (:corpus IS NULL OR corpus = :corpus)
    AND (:before IS NULL OR (at, n) < (:before, :before_n))
ORDER BY at DESC, n DESC LIMIT :most
"""

_ADDED_UP = """
SELECT key, sum(value) AS count FROM events, json_each(events.details)
WHERE at >= ? AND kind = ? GROUP BY key ORDER BY count DESC, key
"""


def events(asked: Asked) -> Json:
    """Return what changed between turns, newest first.

    Raises:
        Forbidden: the visitor's token is bound to labels; events tell of every route.
        InvalidRequest: a parameter cannot be used.
    """
    asked.check_sees_all()
    limit = asked.limit()
    kind = asked.text("kind")
    with asked.source.record() as record:
        found = events_since(
            record,
            asked.since("30d"),
            most=limit + 1,
            kinds=None if kind is None else [kind],
            corpus=asked.text("corpus"),
            before=asked.cursor(),
        )
    following: str | None = None
    if len(found) > limit:
        last = found[limit - 1]
        following = cursor_of(last["at"], last["n"])
    return {"events": found[:limit], "next": following}


def events_since(
    record: sqlite3.Connection,
    since: float,
    *,
    most: int,
    kinds: Sequence[str] | None = None,
    corpus: str | None = None,
    before: tuple[float, str] | None = None,
) -> list[Row]:
    """Return events with their details, newest first."""
    before_at, before_n = before or (None, None)
    values = {
        "since": since,
        "kinds": None if kinds is None else json.dumps(kinds),
        "corpus": corpus,
        "before": before_at,
        "before_n": before_n,
        "most": most,
    }
    found = [dict(row) for row in record.execute(_SELECT, values)]
    for event in found:
        event["details"] = json.loads(event["details"])
    return found


def added_up(record: sqlite3.Connection, since: float, kind: str) -> dict[str, int]:
    """Return the counts that events of a kind hold, added up by name; the largest first."""
    return {name: count for name, count in record.execute(_ADDED_UP, (since, kind))}
