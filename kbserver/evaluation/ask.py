"""Asks questions through a server in process, on the same path as a turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeAlias

from kbserver.endpoint.app import KBServer
from kbserver.endpoint.ground import Grounding
from kbserver.endpoint.routing import Route, RouteTable
from kbserver.endpoint.tokens.static import EVERYTHING, Grant
from kbserver.evaluation.dataset import Question
from kbserver.index.snapshot import Snapshot
from kbserver.labels import LabelPattern
from kbserver.settings import Settings, TurnSettings
from kbserver.types import Scope

DEPTH = 30  # hits that are judged: the ten best documents, of which several passages may hit
PATIENCE_MS = 10_000  # nothing is left out for want of time: what the arms find is measured apart from how fast

OnAnswer: TypeAlias = Callable[[str, Question, Grounding], None]
"""Called with the name of the variant, the question and what the turn gave."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to answer: the route's settings with some of them changed."""

    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)

    def settings(self, base: TurnSettings) -> TurnSettings:
        """What its route says: nothing is hidden for want of time or score. Hits are judged, not how they are said."""
        everything = {
            "top_k": DEPTH,
            "min_score": 0.0,
            "deadline_ms": PATIENCE_MS,
            "fallback": "",
            "speakable": False,
        }
        return TurnSettings(**base.model_dump() | everything | dict(self.changes))


ARMS = tuple(Variant(arms, {"arms": arms}) for arms in ("hybrid", "lexical", "dense"))
ABLATIONS = tuple(
    Variant(f"no {step}", {"arms": "hybrid", step: False})
    for step in ("gate", "fillers", "numbers", "misheard", "follow_up")
)


@asynccontextmanager
async def asking(settings: Settings, store: Path) -> AsyncIterator[KBServer]:
    """Run a server over a store, without its routes and with its models loaded.

    Raises:
        StoreError, ModelError: the store cannot be served.
    """
    alone: dict[str, object] = {"store": store, "routes": (), "reload_s": 0.0}
    server = KBServer(settings.model_copy(update=alone))
    async with server.running():
        await server.until_ready()
        yield server


async def ask(
    server: KBServer,
    corpus: str,
    questions: Sequence[Question],
    variants: Mapping[str, TurnSettings],
    on_answer: OnAnswer,
    *,
    history: bool = True,
    concurrency: int = 2,
) -> None:
    """Ask every question in every variant, and hand each answer on.

    Each question has a session label of its own, on which the caller's earlier turns are said first.

    Args:
        server: from `asking`.
        corpus: answered from this one only.
        variants: the settings of each one's route, by its name.
        on_answer: called as answers come, not in the order of the questions.
        history: whether the earlier turns are said first.
        concurrency: questions asked at once; 1 where time is measured.
    """
    this_time = token_hex(4)  # labels used before are remembered by the server
    routes = {name: f"{this_time}-{number}" for number, name in enumerate(variants)}
    server.table = RouteTable(
        Route(LabelPattern(f"{routes[name]}/*"), (corpus,), settings)
        for name, settings in variants.items()
    )
    snapshot = server.corpora.retrievers[corpus].snapshot
    waiting = iter(enumerate(questions))

    async def worker() -> None:
        for (
            place,
            question,
        ) in (
            waiting
        ):  # one question in all variants in turn: its embedding is computed once
            grant = Grant(EVERYTHING.labels, scope=_known(question.scope, snapshot))
            for name, settings in variants.items():
                label = f"{routes[name]}/{place}"
                for said in question.history if history and settings.follow_up else ():
                    await server.ground(said, label, grant=grant)
                on_answer(
                    name,
                    question,
                    await server.ground(question.text, label, grant=grant),
                )

    async with asyncio.TaskGroup() as workers:
        for _ in range(concurrency):
            workers.create_task(worker())


def _known(scope: Scope, snapshot: Snapshot) -> Scope:
    """The scope without values that nothing in the corpus has: sets of questions write names in other letters."""
    return {key: value for key, value in scope.items() if _holds(snapshot, key, value)}


def _holds(snapshot: Snapshot, key: str, value: str) -> bool:
    rows = snapshot.rows_in_scope({key: value})
    return rows is not None and rows.size > 0
