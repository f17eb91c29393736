"""One calibration: questions → scores → the least score that is spoken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from kbserver.endpoint.app import KBServer
from kbserver.errors import SettingsError
from kbserver.evaluation import synthetic as drawn
from kbserver.evaluation.ask import Variant
from kbserver.evaluation.dataset import Dataset, Question
from kbserver.evaluation.evaluate import Evaluation, evaluate
from kbserver.evaluation.threshold import KEEP, choose, choose_roughly, curve
from kbserver.retrieval.calibration import Calibration
from kbserver.settings import TurnSettings

_AS_SERVED = Variant("as served")


@dataclass(frozen=True, slots=True)
class Scores:
    """What decides: scores in [0, 1]."""

    right: Sequence[float]
    """Of the best right passage among those a turn speaks, for each question that found one."""
    wrong: Sequence[float]
    """Best score of each question that the corpus does not answer; those the gate holds back are left out."""


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
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Calibration:
    """Find the least score of a corpus.

    Args:
        server: from `ask.asking`.
        base: the route's settings: arms, speech steps, and how many passages a turn speaks.
        date: when this is done, ISO 8601.
        given: questions the corpus answers (and, by their kind, some it does not); None: made from its own headings.
        foreign: questions it does not answer, whatever their kind.
        against: without any of those, draw some from these corpora too; see `drawn.unanswerable`.
        keep: share of the right passages found that must stay.

    Raises:
        SettingsError: too few questions, an unknown corpus in `against`, or qrels of another corpus.
    """
    manifest = server.corpora.retrievers[corpus].snapshot.manifest
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
    chosen = (choose if given else choose_roughly)(
        scores.right, scores.wrong, keep=keep
    )
    return Calibration(
        min_score=chosen.min_score,
        keep=keep,
        at=chosen,
        answerable=len(scores.right),
        unanswerable=len(scores.wrong),
        rough=given is None,
        generation=manifest.generation,
        fingerprint=manifest.model.fingerprint,
        date=date,
        curve=curve(scores.right, scores.wrong),
    )


def scores_of(evaluation: Evaluation, variant: str) -> Scores:
    """Read the scores off an evaluation."""
    answers = evaluation.variants[variant].answers
    right, wrong = [], []
    for question in evaluation.dataset.questions:
        answer, judgement = answers[question.id], evaluation.dataset.judgement(question)
        if (
            judgement in ("documents", "answer")
            and (score := answer.right_score(evaluation.top_k)) is not None
        ):
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
    snapshots = {
        name: retriever.snapshot
        for name, retriever in server.corpora.retrievers.items()
    }
    answerable = given or drawn.answerable(snapshots[corpus])
    nothing = [
        replace(question, id=f"unanswerable {question.id}", kind="unanswerable")
        for question in foreign
    ]
    if not nothing and not any(
        answerable.judgement(one) == "nothing" for one in answerable.questions
    ):
        others = [name for name in snapshots if name != corpus]
        if unknown := [name for name in against if name not in others]:
            have = ", ".join(others) or "no other corpora"
            raise SettingsError(
                f"cannot draw questions from {unknown[0]!r}; the store holds: {have}"
            )
        drawn_ones = drawn.unanswerable(
            snapshots[corpus], [snapshots[name] for name in against]
        )
        nothing = list(drawn_ones.questions)
    return Dataset((*answerable.questions, *nothing), answerable.qrels)
