"""Both arms over one corpus, started together, fused before the deadline."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from kbserver.deadline import Deadline
from kbserver.embedding.batcher import QueryEmbedder
from kbserver.errors import EmbedderUnavailable
from kbserver.index.snapshot import Snapshot
from kbserver.retrieval.calibration import CALIBRATION_FILE, default_min_score, read_min_score
from kbserver.retrieval.followup import Carry, Exchange, carry
from kbserver.retrieval.fusion import Evidence, rank, scores
from kbserver.retrieval.lexical import LexicalArm, LexicalEvidence, LexicalFound
from kbserver.retrieval.neighbours import join_neighbours
from kbserver.retrieval.precedence import Precedence
from kbserver.retrieval.speech import Heard, as_said, hear
from kbserver.settings import TurnSettings
from kbserver.types import FloatVector, Hit, Rows, RowScores, Scope

# Rows each arm proposes. Both scores are known for every candidate, so more of them cost time and hardly find more.
CANDIDATES = 100

# The arms end this long before the hits must be there: ranking what they found takes about 0.5 ms, and the event loop
# must come round for it.
FUSE_RESERVE_MS = 10.0

log = logging.getLogger("kbserver")


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What one search found, and how."""

    hits: Sequence[Hit]
    degraded: str | None = None
    """Why an arm was left out: the dense one `busy`, `late`, `loading` or `failed`; `lexical_late` or `lexical_failed`."""
    nothing: str = ""
    """Why there is no hit: `empty_scope`, `no_match`, `below_min_score`, or `late` if neither arm was in time."""
    stages_ms: Mapping[str, float] = field(default_factory=dict)
    embedding: FloatVector | None = field(default=None, repr=False)
    """Of the query alone, shape (dim,); None if the dense arm gave no answer."""


@dataclass(frozen=True, slots=True)
class _Words:
    found: LexicalFound
    ms: float


@dataclass(frozen=True, slots=True)
class _Asked:
    embedding: FloatVector
    """Of the query alone."""
    vector: FloatVector
    """What is searched with: the embedding, moved towards the earlier question of a follow-up."""
    ms: float


@dataclass(frozen=True, slots=True)
class _Meaning:
    vector: FloatVector
    found: RowScores


@dataclass(frozen=True, slots=True)
class _Ranked:
    hits: Sequence[Hit]
    degraded: str | None
    nothing: str
    stages_ms: Mapping[str, float]


class Retriever:
    """Searches the snapshot of one corpus."""

    def __init__(self, corpus: str, snapshot: Snapshot, embedder: QueryEmbedder, executor: Executor) -> None:
        self.corpus = corpus
        self.snapshot = snapshot
        self._embedder = embedder
        self._executor = executor
        self._complained: set[tuple[str, type[Exception]]] = set()
        self._lexical = LexicalArm(snapshot)
        self._precedence = Precedence(snapshot)
        self._calibrated: float | None = None
        self._calibrated_ns = -1
        self.recalibrate()
        # Let go together with the last turn that searches them, not when the snapshot is retired.
        self._vectors, self._passages = snapshot.vectors, snapshot.passages

    def warm(self) -> None:
        """Search once with a passage's own words and embedding, so that no caller pays for what happens only once."""
        if self.snapshot.size:
            settings = TurnSettings()
            words = self._by_words(hear(self._passages[0].text), None, None, settings)
            vector = self.snapshot.embeddings[0].astype(np.float32)
            self._fused(words, _Meaning(vector, self._nearest(vector, None)), settings)

    def recalibrate(self) -> None:
        """Take over what `kbserver calibrate` stored since, if anything; reads a file."""
        folder = self.snapshot.folder.parent
        try:
            changed_ns = (folder / CALIBRATION_FILE).stat().st_mtime_ns
        except OSError:
            changed_ns = 0
        if changed_ns != self._calibrated_ns:
            self._calibrated_ns = changed_ns
            self._calibrated = read_min_score(folder, self.snapshot.manifest.model.fingerprint)

    @property
    def generation(self) -> str:
        """The generation being searched."""
        return self.snapshot.manifest.generation

    async def retrieve(
        self,
        query: str,
        *,
        scope: Scope,
        settings: TurnSettings,
        deadline: Deadline,
        embed_by: Deadline | None = None,
        past: Sequence[Exchange] = (),
    ) -> Retrieval:
        """Return the best passages for a query.

        Args:
            query: as the caller said it.
            scope: only passages with these metadata values are ranked.
            settings: top_k, min_score, arms and speech steps of the route.
            deadline: when the hits must be there: what an arm has not found shortly before is left out.
            embed_by: an earlier moment for the embedding, for a caller who asks for more than its share.
            past: earlier turns of the same caller, newest first, for a query that leans on them.

        Returns:
            At most `top_k` hits, best first.
        """
        rows = self._rows(scope)
        if rows is not None and rows.size == 0:
            return Retrieval((), nothing="empty_scope")
        heard = hear(query) if settings.fillers else as_said(query)
        leans_on = carry(heard.text, past, share=self._lexical.share) if past else None
        arms_end = deadline.less_ms(min(FUSE_RESERVE_MS, 0.25 * max(0.0, deadline.remaining_ms())))
        asking = asyncio.ensure_future(
            self._embedded(heard.text, leans_on, settings, min(arms_end, embed_by or arms_end))
        )
        await asyncio.sleep(0)  # the model goes first: begun second, it would wait 0.3 ms for the interpreter's lock
        search: Callable[[], _Words] | None = partial(self._by_words, heard, leans_on, rows, settings)
        if asking.done() and isinstance(asked := asking.result(), str):  # words alone: one thread does it all
            by_words: Future[_Words] = Future()
        else:
            by_words = self._executor.submit(self._by_words, heard, leans_on, rows, settings)
            search = None
            asked = await asking
        if asked == "late" and embed_by is not None and not arms_end.passed:
            asked = "busy"  # there was time, only not for this caller
        ranked = await self._ranked_by(deadline, arms_end, by_words, search, asked, rows, settings)

        least = self.min_score(settings, in_scope=bool(scope))
        good = join_neighbours([hit for hit in ranked.hits if hit.score >= least])
        nothing = ranked.nothing or ("" if good else "below_min_score" if ranked.hits else "no_match")
        embedding = asked.embedding if isinstance(asked, _Asked) else None
        return Retrieval(good[: settings.top_k], ranked.degraded, nothing, ranked.stages_ms, embedding)

    def min_score(self, settings: TurnSettings, *, in_scope: bool) -> float:
        """Return the score below which nothing is said: the route's, else the calibrated one, else a default."""
        if settings.min_score is not None:
            return settings.min_score
        return self._calibrated if self._calibrated is not None else default_min_score(in_scope=in_scope)

    def rests_on(self) -> tuple[object, ...]:
        """What an answer of this moment depends on, to be compared with `is`: the generation, and what of it is valid."""
        return self, self.snapshot.valid_rows(time.time()), self._calibrated

    def _rows(self, scope: Scope) -> Rows | None:
        """The rows that may be answered: inside the scope, valid now, not superseded; None for all of them."""
        rows = self.snapshot.rows_in_scope(scope)
        valid = self.snapshot.valid_rows(time.time())
        if valid is not None:
            rows = valid if rows is None else np.intersect1d(rows, valid, assume_unique=True)
        superseded = self._precedence.superseded(valid)
        if superseded.size:
            everything = np.arange(self.snapshot.size, dtype=np.int64)
            rows = np.setdiff1d(everything if rows is None else rows, superseded, assume_unique=True)
        return rows

    def _by_words(self, heard: Heard, leans_on: Carry | None, rows: Rows | None, settings: TurnSettings) -> _Words:
        begun = time.perf_counter()
        asked = self._lexical.ask(heard, settings, leans_on)
        found = self._lexical.search(asked, top_k=CANDIDATES, rows=rows)
        return _Words(found, (time.perf_counter() - begun) * 1000.0)

    async def _embedded(
        self, said: str, leans_on: Carry | None, settings: TurnSettings, deadline: Deadline
    ) -> _Asked | str:
        """The query as the dense arm searches for it, or in a word why there is none."""
        if settings.arms == "lexical":
            return ""
        begun = time.perf_counter()
        try:
            embedding = await self._embedder.embed(said, deadline)
        except EmbedderUnavailable as exc:
            return exc.reason
        vector = leans_on.blend(embedding) if leans_on is not None else embedding
        return _Asked(embedding, vector, (time.perf_counter() - begun) * 1000.0)

    async def _ranked_by(
        self,
        deadline: Deadline,
        arms_end: Deadline,
        by_words: Future[_Words],
        search: Callable[[], _Words] | None,
        asked: _Asked | str,
        rows: Rows | None,
        settings: TurnSettings,
    ) -> _Ranked:
        """What both arms found, ranked; at the deadline what there is of it.

        Args:
            search: fills `by_words`; None if that is under way.
        """
        ranking = self._executor.submit(self._ranked, by_words, search, asked, rows, settings, arms_end)
        waiting = asyncio.wrap_future(ranking)
        await asyncio.wait((waiting,), timeout=max(0.0, deadline.remaining_ms() / 1000.0))
        if waiting.done():
            return waiting.result()
        # A search that hangs (a disk that does not answer) holds its thread: what is known is ranked right here.
        waiting.cancel()
        if by_words.done() or by_words.cancel():
            words = by_words.result() if not by_words.cancelled() and by_words.exception() is None else None
            if words is not None:
                begun = time.perf_counter()
                hits = self._fused(words, None, settings)
                stages = {"lexical": words.ms, "fuse": (time.perf_counter() - begun) * 1000.0}
                return _Ranked(hits, (asked or None) if isinstance(asked, str) else "late", "", stages)
        return _Ranked((), None, "late", {})

    def _ranked(
        self,
        by_words: Future[_Words],
        search: Callable[[], _Words] | None,
        asked: _Asked | str,
        rows: Rows | None,
        settings: TurnSettings,
        arms_end: Deadline,
    ) -> _Ranked:
        """Search by meaning, wait for the words and rank; in a thread of the executor.

        The search by words was submitted before this one, so it is running or over by now: nobody waits for a thread.
        """
        if search is not None and by_words.set_running_or_notify_cancel():
            _settle(by_words, search)
        stages: dict[str, float] = {}
        degraded = asked if isinstance(asked, str) and asked else None
        meaning = None
        if isinstance(asked, _Asked):
            begun = time.perf_counter()
            try:
                meaning = _Meaning(asked.vector, self._nearest(asked.vector, rows))
            except Exception as exc:  # whatever an index raises, the words are still there
                self._complain("dense", exc)
                degraded = "failed"
            stages = {"embed": asked.ms, "dense": (time.perf_counter() - begun) * 1000.0}
        words = None
        try:
            words = by_words.result(timeout=max(0.0, arms_end.remaining_ms() / 1000.0))
            stages["lexical"] = words.ms
        except TimeoutError:
            degraded = "lexical_late"
        except Exception as exc:
            if meaning is None:
                raise
            self._complain("lexical", exc)
            degraded = "lexical_failed"
        if words is None and meaning is None:
            return _Ranked((), None, "late", stages)
        begun = time.perf_counter()
        hits = self._fused(words, meaning, settings)
        stages["fuse"] = (time.perf_counter() - begun) * 1000.0
        return _Ranked(hits, degraded, "", stages)

    def _complain(self, arm: str, exc: Exception) -> None:
        """Log a failing search once for each kind of failure: it comes back with every turn."""
        if (arm, type(exc)) not in self._complained:
            self._complained.add((arm, type(exc)))
            log.error("corpus %s: the %s search failed", self.corpus, arm, exc_info=exc)

    def _nearest(self, vector: FloatVector, rows: Rows | None) -> RowScores:
        if rows is None:
            return self._vectors.search(vector, top_k=CANDIDATES)
        return self._vectors.search_rows(vector, rows, top_k=CANDIDATES)

    def _fused(self, words: _Words | None, meaning: _Meaning | None, settings: TurnSettings) -> list[Hit]:
        """All candidates of the arms that answered, with both of their scores, ranked; as many as could be said."""
        by_words = words is not None and settings.arms != "dense"
        proposed = [words.found.rows] if words is not None and by_words else []
        proposed += [meaning.found.rows] if meaning is not None else []
        rows = np.unique(np.concatenate(proposed)) if proposed else np.empty(0, np.int64)
        nothing = np.zeros(rows.size, np.float32)
        evidence = (
            self._lexical.score(words.found, rows)
            if words is not None and by_words
            else LexicalEvidence(nothing, nothing, nothing)
        )
        cosine = self._vectors.score_rows(meaning.vector, rows) if meaning is not None else None
        prior = self._precedence.bonus(rows)
        ranking = rank(Evidence(cosine, evidence.words, evidence.sounds, evidence.covered, prior))
        places = ranking.order[: 2 * settings.top_k].tolist()
        passages = [self._passages[int(rows[place])] for place in places]
        rival = next((n for n, passage in enumerate(passages) if passage.source != passages[0].source), None)
        hits = []
        for place, passage, score in zip(places, passages, scores(ranking, rival).tolist(), strict=False):
            arms = {"lexical": float(evidence.words[place] + evidence.sounds[place])} if by_words else {}
            arms |= {"dense": float(cosine[place])} if cosine is not None else {}
            hits.append(Hit(passage, score, self.corpus, arms))
        return hits


def _settle(future: Future[_Words], search: Callable[[], _Words]) -> None:
    try:
        future.set_result(search())
    except Exception as exc:  # whoever asks for the result meets it there
        future.set_exception(exc)
