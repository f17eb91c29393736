"""Asks one generation what callers ask; whether it is live or not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from kbserver.endpoint.app import KBServer
from kbserver.endpoint.asking.ask import Ask
from kbserver.endpoint.doors.omni import OMNI
from kbserver.endpoint.ground import Call, Grounding, Services, ground
from kbserver.endpoint.grounding_cache import GroundingCache
from kbserver.endpoint.routing import RouteTable
from kbserver.evaluation.ask import asking
from kbserver.evaluation.dialogues import Dialogue
from kbserver.priority import yield_to_turns
from kbserver.retrieval.transcript.followup import Memory
from kbserver.settings import Settings
from kbserver.threads import DaemonThreads

_AT_ONCE = 2

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What one generation answers."""

    documents: tuple[str, ...] = ()
    """Spoken ones, the first passage's first; () for silence."""
    score: float | None = None
    """Of the first passage."""
    min_score: float | None = None
    """That was in force; None if nothing was searched."""

    @property
    def first(self) -> str | None:
        """The document that is spoken first."""
        return next(iter(self.documents), None)


class Asker:
    """Asks one generation."""

    def __init__(
        self,
        settings: Settings,
        corpus: str,
        generation: str,
        one_more: Callable[[], None] = lambda: None,
    ) -> None:
        """Open nothing yet; `one_more` is called after each turn."""
        self._settings = settings
        self._corpus = corpus
        self._generation = generation
        self._one_more = one_more
        self._cache = GroundingCache()

    async def ask(
        self, dialogues: Sequence[Dialogue], then: Callable[[KBServer], Awaitable[T]]
    ) -> tuple[list[list[Answer]], T]:
        """Return the answers of each dialogue, and what is done then with the same server.

        Raises:
            StoreError, ModelError: the generation cannot be served.
        """
        answers: list[list[Answer]] = [[] for _ in dialogues]
        waiting = iter(enumerate(dialogues))
        generations = {self._corpus: self._generation}
        store = self._settings.store
        async with asking(self._settings, store, generations=generations) as server:

            async def ask_some() -> None:
                for place, dialogue in waiting:
                    answers[place] = await self._ask_one(server, dialogue)

            async with asyncio.TaskGroup() as workers:
                for _ in range(_AT_ONCE):
                    workers.create_task(ask_some())
            return answers, await then(server)

    async def _ask_one(self, server: KBServer, dialogue: Dialogue) -> list[Answer]:
        table = RouteTable([dialogue.route])
        services = Services(table, server.corpora.retrievers, Memory(), self._cache)
        answers = []
        for asked in dialogue.turns:
            call = Call(Ask(asked.query, "replay", session="replay"), manner=OMNI)
            answers.append(answer_of(await ground(call, services)))
            self._one_more()
        return answers


def answer_of(grounding: Grounding) -> Answer:
    """Return which documents a turn speaks."""
    spoken = {passage.id for passage in grounding.context.passages}
    hits = [hit for hit in grounding.hits if hit.passage.id in spoken]
    least: float | None = None
    for search in grounding.trace.searches:
        least = search.threshold.min_score
    if not hits or grounding.trace.outcome == "empty":
        return Answer(min_score=least)
    documents = dict.fromkeys(hit.passage.source for hit in hits)
    return Answer(tuple(documents), hits[0].score, least)


def run_aside(work: Coroutine[Any, Any, T]) -> T:
    """Run some asking in threads that give way to the turns of a server on this machine."""
    thread = DaemonThreads(1, name="kbserver-asker", initializer=yield_to_turns)
    try:
        return thread.submit(asyncio.run, work).result()
    finally:
        thread.shutdown()


async def nothing(server: KBServer) -> None:
    """Do nothing more with a server."""
