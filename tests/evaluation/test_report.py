import json

import pytest

from kbserver.errors import SettingsError
from kbserver.evaluation.dataset import Dataset, Question
from kbserver.evaluation.evaluate import Evaluation, JudgedAnswer, Measured
from kbserver.evaluation.judge import Judged
from kbserver.evaluation.metrics import measure
from kbserver.evaluation.report import against, as_dict, read_run, write_trec_run
from kbserver.index.store import Store


def evaluation(*rankings: list[str]) -> Evaluation:
    """Question number n wants the document `n`."""
    qrels = {f"q {number}": {str(number): 1} for number in range(len(rankings))}
    answers = {
        f"q {number}": JudgedAnswer(
            tuple(Judged(one, int(one == str(number)), 0.9) for one in ranking)
        )
        for number, ranking in enumerate(rankings)
    }
    measured = Measured(
        answers, measure(qrels, dict(zip(qrels, rankings, strict=True)))
    )
    return Evaluation(
        Dataset(tuple(Question(id, "x") for id in qrels), qrels),
        {"hybrid": measured},
        0.5,
        3,
    )


def test_a_saved_run_is_compared_question_by_question(store, tmp_path):
    before = evaluation(["0"], ["x", "1"], ["2"])
    path = tmp_path / "run.json"
    path.write_text(json.dumps(as_dict(before, Store(store).manifest("support"))))
    compared = against(evaluation(["0"], ["1"], ["x"]), read_run(path))
    ndcg = compared["hybrid"][0]
    assert (ndcg.measure, ndcg.questions, ndcg.wins, ndcg.losses) == (
        "ndcg@10",
        3,
        1,
        1,
    )
    assert ndcg.before == pytest.approx((1 + 0.6309 + 1) / 3, abs=1e-4)


def test_runs_with_nothing_in_common_are_refused():
    with pytest.raises(
        SettingsError, match="no question in common: it holds dense, this one hybrid"
    ):
        against(evaluation(["0"]), {"dense": {"q 0": {"ndcg@10": 1.0}}})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"variants": {"hybrid": {"per_query": {"q": {"ndcg@10": "x"}}}}}',
    ],
)
def test_a_file_that_is_no_run_is_refused(tmp_path, text):
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(SettingsError, match=r"run\.json is no run that"):
        read_run(path)
    with pytest.raises(SettingsError, match="--save"):
        read_run(tmp_path / "missing.json")


def test_a_trec_run_has_six_columns_whatever_the_ids(tmp_path):
    path = tmp_path / "run.trec"
    write_trec_run(path, evaluation(["my file.md", "0"]), "hybrid")
    assert [line.split() for line in path.read_text().splitlines()] == [
        ["q%200", "Q0", "my%20file.md", "1", "0.900000", "kbserver-hybrid"],
        ["q%200", "Q0", "0", "2", "0.900000", "kbserver-hybrid"],
    ]
    with pytest.raises(SettingsError, match="cannot write"):
        write_trec_run(tmp_path / "missing" / "run.trec", evaluation(["0"]), "hybrid")
