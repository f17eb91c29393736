from math import log2

import pytest

from kbserver.evaluation.metrics import RANKING, mean, measure


def test_a_ranking_is_measured_as_worked_out_by_hand():
    values = measure({"q": {"a": 2, "b": 1, "c": 1}}, {"q": ["x", "a", "y", "b"]})["q"]
    ideal = 2 / log2(2) + 1 / log2(3) + 1 / log2(4)
    assert values["ndcg@10"] == pytest.approx((2 / log2(3) + 1 / log2(5)) / ideal)
    assert values["mrr@10"] == pytest.approx(1 / 2)
    assert (values["recall@1"], values["hit@1"]) == (0.0, 0.0)
    assert (values["recall@3"], values["hit@3"]) == (pytest.approx(1 / 3), 1.0)
    assert values["recall@5"] == pytest.approx(2 / 3)
    assert set(values) == set(RANKING)


def test_documents_below_the_tenth_rank_do_not_count():
    values = measure(
        {"q": {"a": 1}}, {"q": [f"x{place}" for place in range(10)] + ["a"]}
    )["q"]
    assert (values["ndcg@10"], values["mrr@10"]) == (0.0, 0.0)


def test_a_query_that_found_nothing_counts_as_zero():
    values = measure(
        {"found": {"a": 1}, "empty": {"a": 1}, "missing": {"a": 1}},
        {"found": ["a"], "empty": []},
    )
    assert [values[query]["ndcg@10"] for query in ("found", "empty", "missing")] == [
        1.0,
        0.0,
        0.0,
    ]
    assert mean(values.values())["recall@1"] == pytest.approx(1 / 3)


def test_the_order_given_decides_and_not_the_names():
    assert measure({"q": {"a": 1}}, {"q": ["b", "a", "c"]})["q"]["mrr@10"] == 0.5
    assert measure({"q": {"c": 1}}, {"q": ["b", "a", "c"]})["q"][
        "mrr@10"
    ] == pytest.approx(1 / 3)


def test_a_judgement_of_zero_is_not_relevant():
    assert measure({"q": {"a": 0, "b": 1}}, {"q": ["a", "b"]})["q"]["mrr@10"] == 0.5


def test_no_queries_have_no_mean():
    assert mean([]) == {}
