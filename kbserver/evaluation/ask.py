"""Asks questions in process, on the same path as a turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from kbserver.endpoint.app import KBServer
from kbserver.endpoint.asking.ask import Ask
from kbserver.endpoint.doors.omni import OMNI
from kbserver.endpoint.ground import Call, Grounding, Services, ground
from kbserver.endpoint.grounding_cache import GroundingCache
from kbserver.endpoint.routing import Route, RouteTable
from kbserver.endpoint.tokens.static import EVERYTHING, Grant
from kbserver.evaluation.dataset import Question
from kbserver.index.snapshot import Snapshot
from kbserver.labels import LabelPattern
from kbserver.retrieval.transcript.followup import Memory
from kbserver.settings import Settings, TurnSettings
from kbserver.types import Scope

# Hits judged: enough for ten documents, of which several passages may be hits.
DEPTH = 30
PATIENCE_MS = 10_000  # no arm is left out for want of time; speed is measured apart

OnAnswer: TypeAlias = Callable[[str, Question, Grounding], None]
"""Called with the name of the variant, the question and what the turn gave."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to answer: the route's settings with some of them changed."""

    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)

    def settings(self, base: TurnSettings) -> TurnSettings:
        """The settings of this variant's route.

        No hit is hidden for want of time or score, and passages are left as written.
        """
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
async def asking(
    settings: Settings, store: Path, *, generations: Mapping[str, str] | None = None
) -> AsyncIterator[KBServer]:
    """Run a server over a store, without the routes of its settings and with its models loaded.

    Args:
        generations: serve these alone, by corpus; None: every corpus, and what is live of it.

    Raises:
        StoreError, ModelError: the store cannot be served.
    """
    alone: dict[str, object] = {"store": store, "routes": (), "reload_s": 0.0}
    server = KBServer(settings.model_copy(update=alone), generations=generations)
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

    Each question has a session label of its own, on which the caller's earlier turns are said
    first. Nothing is remembered from one `ask` to the next.

    Args:
        server: from `asking`; its own routes are not used.
        corpus: answered from this one only.
        variants: the settings of each variant's route, by its name.
        on_answer: called as answers come, not in the order of the questions.
        history: whether the earlier turns are said first.
        concurrency: questions asked at once; 1 where time is measured.
    """
    asker = _Asker(server, corpus, variants, on_answer, history=history)
    waiting = iter(enumerate(questions))

    async def ask_one_after_the_other() -> None:
        for place, question in waiting:
            await asker.ask(place, question)

    async with asyncio.TaskGroup() as workers:
        for _ in range(concurrency):
            workers.create_task(ask_one_after_the_other())


class _Asker:
    """Turns over a server's retrievers, with a route for each variant."""

    def __init__(
        self,
        server: KBServer,
        corpus: str,
        variants: Mapping[str, TurnSettings],
        on_answer: OnAnswer,
        *,
        history: bool,
    ) -> None:
        self._snapshot = server.corpora.served(corpus).snapshot
        self._variants = variants
        self._on_answer = on_answer
        self._history = history
        routes = [
            Route(LabelPattern(f"{name}/*"), (corpus,), settings)
            for name, settings in variants.items()
        ]
        retrievers = server.corpora.retrievers
        self._services = Services(
            RouteTable(routes), retrievers, Memory(), GroundingCache()
        )

    async def ask(self, place: int, question: Question) -> None:
        """Ask one question in all variants in turn: its embedding is computed once."""
        scope = _known_scope(question.scope, self._snapshot)
        grant = Grant(EVERYTHING.labels, scope=scope)
        for name, settings in self._variants.items():
            label = f"{name}/{place}"
            for earlier in self._earlier(question, settings):
                await self._ground(earlier, label, grant)
            grounding = await self._ground(question.text, label, grant)
            self._on_answer(name, question, grounding)

    def _earlier(self, question: Question, settings: TurnSettings) -> Sequence[str]:
        """What the caller says first; nothing where the variant does not look back."""
        if self._history and settings.follow_up:
            return question.history
        return ()

    async def _ground(self, query: str, label: str, grant: Grant) -> Grounding:
        call = Call(Ask(query, label, session=label), grant, manner=OMNI)
        return await ground(call, self._services)


def _known_scope(scope: Scope, snapshot: Snapshot) -> Scope:
    """The scope without values that no passage of the corpus has.

    Sets of questions may write a name in other letters than the documents do.
    """
    return dict(_known_pairs(scope, snapshot))


def _known_pairs(scope: Scope, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    for key, value in scope.items():
        rows = snapshot.rows_in_scope({key: value})
        if rows is not None and rows.size > 0:
            yield key, value
