"""What is in force: settings, routes, labels that reach nothing, the record itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, SecretStr

from kbserver.console.reading.events import added_up, events_since
from kbserver.console.reading.library import corpora_of
from kbserver.console.reading.trying import without_handlers
from kbserver.console.resources import Asked, Json
from kbserver.endpoint.routing import Route, table_for
from kbserver.errors import SettingsError
from kbserver.record.database import FILE, damaged_files
from kbserver.settings import Settings

_TURNS = "SELECT route, sum(turns) FROM hour_tallies WHERE hour >= ? GROUP BY route"
_HIDDEN = "(secret)"


def server(asked: Asked) -> Json:
    """Return what the server says, the settings that are read now, and the routes with their turns.

    A server that was started before may have other settings: its `start` and `routes` events say
    with which routes it serves.

    Raises:
        Forbidden: the visitor's token is bound to labels.
    """
    asked.check_sees_all()
    settings = asked.source.settings
    since = asked.since()
    with asked.source.record() as record:
        turns = {route: count for route, count in record.execute(_TURNS, (since,))}
        refused = added_up(record, since, "refused")
        unknown = added_up(record, since, "unknown_labels")
        started = events_since(record, 0.0, most=1, kinds=["start"])
        (recorded,) = record.execute("SELECT count(*) FROM turns").fetchone()
    routes, problem = _routes(settings, corpora_of(asked), turns)
    return {
        "server": asked.source.watch.state.as_dict(),
        "settings": _plain(settings),
        "routes": routes,
        "problem": problem,
        "other_routes": _others(turns, routes),
        "unknown_labels": unknown,
        "refused": refused,
        "started": next(iter(started), None),
        "recorded": _record(settings) | {"turns": recorded},
    }


def _routes(
    settings: Settings, corpora: Sequence[str], turns: dict[str, int]
) -> tuple[list[Json], str | None]:
    """Return the routes in the order they are tried, and what is wrong with them."""
    try:
        table = table_for(without_handlers(settings), (), corpora)
    except SettingsError as exc:
        return [], str(exc)
    handlers = {route.label: route.handler for route in settings.routes}
    rows = []
    for place, route in enumerate(table.routes):
        pattern = route.pattern.pattern
        rows.append(
            {
                "route": pattern,
                "corpora": list(route.corpora) or list(corpora),
                "handler": handlers.get(pattern),
                "min_score": route.settings.min_score,
                "origin": route.origin,
                "turns": turns.get(pattern, 0),
                "never": _covered_by(route, table.routes[:place]),
            }
        )
    return rows, None


def _covered_by(route: Route, before: Sequence[Route]) -> str | None:
    """Return the earlier route that takes every label of a route; None if it gets some."""
    for earlier in before:
        if earlier.pattern.covers(route.pattern):
            return earlier.pattern.pattern
    return None


def _others(turns: dict[str, int], routes: Sequence[Json]) -> list[Json]:
    """Return routes that turns were recorded of, and that are not in the settings now."""
    known = {route["route"] for route in routes}
    return [
        {"route": route, "turns": count}
        for route, count in turns.items()
        if route not in known
    ]


def _record(settings: Settings) -> Json:
    folder = settings.record_folder
    size = 0
    for ending in ("", "-wal"):
        file = folder / f"{FILE}{ending}"
        if file.is_file():
            size += file.stat().st_size
    return {
        "folder": str(folder),
        "bytes": size,
        "damaged": [file.name for file in damaged_files(folder)],
        **settings.record.model_dump(mode="json", exclude={"folder"}),
    }


def _plain(value: object) -> Any:
    """Return settings as JSON values, without any secret."""
    if isinstance(value, SecretStr):
        return _HIDDEN
    if isinstance(value, BaseModel):
        names = type(value).model_fields
        return {name: _plain(getattr(value, name)) for name in names}
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, str | int | float | bool | None):
        return value
    return str(value)
