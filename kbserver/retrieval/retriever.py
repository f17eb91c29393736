"""Both arms over one corpus, started together, fused before the deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from kbserver.deadline import Deadline
from kbserver.embedding.cores import sleep_in_place
from kbserver.embedding.query_embedder import QueryEmbedder
from kbserver.embedding.worker_pool import NoVector, VectorOrReason
from kbserver.index.embeddings import decoded
from kbserver.index.snapshot import Snapshot
from kbserver.index.vectors.base import union_rows
from kbserver.retrieval.calibration import (
    CALIBRATION_FILE,
    default_min_score,
    read_min_score,
)
from kbserver.retrieval.complaints import Complaints
from kbserver.retrieval.fusion import Evidence, rank, scores
from kbserver.retrieval.lexical import LexicalArm, LexicalEvidence, LexicalFound
from kbserver.retrieval.neighbours import join_neighbours, places_to_read
from kbserver.retrieval.precedence import Precedence
from kbserver.retrieval.search import Asked, Cost, Ranked, Search, Words
from kbserver.retrieval.spoken.reader import open_passages
from kbserver.retrieval.transcript.cleaning import Heard, as_said, hear
from kbserver.retrieval.transcript.followup import Carry, Exchange, carry
from kbserver.settings import TurnSettings
from kbserver.types import FloatVector, Hit, Rows, Scope

CANDIDATES = 50
"""Rows that words, sounds and meaning propose each. Every candidate gets all scores, so more of them cost time and find no
more: with 100 every figure of benchmarks/quality.md is the same."""

# The arms end this long before the hits must be there: ranking what they found takes about 0.3 ms, and the event loop
# must come round for it.
FUSE_RESERVE_MS = 10.0

IN_LOOP_MS = 6.0
"""A search that usually costs less CPU time is done in the event loop's thread, in two pieces of half of it. Each
hand-over to another thread waits for the interpreter's lock, up to 5 ms where others want it as well: with 32 callers 550
turns by words alone were answered a second with them, and 1,100 without."""

_LEAVE_LOCK_S = 0.0002
"""Left to the model's thread to wake and take the interpreter's lock, where nobody else waits: begun at once, the search by
words kept it for half a millisecond of every turn."""

_FEW_ROWS = 5_000  # of a scope, whose rows are all scored
_WARM_SEARCHES = 20
_WARM_CHARACTERS = 60  # a question's length


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
class _Meaning:
    vector: FloatVector
    rows: Rows
    """Proposed by the dense arm."""


class Retriever:
    """Searches the snapshot of one corpus."""

    def __init__(
        self,
        corpus: str,
        snapshot: Snapshot,
        embedder: QueryEmbedder,
        executor: Executor,
        *,
        in_loop_ms: float = IN_LOOP_MS,
    ) -> None:
        """Take an open snapshot.

        Args:
            corpus: its name.
            snapshot: stays open for as long as it is searched.
            embedder: of the snapshot's model.
            executor: for the searches that would hold the event loop for too long.
            in_loop_ms: what a search may usually cost to be done in the event loop's own thread; 0: none is.
        """
        self.corpus = corpus
        self.snapshot = snapshot
        self._embedder = embedder
        self._executor = executor
        self._complain = Complaints(corpus)
        self._lexical = LexicalArm(snapshot)
        self._precedence = Precedence(snapshot)
        self._calibrated: float | None = None
        self._calibrated_ns = -1
        self.recalibrate()
        # Let go together with the last turn that searches them, not when the snapshot is retired.
        self._vectors, self._passages = snapshot.vectors, snapshot.passages
        self._sayable = open_passages(snapshot, self._complain)
        self._in_loop_ms = in_loop_ms
        self._words_cost, self._ranking_cost, self._words_ranking_cost = (
            Cost(),
            Cost(),
            Cost(),
        )

    def warm(self) -> None:
        """Search with some passages' words and embeddings: no caller pays for what happens only once, and costs are known."""
        if not self.snapshot.size:
            return
        settings, now = TurnSettings(), Deadline.after_ms(0.0)
        for row in range(
            0, self.snapshot.size, max(1, self.snapshot.size // _WARM_SEARCHES)
        ):
            question = hear(self._passages[row].text[:_WARM_CHARACTERS])
            vector = decoded(self.snapshot.embeddings[row])
            by_words: Future[Words] = Future()
            by_words.set_result(
                self._words_cost.of(self._by_words, question, None, None, settings)
            )
            for asked in (Asked(vector, vector, 0.0), ""):
                self._cost_of(asked).of(
                    self._ranked,
                    by_words,
                    asked,
                    rows=None,
                    settings=settings,
                    arms_end=now,
                )

    def recalibrate(self) -> None:
        """Take over what `kbserver calibrate` stored since, if anything; reads a file."""
        folder = self.snapshot.folder.parent
        try:
            changed_ns = (folder / CALIBRATION_FILE).stat().st_mtime_ns
        except OSError:
            changed_ns = 0
        if changed_ns != self._calibrated_ns:
            self._calibrated_ns = changed_ns
            self._calibrated = read_min_score(
                folder, self.snapshot.manifest.model.fingerprint
            )

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
        arms_end = deadline.less_ms(
            min(FUSE_RESERVE_MS, 0.25 * max(0.0, deadline.remaining_ms()))
        )
        rank = partial(self._ranked, rows=rows, settings=settings, arms_end=arms_end)
        search = Search(
            None if self._costs_little(rows) else self._executor,
            partial(
                self._words_cost.of, self._by_words, heard, leans_on, rows, settings
            ),
            lambda by_words, asked: self._cost_of(asked).of(rank, by_words, asked),
        )
        asking = self._begin(search, heard.text, leans_on, settings, arms_end, embed_by)
        try:
            ranked = await self._outcome(search, deadline, settings)
        finally:
            search.give_up()
            if asking is not None:
                asking.cancel()  # of a caller who left: nothing is begun for it

        least = self.min_score(settings, in_scope=bool(scope))
        good = join_neighbours([hit for hit in ranked.hits if hit.score >= least])
        nothing = ranked.nothing or (
            "" if good else "below_min_score" if ranked.hits else "no_match"
        )
        by_meaning = search.asked if isinstance(search.asked, Asked) else None
        return Retrieval(
            good[: settings.top_k],
            ranked.degraded,
            nothing,
            ranked.stages_ms,
            embedding=by_meaning.embedding if by_meaning is not None else None,
        )

    def min_score(self, settings: TurnSettings, *, in_scope: bool) -> float:
        """Return the score below which nothing is said: the route's, else the calibrated one, else a default."""
        if settings.min_score is not None:
            return settings.min_score
        return (
            self._calibrated
            if self._calibrated is not None
            else default_min_score(in_scope=in_scope)
        )

    def version(self) -> tuple[object, ...]:
        """What an answer of this moment depends on, to be compared with `is`: the generation, and what of it is valid."""
        return self, self.snapshot.valid_rows(time.time()), self._calibrated

    def _rows(self, scope: Scope) -> Rows | None:
        """The rows that may be answered: inside the scope, valid now, not superseded; None for all of them."""
        rows = self.snapshot.rows_in_scope(scope)
        valid = self.snapshot.valid_rows(time.time())
        if valid is not None:
            rows = (
                valid
                if rows is None
                else np.intersect1d(rows, valid, assume_unique=True)
            )
        superseded = self._precedence.superseded(valid)
        if superseded.size:
            everything = np.arange(self.snapshot.size, dtype=np.int64)
            rows = np.setdiff1d(
                everything if rows is None else rows, superseded, assume_unique=True
            )
        return rows

    def _costs_little(self, rows: Rows | None) -> bool:
        """Whether a search is done where it stands: two hand-overs between threads, each with a wait for the interpreter's
        lock, would cost more."""
        usual_ms = self._words_cost.usual_ms + self._ranking_cost.usual_ms
        return usual_ms < self._in_loop_ms and (rows is None or rows.size <= _FEW_ROWS)

    def _cost_of(self, asked: Asked | str) -> Cost:
        """What ranking by words and meaning costs, or by words alone."""
        return (
            self._ranking_cost if isinstance(asked, Asked) else self._words_ranking_cost
        )

    def _by_words(
        self,
        heard: Heard,
        leans_on: Carry | None,
        rows: Rows | None,
        settings: TurnSettings,
    ) -> Words:
        if settings.arms == "dense":
            return Words(None, 0.0)
        begun = time.perf_counter()
        asked = self._lexical.ask(heard, settings, leans_on)
        found = self._lexical.search(asked, top_k=_proposals(settings), rows=rows)
        return Words(found, (time.perf_counter() - begun) * 1000.0)

    def _begin(
        self,
        search: Search,
        said: str,
        leans_on: Carry | None,
        settings: TurnSettings,
        arms_end: Deadline,
        embed_by: Deadline | None,
    ) -> asyncio.Future[VectorOrReason] | None:
        """Set both arms going; the embedding that is waited for, if there is one."""
        if settings.arms == "lexical":
            search.go_on("", words_too=True)
            return None
        begun = time.perf_counter()

        def found(embedding: FloatVector) -> None:
            vector = leans_on.blend(embedding) if leans_on is not None else embedding
            search.go_on(
                Asked(embedding, vector, (time.perf_counter() - begun) * 1000.0)
            )

        def missed(refusal: NoVector, *, words_too: bool = False) -> None:
            early = (
                refusal.reason == "late"
                and embed_by is not None
                and not arms_end.passed
            )
            search.go_on(
                "busy" if early else refusal.reason, words_too=words_too
            )  # there was time, not for this caller

        def answered(answer: asyncio.Future[VectorOrReason]) -> None:
            if not answer.cancelled():
                known = answer.result()
                missed(known) if isinstance(known, NoVector) else found(
                    known
                )  # a second time, it goes on with nothing

        asking = self._embedder.ask(
            said,
            min(arms_end, embed_by or arms_end),
            go_on=None if search.in_loop else found,
        )
        if asking.done() and isinstance(refusal := asking.result(), NoVector):
            missed(refusal, words_too=True)
            return None
        alone = search.in_loop and self._embedder.queue_length == 1
        if alone:
            sleep_in_place(_LEAVE_LOCK_S)
        search.begin_words()
        if asking.done():
            answered(asking)
            return asking
        asking.add_done_callback(answered)
        if alone:
            self._rehearse(search, (time.perf_counter() - begun) * 1000.0)
        return asking

    def _rehearse(self, search: Search, passed_ms: float) -> None:
        """Rank while the model is at work, as if the query meant what the best passage by words says.

        What ranking touches (codes, passages, instructions) is then in the processor's caches: it takes half of its time.

        Args:
            passed_ms: since the model was asked. What could outlast it is left out: the search by meaning, or all.
        """
        left_ms = min(self._embedder.call_ms, self._in_loop_ms / 2) - passed_ms
        words = search.words_if_done()
        if (
            words is None
            or words.found is None
            or not (best := words.found.words.best.rows).size
        ):
            return
        if self._ranking_cost.usual_ms < left_ms:
            vector = decoded(self.snapshot.embeddings[int(best[0])])
            search.rehearse(Asked(vector, vector, 0.0))
        elif self._words_ranking_cost.usual_ms < left_ms:
            search.rehearse("")

    async def _outcome(
        self, search: Search, deadline: Deadline, settings: TurnSettings
    ) -> Ranked:
        """What both arms found, ranked; at the deadline what there is of it."""
        ranked = await search.until(deadline)
        if ranked is not None:
            return ranked
        # A search that hangs (a disk that does not answer) holds its thread: what is known is ranked right here.
        words = search.words_if_done()
        if words is None:
            return Ranked((), None, "late", {})
        begun = time.perf_counter()
        hits = self._fused(words.found, None, settings)
        stages = {"lexical": words.ms, "fuse": (time.perf_counter() - begun) * 1000.0}
        return Ranked(
            hits,
            (search.asked or None) if isinstance(search.asked, str) else "late",
            "",
            stages,
        )

    def _ranked(
        self,
        by_words: Future[Words],
        asked: Asked | str,
        *,
        rows: Rows | None,
        settings: TurnSettings,
        arms_end: Deadline,
    ) -> Ranked:
        """Search by meaning, wait for the words and rank.

        The search by words was begun before this one, so it is running or over by now: nobody waits for a thread.
        """
        stages: dict[str, float] = {}
        degraded = asked if isinstance(asked, str) and asked else None
        meaning = None
        if isinstance(asked, Asked):
            begun = time.perf_counter()
            try:
                meaning = _Meaning(
                    asked.vector,
                    self._nearest(asked.vector, rows, _proposals(settings)),
                )
            except (
                Exception
            ) as exc:  # whatever an index raises, the words are still there
                self._complain("the dense search", exc)
                degraded = "failed"
            stages = {
                "embed": asked.ms,
                "dense": (time.perf_counter() - begun) * 1000.0,
            }
        words = None
        try:
            words = by_words.result(timeout=max(0.0, arms_end.remaining_ms() / 1000.0))
            stages |= {"lexical": words.ms} if words.found is not None else {}
        except TimeoutError:
            degraded = "lexical_late"
        except Exception as exc:
            if meaning is None:
                raise
            self._complain("the lexical search", exc)
            degraded = "lexical_failed"
        if words is None and meaning is None:
            return Ranked((), None, "late", stages)
        begun = time.perf_counter()
        hits = self._fused(
            words.found if words is not None else None, meaning, settings
        )
        stages["fuse"] = (time.perf_counter() - begun) * 1000.0
        return Ranked(hits, degraded, "", stages)

    def _nearest(self, vector: FloatVector, rows: Rows | None, count: int) -> Rows:
        if rows is None:
            return self._vectors.propose(vector, count=count)
        return self._vectors.search_rows(vector, rows, top_k=count).rows

    def _fused(
        self,
        words: LexicalFound | None,
        meaning: _Meaning | None,
        settings: TurnSettings,
    ) -> list[Hit]:
        """All candidates of the arms that answered, with both of their scores, ranked; those that could be said."""
        proposed = [words.rows] if words is not None else []
        proposed += [meaning.rows] if meaning is not None else []
        rows = union_rows(proposed)
        nothing = np.zeros(rows.size, np.float32)
        evidence = (
            self._lexical.score(words, rows)
            if words is not None
            else LexicalEvidence(nothing, nothing, nothing)
        )
        cosine = (
            self._vectors.score_rows(meaning.vector, rows)
            if meaning is not None
            else None
        )
        prior = self._precedence.bonus(rows)
        ranking = rank(
            Evidence(cosine, evidence.words, evidence.sounds, evidence.covered, prior)
        )
        places = ranking.order[: 2 * settings.top_k].tolist()
        best = rows[places].tolist()
        found = {
            at: self._sayable(best[at])
            for at in places_to_read(best, top_k=settings.top_k)
        }
        sources = (
            (found.get(at) or self._sayable(row))[0].source
            for at, row in enumerate(best)
        )
        first = next(sources, None)
        rival = next(
            (at for at, source in enumerate(sources, start=1) if source != first), None
        )
        values = scores(ranking, rival)
        hits = []
        for at, (passage, spoken_form) in found.items():
            place = places[at]
            arms = (
                {"lexical": float(evidence.words[place] + evidence.sounds[place])}
                if words is not None
                else {}
            )
            arms |= {"dense": float(cosine[place])} if cosine is not None else {}
            hits.append(Hit(passage, float(values[at]), self.corpus, arms, spoken_form))
        return hits


def _proposals(settings: TurnSettings) -> int:
    """How many rows an arm proposes: some are joined with others or say the same as others."""
    return max(CANDIDATES, 2 * settings.top_k)
