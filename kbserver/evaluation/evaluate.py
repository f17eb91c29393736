"""One evaluation: ask → judge → measure. Read this first.

Two passes. The first measures time: one question after the other under the route's real deadline, before any of their
embeddings is known. The second measures what is found: every variant, with all the time it needs, and hits of every
score, so that what a least score does is read off afterwards and not run again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from kbserver.endpoint.app import KBServer
from kbserver.endpoint.ground import Grounding
from kbserver.evaluation.ask import Variant, ask
from kbserver.evaluation.dataset import Dataset, Question
from kbserver.evaluation.judge import ANSWER, Judge, Judged
from kbserver.evaluation.metrics import mean, measure
from kbserver.settings import TurnSettings

TIMED = 200  # questions of the first pass: p99 is then the second slowest


@dataclass(frozen=True, slots=True)
class Answer:
    """What one question got, judged; hits of every score, best first."""

    hits: tuple[Judged, ...]
    gated: bool = False
    degraded: bool = False

    @property
    def best_score(self) -> float:
        """Of the first hit; 0 for none. Nothing is spoken at a least score above it."""
        return self.hits[0].score if self.hits else 0.0

    def right_score(self, top_k: int) -> float | None:
        """The score of the best right passage among the first `top_k`; None if there is none."""
        return next((hit.score for hit in self.hits[:top_k] if hit.relevance), None)


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
        """Summarise some turns, at least one."""
        p50, p95, p99 = (
            float(value) for value in np.percentile(times_ms, (50, 95, 99))
        )
        return cls(len(times_ms), p50, p95, p99, sum(full) / len(full), deadline_ms)


@dataclass(frozen=True, slots=True)
class Measured:
    """One variant's answers and what they are worth."""

    answers: Mapping[str, Answer]
    """By question id."""
    per_query: Mapping[str, Mapping[str, float]]
    """Question id → measure → value, for the questions that have a right answer."""


@dataclass(slots=True)
class Evaluation:
    """What was measured of a corpus."""

    dataset: Dataset
    variants: dict[str, Measured]
    min_score: float
    """In force: what a turn of this route would not speak below."""
    top_k: int
    """Passages a turn of this route speaks at most."""
    latency: Latency | None = None
    missing: Sequence[str] = field(default_factory=tuple)
    """Documents that the qrels name and the corpus does not hold."""

    def summary(self, variant: str, kind: str | None = None) -> dict[str, float]:
        """The means of one variant, over all questions or those of a kind; only what was measured is there.

        Returns:
            The measures of `metrics.RANKING` over the `answerable` questions (any score counts); `kept`: of the right
            passages among the first `top_k`, the share that `min_score` leaves; `answered`: of the answerable
            questions, the share whose right passage is spoken; `false_grounding` and `false_smalltalk`: of the
            questions that want nothing, the share that gets a passage; `degraded`: turns with an arm left out.
        """
        measured = self.variants[variant]
        chosen = [
            question
            for question in self.dataset.questions
            if kind is None or question.kind == kind
        ]
        answers = [measured.answers[question.id] for question in chosen]
        answerable = [
            question.id for question in chosen if question.id in measured.per_query
        ]
        values = {"questions": float(len(chosen)), "answerable": float(len(answerable))}
        values |= mean(measured.per_query[id] for id in answerable)
        right = [measured.answers[id].right_score(self.top_k) for id in answerable]
        spoken = [score >= self.min_score for score in right if score is not None]
        if spoken:
            values["kept"] = sum(spoken) / len(spoken)
        if answerable:
            values["answered"] = sum(spoken) / len(answerable)
        for name, judgement in (
            ("false_grounding", "nothing"),
            ("false_smalltalk", "smalltalk"),
        ):
            wrong = [
                bool(answer.hits) and answer.best_score >= self.min_score
                for question, answer in zip(chosen, answers, strict=True)
                if self.dataset.judgement(question) == judgement
            ]
            if wrong:
                values[name] = sum(wrong) / len(wrong)
        degraded = sum(answer.degraded for answer in answers)
        return values | ({"degraded": degraded / len(answers)} if degraded else {})

    def kinds(self) -> list[str]:
        """The kinds of questions, in the order they first come; [] if there is but one."""
        kinds = list(
            dict.fromkeys(question.kind for question in self.dataset.questions)
        )
        return kinds if len(kinds) > 1 else []

    def ranking(self, variant: str) -> dict[str, list[tuple[str, float]]]:
        """Question id → (document, score) pairs, best first; a document stands where its best passage does."""
        return {
            id: _documents(answer.hits)
            for id, answer in self.variants[variant].answers.items()
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
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Ask all questions in all variants, and measure.

    Args:
        server: from `asking`.
        variants: at least one.
        base: the settings of the route that is evaluated; variants change some of them.
        min_score: what is in force for that route.
        history: say the caller's earlier turns first.
        timed: questions of the first pass; 0 leaves it out.
        on_progress: called with how many of how many answers are there.

    Raises:
        SettingsError: the qrels are not about this corpus.
    """
    snapshot = server.corpora.retrievers[corpus].snapshot
    judge = Judge(dataset, snapshot.passages)
    latency = (
        await _time(server, corpus, dataset.sample(timed), base, history=history)
        if timed
        else None
    )

    answers: dict[str, dict[str, Answer]] = {variant.name: {} for variant in variants}
    total = len(dataset.questions) * len(variants)

    def take(name: str, question: Question, grounding: Grounding) -> None:
        answers[name][question.id] = _answer(judge, question, grounding)
        on_progress(sum(map(len, answers.values())), total)

    routes = {variant.name: variant.settings(base) for variant in variants}
    await ask(
        server,
        corpus,
        dataset.questions,
        routes,
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
    dataset: Dataset,
    base: TurnSettings,
    *,
    history: bool,
) -> Latency:
    times_ms: list[float] = []
    full: list[bool] = []

    def take(name: str, question: Question, grounding: Grounding) -> None:
        times_ms.append(grounding.trace.total_ms)
        full.append(grounding.trace.in_budget and grounding.trace.outcome != "degraded")

    await ask(
        server,
        corpus,
        dataset.questions,
        {"timed": base},
        take,
        history=history,
        concurrency=1,
    )
    return Latency.of(times_ms, full, base.deadline_ms)


def _answer(judge: Judge, question: Question, grounding: Grounding) -> Answer:
    trace = grounding.trace
    return Answer(
        judge.judge(question, grounding.hits),
        gated=trace.outcome == "gated",
        degraded=trace.outcome == "degraded" or trace.reason in ("late", "error"),
    )


def _per_query(
    dataset: Dataset, answers: Mapping[str, Answer]
) -> dict[str, dict[str, float]]:
    qrels = {
        question.id: {ANSWER: 1}
        if judgement == "answer"
        else dataset.qrels[question.id]
        for question in dataset.questions
        if (judgement := dataset.judgement(question)) in ("documents", "answer")
    }
    rankings = {
        id: [document for document, _ in _documents(answers[id].hits)] for id in qrels
    }
    return measure(qrels, rankings)


def _documents(hits: Sequence[Judged]) -> list[tuple[str, float]]:
    best: dict[str, float] = {}
    for hit in hits:
        best.setdefault(hit.document, hit.score)
    return list(best.items())
