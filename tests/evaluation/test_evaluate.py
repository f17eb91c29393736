import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from kbserver.endpoint.ground import Grounding
from kbserver.evaluation.ask import ABLATIONS, ARMS, Variant, ask, asking
from kbserver.evaluation.dataset import Dataset, Question, read_dataset
from kbserver.evaluation.evaluate import Answer, Evaluation, Latency, Measured, evaluate
from kbserver.evaluation.judge import Judged
from kbserver.settings import Settings


def run(
    store: Path,
    dataset: Dataset,
    variants: Sequence[Variant] = ARMS[:1],
    **options: object,
) -> Evaluation:
    async def evaluated() -> Evaluation:
        async with asking(settings, store) as server:
            return await evaluate(
                server, "support", dataset, variants, base=settings.turn_settings(), min_score=0.25, **options
            )  # fmt: skip

    settings = Settings()
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
    assert (
        evaluation.summary("hybrid")["kept"],
        evaluation.summary("hybrid")["answered"],
    ) == (
        0.0,
        0.0,
    )
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
        Dataset(()), {"hybrid": Measured({"q": Answer(hits)}, {})}, 0.0, 3
    )
    assert found.ranking("hybrid") == {"q": [("a", 0.9), ("b", 0.8)]}


def test_a_right_passage_counts_as_kept_only_among_those_a_turn_speaks():
    answer = Answer(
        (
            Judged("a", 0, 0.9),
            Judged("b", 0, 0.8),
            Judged("c", 0, 0.7),
            Judged("d", 1, 0.6),
        )
    )
    assert answer.right_score(3) is None and answer.right_score(4) == 0.6


def test_latency_is_that_of_the_turns():
    took = Latency.of([float(ms) for ms in range(1, 101)], [True] * 99 + [False], 150)
    assert (took.p50_ms, took.p99_ms, took.in_budget) == (
        50.5,
        pytest.approx(99.01),
        0.99,
    )


def asked(
    store: Path, corpus: str, questions: Sequence[Question], **options: bool
) -> dict[str, Grounding]:
    found: dict[str, Grounding] = {}

    async def all_of_them() -> None:
        async with asking(settings, store) as server:
            await ask(
                server, corpus, questions, {"one": ARMS[0].settings(settings.turn_settings())},
                lambda name, question, grounding: found.update({question.id: grounding}), **options,
            )  # fmt: skip

    settings = Settings()
    asyncio.run(all_of_them())
    return found


def test_a_scope_narrows_the_search_and_a_value_that_nothing_has_is_left_out(store):
    scopes = {
        "seven": {"folder": "hotels/7", "name": "ADELAIDE"},
        "eight": {"folder": "hotels/8"},
        "none": {"name": "X"},
    }
    questions = [
        Question(id, "are dogs allowed", scope=scope) for id, scope in scopes.items()
    ]
    found = asked(store, "hotels", questions)
    assert {hit.passage.source for hit in found["seven"].hits} == {
        "hotels/7/pets.md",
        "hotels/7/breakfast.md",
    }
    assert {hit.passage.source for hit in found["eight"].hits} == {"hotels/8/pets.md"}
    assert len(found["none"].hits) == 3


def test_earlier_turns_are_said_first_on_the_questions_own_label_unless_switched_off(
    store,
):
    questions = [
        Question("after", "and how much is that", history=("do you send paper bills",)),
        Question("alone", "and how much is that"),
    ]
    found = asked(store, "support", questions)
    alone = asked(store, "support", questions, history=False)
    scores = {
        id: {hit.passage.id: hit.score for hit in grounding.hits}
        for id, grounding in found.items()
    }
    assert scores["after"] != scores["alone"]
    assert found["after"].hits[0].passage.source == "billing/dates.md"
    assert [hit.score for hit in alone["after"].hits] == [
        hit.score for hit in found["alone"].hits
    ]
