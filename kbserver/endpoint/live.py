"""The corpora being served: opened, warmed, and swapped for newer generations without a pause."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

from kbserver.embedding.base import Encoder
from kbserver.embedding.cores import usable_cores
from kbserver.embedding.models import check_present, open_encoder
from kbserver.embedding.query_embedder import QueryEmbedder
from kbserver.endpoint.metrics import Metrics
from kbserver.errors import KbServerError, ModelError, SnapshotMismatch, StoreMissing
from kbserver.index.manifest import rebuild
from kbserver.index.snapshot import Snapshot
from kbserver.index.store import Store
from kbserver.priority import yield_to_turns
from kbserver.retrieval.retriever import Retriever
from kbserver.settings import Settings
from kbserver.types import ModelIdentity

log = logging.getLogger("kbserver.endpoint")


class LiveCorpora:
    """Every corpus of a store with its live generation, ready to be searched.

    A turn takes a retriever and keeps it to its end: a swap never pulls a snapshot from under it.
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
            open_encoder: gives the model of a corpus, called as `embedding.models.open_encoder`.
        """
        self._open_encoder = open_encoder
        self._store = Store(store)
        self._settings = settings
        self._metrics = metrics
        self._retrievers: dict[str, Retriever] = {}
        self._embedders: dict[str, QueryEmbedder] = {}  # by the model's fingerprint
        self._failed: dict[str, str] = {}  # by corpus, the generation
        # One thread a core: more would only wait for the interpreter's lock.
        self._executor = ThreadPoolExecutor(
            max(2, usable_cores()), thread_name_prefix="kbserver-search"
        )
        self._opening = ThreadPoolExecutor(
            1, thread_name_prefix="kbserver-open", initializer=yield_to_turns
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
        if not self._retrievers:
            return False
        return all(embedder.ready for embedder in self._embedders.values())

    async def open(self) -> None:
        """Open the live generation of every corpus.

        Models load in the background: lexical search answers meanwhile.

        Raises:
            StoreMissing: there is no store, or no corpus in it.
            StoreError: a snapshot cannot be opened.
            ModelError: the model of one is not on this machine.
        """
        for name in self.on_disk():
            # At the start sizes and counts are checked; the bytes were when they were published.
            await self._take_over(name, executor=None, verify=False)

    def on_disk(self) -> list[str]:
        """Return the names of the store's corpora, sorted.

        Raises:
            StoreMissing: there is no store, or no corpus in it.
        """
        names = self._store.corpora()
        if not names:
            path = self._store.path
            raise StoreMissing(
                f"the store {path} holds no corpus; "
                f"fill it with  kbserver ingest PATH --store {path}"
            )
        return names

    async def refresh(self) -> bool:
        """Take over generations published since.

        A generation that does not verify leaves the old one serving, and is not tried again.

        Returns:
            Whether another generation, or another set of corpora, is served now.
        """
        before = dict(self._retrievers)
        loop = asyncio.get_running_loop()
        published = await loop.run_in_executor(self._opening, self._published)
        for name, generation in published.items():
            serving = self._retrievers.get(name)
            known = self._failed.get(name) == generation
            if serving is not None and serving.generation == generation:
                known = True
            if not known:
                await self._try_to_take_over(name, generation)
            elif serving is not None:
                await loop.run_in_executor(self._opening, serving.recalibrate)
        for name in before.keys() - published.keys():
            self._retire(name)
        return before != self._retrievers

    async def until_ready(self) -> None:
        """Wait until every model is warm.

        Raises:
            KbServerError: one could not be opened.
        """
        for embedder in self._embedders.values():
            await embedder.until_ready()

    async def close(self) -> None:
        """Stop the embedders and let the snapshots go."""
        for embedder in self._embedders.values():
            await embedder.close()
        self._executor.shutdown(wait=True)
        self._opening.shutdown(wait=True, cancel_futures=True)
        self._retrievers.clear()

    async def _try_to_take_over(self, name: str, generation: str) -> None:
        try:
            await self._take_over(name, executor=self._opening, verify=True)
        except KbServerError as exc:
            self._failed[name] = generation
            self._metrics.reload_failures.labels(name).inc()
            log.error(
                "corpus %s: the new generation %s is not served: %s",
                name,
                generation,
                exc,
            )
        else:
            self._failed.pop(name, None)

    async def _take_over(
        self, name: str, *, executor: Executor | None, verify: bool
    ) -> None:
        """Open a corpus's live generation and serve it.

        Args:
            executor: opens it; None: the event loop's own.
            verify: read every file and compare its checksum.
        """
        loop = asyncio.get_running_loop()
        snapshot = await loop.run_in_executor(executor, self._open, name, verify)
        embedder = await self._embedder(snapshot.manifest.model)
        retriever = Retriever(name, snapshot, embedder, self._executor)
        await loop.run_in_executor(executor, retriever.warm)
        if name in self._retrievers:
            # A new model must be warm before it replaces one that answers in full.
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
        """Return the live generation of every corpus on disk; empty text where none is named."""
        generations = {}
        for name in self._store.corpora():
            try:
                generations[name] = self._store.live(name)
            except StoreMissing:
                generations[name] = ""
        return generations

    def _open(self, name: str, verify: bool) -> Snapshot:
        snapshot = self._store.open(name, verify=verify)
        self._check_model(snapshot)
        snapshot.warm()
        return snapshot

    def _check_model(self, snapshot: Snapshot) -> None:
        """Refuse a model that is not there, or is another one now: waiting would not help."""
        manifest = snapshot.manifest
        try:
            check_present(
                manifest.model,
                cache=self._settings.models,
                store=self._store.path,
                backend=self._settings.backend,
                precision=self._settings.precision,
            )
        except (ModelError, SnapshotMismatch) as exc:
            command = rebuild(snapshot.folder)
            if isinstance(exc, ModelError):
                command += " --model MODEL"
            raise type(exc)(
                f"corpus {manifest.corpus}: {exc}; or rebuild with: {command}"
            ) from exc

    def _retire(self, name: str) -> None:
        old = self._retrievers.pop(name)
        self._metrics.generation.remove(name, old.generation)

    async def _embedder(self, model: ModelIdentity) -> QueryEmbedder:
        """Return the embedder of a model; corpora of one model share it."""
        known = self._embedders.get(model.fingerprint)
        if known is not None:
            return known
        settings = self._settings

        def open_model() -> Encoder:
            return self._open_encoder(
                model,
                cache=settings.models,
                store=self._store.path,
                backend=settings.backend,
                precision=settings.precision,
                threads=1,
                for_queries=True,
            )

        embedder = QueryEmbedder(open_model, workers=settings.embed_threads or None)
        self._embedders[model.fingerprint] = embedder
        await embedder.open()
        return embedder
