import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from kbserver.evaluation.ask import ABLATIONS, ARMS, Variant, asking
from kbserver.evaluation.dataset import Dataset, Question, read_dataset
from kbserver.evaluation.evaluate import (
    Evaluation,
    JudgedAnswer,
    Latency,
    Measured,
    evaluate,
)
from kbserver.evaluation.judge import Judged
from kbserver.evaluation.metrics import measure
from kbserver.settings import Settings


def run(
    store: Path,
    dataset: Dataset,
    variants: Sequence[Variant] = ARMS[:1],
    **options: object,
) -> Evaluation:
    settings = Settings()

    async def evaluated() -> Evaluation:
        async with asking(settings, store) as server:
            return await evaluate(
                server,
                "support",
                dataset,
                variants,
                base=settings.turn_settings(),
                min_score=0.25,
                **options,
            )

    return asyncio.run(evaluated())


@pytest.fixture(scope="module")
def evaluation(store, tmp_path_factory):
    from tests.evaluation.conftest import QRELS, QUESTIONS, write_questions

    folder = tmp_path_factory.mktemp("questions")
    dataset = read_dataset([write_questions(folder / "queries.jsonl", QUESTIONS)])
    qrels = {query: {document: 1} for query, document in QRELS.items()}
    return run(store, Dataset(dataset.questions, qrels), (*ARMS, ABLATIONS[0]), timed=3)


def test_easy_questions_find_their_documents_in_every_arm(evaluation):
    for arm in ("hybrid", "lexical", "dense"):
        summary = evaluation.summary(arm)
        assert (summary["questions"], summary["answerable"]) == (7, 4)
        assert summary["ndcg@10"] == summary["recall@1"] == 1.0, arm
        assert "degraded" not in summary


def test_the_least_score_is_read_off_afterwards(evaluation):
    scores = [
        evaluation.variants["hybrid"].answers[id].best_score for id in ("n1", "n2")
    ]
    evaluation.min_score = min(scores)
    assert evaluation.summary("hybrid")["false_grounding"] == 1.0
    evaluation.min_score = max(scores) + 1e-6
    assert evaluation.summary("hybrid")["false_grounding"] == 0.0
    evaluation.min_score = 1.0
    summary = evaluation.summary("hybrid")
    assert (summary["kept"], summary["answered"]) == (0.0, 0.0)
    evaluation.min_score = 0.25


def test_small_talk_is_held_back_by_the_gate_and_counted_apart(evaluation):
    assert evaluation.variants["hybrid"].answers["s1"].gated
    assert evaluation.summary("hybrid", "smalltalk")["false_smalltalk"] == 0.0
    assert not evaluation.variants["no gate"].answers["s1"].gated


def test_kinds_are_summed_up_apart(evaluation):
    assert evaluation.kinds() == ["spoken", "disfluent", "unanswerable", "smalltalk"]
    assert evaluation.summary("hybrid", "disfluent")["answerable"] == 1
    assert "ndcg@10" not in evaluation.summary("hybrid", "unanswerable")


def test_time_is_measured_on_some_turns_under_the_real_deadline(evaluation):
    took = evaluation.latency
    assert took is not None and (took.turns, took.deadline_ms) == (3, 150)
    assert 0.0 < took.p50_ms <= took.p95_ms <= took.p99_ms


def test_a_ranking_holds_each_document_once_where_its_best_passage_stands():
    hits = (Judged("a", 0, 0.9), Judged("b", 1, 0.8), Judged("a", 0, 0.7))
    found = Evaluation(
        Dataset(()), {"hybrid": Measured({"q": JudgedAnswer(hits)}, {})}, 0.0, 3
    )
    assert found.ranking("hybrid") == {"q": [("a", 0.9), ("b", 0.8)]}


def test_the_right_score_is_that_of_the_best_right_passage_a_turn_speaks():
    wrong = [Judged(name, 0, 0.9) for name in "abc"]
    answer = JudgedAnswer((*wrong, Judged("d", 1, 0.6), Judged("e", 1, 0.5)))
    assert answer.right_score(3) is None
    assert answer.right_score(4) == answer.right_score(5) == 0.6


def test_an_answer_speaks_a_passage_from_its_best_score_down():
    answer = JudgedAnswer((Judged("a", 0, 0.4), Judged("b", 1, 0.3)))
    assert answer.speaks(0.4) and not answer.speaks(0.41)
    nothing = JudgedAnswer(())
    assert nothing.best_score == 0.0 and not nothing.speaks(0.0)


def test_a_summary_counts_shares_of_the_questions_that_each_measure_is_about():
    kinds = ["", "", "", "unanswerable", "unanswerable", "smalltalk"]
    questions = tuple(
        Question(str(place), "x", kind) for place, kind in enumerate(kinds)
    )
    right = JudgedAnswer((Judged("d", 1, 0.8),))
    weak = JudgedAnswer((Judged("d", 1, 0.2),), degraded=True)
    wrong = JudgedAnswer((Judged("x", 0, 0.9),))
    nothing = JudgedAnswer(())
    found = [right, weak, wrong, wrong, nothing, nothing]
    answers = {str(place): answer for place, answer in enumerate(found)}
    qrels = {id: {"d": 1} for id in "012"}
    rankings = {id: [hit.document for hit in answers[id].hits] for id in qrels}
    measured = Measured(answers, measure(qrels, rankings))
    evaluation = Evaluation(Dataset(questions, qrels), {"v": measured}, 0.5, 3)
    summary = evaluation.summary("v")
    assert (summary["questions"], summary["answerable"]) == (6.0, 3.0)
    assert summary["hit@1"] == pytest.approx(2 / 3)
    assert summary["kept"] == pytest.approx(1 / 2)
    assert summary["answered"] == pytest.approx(1 / 3)
    assert summary["false_grounding"] == pytest.approx(1 / 2)
    assert summary["false_smalltalk"] == 0.0
    assert summary["degraded"] == pytest.approx(1 / 6)


def test_a_summary_holds_only_what_was_measured():
    questions = (Question("n", "x", "unanswerable"),)
    measured = Measured({"n": JudgedAnswer(())}, {})
    evaluation = Evaluation(Dataset(questions), {"v": measured}, 0.5, 3)
    assert evaluation.kinds() == []
    assert evaluation.summary("v") == {
        "questions": 1.0,
        "answerable": 0.0,
        "false_grounding": 0.0,
    }


def test_latency_is_summed_up_over_the_turns():
    times_ms = [float(ms) for ms in range(1, 101)]
    took = Latency.of(times_ms, [True] * 99 + [False], 150)
    assert (took.turns, took.deadline_ms) == (100, 150)
    assert took.p50_ms == 50.5
    assert took.p99_ms == pytest.approx(99.01)
    assert took.in_budget == 0.99


def test_progress_counts_every_answer_of_every_variant(store):
    dataset = Dataset(tuple(Question(id, f"question {id}") for id in "ab"))
    seen: list[tuple[int, int]] = []
    run(
        store,
        dataset,
        ARMS[:2],
        timed=0,
        on_progress=lambda *progress: seen.append(progress),
    )
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
