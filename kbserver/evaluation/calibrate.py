"""One calibration: questions → scores → the least score that is spoken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kbserver.endpoint.app import KBServer
from kbserver.errors import SettingsError
from kbserver.evaluation import synthetic
from kbserver.evaluation.ask import Variant
from kbserver.evaluation.dataset import Dataset, Question
from kbserver.evaluation.evaluate import (
    Evaluation,
    OnProgress,
    evaluate,
    no_progress,
)
from kbserver.evaluation.threshold import KEEP, choose, choose_roughly, curve
from kbserver.index.snapshot import Snapshot
from kbserver.retrieval.calibration import Calibration
from kbserver.retrieval.reading import scores_by
from kbserver.settings import TurnSettings

_AS_SERVED = Variant("as served")


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores a calibration decides by, in [0, 1]."""

    right: Sequence[float]
    """Of the best right passage a turn speaks, for each question that found one."""
    wrong: Sequence[float]
    """Best score of each question the corpus does not answer, without those the gate holds back."""


async def calibrate(
    server: KBServer,
    corpus: str,
    *,
    base: TurnSettings,
    date: str,
    given: Dataset | None = None,
    foreign: Sequence[Question] = (),
    against: Sequence[str] = (),
    keep: float = KEEP,
    on_progress: OnProgress = no_progress,
) -> Calibration:
    """Find the least score of a corpus.

    Args:
        server: from `ask.asking`.
        base: the route's settings: arms, speech steps, and how many passages a turn speaks.
        date: when this is done, ISO 8601.
        given: questions the corpus answers (and, by their kind, some it does not); None: they
            are made from its own headings.
        foreign: questions it does not answer, whatever their kind.
        against: without any of those, some are drawn from these corpora too; see
            `synthetic.unanswerable`.
        keep: share of the right passages found that must stay.

    Raises:
        SettingsError: too few questions, an unknown corpus in `against`, or qrels of another
            corpus.
    """
    manifest = server.corpora.served(corpus).snapshot.manifest
    dataset = _dataset(server, corpus, given, foreign, against)
    evaluation = await evaluate(
        server,
        corpus,
        dataset,
        [_AS_SERVED],
        base=base,
        min_score=0.0,
        timed=0,
        on_progress=on_progress,
    )
    scores = scores_of(evaluation, _AS_SERVED.name)
    rough = given is None
    if rough:
        chosen = choose_roughly(scores.right, scores.wrong, keep=keep)
    else:
        chosen = choose(scores.right, scores.wrong, keep=keep)
    return Calibration(
        min_score=chosen.min_score,
        keep=keep,
        at=chosen,
        answerable=len(scores.right),
        unanswerable=len(scores.wrong),
        rough=rough,
        generation=manifest.generation,
        fingerprint=scores_by(manifest),
        date=date,
        curve=curve(scores.right, scores.wrong),
    )


def scores_of(evaluation: Evaluation, variant: str) -> Scores:
    """Read the scores of one variant off an evaluation."""
    answers = evaluation.variants[variant].answers
    right: list[float] = []
    wrong: list[float] = []
    for question in evaluation.dataset.questions:
        answer = answers[question.id]
        judgement = evaluation.dataset.judgement(question)
        if judgement in ("documents", "answer"):
            score = answer.right_score(evaluation.top_k)
            if score is not None:
                right.append(score)
        elif judgement == "nothing" and not answer.gated:
            wrong.append(answer.best_score)
    return Scores(right, wrong)


def _dataset(
    server: KBServer,
    corpus: str,
    given: Dataset | None,
    foreign: Sequence[Question],
    against: Sequence[str],
) -> Dataset:
    """The questions to ask: those given, and drawn ones in place of a sort that was not given."""
    retrievers = server.corpora.retrievers
    snapshots = {name: retriever.snapshot for name, retriever in retrievers.items()}
    answerable = given or synthetic.answerable(snapshots[corpus])
    unanswerable = [_as_unanswerable(question) for question in foreign]
    if not unanswerable and not _holds_unanswerable(answerable):
        unanswerable = _drawn(snapshots, corpus, against)
    return Dataset((*answerable.questions, *unanswerable), answerable.qrels)


def _as_unanswerable(question: Question) -> Question:
    return replace(question, id=f"unanswerable {question.id}", kind="unanswerable")


def _holds_unanswerable(dataset: Dataset) -> bool:
    return any(
        dataset.judgement(question) == "nothing" for question in dataset.questions
    )


def _drawn(
    snapshots: dict[str, Snapshot], corpus: str, against: Sequence[str]
) -> list[Question]:
    others = [name for name in snapshots if name != corpus]
    for name in against:
        if name not in others:
            have = ", ".join(others) or "no other corpora"
            raise SettingsError(
                f"cannot draw questions from {name!r}; the store holds: {have}"
            )
    foreign = [snapshots[name] for name in against]
    return list(synthetic.unanswerable(snapshots[corpus], foreign).questions)
