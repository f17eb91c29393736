"""A front door: one wire on which a voice agent's engine asks for grounding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, TypeVar

from kbserver.errors import WireError
from kbserver.retrieval.context import Context
from kbserver.settings import Settings

Headers: TypeAlias = Mapping[str, str]
"""Of a request; names in lower case, or a mapping that takes them in any case."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What fits into one answer of a door."""

    passages_bytes: int
    """Of context and passages together, written as JSON."""
    text_bytes: int
    """Of a fixed text, which may stand in the answer twice; UTF-8."""


class Question(Protocol):
    """What every door reads in a request. A door's own type may hold more, to be echoed."""

    @property
    def query(self) -> str:
        """The caller's words."""

    @property
    def label(self) -> str | None:
        """The session label; None if the request has none."""


Q = TypeVar("Q", bound=Question)


@dataclass(frozen=True, slots=True)
class Door(Generic[Q]):
    """One wire, as values and pure functions: no sockets, no server.

    A second door is a file beside `omni.py` that ends in a `Door`, and its name in `DOORS`.
    """

    path: Callable[[Settings], str]
    """The URL path that is asked with POST."""
    limits: Limits
    token_of: Callable[[Headers], str]
    """Return the bearer token of a request; raise Unauthorized if it has none."""
    parse: Callable[[bytes, Headers], Q]
    """Read a body; raise InvalidRequest for what cannot be read."""
    render: Callable[[Q, Context, Mapping[str, object] | None], bytes]
    """Write an answer as JSON; the mapping holds extra keys, such as the debug trace."""
    render_error: Callable[[WireError], bytes]
    """Write a refusal as JSON."""
