"""What turns add up to: by hour, by route, by reason; and what changed with which event."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from kbserver.console.reading.events import added_up, events_since
from kbserver.console.reading.turns import seen_routes
from kbserver.console.resources import Asked, Json
from kbserver.record.tallies import HOUR_S
from kbserver.record.turns import Row

MOST_BARS = 200
"""Of a chart over time; more hours than that are drawn together."""

LOOK_S = 3_600
"""Before and after an event, for what it changed."""

THREEFOLD = 3.0
"""A cause's share of a route's turns must grow so much to be told."""

FEWEST = 5
"""Turns of that cause that must have come after the event."""

LEAST_SHARE = 0.1

_TOLD = ("start", "routes", "generation", "calibration")
_MOST_EVENTS = 100
_MOST_COMPARED = 10
_MEANINGS = {
    "turns": "questions of callers that got an answer of any kind; probes are left out",
    "calls": "calls whose first turn lies in this time",
    "answered": "turns in which a passage was said, by all arms or by some",
    "silent": "turns in which nothing was found, or nothing good enough",
    "small_talk": "greetings, thanks and the like: nothing was looked up",
    "late": "turns that took longer than their budget",
    "refused": "requests turned away before they were turns: no token, too large, too many",
}
_KINDS = {
    "full": "answered",
    "degraded": "answered",
    "empty": "silent",
    "gated": "small_talk",
}
_HOURS = """
SELECT hour, route, outcome, reason, turns, calls, late FROM hour_tallies
WHERE hour >= :since AND (:route IS NULL OR route = :route)
    AND (:routes IS NULL OR route IN (SELECT value FROM json_each(:routes)))
"""
_COUNTED = """
SELECT route, outcome, reason, count(*) AS turns FROM turns
WHERE at >= ? AND at < ? AND probe IS NULL GROUP BY 1, 2, 3
"""


def summary(asked: Asked) -> Json:
    """Return what the turns of a time add up to, with its events and what they changed."""
    since = asked.since("24h")
    now = asked.source.clock()
    first = int(since) // HOUR_S * HOUR_S
    width_s = bar_width_s(first, now)
    with asked.source.record() as record:
        routes = seen_routes(asked, record)
        rows = _hours(record, first, asked.text("route"), routes)
        events: list[Row] = []
        findings: list[Json] = []
        refused: dict[str, int] = {}
        if asked.visitor.sees_all:
            events = events_since(record, since, most=_MOST_EVENTS, kinds=_TOLD)
            findings = _findings(record, events)
            refused = added_up(record, since, "refused")
    totals = _totals(rows) | {"refused": sum(refused.values())}
    return {
        "since": first,
        "until": now,
        "bar_s": width_s,
        "totals": totals,
        "meanings": _MEANINGS,
        "bars": _bars(rows, first, now, width_s),
        "reasons": _reasons(rows),
        "routes": _routes(rows),
        "refused": refused,
        "events": events,
        "findings": findings,
    }


def bar_width_s(since: float, until: float) -> int:
    """Return how much time a bar stands for: whole hours, so that there are not too many."""
    hours = max(1, int(until - since) // HOUR_S + 1)
    return -(-hours // MOST_BARS) * HOUR_S


def _hours(
    record: sqlite3.Connection,
    since: float,
    route: str | None,
    routes: Sequence[str] | None,
) -> list[Row]:
    seen: str | None = None
    if routes is not None:
        seen = json.dumps(list(routes))
    values = {"since": since, "route": route, "routes": seen}
    return [dict(row) for row in record.execute(_HOURS, values)]


def _totals(rows: Iterable[Row]) -> dict[str, int]:
    totals = dict.fromkeys(_MEANINGS, 0)
    for row in rows:
        for name in ("turns", "calls", "late"):
            totals[name] += row[name]
        totals[_KINDS[row["outcome"]]] += row["turns"]
    return totals


def _bars(rows: Iterable[Row], first: int, now: float, width_s: int) -> list[Json]:
    """Return a bar for every piece of the time, those without a turn too."""
    starts = range(first, int(now) + 1, width_s)
    bars = {start: _totals(()) | {"at": start} for start in starts}
    for row in rows:
        bar = bars.get(first + (row["hour"] - first) // width_s * width_s)
        if bar is not None:
            for name, value in _totals([row]).items():
                bar[name] += value
    return list(bars.values())


def _reasons(rows: Iterable[Row]) -> list[Json]:
    turns: Counter[tuple[str, str]] = Counter()
    for row in rows:
        turns[row["outcome"], row["reason"]] += row["turns"]
    return [
        {"outcome": outcome, "reason": reason or None, "turns": count}
        for (outcome, reason), count in turns.most_common()
    ]


def _routes(rows: Iterable[Row]) -> list[Json]:
    by_route: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_route[row["route"]].append(row)
    found = [{"route": route} | _totals(its) for route, its in by_route.items()]
    found.sort(key=lambda one: (-int(one["turns"]), str(one["route"])))
    return found


def _findings(record: sqlite3.Connection, events: Sequence[Row]) -> list[Json]:
    """Say which cause of silence grew threefold on a route within an hour of an event."""
    causes = [event for event in events if event["kind"] in _TOLD[1:]]
    found = []
    for event in causes[:_MOST_COMPARED]:
        at = event["at"]
        before = _shares(record, at - LOOK_S, at)
        after = _shares(record, at, at + LOOK_S)
        for (route, reason), (count, share) in after.items():
            was = before.get((route, reason), (0, 0.0))
            grew = share >= LEAST_SHARE and share >= THREEFOLD * was[1]
            if grew and count >= FEWEST:
                found.append(
                    {
                        "at": at,
                        "event": event,
                        "route": route,
                        "reason": reason,
                        "turns": count,
                        "share": share,
                        "share_before": was[1],
                    }
                )
    return found


def _shares(
    record: sqlite3.Connection, since: float, until: float
) -> dict[tuple[str, str], tuple[int, float]]:
    """Return turns and share of each cause of silence among its route's turns."""
    silent: Counter[tuple[str, str]] = Counter()
    of_route: Counter[str] = Counter()
    for row in record.execute(_COUNTED, (since, until)):
        of_route[row["route"]] += row["turns"]
        if row["outcome"] == "empty":
            silent[row["route"], row["reason"] or ""] += row["turns"]
    return {key: (count, count / of_route[key[0]]) for key, count in silent.items()}
