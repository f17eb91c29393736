"""Session label → route: one table, from the configuration file and from Python alike. First match wins."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kbserver.endpoint.turn import Handler
from kbserver.errors import SettingsError
from kbserver.labels import LabelPattern
from kbserver.settings import RouteSettings, Settings, TurnSettings
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
        handler = import_handler(route.handler) if route.handler else None
        return cls(
            LabelPattern(route.label),
            route.corpora,
            settings.turn_settings(route),
            route.scope,
            handler,
            origin,
        )

    def __str__(self) -> str:
        """One line for people: `vip-{name} → support, by hotels.vip:answer   (where it was written down)`."""
        what = ", ".join(self.corpora) or "any corpus"
        by = f", by {name_of(self.handler)}" if self.handler is not None else ""
        return f"{self.pattern.pattern:<20} → {what}{by}   ({self.origin})"

    def as_dict(self) -> dict[str, object]:
        """JSON values for `kbserver routes --json`."""
        return {
            "label": self.pattern.pattern,
            "corpora": list(self.corpora),
            "scope": dict(self.scope),
            "handler": name_of(self.handler) if self.handler is not None else None,
            "settings": self.settings.model_dump(),
            "origin": self.origin,
        }

    def bound_scope(self, parameters: dict[str, str]) -> dict[str, str]:
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

    def __init__(self, routes: Iterable[Route] = ()) -> None:
        self.routes = list(routes)

    def resolve(self, label: str | None) -> Match | None:
        """Return the first route whose pattern fits; None if there is none.

        A call without a label counts as the empty label: only a pattern such as `*` fits it.
        """
        for route in self.routes:
            parameters = route.pattern.match(label or "")
            if parameters is not None:
                return Match(route, parameters, route.bound_scope(parameters))
        return None

    def explain(self, label: str | None) -> list[tuple[Route, bool]]:
        """Return the routes that were tried for a label, in order, and whether each fits; the last may be the match."""
        tried: list[tuple[Route, bool]] = []
        for route in self.routes:
            fits = route.pattern.match(label or "") is not None
            tried.append((route, fits))
            if fits:
                break
        return tried


def table_for(
    settings: Settings, decorated: Sequence[Route], corpora: Sequence[str]
) -> RouteTable:
    """Return the server's table: routes written in Python, then those of the file.

    With none of either: a single corpus answers every label; of several, each answers the label that is its name,
    and any other label reaches nothing.

    Raises:
        SettingsError: a route names a corpus that the store does not hold.
    """
    from_file = [
        Route.from_settings(
            route, settings, f"[[routes]] {number} of the configuration"
        )
        for number, route in enumerate(settings.routes, start=1)
    ]
    routes = [*decorated, *from_file]
    for route in routes:
        unknown = [name for name in route.corpora if name not in corpora]
        if unknown:
            have = ", ".join(corpora) or "none"
            raise SettingsError(
                f"the route {route.pattern.pattern!r} names the corpus {unknown[0]!r}, which the store does not hold "
                f"(it holds: {have}); ingest it with  kbserver ingest FOLDER --corpus {unknown[0]}"
            )
    if not routes and len(corpora) == 1:
        everyone = LabelPattern("*")
        routes = [
            Route(
                everyone,
                (corpora[0],),
                settings.turn_settings(),
                origin="the only corpus answers every label",
            )
        ]
    elif not routes:
        routes = [
            Route(
                LabelPattern(name),
                (name,),
                settings.turn_settings(),
                origin="a label equal to a corpus's name",
            )
            for name in corpora
        ]
    return RouteTable(routes)


def name_of(handler: Handler) -> str:
    """Return a handler's name as the configuration would write it, `package.module:function`."""
    return f"{getattr(handler, '__module__', '?')}:{getattr(handler, '__qualname__', type(handler).__name__)}"


def import_handler(target: str) -> Handler:
    """Import `package.module:function`; modules in the working directory are found too, as `python -m` finds them.

    Raises:
        SettingsError: no such module or function, or it cannot be called; the message names the part that failed.
    """
    module_name, _, name = target.partition(":")
    if not module_name or not name:
        raise SettingsError(f"handler {target!r}: write it as package.module:function")
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except ImportError as exc:
        raise SettingsError(
            f"handler {target!r}: cannot import {module_name!r} ({exc}); is it on PYTHONPATH?"
        ) from exc
    handler = getattr(module, name, None)
    if not callable(handler):
        raise SettingsError(
            f"handler {target!r}: {module_name!r} has no function {name!r}"
        )
    return handler  # type: ignore[no-any-return]  # checked to be callable; its signature is the user's promise
