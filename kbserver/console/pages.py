"""The pages. What each shows is what the API answers, under the same parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kbserver.console.reading.figures import summary
from kbserver.console.reading.turns import call, calls, turn, turns
from kbserver.console.resources import Asked, Json

TODAY = "24h"
_LIVE = 30  # turns that the page begins with


@dataclass(frozen=True, slots=True)
class Page:
    """One page."""

    path: str
    """`{name}` is a parameter."""
    title: str
    template: str
    read: Callable[[Asked], Json]
    in_menu: bool = True
    sees_all: bool = False
    """Whether it is of no use to a token that is bound to labels."""


def _today(asked: Asked) -> Json:
    since = asked.text("since") or TODAY
    return summary(asked.given(since=since)) | {"chosen": since}


def _live(asked: Asked) -> Json:
    return turns(asked.given(limit=_LIVE, since="30d"))


PAGES: tuple[Page, ...] = (
    Page("/", "Today", "today.html", _today),
    Page("/live", "Live", "live.html", _live),
    Page("/calls", "Calls", "calls.html", calls),
    Page("/calls/{key}", "Call", "call.html", call, in_menu=False),
    Page("/turns", "Turns", "turns.html", turns, in_menu=False),
    Page("/turns/{id}", "Turn", "turn.html", turn, in_menu=False),
)
