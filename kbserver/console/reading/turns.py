"""Turns and calls, newest first, a page at a time."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from kbserver.console.access import visible
from kbserver.console.resources import Asked, Json, NotThere, cursor_of
from kbserver.record.judgements import Judgement, judgements
from kbserver.record.turns import Row, Wanted, check_words, label_of, newest, one

MOST_WALKED = 10_000
"""Turns that are looked through for the calls of one page."""

MOST_FILTERED = 50_000
"""Turns that are looked through for those of one page, or for suspects."""

MOST_DOTS = 40
"""Turns of a call that a list shows, the newest."""

MOST_OF_A_CALL = 500

LONGEST_CALL_S = 3_600
"""Of a call whose earlier turn is as wanted, and whose later ones are walked through."""

_OUT_OF_ORDER = 5_000  # numbers by which turns of many processes may stand too early
_ROUTES = "SELECT DISTINCT route FROM hour_tallies ORDER BY route"
_DOTS = """
SELECT id, at, route, outcome, reason, in_budget FROM turns
WHERE {} ORDER BY at DESC, id DESC LIMIT ?
"""
_ADDED_UP = """
SELECT min(at) AS began, max(at) AS ended, count(*) AS turns,
    sum(outcome IN ('full', 'degraded')) AS answered, sum(outcome = 'empty') AS silent,
    sum(NOT in_budget) AS late
FROM turns WHERE {}
"""
_ENDING = "SELECT verdict FROM feedback WHERE call = ? ORDER BY at DESC LIMIT 1"
_JUDGED = """
SELECT judgements.n FROM judgements JOIN turns ON turns.id = judgements.turn
WHERE route IN (SELECT value FROM json_each(?))
"""


def turns(asked: Asked) -> Json:
    """Return recorded turns, newest first, whole: searches, candidates, words where they are kept.

    Raises:
        NoWords: words are searched for, and none are recorded.
    """
    limit = asked.limit()
    with asked.source.record() as record:
        wanted, end = walked(record, wanted_turns(asked, record))
        found = newest(record, wanted, most=limit + 1)
    found.reverse()
    following: str | None = None
    if len(found) > limit:
        last = found[limit - 1]
        following = cursor_of(last["at"], last["id"])
    elif end is not None:
        following = cursor_of(end, "")
    return {"turns": found[:limit], "next": following}


def turn(asked: Asked) -> Json:
    """Return one turn.

    Raises:
        NotThere: it is not recorded, or of a route that the visitor does not see.
    """
    id = asked.wanted("id")
    with asked.source.record() as record:
        found = one(record, id)
        if found is None or not asked.visitor.sees(found["route"]):
            raise NotThere(f"turn {id}")
        return {"turn": with_judgements(record, found)}


def calls(asked: Asked) -> Json:
    """Return calls, the one with the newest turn first.

    Fewer than `limit` and a `next` say that so many turns were looked through, and older ones
    are left.

    Raises:
        NoWords: words are searched for, and none are recorded.
    """
    limit = asked.limit()
    with asked.source.record() as record:
        wanted = wanted_turns(asked, record)
        if wanted.search is not None:
            check_words(record, "a search")
        keys, following = _page_of_keys(record, wanted, limit)
        found = [_call(record, key, wanted.routes) for key in keys]
    return {"calls": found, "next": following}


def call(asked: Asked) -> Json:
    """Return one call with its turns, oldest first.

    Raises:
        NotThere: none of its turns is recorded, or of a route that the visitor sees.
    """
    key = asked.wanted("key")
    with asked.source.record() as record:
        wanted = Wanted(call=key, routes=seen_routes(asked, record))
        found = newest(record, wanted, most=MOST_OF_A_CALL)
        if not found:
            raise NotThere(f"call {key}")
        whole = [with_judgements(record, turn) for turn in found]
        return {"call": _call(record, key, wanted.routes) | {"turns_of": whole}}


def with_judgements(record: sqlite3.Connection, turn: Row) -> Row:
    """Return a turn with what was judged of it."""
    judged = judgements(record, turn=turn["id"])
    return turn | {"judged": [one.as_dict() for one in judged]}


def seen_judgements(
    asked: Asked, record: sqlite3.Connection, corpus: str | None = None
) -> list[Judgement]:
    """Return what was judged, oldest first: all, or what was of turns that the visitor sees."""
    found = judgements(record, corpus=corpus)
    routes = seen_routes(asked, record)
    if routes is None:
        return found
    seen = {n for (n,) in record.execute(_JUDGED, (json.dumps(routes),))}
    return [one for one in found if one.n in seen]


def wanted_turns(asked: Asked, record: sqlite3.Connection) -> Wanted:
    """Return the choice of turns that a question's parameters make.

    Raises:
        InvalidRequest: one of them cannot be used.
    """
    return Wanted(
        since=asked.since(),
        route=asked.text("route"),
        outcome=asked.text("outcome"),
        search=asked.text("search"),
        call=asked.text("call"),
        corpus=asked.text("corpus"),
        routes=seen_routes(asked, record),
        callers=asked.text("probes") is None,
        before=asked.cursor(),
    )


def seen_routes(asked: Asked, record: sqlite3.Connection) -> list[str] | None:
    """Return the recorded routes that the visitor sees; None for all."""
    return visible(recorded_routes(record), asked.visitor)


def recorded_routes(record: sqlite3.Connection) -> list[str]:
    """Return every route that a turn was recorded of; "" stands for none."""
    return [route for (route,) in record.execute(_ROUTES)]


def walked(record: sqlite3.Connection, wanted: Wanted) -> tuple[Wanted, float | None]:
    """Return a choice among the newest turns alone, and how far back they go.

    None if all that lie in its time are among them.
    """
    of_time = Wanted(since=wanted.since, before=wanted.before)
    where, values = of_time.condition()
    found = record.execute(
        f"SELECT n, at FROM turns WHERE {where} "  # noqa: S608  # our own conditions
        "ORDER BY at DESC LIMIT 1 OFFSET ?",
        [*values, MOST_FILTERED],
    ).fetchone()
    if found is None:
        return wanted, None
    after = max(wanted.after, found["n"] - _OUT_OF_ORDER)
    return replace(wanted, since=found["at"], after=after), found["at"]


def _page_of_keys(
    record: sqlite3.Connection, wanted: Wanted, limit: int
) -> tuple[list[str], str | None]:
    """Return the keys of calls that are wanted, and the cursor of the page after."""
    of_time = Wanted(
        since=wanted.since, before=wanted.before, routes=wanted.routes, callers=True
    )
    where, values = of_time.condition()
    rows = record.execute(
        f"SELECT n, at, id, call FROM turns WHERE {where} AND call IS NOT NULL "  # noqa: S608
        "ORDER BY at DESC, id DESC LIMIT ?",
        [*values, MOST_WALKED],
    ).fetchall()
    fitting = _fitting(record, wanted, rows)
    keys: list[str] = []
    known: set[str] = set()
    for before, row in pairwise([None, *rows]):
        key = row["call"]
        if key in known:
            continue
        known.add(key)
        if fitting is not None and key not in fitting:
            continue
        if _is_on_a_page_before(record, wanted, key):
            continue
        if len(keys) == limit:
            return keys, cursor_of(before["at"], before["id"])
        keys.append(key)
    if len(rows) < MOST_WALKED:
        return keys, None
    return keys, cursor_of(rows[-1]["at"], rows[-1]["id"])


def _is_on_a_page_before(record: sqlite3.Connection, wanted: Wanted, key: str) -> bool:
    if wanted.before is None:
        return False
    of_call = Wanted(call=key, routes=wanted.routes, callers=True)
    where, values = of_call.condition()
    later = record.execute(
        f"SELECT 1 FROM turns WHERE {where} AND (at, id) >= (?, ?) LIMIT 1",  # noqa: S608
        [*values, *wanted.before],
    )
    return later.fetchone() is not None


def _fitting(
    record: sqlite3.Connection, wanted: Wanted, rows: Sequence[sqlite3.Row]
) -> set[str] | None:
    """Return the calls one of whose turns is as wanted; None if any is.

    Their turns are looked for as far back as those walked through, and a little further.
    """
    if not (wanted.route or wanted.outcome or wanted.search or wanted.corpus):
        return None
    if not rows:
        return set()
    oldest = rows[-1]
    chosen = replace(
        wanted,
        since=oldest["at"] - LONGEST_CALL_S,
        before=None,
        after=max(0, oldest["n"] - _OUT_OF_ORDER),
    )
    where, values = chosen.condition()
    fitting = record.execute(
        f"SELECT DISTINCT call FROM turns WHERE {where}",  # noqa: S608
        values,
    )
    return {row["call"] for row in fitting}


def _call(record: sqlite3.Connection, key: str, routes: Sequence[str] | None) -> Json:
    where, values = Wanted(call=key, routes=routes, callers=True).condition()
    added_up = dict(record.execute(_ADDED_UP.format(where), values).fetchone())
    newest_first = record.execute(_DOTS.format(where), [*values, MOST_DOTS])
    dots = [dict(row) for row in newest_first]
    dots.reverse()
    for dot in dots:
        dot["in_budget"] = bool(dot["in_budget"])
    ending = record.execute(_ENDING, (key,)).fetchone()
    return {
        "call": key,
        "label": label_of(record, key),
        **added_up,
        "routes": sorted({dot["route"] for dot in dots}),
        "ending": ending and ending["verdict"],
        "newest": dots,
    }
