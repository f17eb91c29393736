"""The pages. What each shows is what the API answers, under the same parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kbserver.console.reading.figures import summary
from kbserver.console.reading.gaps import gap, gaps
from kbserver.console.reading.library import (
    corpora_of,
    document,
    documents,
    generations,
    passage,
    seen_corpora,
)
from kbserver.console.reading.releases import comparison, replay, replays, scores
from kbserver.console.reading.server import server
from kbserver.console.reading.suspects import suspects
from kbserver.console.reading.trying import threshold_effect, try_question
from kbserver.console.reading.turns import call, calls, turn, turns
from kbserver.console.resources import Asked, Json, NotThere
from kbserver.errors import ModelError, StoreError

TODAY = "24h"
_SUSPECTS = 15  # to be judged at a sitting
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


def _try(asked: Asked) -> Json:
    """The form, and below it what its question finds: `try`, `thresholds` and `generations`."""
    known = seen_corpora(asked)
    corpus = asked.text("corpus") or next(iter(known), None)
    asked = asked.given(corpus=corpus)
    shown: Json = {
        "corpora": known,
        "generations": [],
        "tried": None,
        "effect": None,
        "problem": None,
    }
    if asked.visitor.sees_all and corpus is not None:
        shown["generations"] = generations(asked)["generations"]
    if asked.text("question") is None:
        return shown
    try:
        shown["tried"] = try_question(asked)
    except (StoreError, ModelError, NotThere) as exc:
        return shown | {"problem": str(exc)}
    if asked.visitor.sees_all:
        found = asked.given(corpus=shown["tried"]["corpus"])
        shown["effect"] = threshold_effect(found)
    return shown


def _releases(asked: Asked) -> Json:
    """Generations and replays of one corpus: `generations` and `replays`."""
    known = corpora_of(asked)
    asked = asked.given(corpus=asked.text("corpus") or next(iter(known), None))
    made = replays(asked)
    return {
        "corpora": known,
        "corpus": asked.text("corpus"),
        "generations": generations(asked)["generations"],
        "replays": made["replays"],
        "running": made["running"],
        "scores": scores(made["replays"]),
    }


def _suspects(asked: Asked) -> Json:
    return suspects(asked.given(limit=asked.limit(_SUSPECTS)))


PAGES: tuple[Page, ...] = (
    Page("/", "Today", "today.html", _today),
    Page("/live", "Live", "live.html", _live),
    Page("/calls", "Calls", "calls.html", calls),
    Page("/calls/{key}", "Call", "call.html", call, in_menu=False),
    Page("/suspects", "Suspects", "suspects.html", _suspects),
    Page("/documents", "Documents", "documents.html", documents),
    Page(
        "/documents/{corpus}/{document:path}",
        "Document",
        "document.html",
        document,
        in_menu=False,
    ),
    Page("/passages/{id}", "Passage", "passage.html", passage, in_menu=False),
    Page("/try", "Try", "try.html", _try),
    Page("/gaps", "Gaps", "gaps.html", gaps, sees_all=True),
    Page("/gaps/{id}", "Gap", "gap.html", gap, in_menu=False, sees_all=True),
    Page("/releases", "Releases", "releases.html", _releases, sees_all=True),
    Page("/replays/{n}", "Replay", "replay.html", replay, in_menu=False, sees_all=True),
    Page(
        "/comparisons/{corpus}",
        "Comparison",
        "comparison.html",
        comparison,
        in_menu=False,
        sees_all=True,
    ),
    Page("/server", "Server", "server.html", server, sees_all=True),
    Page("/turns", "Turns", "turns.html", turns, in_menu=False),
    Page("/turns/{id}", "Turn", "turn.html", turn, in_menu=False),
)
