"""Session label → route: one table, of the file's routes and Python's. First match wins."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kbserver.endpoint.turn import Handler
from kbserver.errors import SettingsError
from kbserver.labels import LabelPattern
from kbserver.settings import RecordMode, RouteSettings, Settings, TurnSettings
from kbserver.types import Scope


@dataclass(frozen=True, slots=True)
class Route:
    """What answers the labels of one pattern."""

    pattern: LabelPattern
    corpora: tuple[str, ...]
    settings: TurnSettings
    scope: Scope = field(default_factory=dict)
    """Values may hold the pattern's parameters, `hotels/{id}`."""
    handler: Handler | None = None
    record: RecordMode | None = None
    """What is recorded of its turns; None: what the server records."""
    origin: str = ""
    """Where it was written down, for `kbserver routes --explain`."""

    @classmethod
    def from_settings(
        cls, route: RouteSettings, settings: Settings, origin: str
    ) -> Route:
        """Build the route of one `[[routes]]` table.

        Raises:
            SettingsError: the handler cannot be imported.
        """
        handler: Handler | None = None
        if route.handler:
            handler = import_handler(route.handler)
        return cls(
            pattern=LabelPattern(route.label),
            corpora=route.corpora,
            settings=settings.turn_settings(route),
            scope=route.scope,
            handler=handler,
            record=route.record,
            origin=origin,
        )

    def __str__(self) -> str:
        """One line for people: `vip-{name} → support, by hotels.vip:answer   (origin)`."""
        answers = f"{self.pattern.pattern:<20} → {self.corpora_named}"
        if self.handler is not None:
            answers += f", by {name_of(self.handler)}"
        return f"{answers}   ({self.origin})"

    @property
    def corpora_named(self) -> str:
        """The corpora it searches, for people."""
        return ", ".join(self.corpora) or "any corpus"

    def as_dict(self) -> dict[str, object]:
        """JSON values for `kbserver routes --json`."""
        handler: str | None = None
        if self.handler is not None:
            handler = name_of(self.handler)
        return {
            "label": self.pattern.pattern,
            "corpora": list(self.corpora),
            "scope": dict(self.scope),
            "handler": handler,
            "settings": self.settings.model_dump(),
            "origin": self.origin,
        }

    def bound_scope(self, parameters: Mapping[str, str]) -> dict[str, str]:
        """The scope with the label's parameters filled in."""
        return {
            key: template.format_map(parameters) for key, template in self.scope.items()
        }


@dataclass(frozen=True, slots=True)
class Match:
    """The route of a label, with the parameters its pattern found and the scope they make."""

    route: Route
    parameters: dict[str, str]
    scope: dict[str, str]


class RouteTable:
    """Routes in the order they are tried."""

    def __init__(
        self, routes: Iterable[Route] = (), *, is_automatic: bool = False
    ) -> None:
        """Take routes.

        Args:
            is_automatic: none was written down.
        """
        self.routes = list(routes)
        self.is_automatic = is_automatic

    def resolve(self, label: str | None) -> Match | None:
        """Return the first route whose pattern fits; None if there is none.

        A call without a label counts as the empty label: only a pattern such as `*` fits it.
        """
        for route in self.routes:
            parameters = route.pattern.match(label or "")
            if parameters is not None:
                return Match(route, parameters, route.bound_scope(parameters))
        return None

    def summary(self) -> str:
        """Say in a line which labels reach which corpora: `* → docs`."""
        reached = [
            f"{route.pattern.pattern} → {route.corpora_named}" for route in self.routes
        ]
        return ", ".join(reached) or "no label"

    def never_reached(self) -> list[tuple[Route, Route]]:
        """Return the routes that never answer, each with the earlier route that does instead."""
        found = []
        for at, route in enumerate(self.routes):
            for earlier in self.routes[:at]:
                if earlier.pattern.covers(route.pattern):
                    found.append((route, earlier))
                    break
        return found

    def explain(self, label: str | None) -> list[tuple[Route, bool]]:
        """Return the routes that are tried for a label, in order, and whether each fits."""
        tried: list[tuple[Route, bool]] = []
        for route in self.routes:
            fits = route.pattern.match(label or "") is not None
            tried.append((route, fits))
            if fits:
                break
        return tried


def table_for(
    settings: Settings,
    decorated: Sequence[Route],
    corpora: Sequence[str],
    *,
    routes: Sequence[Route] | None = None,
    first: str | None = None,
) -> RouteTable:
    """Return the server's table: routes written in Python, then those of the file.

    With none of either: a single corpus answers every label; of several, each answers the label
    that is its name, and any other label reaches nothing.

    Args:
        routes: in place of those of the file.
        first: the corpus that was alone when the server started. It goes on answering the labels
            of no other.

    Raises:
        SettingsError: a route names a corpus that the store does not hold, and none can come.
    """
    if routes is None:
        routes = _routes_of(settings)
    listed = [*decorated, *routes]
    for route in listed:
        # What is followed brings corpora later.
        if settings.follow is None:
            _check_corpora(route, corpora)
    if listed:
        return RouteTable(listed)
    return RouteTable(_default_routes(settings, corpora, first), is_automatic=True)


def _routes_of(settings: Settings) -> list[Route]:
    """Return the routes of the file's `[[routes]]` tables."""
    return [
        Route.from_settings(
            route, settings, f"[[routes]] {number} of the configuration"
        )
        for number, route in enumerate(settings.routes, start=1)
    ]


def _default_routes(
    settings: Settings, corpora: Sequence[str], first: str | None
) -> list[Route]:
    """Return the routes of a server for which none are written down."""
    turn_settings = settings.turn_settings()
    if len(corpora) == 1:
        origin = "the only corpus answers every label"
        return [Route(LabelPattern("*"), (corpora[0],), turn_settings, origin=origin)]
    origin = "a label equal to a corpus's name"
    routes = [
        Route(LabelPattern(name), (name,), turn_settings, origin=origin)
        for name in corpora
    ]
    if first is not None and first in corpora:
        origin = "the only corpus when the server started"
        every = Route(LabelPattern("*"), (first,), turn_settings, origin=origin)
        routes.append(every)
    return routes


def _check_corpora(route: Route, corpora: Sequence[str]) -> None:
    for name in route.corpora:
        if name not in corpora:
            have = ", ".join(corpora) or "none"
            raise SettingsError(
                f"the route {route.pattern.pattern!r} names the corpus {name!r}, "
                f"which the store does not hold (it holds: {have}); "
                f"ingest it with  kbserver ingest FOLDER --corpus {name}"
            )


def name_of(handler: Handler) -> str:
    """Return a handler's name as the configuration would write it, `package.module:function`."""
    module = getattr(handler, "__module__", "?")
    name = getattr(handler, "__qualname__", type(handler).__name__)
    return f"{module}:{name}"


def import_handler(target: str) -> Handler:
    """Import `package.module:function`, also from the working directory, as `python -m` does.

    Raises:
        SettingsError: no such module or function, or it cannot be called; the message names the
            part that failed.
    """
    module_name, _, name = target.partition(":")
    if not module_name or not name:
        raise SettingsError(f"handler {target!r}: write it as package.module:function")
    here = str(Path.cwd())
    if "" not in sys.path and here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except ImportError as exc:
        raise SettingsError(
            f"handler {target!r}: cannot import {module_name!r} ({exc}); "
            "is it on PYTHONPATH?"
        ) from exc
    handler = getattr(module, name, None)
    if not callable(handler):
        raise SettingsError(
            f"handler {target!r}: {module_name!r} has no function {name!r}"
        )
    # Checked to be callable; its signature is the user's promise.
    return handler  # type: ignore[no-any-return]
