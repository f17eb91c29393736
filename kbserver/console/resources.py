"""What can be asked for: a resource is one function, which the API answers with and pages show."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from kbserver.console.access import Visitor
from kbserver.console.source import Source
from kbserver.durations import duration_s
from kbserver.errors import Forbidden, InvalidRequest, SettingsError, WireError
from kbserver.settings import Role

Json: TypeAlias = dict[str, Any]
"""JSON values."""

DEFAULT_SINCE = "7d"
LIMIT = 50
MOST_ROWS = 10_000
_LONGEST_TEXT = 4_000
_MOST_DIGITS = 15


class NotThere(WireError):
    """What was asked for does not exist, or is not for this visitor: the two look the same."""

    status = 404

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: there is none", code="not_found")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One that a resource or an action takes."""

    name: str
    meaning: str
    kind: str = "string"
    """JSON's name of its type."""
    required: bool = False


SINCE = Parameter(
    "since", f"how far back: 90s, 15m, 24h, {DEFAULT_SINCE} (the default)"
)
ROUTE = Parameter("route", "only turns of this label pattern, as written")
OUTCOME = Parameter("outcome", "only turns with this outcome or reason")
CORPUS = Parameter("corpus", "only of this corpus")
SEARCH = Parameter("search", "only turns in which all these words were said")
CURSOR = Parameter("cursor", "what `next` of the answer before said: the page after it")
MOST = Parameter("limit", f"rows at most; {LIMIT} if not given", "integer")
CHOICE = (SINCE, ROUTE, OUTCOME, CORPUS, SEARCH, CURSOR, MOST)


def cursor_of(at: float, id: object) -> str:
    """Return the cursor of what comes after a row: what lies before it in time."""
    return f"{at!r}~{id}"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to a resource or an action: from where, by whom, with which parameters."""

    source: Source
    visitor: Visitor
    values: Mapping[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        """Return a parameter; None if it is missing or empty.

        Raises:
            InvalidRequest: it is too long.
        """
        value = self.values.get(name) or None
        if value is not None and len(value) > _LONGEST_TEXT:
            raise self.wrong(
                name, f"has {len(value)} characters, {_LONGEST_TEXT} at most"
            )
        return value

    def wanted(self, name: str) -> str:
        """Return a parameter that must be there.

        Raises:
            InvalidRequest: it is not.
        """
        value = self.text(name)
        if value is None:
            raise self.wrong(name, "is missing")
        return value

    def number(
        self, name: str, default: float, *, least: float = 0.0, most: float
    ) -> float:
        """Return a number.

        Raises:
            InvalidRequest: it is none, or lies outside `least` and `most`.
        """
        text = self.text(name)
        if text is None:
            return default
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise self.wrong(
                name, f"is {text[:40]!r}, wanted a number {least:g} … {most:g}"
            )
        return value

    def whole(self, name: str, default: int = 0) -> int:
        """Return a whole number, 0 or more.

        Raises:
            InvalidRequest: it is none.
        """
        text = self.text(name)
        if text is None:
            return default
        if not text.isascii() or not text.isdigit() or len(text) > _MOST_DIGITS:
            raise self.wrong(name, f"is {text[:40]!r}, wanted a whole number")
        return int(text)

    def cursor(self) -> tuple[float, str] | None:
        """Return the moment and id that `next` of an answer named; None for the first page.

        Raises:
            InvalidRequest: it is none that an answer gave.
        """
        text = self.text("cursor")
        if text is None:
            return None
        at, _, id = text.partition("~")
        try:
            return float(at), id
        except ValueError:
            raise self.wrong("cursor", "is none that an answer gave") from None

    def limit(self, default: int = LIMIT) -> int:
        """Return how many rows are wanted at most."""
        return int(self.number("limit", default, least=1, most=MOST_ROWS))

    def since(self, default: str = DEFAULT_SINCE) -> float:
        """Return since when turns are wanted, seconds since the epoch.

        Raises:
            InvalidRequest: it is no duration.
        """
        try:
            back_s = duration_s(self.text("since") or default)
        except SettingsError as exc:
            raise self.wrong("since", f"cannot be read: {exc}") from None
        return max(0.0, self.source.clock() - back_s)

    def check(self, role: Role) -> None:
        """Check that the visitor may do as much.

        Raises:
            Forbidden: it may not.
        """
        if not self.visitor.may(role):
            raise Forbidden(
                f"this needs the role {role}; this token has {self.visitor.grant.role}",
                code="role",
            )

    def check_sees_all(self) -> None:
        """Check that the visitor's token is bound to no labels.

        Raises:
            Forbidden: it is.
        """
        if not self.visitor.sees_all:
            raise Forbidden(
                "this tells of every route, and this token is bound to some labels",
                code="labels",
            )

    def given(self, **values: object) -> Asked:
        """Return the same question with other parameters; None leaves one out."""
        merged = {**self.values, **values}
        kept = {name: str(one) for name, one in merged.items() if one is not None}
        return Asked(self.source, self.visitor, kept)

    def wrong(self, name: str, problem: str) -> InvalidRequest:
        """Return the error for a parameter that cannot be used."""
        return InvalidRequest(f"{name} {problem}", code="parameter", param=name)


@dataclass(frozen=True, slots=True)
class Resource:
    """Something to read, `GET /api/v1/PATH`."""

    path: str
    """Below the API's root; `{name}` is a parameter."""
    read: Callable[[Asked], Json]
    meaning: str
    rows: str | None = None
    """Key of the answer's list, which JSON lines and CSV give; None if there is none."""
    parameters: Sequence[Parameter] = ()
    flat: Callable[[Json], Json] | None = None
    """Makes a row of CSV; None leaves rows as they are."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do, by `POST` or `DELETE`."""

    path: str
    run: Callable[[Asked], Json]
    meaning: str
    role: Role
    parameters: Sequence[Parameter] = ()
    method: str = "POST"
    done: str = "Done."
    """What a page says afterwards."""
