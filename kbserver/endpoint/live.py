"""The corpora being served: opened, warmed, and swapped for newer generations without a pause."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar

from kbserver.embedding.base import Encoder
from kbserver.embedding.cores import usable_cores
from kbserver.embedding.models import check_present, open_encoder
from kbserver.embedding.query_embedder import QueryEmbedder
from kbserver.endpoint.figures.metrics import Metrics
from kbserver.endpoint.troubles import Troubles
from kbserver.errors import (
    KbServerError,
    ModelError,
    SnapshotMismatch,
    StoreError,
    StoreMissing,
    said_by,
)
from kbserver.index.documents import Differences, differences, named
from kbserver.index.manifest import rebuild
from kbserver.index.snapshot import Snapshot
from kbserver.index.store import PinnedStore, Store
from kbserver.priority import yield_to_turns
from kbserver.retrieval.retriever import Retriever
from kbserver.settings import Settings, TurnSettings
from kbserver.threads import DaemonThreads
from kbserver.types import ModelIdentity

MODEL_LIMIT_S = 900.0
"""For the model of a new generation to be warm; writing an export takes minutes at most."""

CAUGHT_UP = "CAUGHT_UP"
"""In the folder of what is followed: every corpus of the object store was tried."""

MOST_NAMES = 1_000
"""Documents that were added, changed or gone, that an event names."""

_STORE = ""  # among the troubles, which are by corpus: the store itself

T = TypeVar("T")


class Tell(Protocol):
    """Takes something that changed between turns."""

    def __call__(
        self,
        kind: str,
        text: str,
        *,
        corpus: str = "",
        details: Mapping[str, object] | None = None,
    ) -> None:
        """Take it; `details` are JSON values."""


log = logging.getLogger("kbserver.endpoint")


class LiveCorpora:
    """Every corpus of a store with its live generation, ready to be searched.

    A turn takes a retriever and keeps it to its end: a swap never pulls a snapshot from under it.
    Each corpus fails by itself: whatever is wrong with one, the others are opened and followed.
    """

    def __init__(
        self,
        store: Path,
        settings: Settings,
        metrics: Metrics,
        *,
        tell: Tell | None = None,
        generations: Mapping[str, str] | None = None,
        open_encoder: Callable[..., Encoder] = open_encoder,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Name a store; `open` opens it.

        Args:
            tell: is told of what callers notice, as `story.Story.event` is.
            generations: serve these alone, by corpus; None: every corpus, and what is live of it.
            open_encoder: gives the model of a corpus, called as `embedding.models.open_encoder`.
            clock: seconds; decides when what failed is tried again.
        """
        self._open_encoder = open_encoder
        self._store = Store(store)
        if generations is not None:
            self._store = PinnedStore(store, generations)
        self._settings = settings
        self._caught_up: Path | None = None
        """Is there once all that is followed was tried; None: it was, or nothing is followed."""
        if settings.follow is not None and generations is None:
            self._caught_up = settings.follow_folder / CAUGHT_UP
        self._metrics = metrics
        self._tell = tell or _nothing
        self._retrievers: dict[str, Retriever] = {}
        self._embedders: dict[str, QueryEmbedder] = {}  # by the model's fingerprint
        self._names: list[str] = []
        self._troubles = Troubles(clock)
        self._edited: set[str] = set()
        # One thread a core: more would only wait for the interpreter's lock.
        self._executor = ThreadPoolExecutor(
            max(2, usable_cores()), thread_name_prefix="kbserver-search"
        )
        # A network drive that hangs must not keep the server from ending.
        self._opening = DaemonThreads(
            1, name="kbserver-open", initializer=yield_to_turns
        )

    @property
    def retrievers(self) -> Mapping[str, Retriever]:
        """The retriever of each corpus, by name."""
        return self._retrievers

    @property
    def names(self) -> list[str]:
        """The corpora of the store at the last look, sorted, whether they are served or not."""
        return self._names

    def served(self, name: str) -> Retriever:
        """Return the retriever of a corpus.

        Raises:
            StoreError: it is not served; the message says why.
        """
        retriever = self._retrievers.get(name)
        if retriever is None:
            why = self._troubles.reason(name) or "the store does not hold it"
            raise StoreError(f"corpus {name}: {why}")
        return retriever

    @property
    def failing(self) -> list[str]:
        """The corpora whose live generation cannot be served, sorted."""
        return sorted(name for name in self._names if self._troubles.reason(name))

    @property
    def queue_length(self) -> int:
        """Queries waiting for their embedding."""
        return sum(embedder.queue_length for embedder in self._embedders.values())

    @property
    def ready(self) -> bool:
        """Whether at least one corpus is served and the models of all that are served are warm.

        A corpus that cannot be served is no reason to send the callers of the others away. A server
        that follows an object store and never had all of it waits for that.
        """
        if not self._retrievers or self._caught_up is not None:
            return False
        used = self._models_in_use()
        return all(self._embedders[fingerprint].ready for fingerprint in used)

    async def open(self) -> None:
        """Open the live generation of every corpus.

        Models load in the background: lexical search answers meanwhile. A corpus that cannot be
        opened is logged and counted, and `refresh` tries it again.

        Raises:
            StoreMissing: there is no store, or no corpus in it, and no object store is followed.
            StoreError: no corpus can be opened; it says why the first one cannot. Not where an
                object store is followed: a better generation may come.
            ModelError: the same, for want of its model.
        """
        self._look_for_mark()
        published = self._published()
        self._names = list(published)
        failures = {}
        for name in published:
            # Whole large files would keep a start waiting; they were read when they were published.
            failure = await self._try(name, verify=False)
            if failure is not None:
                failures[name] = failure
        if not self._retrievers and not self._follows:
            raise next(iter(failures.values()))
        for name, failure in failures.items():
            self._fails(name, published[name], failure)

    def check(self) -> None:
        """Check that a corpus of the store can be opened, for servers in other processes.

        Raises:
            StoreError, ModelError: as `open`.
        """
        failures = [self._openable(name) for name in self.on_disk()]
        if self._follows:
            return
        if failures[0] is not None and None not in failures:
            raise failures[0]

    def on_disk(self) -> list[str]:
        """Return the names of the store's corpora, sorted.

        Raises:
            StoreMissing: there is no store, or no corpus in it.
        """
        try:
            names = self._store.corpora()
        except StoreMissing:
            if not self._awaited:
                raise
            names = []
        if not names and not self._awaited:
            path = self._store.path
            raise StoreMissing(
                f"the store {path} holds no corpus; "
                f"fill it with  kbserver ingest PATH --store {path}"
            )
        return names

    async def refresh(self) -> bool:
        """Take over generations published since.

        A generation that cannot be served leaves the old one serving. It is tried again after
        growing pauses, and at once when another is published. A store that is away, or holds no
        corpus at all, leaves everything as it is.

        Returns:
            Whether another generation, or another set of corpora, is there now.
        """
        before = self._names, dict(self._retrievers)
        await self._in_background(self._look_for_mark)
        await self._let_models_go()
        published = await self._look()
        if published is None:
            return False
        self._names = list(published)
        for name, generation in published.items():
            await self._follow(name, generation)
        for name in before[0]:
            if name not in published:
                self._forget(name)
        await self._in_background(self._notice_edits)
        return before != (self._names, self._retrievers)

    async def until_ready(self) -> None:
        """Wait until every model is warm.

        Raises:
            KbServerError: one could not be opened.
        """
        for fingerprint in self._models_in_use():
            await self._embedders[fingerprint].until_ready()

    async def close(self) -> None:
        """Stop the embedders and let the snapshots go."""
        for embedder in self._embedders.values():
            await embedder.close()
        self._executor.shutdown(wait=True)
        self._opening.shutdown()
        self._retrievers.clear()

    @property
    def _follows(self) -> bool:
        """Whether generations come from an object store."""
        return self._settings.follow is not None

    @property
    def _awaited(self) -> bool:
        """Whether a first generation may still come; a store that had one is never empty."""
        return self._follows and not self._retrievers

    def _look_for_mark(self) -> None:
        if self._caught_up is not None and self._caught_up.exists():
            self._caught_up = None

    async def _look(self) -> dict[str, str] | None:
        """Return the live generation of every corpus on disk; None if the store is away."""
        try:
            published = await self._in_background(self._published)
        except Exception as exc:
            self._metrics.store_failing.set(1)
            if self._troubles.add(_STORE, "", said_by(exc)):
                log.error("what is open goes on being served: %s", said_by(exc))
            return None
        self._metrics.store_failing.set(0)
        if self._troubles.end(_STORE):
            log.info("the store %s is there again", self._store.path)
        return published

    async def _follow(self, name: str, generation: str) -> None:
        """Serve what is published of a corpus now, and what was calibrated for it."""
        serving = self._retrievers.get(name)
        if serving is not None and serving.snapshot.folder.name == generation:
            self._works(name, generation)
        elif self._troubles.may_try(name, generation):
            failure = await self._try(name, verify=True)
            if failure is not None:
                self._fails(name, generation, failure)
        serving = self._retrievers.get(name)
        if serving is None:
            return
        before = _least_score(serving)
        if await self._in_background(serving.recalibrate):
            self._say_threshold(name, before)

    async def _try(self, name: str, *, verify: bool) -> KbServerError | None:
        """Take a corpus's live generation over; return what keeps it from being served."""
        try:
            await self._take_over(name, verify=verify)
        except KbServerError as exc:
            return exc
        except Exception as exc:  # damage can raise anything; the other corpora go on
            # Not its cause: the traceback would keep the files that are open so far.
            return StoreError(
                f"{said_by(exc)}; see what is wrong with: "
                f"kbserver verify {name} --store {self._store.path}"
            )
        self._works(name, self._retrievers[name].snapshot.folder.name)
        return None

    def _fails(self, name: str, generation: str, failure: KbServerError) -> None:
        """Say and count that a corpus's live generation cannot be served.

        Args:
            generation: the one that was published when it was tried.
        """
        self._metrics.corpus_failing.labels(name).set(1)
        if self._troubles.add(name, generation, str(failure)):
            self._metrics.reload_failures.labels(name).inc()
            log.error(
                "corpus %s: %s is not served, %s: %s",
                name,
                generation or "its live generation",
                self._instead(name),
                failure,
            )

    def _instead(self, name: str) -> str:
        serving = self._retrievers.get(name)
        if serving is None:
            return "and its turns find nothing"
        return f"{serving.snapshot.folder.name} stays"

    def _works(self, name: str, generation: str) -> None:
        self._metrics.corpus_failing.labels(name).set(0)
        if self._troubles.end(name):
            log.info("corpus %s: works again with generation %s", name, generation)

    async def _take_over(self, name: str, *, verify: bool) -> None:
        """Open a corpus's live generation and serve it.

        Args:
            verify: read every file and compare its checksum, in the background; else as fast
                as can be.
        """
        executor: Executor | None = None
        if verify:
            executor = self._opening
        loop = asyncio.get_running_loop()
        snapshot = await loop.run_in_executor(executor, self._open, name, verify)
        replaced = self._retrievers.get(name)
        change: Differences | None = None
        if replaced is not None:
            change = await loop.run_in_executor(
                executor, _change, replaced.snapshot, snapshot
            )
        embedder = await self._embedder(snapshot.manifest.model)
        calibrated = self._calibrated(name, snapshot.manifest.model)
        retriever = Retriever(
            name, snapshot, embedder, self._executor, calibrated=calibrated
        )
        await loop.run_in_executor(executor, retriever.warm)
        before: float | None = None
        if replaced is not None:
            before = _least_score(replaced)
            # A new model must be warm before it replaces one that answers in full.
            async with asyncio.timeout(MODEL_LIMIT_S):
                await embedder.until_ready()
            self._retire(name)
        self._retrievers[name] = retriever
        generation = snapshot.manifest.generation
        made = datetime.fromisoformat(snapshot.manifest.created_at)
        self._metrics.corpus(name)
        self._metrics.generation.labels(name, generation).set(snapshot.size)
        self._metrics.generation_made.labels(name).set(made.timestamp())
        self._metrics.min_score.labels(name).set(_least_score(retriever))
        _say_generation(name, replaced, snapshot, change)
        self._say_change(name, generation, change)
        if before is not None and before != _least_score(retriever):
            self._say_threshold(name, before)

    def _say_threshold(self, name: str, before: float) -> None:
        """Say that other scores are good enough now: callers may get nothing from here on."""
        now = _least_score(self._retrievers[name])
        self._metrics.min_score.labels(name).set(now)
        log.warning(
            "corpus %s: min_score %.3f → %.3f: passages that score less are not answered",
            name,
            before,
            now,
        )
        text = f"min_score {before:.3f} → {now:.3f}"
        details = {"before": before, "now": now}
        self._tell("calibration", text, corpus=name, details=details)

    def _say_change(
        self, name: str, generation: str, change: Differences | None
    ) -> None:
        """Say which documents are answered from now on, and which no more."""
        details: dict[str, object] = {"generation": generation}
        text = f"generation {generation}"
        if change is not None:
            text = f"{text}: {change}"
            for what in ("added", "changed", "gone"):
                details[what] = getattr(change, what)[:MOST_NAMES]
        self._tell("generation", text, corpus=name, details=details)
        if change is None or not change.gone:
            return
        log.warning(
            "corpus %s: %d of %d documents are gone with generation %s: %s; "
            "the one before comes back with: kbserver rollback %s --store %s",
            name,
            len(change.gone),
            len(change.gone) + len(change.changed) + change.same,
            generation,
            named(change.gone),
            name,
            self._store.path,
        )

    def _notice_edits(self) -> None:
        """Say once which mapped files were edited: reading one that was cut ends the process."""
        for name, serving in list(self._retrievers.items()):
            for problem in serving.snapshot.edited_files():
                if problem in self._edited:
                    continue
                self._edited.add(problem)
                self._metrics.edited_files.labels(name).inc()
                log.critical(
                    "corpus %s: a file being served was edited in place, and reading it may end "
                    "this server: %s; ingest again, and never write into a generation",
                    name,
                    problem,
                )

    def _published(self) -> dict[str, str]:
        """Return the live generation of every corpus on disk; empty text where none can be told.

        Raises:
            StoreMissing: there is no store, or no corpus in it: perhaps a drive is away.
            StoreError: the store cannot be read.
        """
        generations = {}
        for name in self.on_disk():
            try:
                generations[name] = self._store.live(name)
            except StoreError:  # opening it says why
                if self._follows and name not in self._retrievers:
                    continue  # its first generation is being taken over
                generations[name] = ""
        return generations

    async def _in_background(self, work: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._opening, work)

    def _calibrated(self, name: str, model: ModelIdentity) -> float | None:
        """Return the least score in force of a corpus and model that are served; None without."""
        serving = self._retrievers.get(name)
        if serving is None:
            return None
        if serving.snapshot.manifest.model.fingerprint != model.fingerprint:
            return None
        return serving.calibrated

    def _models_in_use(self) -> set[str]:
        """Return the fingerprint of every model that a served corpus needs."""
        served = self._retrievers.values()
        return {retriever.snapshot.manifest.model.fingerprint for retriever in served}

    async def _let_models_go(self) -> None:
        """Close the models that no corpus is served with, once no turn waits for them."""
        unused = self._embedders.keys() - self._models_in_use()
        for fingerprint in unused:
            if not self._embedders[fingerprint].queue_length:
                await self._embedders.pop(fingerprint).close()

    def _open(self, name: str, verify: bool) -> Snapshot:
        snapshot = self._store.open(name, verify=verify)
        self._check_model(snapshot)
        snapshot.warm()
        return snapshot

    def _openable(self, name: str) -> KbServerError | None:
        """Return what keeps a corpus from being opened; None if nothing does."""
        try:
            with self._store.open(name) as snapshot:
                self._check_model(snapshot)
        except KbServerError as exc:
            return exc
        return None

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

    def _forget(self, name: str) -> None:
        """Let go of a corpus that was taken out of the store."""
        self._troubles.end(name)
        self._metrics.forget(name)
        if name in self._retrievers:
            self._retire(name)
        log.warning("corpus %s: is in the store no more, and served no more", name)

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
        await embedder.open()
        self._embedders[model.fingerprint] = embedder
        return embedder


def _say_generation(
    name: str, replaced: Retriever | None, now: Snapshot, change: Differences | None
) -> None:
    """Say what is served of a corpus from now on, and what was before."""
    generation = now.manifest.generation
    event = {"event": "generation"}
    if replaced is None:
        log.info(
            "corpus %s: serving generation %s with %d passages",
            name,
            generation,
            now.size,
            extra=event,
        )
        return
    said = "what changed cannot be told"
    if change is not None:
        said = str(change)
    log.warning(
        "corpus %s: generation %s with %d passages → %s with %d: %s",
        name,
        replaced.generation,
        replaced.snapshot.size,
        generation,
        now.size,
        said,
        extra=event,
    )


def _nothing(
    kind: str,
    text: str,
    *,
    corpus: str = "",
    details: Mapping[str, object] | None = None,
) -> None:
    """Tell of nothing to none."""


def _change(before: Snapshot, now: Snapshot) -> Differences | None:
    """Compare the documents of two generations; None if the older one's cannot be read."""
    try:
        return differences(before.documents(), now.documents())
    except Exception:  # it may have been removed; the newer one is served all the same
        return None


def _least_score(retriever: Retriever) -> float:
    """Return what is in force for a route without a `min_score` and a scope of its own."""
    return retriever.min_score(TurnSettings(), in_scope=False)
