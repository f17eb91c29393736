"""What changed beside the turns."""

from __future__ import annotations

import json
import sqlite3

from kbserver.console.resources import Asked, Json
from kbserver.record.turns import Row

_SELECT = """
SELECT n, at, kind, corpus, text, details FROM events
WHERE at >= :since AND (:kind IS NULL OR kind = :kind)
    AND (:corpus IS NULL OR corpus = :corpus) AND (:before IS NULL OR n < :before)
ORDER BY n DESC LIMIT :most
"""


def events(asked: Asked) -> Json:
    """Return what changed between turns, newest first.

    Raises:
        Forbidden: the visitor's token is bound to labels; events tell of every route.
    """
    asked.check_sees_all()
    limit = asked.limit()
    with asked.source.record() as record:
        found = events_since(
            record,
            asked.since("30d"),
            most=limit + 1,
            kind=asked.text("kind"),
            corpus=asked.text("corpus"),
            before=asked.text("cursor"),
        )
    following: str | None = None
    if len(found) > limit:
        following = str(found[limit - 1]["n"])
    return {"events": found[:limit], "next": following}


def events_since(
    record: sqlite3.Connection,
    since: float,
    *,
    most: int,
    kind: str | None = None,
    corpus: str | None = None,
    before: str | None = None,
) -> list[Row]:
    """Return events with their details, newest first."""
    values = {
        "since": since,
        "kind": kind,
        "corpus": corpus,
        "before": before,
        "most": most,
    }
    found = [dict(row) for row in record.execute(_SELECT, values)]
    for event in found:
        event["details"] = json.loads(event["details"])
    return found
