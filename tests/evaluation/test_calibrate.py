import asyncio
from pathlib import Path

import pytest

from kbserver.errors import SettingsError
from kbserver.evaluation.ask import asking
from kbserver.evaluation.calibrate import calibrate, scores_of
from kbserver.evaluation.dataset import Dataset, Question
from kbserver.evaluation.evaluate import Evaluation, JudgedAnswer, Measured
from kbserver.evaluation.judge import Judged
from kbserver.evaluation.synthetic import EVERYDAY
from kbserver.index.store import Store
from kbserver.retrieval.calibration import Calibration
from kbserver.settings import Settings

ASKED = {
    "how do i reset the router": "router/reset.md",
    "what does a red light mean": "router/lights.md",
    "how much is a paper bill": "billing/dates.md",
    "when are the bills made": "billing/dates.md",
    "how can i cancel": "billing/cancel.txt",
    "with how much notice can i cancel": "billing/cancel.txt",
}


def run(store: Path, **options: object) -> Calibration:
    async def calibrated() -> Calibration:
        async with asking(Settings(), store) as server:
            base = Settings().turn_settings()
            return await calibrate(
                server, "support", base=base, date="2026-01-01", **options
            )

    return asyncio.run(calibrated())


def test_questions_and_their_answers_set_a_least_score_that_parts_them(store):
    questions = tuple(Question(text, text) for text in ASKED)
    given = Dataset(
        questions, {text: {document: 1} for text, document in ASKED.items()}
    )
    foreign = [Question(text, text, kind="spoken") for text in EVERYDAY[:12]]
    found = run(store, given=given, foreign=foreign)
    manifest = Store(store).manifest("support")
    assert (found.answerable, found.unanswerable, found.rough) == (6, 12, False)
    assert (found.generation, found.fingerprint) == (
        manifest.generation,
        manifest.model.fingerprint,
    )
    assert found.at.kept == 1.0 and found.at.false_groundings <= 1 / 12
    assert 0.05 < found.min_score < 0.95
    assert found.curve[0].kept == 1.0


def test_without_any_questions_it_is_rough_and_says_so(store):
    found = run(store)
    assert found.rough and found.unanswerable == len(EVERYDAY)
    assert found.at.false_groundings <= 0.05 and found.at.kept >= 0.9


def test_only_another_corpus_of_the_store_can_be_drawn_from(store):
    assert run(store, against=["hotels"]).unanswerable == len(EVERYDAY) + 2
    for name in ("support", "unknown"):
        with pytest.raises(
            SettingsError,
            match=f"cannot draw questions from '{name}'; the store holds: hotels",
        ):
            run(store, against=[name])


def test_small_talk_and_gated_questions_do_not_count():
    questions = (
        Question("right", "x"),
        Question("below", "x"),
        Question("talk", "x", "smalltalk"),
        Question("gated", "x", "unanswerable"),
        Question("wrong", "x", "unanswerable"),
    )
    wrong = tuple(Judged(name, 0, 0.5) for name in "xyz")
    answers = {
        "right": JudgedAnswer((Judged("x", 0, 0.9), Judged("d", 1, 0.8))),
        "below": JudgedAnswer(
            (*wrong, Judged("d", 1, 0.4))
        ),  # a turn speaks three passages
        "talk": JudgedAnswer(wrong),
        "gated": JudgedAnswer((), gated=True),
        "wrong": JudgedAnswer(wrong),
    }
    dataset = Dataset(questions, {"right": {"d": 1}, "below": {"d": 1}})
    evaluation = Evaluation(
        dataset, {"v": Measured(answers, {})}, min_score=0.0, top_k=3
    )
    scores = scores_of(evaluation, "v")
    assert scores.right == [0.8]
    assert scores.wrong == [0.5]
