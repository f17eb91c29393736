"""Asks generations what a caller would, with every candidate; each stays open for a while.

The model is opened with the first question, in this process: none of a server's time is taken.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any, TypeVar

from kbserver.endpoint.app import KBServer
from kbserver.endpoint.asking.ask import Ask
from kbserver.endpoint.doors.omni import OMNI
from kbserver.endpoint.ground import Call, Grounding, Services, ground
from kbserver.endpoint.grounding_cache import GroundingCache
from kbserver.endpoint.routing import Route, RouteTable
from kbserver.errors import StoreError
from kbserver.evaluation.ask import PATIENCE_MS, asking
from kbserver.labels import LabelPattern
from kbserver.retrieval.transcript.followup import Memory
from kbserver.settings import Settings, TurnSettings
from kbserver.types import Hit, Scope

CANDIDATES = 20
MOST_OPEN = 2
"""Generations that are open at once: as many as are compared."""

LONGEST_S = 120.0
"""For a model to open and a question to be answered."""

T = TypeVar("T")


class Generations:
    """Generations of one store, open to be asked; in a thread of their own."""

    def __init__(self, settings: Settings) -> None:
        """Open nothing yet."""
        # One thread embeds: what is tried must not take the cores that turns need.
        own: dict[str, object] = {"embed_threads": 1, "backend": "onnx"}
        self._settings = settings.model_copy(update=own)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._busy = asyncio.Lock()
        self._open: OrderedDict[tuple[str, str], tuple[AsyncExitStack, KBServer]] = (
            OrderedDict()
        )

    def ask(
        self,
        corpus: str,
        generation: str,
        query: str,
        *,
        settings: TurnSettings,
        scope: Scope,
        min_score: float | None,
    ) -> tuple[list[Hit], Grounding]:
        """Return every candidate of a question, best first, and the turn it would be.

        Args:
            settings: of the route.
            scope: of the route, for the label that asks.
            min_score: in place of the threshold in force; None: that one.

        Raises:
            StoreError, ModelError: the generation cannot be asked.
        """
        return self._run(
            self._asked(corpus, generation, query, settings, scope, min_score)
        )

    def close(self) -> None:
        """Let everything go."""
        if self._loop is None or self._thread is None:
            return
        self._run(self._close_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = self._thread = None

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="kbserver-try", daemon=True
                )
                self._thread.start()
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(LONGEST_S)
        except TimeoutError:
            future.cancel()
            raise StoreError(
                f"no answer within {LONGEST_S:.0f} s; is the machine busy? try again"
            ) from None

    async def _asked(
        self,
        corpus: str,
        generation: str,
        query: str,
        settings: TurnSettings,
        scope: Scope,
        min_score: float | None,
    ) -> tuple[list[Hit], Grounding]:
        async with self._busy:
            server = await self._opened(corpus, generation)
            patient: dict[str, object] = {"deadline_ms": PATIENCE_MS}
            everything = patient | {
                "min_score": 0.0,
                "top_k": CANDIDATES,
                "gate": False,
            }
            all_of_it = settings.model_copy(update=everything)
            found = await _ground(server, corpus, query, all_of_it, scope)
            if min_score is not None:
                patient["min_score"] = min_score
            as_served = settings.model_copy(update=patient)
            turn = await _ground(server, corpus, query, as_served, scope)
            return list(found.hits), turn

    async def _opened(self, corpus: str, generation: str) -> KBServer:
        key = corpus, generation
        if key in self._open:
            self._open.move_to_end(key)
            server = self._open[key][1]
            server.corpora.served(corpus).recalibrate()
            return server
        while len(self._open) >= MOST_OPEN:
            _, (stack, _) = self._open.popitem(last=False)
            await stack.aclose()
        stack = AsyncExitStack()
        pinned = {corpus: generation}
        store = self._settings.store
        server = await stack.enter_async_context(
            asking(self._settings, store, generations=pinned)
        )
        self._open[key] = stack, server
        return server

    async def _close_all(self) -> None:
        while self._open:
            _, (stack, _) = self._open.popitem()
            await stack.aclose()


async def _ground(
    server: KBServer, corpus: str, query: str, settings: TurnSettings, scope: Scope
) -> Grounding:
    route = Route(LabelPattern("*"), (corpus,), settings, scope=scope)
    services = Services(
        RouteTable([route]), server.corpora.retrievers, Memory(), GroundingCache()
    )
    return await ground(Call(Ask(query), manner=OMNI), services)
