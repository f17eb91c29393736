"""The corpora being served: opened, warmed, and swapped for newer generations without a pause."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kbserver.embedding.base import Encoder
from kbserver.embedding.cores import usable_cores
from kbserver.embedding.models import check_present, open_encoder
from kbserver.embedding.query_embedder import QueryEmbedder
from kbserver.endpoint.trace import Metrics
from kbserver.errors import KbServerError, ModelError, SnapshotMismatch, StoreMissing
from kbserver.index.manifest import rebuild
from kbserver.index.snapshot import Snapshot
from kbserver.index.store import Store
from kbserver.retrieval.retriever import Retriever
from kbserver.settings import Settings
from kbserver.types import ModelIdentity

log = logging.getLogger("kbserver.endpoint")


class LiveCorpora:
    """Every corpus of a store with its live generation, ready to be searched.

    A turn takes a retriever and keeps it to its end: a swap never pulls a snapshot from under a turn.
    """

    def __init__(
        self,
        store: Path,
        settings: Settings,
        metrics: Metrics,
        *,
        open_encoder: Callable[..., Encoder] = open_encoder,
    ) -> None:
        """Name a store; `open` opens it.

        Args:
            open_encoder: gives the model of a corpus, called as `embedding.models.open_encoder` is.
        """
        self._open_encoder = open_encoder
        self._store = Store(store)
        self._models = self._store.path / ".models"
        self._settings = settings
        self._metrics = metrics
        self._retrievers: dict[str, Retriever] = {}
        self._embedders: dict[str, QueryEmbedder] = {}
        self._failed: dict[str, str] = {}
        # One a core: more only wait for the interpreter's lock, and a search took 5 ms of them instead of 3.
        self._executor = ThreadPoolExecutor(
            max(2, usable_cores()), thread_name_prefix="kbserver-search"
        )
        self._opening = ThreadPoolExecutor(
            1, thread_name_prefix="kbserver-open", initializer=_step_back
        )

    @property
    def retrievers(self) -> Mapping[str, Retriever]:
        """The retriever of each corpus, by name."""
        return self._retrievers

    @property
    def queue_length(self) -> int:
        """Queries waiting for their embedding."""
        return sum(embedder.queue_length for embedder in self._embedders.values())

    @property
    def ready(self) -> bool:
        """Whether at least one corpus is there and every model is warm."""
        return bool(self._retrievers) and all(
            embedder.ready for embedder in self._embedders.values()
        )

    async def open(self) -> None:
        """Open the live generation of every corpus. Models load in the background: lexical search answers meanwhile.

        Raises:
            StoreMissing: there is no store, or no corpus in it.
            StoreError: a snapshot cannot be opened.
            ModelError: the model of one is not on this machine.
        """
        for name in self.on_disk():
            await self._take_over(name)

    def on_disk(self) -> list[str]:
        """Return the names of the store's corpora, sorted.

        Raises:
            StoreMissing: there is no store, or no corpus in it.
        """
        names = self._store.corpora()
        if not names:
            raise StoreMissing(
                f"the store {self._store.path} holds no corpus; fill it with  kbserver ingest PATH --store {self._store.path}"
            )
        return names

    async def refresh(self) -> bool:
        """Take over generations published since; a generation that does not verify leaves the old one serving.

        Returns:
            Whether another generation, or another set of corpora, is served now.
        """
        before = dict(self._retrievers)
        published = await asyncio.get_running_loop().run_in_executor(
            self._opening, self._published
        )
        for name, live in published.items():
            serving = self._retrievers.get(name)
            if (serving is not None and serving.generation == live) or self._failed.get(
                name
            ) == live:
                if serving is not None:
                    await asyncio.get_running_loop().run_in_executor(
                        self._opening, serving.recalibrate
                    )
                continue
            try:
                await self._take_over(name)
                self._failed.pop(name, None)
            except KbServerError as exc:
                self._failed[name] = live
                self._metrics.reload_failures.labels(name).inc()
                log.error(
                    "corpus %s: the new generation %s is not served: %s",
                    name,
                    live,
                    exc,
                )
        for name in before.keys() - published.keys():
            self._retire(name)
        return before != self._retrievers

    async def close(self) -> None:
        """Stop the embedders and let the snapshots go."""
        for embedder in self._embedders.values():
            await embedder.close()
        self._executor.shutdown(wait=True)
        self._opening.shutdown(wait=True, cancel_futures=True)
        self._retrievers.clear()

    async def _take_over(self, name: str) -> None:
        loop = asyncio.get_running_loop()
        first = name not in self._retrievers
        executor = None if first else self._opening
        # At the start sizes and counts are checked; a generation that arrives later is read whole before it serves.
        snapshot = await loop.run_in_executor(executor, self._open, name, not first)
        embedder = await self._embedder(snapshot.manifest.model)
        retriever = Retriever(name, snapshot, embedder, self._executor)
        await loop.run_in_executor(executor, retriever.warm)
        if not first:  # a new model must be warm before its generation replaces one that answers in full
            await embedder.until_ready()
            self._retire(name)
        self._retrievers[name] = retriever
        generation = snapshot.manifest.generation
        self._metrics.generation.labels(name, generation).set(snapshot.size)
        log.info(
            "corpus %s: serving generation %s with %d passages",
            name,
            generation,
            snapshot.size,
        )

    def _published(self) -> dict[str, str]:
        """The live generation of every corpus on disk; empty text where none is named."""
        found = {}
        for name in self._store.corpora():
            try:
                found[name] = self._store.live(name)
            except StoreMissing:
                found[name] = ""
        return found

    def _open(self, name: str, verify: bool) -> Snapshot:
        snapshot = self._store.open(name, verify=verify)
        self._check_model(snapshot)
        snapshot.warm()
        return snapshot

    def _check_model(self, snapshot: Snapshot) -> None:
        """Refuse what no waiting would mend: a model that is not there, or is another one now."""
        corpus, model, settings = (
            snapshot.manifest.corpus,
            snapshot.manifest.model,
            self._settings,
        )
        try:
            check_present(
                model,
                cache=self._models,
                backend=settings.backend,
                precision=settings.precision,
            )
        except (ModelError, SnapshotMismatch) as exc:
            command = rebuild(snapshot.folder) + " --model MODEL" * isinstance(
                exc, ModelError
            )
            raise type(exc)(
                f"corpus {corpus}: {exc}; or rebuild with: {command}"
            ) from exc

    def _retire(self, name: str) -> None:
        old = self._retrievers.pop(name)
        self._metrics.generation.remove(name, old.generation)

    async def _embedder(self, model: ModelIdentity) -> QueryEmbedder:
        if model.fingerprint not in self._embedders:
            settings = self._settings
            embedder = QueryEmbedder(
                lambda: self._open_encoder(
                    model,
                    cache=self._models,
                    backend=settings.backend,
                    precision=settings.precision,
                    threads=1,
                    for_queries=True,
                ),
                workers=settings.embed_threads or None,
            )
            self._embedders[model.fingerprint] = embedder
            await embedder.open()
        return self._embedders[model.fingerprint]

    async def until_ready(self) -> None:
        """Wait until every model is warm.

        Raises:
            KbServerError: one could not be opened.
        """
        for embedder in self._embedders.values():
            await embedder.until_ready()


def _step_back() -> None:
    """Let this thread give way to turns: reading a generation of gigabytes takes a core for seconds."""
    if sys.platform == "linux":  # elsewhere a thread has no priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
