"""What any door asks: words, their label and session, and what the answer may be. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kbserver.errors import InvalidRequest
from kbserver.labels import label_problem
from kbserver.types import Scope

SESSION_HEADER = "x-kbserver-session"
"""Of a request: the conversation that a turn belongs to, where the wire has no place for it."""

MOST_PAST = 4
"""Earlier utterances that are looked at: so many turns are remembered, too."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One question, as a door read it. It only ever narrows what route and token allow."""

    query: str
    """The caller's words."""
    label: str | None = None
    """Decides the route, and whether the token is good for it."""
    session: str | None = None
    """The conversation, which memory and fairness go by; None: the question stands alone.

    Omni's label is both, as its contract has it."""
    top_k: int | None = None
    """At most so many passages; None, and more than the route's: the route's."""
    min_score: float | None = None
    """Passages below it are left out, on top of the route's own threshold."""
    scope: Scope = field(default_factory=dict)
    """A metadata filter on top of those of route and token."""
    past: tuple[str, ...] = ()
    """What the same caller said before, newest first, where the client keeps the history."""
    spoken: bool = False
    """Whether this answer is heard, at a door whose answers are read."""
    passage_id: str | None = None
    """The one passage to be read; nothing is searched."""

    @property
    def is_spoken_alone(self) -> bool:
        """Whether a session of its own says that all of its words come from one conversation."""
        return self.session is not None and self.session != self.label

    @property
    def memory_key(self) -> str | None:
        """What earlier turns are kept under; None: nothing is kept.

        A session is known within its label alone. A label holds no line break, so that no two
        conversations have one key.
        """
        if not self.is_spoken_alone:
            return self.session
        return f"{self.label or ''}\n{self.session}"


def session_of(headers: Mapping[str, str]) -> str | None:
    """Return the session that a header names; None without.

    Raises:
        InvalidRequest: it is over the limits of a label.
    """
    session = headers.get(SESSION_HEADER)
    if not session:
        return None
    problem = label_problem(session)
    if problem:
        message = problem.replace("session label", f"header {SESSION_HEADER}")
        raise InvalidRequest(message, code="invalid_session", param=SESSION_HEADER)
    return session
