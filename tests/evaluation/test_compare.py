from itertools import product

import numpy as np
import pytest
from scipy.stats import permutation_test, wilcoxon

from kbserver.evaluation.compare import changed_most, compare, p_value

BEFORE = {
    "a": {"ndcg@10": 0.5},
    "b": {"ndcg@10": 1.0},
    "c": {"ndcg@10": 0.0},
    "only before": {"ndcg@10": 1.0},
}
AFTER = {
    "a": {"ndcg@10": 0.9},
    "b": {"ndcg@10": 1.0},
    "c": {"ndcg@10": 0.1},
    "only after": {"ndcg@10": 0.0},
}


def test_only_questions_of_both_runs_are_compared():
    found = compare(BEFORE, AFTER, "ndcg@10")
    assert found is not None
    assert (found.questions, found.wins, found.losses) == (3, 2, 0)
    assert (found.before, found.after) == (pytest.approx(0.5), pytest.approx(2 / 3))
    assert found.difference == pytest.approx(1 / 6)
    assert compare(BEFORE, {"other": {"ndcg@10": 1.0}}, "ndcg@10") is None


def test_with_few_questions_the_p_value_is_exact():
    before, after = (
        np.array([0.1, 0.5, 0.3, 0.9, 0.4, 0.4]),
        np.array([0.4, 0.6, 0.7, 0.8, 0.9, 0.4]),
    )
    changes = after - before
    means = [
        abs(np.mean(changes * signs)) for signs in product((-1, 1), repeat=len(changes))
    ]
    exact = np.mean([value >= abs(changes.mean()) - 1e-12 for value in means])
    assert p_value(before, after) == pytest.approx(exact)


def test_unchanged_questions_do_not_change_the_p_value():
    draw = np.random.default_rng(3)
    before = draw.random(60)
    after = np.where(draw.random(60) < 0.5, before, before + draw.normal(0.08, 0.2, 60))
    whole = permutation_test(
        (after - before,),
        np.mean,
        permutation_type="samples",
        n_resamples=9999,
        rng=np.random.default_rng(5),
    )
    assert p_value(before, after) == pytest.approx(whole.pvalue, abs=0.015)
    assert (p_value(before, after) < 0.05) == (
        wilcoxon(before, after, zero_method="wilcox").pvalue < 0.05
    )


@pytest.mark.parametrize("changes", [[0.0, 0.0, 0.0], [0.0, 0.4, 0.0]])
def test_nothing_and_a_single_change_prove_nothing(changes):
    assert p_value(np.zeros(3), np.array(changes)) == 1.0


def test_a_change_in_one_direction_on_many_questions_is_significant():
    assert p_value(np.zeros(30), np.full(30, 0.1)) < 0.001


def test_the_greatest_losses_come_first_and_ties_are_left_out():
    after = {"a": {"ndcg@10": 0.1}, "b": {"ndcg@10": 1.0}, "c": {"ndcg@10": 0.2}}
    assert changed_most(BEFORE, after, "ndcg@10") == [
        ("a", pytest.approx(-0.4)),
        ("c", pytest.approx(0.2)),
    ]
