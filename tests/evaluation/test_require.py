import pytest

from kbserver.errors import SettingsError
from kbserver.evaluation.dataset import Dataset, Question
from kbserver.evaluation.evaluate import Evaluation, JudgedAnswer, Latency, Measured
from kbserver.evaluation.judge import Judged
from kbserver.evaluation.require import Requirement, read_requirement


@pytest.fixture
def evaluation() -> Evaluation:
    questions = (
        Question("a", "x", "spoken"),
        Question("b", "x", "misheard"),
        Question("n", "x", "unanswerable"),
    )
    answers = {
        "a": JudgedAnswer((Judged("d", 1, 0.9),)),
        "b": JudgedAnswer(()),
        "n": JudgedAnswer((Judged("d", 0, 0.4),)),
    }
    measured = Measured(
        answers, {"a": {"ndcg@10": 1.0}, "b": {"ndcg@10": 0.0}} | _rest(("a", "b"))
    )
    qrels = {"a": {"d": 1}, "b": {"d": 1}}
    return Evaluation(
        Dataset(questions, qrels),
        {"hybrid": measured},
        0.3,
        3,
        Latency(9, 5.0, 9.0, 20.0, 0.99, 150),
    )


def _rest(ids: tuple[str, ...]) -> dict[str, dict[str, float]]:
    names = ("mrr@10", "recall@1", "recall@3", "recall@5", "hit@1", "hit@3")
    return {id: dict.fromkeys(names, 0.5) | {"ndcg@10": float(id == "a")} for id in ids}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ndcg@10>=0.7", Requirement("ndcg@10", ">=", 0.7)),
        (" recall@3 [mis heard] > .8 ", Requirement("recall@3", ">", 0.8, "mis heard")),
        ("p99_ms<100", Requirement("p99_ms", "<", 100.0)),
        ("false_smalltalk<=0.02", Requirement("false_smalltalk", "<=", 0.02)),
    ],
)
def test_a_requirement_is_a_measure_an_operator_and_a_number(text, wanted):
    assert read_requirement(text) == wanted


@pytest.mark.parametrize(
    "text",
    ["", "ndcg@10", "ndcg@5>=0.7", "ndcg@10=0.7", "ndcg@10>=high", "p99_ms[spoken]<9"],
)
def test_anything_else_is_refused_with_a_list_of_the_measures(text):
    with pytest.raises(
        SettingsError, match=r"Measures: ndcg@10, .*false_grounding.*p99_ms"
    ):
        read_requirement(text)


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("ndcg@10>=0.5", None),
        ("ndcg@10>0.5", "ndcg@10>0.5: found 0.5"),
        ("ndcg@10[spoken]>=1", None),
        ("ndcg@10[misheard]>=0.1", "ndcg@10[misheard]>=0.1: found 0"),
        (
            "ndcg@10[typed]>=0.1",
            "ndcg@10[typed]>=0.1: there are no questions of the kind 'typed'",
        ),
        ("false_grounding<0.5", "false_grounding<0.5: found 1"),
        (
            "false_smalltalk<=1",
            "false_smalltalk<=1: was not measured; no question asks for it",
        ),
        ("kept>=1", None),
        ("answered>=1", "answered>=1: found 0.5"),
        ("p99_ms<20", "p99_ms<20: found 20"),
    ],
)
def test_a_requirement_that_is_not_met_names_the_value_found(evaluation, text, failure):
    assert read_requirement(text).failure(evaluation, "hybrid") == failure
