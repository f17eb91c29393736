"""Searches one corpus for a turn: both groups of arms side by side, fused before the deadline.

`Retriever.retrieve` reads top to bottom; what is ranked, and how, is in `ranker`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal

from kbserver.deadline import Deadline
from kbserver.embedding.cores import sleep_in_place
from kbserver.embedding.query_embedder import QueryEmbedder
from kbserver.embedding.worker_pool import NoVector, VectorOrReason
from kbserver.errors import SnapshotCorrupt, StoreError
from kbserver.index.embeddings import decoded
from kbserver.index.snapshot import Snapshot
from kbserver.languages import profile
from kbserver.retrieval.arms import open_arms
from kbserver.retrieval.arms.base import Query
from kbserver.retrieval.calibration import (
    CALIBRATION_FILE,
    default_min_score,
    read_min_score,
)
from kbserver.retrieval.neighbours import join_neighbours
from kbserver.retrieval.ranker import Found, Ranker
from kbserver.retrieval.reading import scores_by
from kbserver.retrieval.spoken.reader import open_passages
from kbserver.retrieval.steps import (
    Done,
    Failed,
    Late,
    Outcome,
    StepRunner,
    outcome_of,
    until,
)
from kbserver.retrieval.transcript.followup import Exchange
from kbserver.retrieval.transcript.requests import Request
from kbserver.settings import TurnSettings
from kbserver.types import FloatVector, Hit, Reason, Scope

FUSE_RESERVE_MS = 10.0
"""The arms end this long before the deadline: ranking takes 0.3 ms, and the event loop must come
round for it."""

_RESERVE_SHARE = 0.25  # of what is left until the deadline, at most

IN_LOOP_MS = 6.0
"""CPU time that the steps of a search may take together to be run in the event loop's thread."""

_MODEL_BEGINS_S = 0.0002
"""The model's thread wakes up within this time. Without the pause a lone turn takes longer."""

_FEW_ROWS = 5_000
"""Rows of a scope at most for the usual cost: the rows of a scope are all scored."""

MOST_NEAR = 5
"""Candidates below the threshold that a search tells of."""

_WARM_SEARCHES = 20
_WARM_CHARACTERS = 60  # the length of a question

log = logging.getLogger("kbserver")


@dataclass(frozen=True, slots=True)
class Threshold:
    """The score below which no passage is answered."""

    min_score: float
    origin: Literal["route", "calibrated", "default"]
    """The route's own settings, `kbserver calibrate`, or neither."""


@dataclass(frozen=True, slots=True)
class Search:
    """What one corpus was searched for, and what came close to being answered."""

    corpus: str
    generation: str
    heard: str
    """The query as it was searched for: without fillers, codes as they are written."""
    leaned: bool
    """Whether the query took something from an earlier turn."""
    threshold: Threshold
    near: Sequence[Hit] = ()
    """The best candidates below the threshold, best first; `MOST_NEAR` at most."""
    requests: Sequence[Request] = ()
    """What was asked for beside a look into documents, which lowers every score."""


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What one search found, and how."""

    hits: Sequence[Hit]
    """Best first."""
    degraded: Reason | None = None
    """Why a group of arms was left out, if one was.

    The dense arms: `busy`, `late`, `loading` or `failed`. The lexical arms: `lexical_late` or
    `lexical_failed`."""
    nothing: Reason | None = None
    """Why there is no hit: `empty_scope`, `no_match`, `below_min_score`, or `late` if no arm was in
    time. None if there is one."""
    stages_ms: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds by stage: `lexical`, `embed`, `dense`, `fuse`."""
    embedding: FloatVector | None = field(default=None, repr=False)
    """Of the query alone, shape (dim,); None if there was none in time."""
    search: Search | None = None
    """What was searched for, and what came close."""


@dataclass(slots=True)
class _Turn:
    """One search under way; None for a step that is not wanted, or not begun yet."""

    embedding: asyncio.Future[VectorOrReason] | None = None
    lexical: asyncio.Future[Outcome[Found]] | None = None
    dense: asyncio.Future[Outcome[Found]] | None = None
    ranking: asyncio.Future[Outcome[list[Hit]]] | None = None
    vector: FloatVector | None = None
    """Of the query alone."""
    missing: Reason | None = None
    """Why there is no vector, if one was wanted."""
    embed_ms: float = 0.0

    def cancel(self) -> None:
        """Begin nothing more; what is over already stays as it is."""
        for future in (self.embedding, self.lexical, self.dense, self.ranking):
            if future is not None:
                future.cancel()

    def stages_ms(self) -> dict[str, float]:
        """Return how long each stage took that is over."""
        stages_ms = {}
        if self.vector is not None:
            stages_ms["embed"] = self.embed_ms
        steps = {"dense": self.dense, "lexical": self.lexical, "fuse": self.ranking}
        for name, step in steps.items():
            if step is not None and step.done():
                stages_ms[name] = step.result().ms
        return stages_ms

    def nothing(self, search: Search) -> Retrieval:
        """Return what a search comes to that found nothing in time."""
        return Retrieval(
            (),
            nothing="late",
            stages_ms=self.stages_ms(),
            embedding=self.vector,
            search=search,
        )


@dataclass(frozen=True, slots=True)
class _Answers:
    """What the arms found in time; None for a group that was left out."""

    lexical: Found | None
    dense: Found | None
    degraded: Reason | None
    """Why a group was left out that the settings want."""


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
        calibrated: float | None = None,
    ) -> None:
        """Take an open snapshot.

        Args:
            corpus: its name.
            snapshot: stays open for as long as it is searched.
            embedder: of the snapshot's model.
            executor: for steps that would hold the event loop for too long.
            in_loop_ms: see `StepRunner`.
            calibrated: the least score in force if the corpus's calibration cannot be read.
        """
        self.corpus = corpus
        self.snapshot = snapshot
        self.profile = profile(snapshot.lexical.language)
        self._embedder = embedder
        self._executor = executor
        self._log_once = LogOnce(corpus)
        read = open_passages(snapshot, self._log_once)
        arms = open_arms(snapshot)
        self._ranker = ranker = Ranker(snapshot, corpus, arms=arms, read=read)
        lexical_waits, dense_waits = ranker.waits("lexical"), ranker.waits("dense")
        self._steps = StepRunner(executor, in_loop_ms=in_loop_ms)
        self._propose_lexical = self._steps.add(
            partial(ranker.propose, "lexical"), waits=lexical_waits
        )
        self._propose_dense = self._steps.add(
            partial(ranker.propose, "dense"), waits=dense_waits
        )
        self._rank = self._steps.add(ranker.rank, waits=lexical_waits or dense_waits)
        self._calibrated = calibrated
        self._calibrated_by: tuple[int, ...] | None = None
        self._calibration_trouble = ""
        self.recalibrate()

    @property
    def generation(self) -> str:
        """The generation being searched."""
        return self.snapshot.manifest.generation

    def warm(self) -> None:
        """Search with the words and embeddings of some passages.

        Afterwards no turn pays for what happens only once, and the usual costs are known.
        """
        size = self.snapshot.size
        if not size:
            return
        settings = TurnSettings()
        for row in range(0, size, max(1, size // _WARM_SEARCHES)):
            text = self.snapshot.passages[row].text[:_WARM_CHARACTERS]
            query = self._ranker.understand(text, (), settings)
            query = replace(query, vector=decoded(self.snapshot.embeddings[row]))
            lexical = self._propose_lexical(query, None)
            dense = self._propose_dense(query, None)
            if isinstance(lexical, Done) and isinstance(dense, Done):
                self._rank(query, lexical.value, dense.value, top_k=settings.top_k)

    @property
    def calibrated(self) -> float | None:
        """The least score that was measured for this corpus and model; None without one."""
        return self._calibrated

    def recalibrate(self) -> bool:
        """Take over what `kbserver calibrate` stored since, if anything; reads a file.

        A calibration that cannot be used leaves the least score in force as it is, and is said.

        Returns:
            Whether another least score is in force now.
        """
        folder = self.snapshot.folder.parent
        state = _state_of(folder / CALIBRATION_FILE)
        if state == self._calibrated_by:
            return False
        made_by = scores_by(self.snapshot.manifest)
        before = self._calibrated
        try:
            self._calibrated = read_min_score(folder, made_by)
            self._calibrated_by = state
            self._calibration_trouble = ""
        except StoreError as exc:
            if not isinstance(exc.__cause__, OSError):  # it may be read the next time
                self._calibrated_by = state
            self._say_once(str(exc))
        return before != self._calibrated

    def _say_once(self, trouble: str) -> None:
        if trouble == self._calibration_trouble:
            return
        self._calibration_trouble = trouble
        least = self.min_score(TurnSettings(), in_scope=False)
        log.error("%s. Meanwhile min_score %.3f is in force", trouble, least)

    def min_score(self, settings: TurnSettings, *, in_scope: bool) -> float:
        """Return the score below which no passage is answered.

        It is the route's own, else the calibrated one, else a default.
        """
        return self.threshold(settings, in_scope=in_scope).min_score

    def threshold(self, settings: TurnSettings, *, in_scope: bool) -> Threshold:
        """Return `min_score` with where it comes from."""
        if settings.min_score is not None:
            return Threshold(settings.min_score, "route")
        if self._calibrated is not None:
            return Threshold(self._calibrated, "calibrated")
        return Threshold(default_min_score(in_scope=in_scope), "default")

    def version(self) -> tuple[object, ...]:
        """Return what an answer of this moment depends on, to be compared with `is`.

        It changes with the generation, the passages that are valid now, and the calibration.
        """
        return self, self.snapshot.valid_rows(time.time()), self._calibrated

    async def passage(self, passage_id: str, scope: Scope) -> Hit | None:
        """Return one passage, whole, with the score 1.

        None if there is none of this id that may be answered: in scope and valid now.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._executor, self._passage, passage_id, scope
        )

    def _passage(self, passage_id: str, scope: Scope) -> Hit | None:
        row = self.snapshot.passages.row_of(passage_id)
        if row is None:
            return None
        rows = self._ranker.rows(scope, now_s=time.time())
        if rows is not None and row not in rows:
            return None
        language = self.snapshot.lexical.language
        return Hit(self.snapshot.passage(row), 1.0, self.corpus, language=language)

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
            query: as the recogniser wrote it.
            scope: only passages with these metadata values are ranked.
            settings: top_k, min_score, arms and speech steps of the route.
            deadline: when the hits must be there. What an arm has not found shortly before is left
                out.
            embed_by: an earlier deadline for the embedding, for a session label that asks for more
                than its share.
            past: earlier turns of the same session label, newest first.

        Returns:
            At most `top_k` hits, best first.

        Raises:
            Exception: whatever the lexical arms raise, if there is no other answer.
        """
        rows = self._ranker.rows(scope, now_s=time.time())
        if rows is not None and rows.size == 0:
            return Retrieval((), nothing="empty_scope")
        asked = self._ranker.understand(query, past, settings)
        threshold = self.threshold(settings, in_scope=bool(scope))
        search = self._search(asked, threshold)
        may_stay = rows is None or rows.size <= _FEW_ROWS
        arms_end = _less_reserve(deadline)
        turn = _Turn()
        try:
            began_s = time.perf_counter()
            if self._ranker.wants_embedding(settings):
                by = min(arms_end, embed_by or arms_end)
                turn.embedding = self._embedder.start(asked.heard.text, by)
                self._let_the_model_begin(turn.embedding)
            if settings.arms != "dense":
                turn.lexical = self._steps.begin(
                    self._propose_lexical, may_stay, asked, rows
                )
            if turn.embedding is not None:
                embedded = await turn.embedding
                turn.embed_ms = (time.perf_counter() - began_s) * 1000.0
                if isinstance(embedded, NoVector):
                    turn.missing = _reason(embedded, arms_end, embed_by)
                else:
                    turn.vector = embedded
                    asked = asked.with_embedding(embedded)
                    turn.dense = self._steps.begin(
                        self._propose_dense, may_stay, asked, rows
                    )
            await until(arms_end, turn.lexical, turn.dense)

            answers = self._answers(turn)
            if answers is None:
                return turn.nothing(search)
            turn.ranking = self._steps.begin(
                self._rank,
                may_stay,
                asked,
                answers.lexical,
                answers.dense,
                top_k=settings.top_k,
            )
            # One run of the model wakes several turns in one round of the event loop: without a
            # pause here, requests that arrive meanwhile wait until all of them are answered.
            await asyncio.sleep(0)
            await until(deadline, turn.ranking)
            ranked = outcome_of(turn.ranking)
            degraded = answers.degraded
            if isinstance(ranked, Late):
                # A disk or a network does not answer. Words that are in memory need neither.
                if answers.lexical is None or self._propose_lexical.waits:
                    return turn.nothing(search)
                ranked = self._rank(asked, answers.lexical, None, top_k=settings.top_k)
                if answers.dense is not None:
                    degraded = "late"
            if isinstance(ranked, Failed):
                raise ranked.error
            stages_ms = turn.stages_ms() | {"fuse": ranked.ms}
        finally:
            turn.cancel()

        least = threshold.min_score
        good = join_neighbours([hit for hit in ranked.value if hit.score >= least])
        near = [hit for hit in ranked.value if hit.score < least]
        if near:
            search = self._search(asked, threshold, near[:MOST_NEAR])
        return Retrieval(
            good[: settings.top_k],
            degraded,
            _why_nothing(ranked.value, good),
            stages_ms,
            embedding=turn.vector,
            search=search,
        )

    def _search(
        self, asked: Query, threshold: Threshold, near: Sequence[Hit] = ()
    ) -> Search:
        leaned = asked.leans_on is not None
        text = asked.heard.text
        return Search(
            self.corpus,
            self.generation,
            text,
            leaned,
            threshold,
            near,
            asked.requests,
        )

    def _let_the_model_begin(self, embedding: asyncio.Future[VectorOrReason]) -> None:
        """Pause, so that the model's thread takes the GIL before the lexical search does.

        Only for a turn that is alone: any other turn would wait as well.
        """
        if embedding.done() or self._embedder.queue_length > 1:
            return
        if self._steps.runs_in_loop(self._propose_lexical):
            sleep_in_place(_MODEL_BEGINS_S)

    def _answers(self, turn: _Turn) -> _Answers | None:
        """Return what the arms found so far.

        None if the lexical arms are late and nothing else was found.

        Raises:
            Exception: whatever the lexical arms raised, if there is no other answer.
        """
        dense: Found | None = None
        degraded = turn.missing
        if turn.dense is not None:
            match outcome_of(turn.dense):
                case Done(value=dense):
                    pass
                case Failed(error=error):
                    self._log_once("the dense search", error)
                    degraded = "failed"
                case Late():
                    degraded = "late"
        if turn.lexical is None:
            return _Answers(None, dense, degraded)
        match outcome_of(turn.lexical):
            case Done(value=lexical):
                return _Answers(lexical, dense, degraded)
            case Failed(error=error) if dense is None:
                raise error
            case Failed(error=error):
                self._log_once("the lexical search", error)
                return _Answers(None, dense, "lexical_failed")
            case Late() if dense is None:
                return None
            case Late():
                return _Answers(None, dense, "lexical_late")


class LogOnce:
    """Logs what fails in turn after turn, once for each kind of failure of a corpus."""

    def __init__(self, corpus: str) -> None:
        self._corpus = corpus
        self._logged: set[tuple[str, type[Exception]]] = set()

    def __call__(self, what: str, error: Exception) -> None:
        """Log a failure, unless the same has failed with the same type of exception before."""
        kind = (what, type(error))
        if kind in self._logged:
            return
        self._logged.add(kind)
        if isinstance(error, SnapshotCorrupt):  # it says where and what to do
            log.error("corpus %s: %s failed: %s", self._corpus, what, error)
        else:
            log.error("corpus %s: %s failed", self._corpus, what, exc_info=error)


def _less_reserve(deadline: Deadline) -> Deadline:
    """When the arms must end, for the ranking to be there by the deadline."""
    left_ms = max(0.0, deadline.remaining_ms())
    return deadline.less_ms(min(FUSE_RESERVE_MS, _RESERVE_SHARE * left_ms))


def _reason(missing: NoVector, arms_end: Deadline, embed_by: Deadline | None) -> Reason:
    """Why there is no vector: `busy` if only the label's own, earlier deadline has passed."""
    own_deadline = embed_by is not None and not arms_end.passed
    if missing.reason == "late" and own_deadline:
        return "busy"
    return missing.reason


def _why_nothing(ranked: Sequence[Hit], good: Sequence[Hit]) -> Reason | None:
    if good:
        return None
    if ranked:
        return "below_min_score"
    return "no_match"


def _state_of(file: Path) -> tuple[int, ...]:
    """Return what changes when a file is replaced or written; () without one."""
    try:
        found = file.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size
