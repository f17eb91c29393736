"""One evaluation: ask → judge → measure. Read this first.

Two passes. The first measures time: one question after the other under the route's real deadline,
before any of their embeddings is known. The second measures what is found: every variant, with all
the time it needs, and hits of every score. What a least score does is read off afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from kbserver.endpoint.app import KBServer
from kbserver.endpoint.ground import Grounding
from kbserver.evaluation.ask import Variant, ask
from kbserver.evaluation.dataset import Dataset, Judgement, Question
from kbserver.evaluation.judge import ANSWER, Judge, Judged
from kbserver.evaluation.metrics import mean, measure
from kbserver.settings import TurnSettings

TIMED = 200  # questions of the first pass: p99 is then the second slowest

OnProgress = Callable[[int, int], None]
"""Called with how many of how many answers are there."""


def no_progress(done: int, total: int) -> None:
    """Ignore progress."""


@dataclass(frozen=True, slots=True)
class JudgedAnswer:
    """What one question got: judged hits of every score, best first."""

    hits: tuple[Judged, ...]
    gated: bool = False
    degraded: bool = False

    @property
    def best_score(self) -> float:
        """Score of the first hit, 0 for none. A least score above it leaves nothing to speak."""
        if not self.hits:
            return 0.0
        return self.hits[0].score

    def right_score(self, top_k: int) -> float | None:
        """Score of the best right passage among the first `top_k`; None if there is none."""
        for hit in self.hits[:top_k]:
            if hit.relevance:
                return hit.score
        return None

    def speaks(self, min_score: float) -> bool:
        """Whether a turn with this least score would speak a passage."""
        return bool(self.hits) and self.best_score >= min_score


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of whole turns inside the server, one at a time."""

    turns: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    in_budget: float
    """Share of turns answered by both arms before the deadline."""
    deadline_ms: int

    @classmethod
    def of(
        cls, times_ms: Sequence[float], full: Sequence[bool], deadline_ms: int
    ) -> Latency:
        """Summarise some turns, at least one.

        Args:
            times_ms: how long each took.
            full: whether each was answered by both arms in time.
            deadline_ms: the route's.
        """
        p50, p95, p99 = np.percentile(times_ms, (50, 95, 99))
        in_budget = sum(full) / len(full)
        return cls(
            len(times_ms), float(p50), float(p95), float(p99), in_budget, deadline_ms
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """One variant's answers and their measures."""

    answers: Mapping[str, JudgedAnswer]
    """By question id."""
    per_query: Mapping[str, Mapping[str, float]]
    """Question id → measure → value, for the questions that have a right answer."""


@dataclass(slots=True)
class Evaluation:
    """What was measured of a corpus."""

    dataset: Dataset
    variants: dict[str, Measured]
    min_score: float
    """In force: a turn of this route speaks no passage below it."""
    top_k: int
    """Passages a turn of this route speaks at most."""
    latency: Latency | None = None
    missing: Sequence[str] = field(default_factory=tuple)
    """Documents that the qrels name and the corpus does not hold."""

    def summary(self, variant: str, kind: str | None = None) -> dict[str, float]:
        """The means of one variant, over all questions or those of a kind.

        Returns:
            Only what was measured. `questions` and `answerable`: how many. The measures of
            `metrics.RANKING` over the answerable questions (any score counts). `kept`: of the
            right passages among the first `top_k`, the share that `min_score` leaves.
            `answered`: of the answerable questions, the share whose right passage is spoken.
            `false_grounding` and `false_smalltalk`: of the questions that want nothing, the
            share that gets a passage. `degraded`: the share of turns with an arm left out.
        """
        measured = self.variants[variant]
        chosen = self._questions(kind)
        answerable = [
            question.id for question in chosen if question.id in measured.per_query
        ]
        values = {"questions": float(len(chosen)), "answerable": float(len(answerable))}
        values |= mean(measured.per_query[id] for id in answerable)
        values |= self._spoken([measured.answers[id] for id in answerable])
        for name, judgement in _FALSE.items():
            wrong = [
                measured.answers[question.id]
                for question in chosen
                if self.dataset.judgement(question) == judgement
            ]
            if wrong:
                spoken = sum(answer.speaks(self.min_score) for answer in wrong)
                values[name] = spoken / len(wrong)
        degraded = sum(measured.answers[question.id].degraded for question in chosen)
        if degraded:
            values["degraded"] = degraded / len(chosen)
        return values

    def kinds(self) -> list[str]:
        """The kinds of questions, in the order they first come; [] if there is only one."""
        kinds = list(
            dict.fromkeys(question.kind for question in self.dataset.questions)
        )
        if len(kinds) == 1:
            return []
        return kinds

    def ranking(self, variant: str) -> dict[str, list[tuple[str, float]]]:
        """Question id → (document, score) pairs, best first.

        A document stands where its best passage does.
        """
        answers = self.variants[variant].answers
        return {id: _documents(answer.hits) for id, answer in answers.items()}

    def _questions(self, kind: str | None) -> Sequence[Question]:
        if kind is None:
            return self.dataset.questions
        return [
            question for question in self.dataset.questions if question.kind == kind
        ]

    def _spoken(self, answers: Sequence[JudgedAnswer]) -> dict[str, float]:
        """What the least score leaves of the right passages; {} if there are no answers."""
        if not answers:
            return {}
        scores = [answer.right_score(self.top_k) for answer in answers]
        found = [score for score in scores if score is not None]
        spoken = sum(score >= self.min_score for score in found)
        values = {}
        if found:
            values["kept"] = spoken / len(found)
        values["answered"] = spoken / len(answers)
        return values


_FALSE: Mapping[str, Judgement] = {
    "false_grounding": "nothing",
    "false_smalltalk": "smalltalk",
}


async def evaluate(
    server: KBServer,
    corpus: str,
    dataset: Dataset,
    variants: Sequence[Variant],
    *,
    base: TurnSettings,
    min_score: float,
    history: bool = True,
    timed: int = TIMED,
    concurrency: int = 2,
    on_progress: OnProgress = no_progress,
) -> Evaluation:
    """Ask all questions in all variants, and measure.

    Args:
        server: from `asking`.
        variants: at least one.
        base: the settings of the route that is evaluated; variants change some of them.
        min_score: the least score in force for that route.
        history: whether the caller's earlier turns are said first.
        timed: questions of the first pass; 0 leaves it out.
        concurrency: questions of the second pass asked at once.

    Raises:
        SettingsError: the qrels are not about this corpus.
    """
    snapshot = server.corpora.served(corpus).snapshot
    judge = Judge(dataset, snapshot.passages)
    latency = None
    if timed:
        sample = dataset.sample(timed)
        latency = await _time(server, corpus, sample.questions, base, history=history)

    answers: dict[str, dict[str, JudgedAnswer]] = {
        variant.name: {} for variant in variants
    }
    total = len(dataset.questions) * len(variants)

    def take(name: str, question: Question, grounding: Grounding) -> None:
        answers[name][question.id] = _judged(judge, question, grounding)
        done = sum(len(found) for found in answers.values())
        on_progress(done, total)

    await ask(
        server,
        corpus,
        dataset.questions,
        {variant.name: variant.settings(base) for variant in variants},
        take,
        history=history,
        concurrency=concurrency,
    )
    measured = {
        name: Measured(found, _per_query(dataset, found))
        for name, found in answers.items()
    }
    return Evaluation(dataset, measured, min_score, base.top_k, latency, judge.missing)


async def _time(
    server: KBServer,
    corpus: str,
    questions: Sequence[Question],
    base: TurnSettings,
    *,
    history: bool,
) -> Latency:
    """Ask one question after the other under the route's own settings."""
    times_ms: list[float] = []
    full: list[bool] = []

    def take(name: str, question: Question, grounding: Grounding) -> None:
        trace = grounding.trace
        times_ms.append(trace.total_ms)
        full.append(trace.in_budget and trace.outcome != "degraded")

    await ask(
        server, corpus, questions, {"timed": base}, take, history=history, concurrency=1
    )
    return Latency.of(times_ms, full, base.deadline_ms)


def _judged(judge: Judge, question: Question, grounding: Grounding) -> JudgedAnswer:
    trace = grounding.trace
    return JudgedAnswer(
        judge.judge(question, grounding.hits),
        gated=trace.outcome == "gated",
        degraded=trace.outcome == "degraded" or trace.reason in ("late", "error"),
    )


def _per_query(
    dataset: Dataset, answers: Mapping[str, JudgedAnswer]
) -> dict[str, dict[str, float]]:
    qrels = dict(_answerable(dataset))
    rankings: dict[str, list[str]] = {}
    for id in qrels:
        documents = _documents(answers[id].hits)
        rankings[id] = [document for document, _ in documents]
    return measure(qrels, rankings)


def _answerable(dataset: Dataset) -> Iterator[tuple[str, Mapping[str, int]]]:
    """The judgements of each question that has a right answer, by its id."""
    for question in dataset.questions:
        judgement = dataset.judgement(question)
        if judgement == "documents":
            yield question.id, dataset.qrels[question.id]
        elif judgement == "answer":
            yield question.id, {ANSWER: 1}


def _documents(hits: Sequence[Judged]) -> list[tuple[str, float]]:
    """(document, best score) pairs, in the order of each document's first hit."""
    best: dict[str, float] = {}
    for hit in hits:
        best.setdefault(hit.document, hit.score)
    return list(best.items())
