import numpy as np
import pytest

from kbserver.index.lexical.exhaustive import (
    ExhaustiveResult,
    search_exhaustive,
    search_small_scope,
)
from tests.index.lexical.conftest import sums_of, weighted

QUERIES = [{"w0": 1.0}, {"w0": 1.0, "w39": 1.0}, {"w1": 2.5, "w7": 0.1, "absent": 9.0}]


@pytest.mark.parametrize("terms", QUERIES)
def test_every_sum_is_known_and_the_best_are_ranked(postings_of, random_texts, terms):
    postings = postings_of(random_texts)
    wanted = sums_of(postings, terms)
    found = search_exhaustive(postings, weighted(postings, terms), None, 7)
    np.testing.assert_allclose(found.sums, wanted, rtol=1e-5)
    np.testing.assert_allclose(found.best.scores, np.sort(wanted)[::-1][:7], rtol=1e-5)
    np.testing.assert_array_equal(found.scores(np.array([5, 0])), found.sums[[5, 0]])


def test_rows_outside_the_scope_are_nothing(postings_of, random_texts):
    postings = postings_of(random_texts)
    inside = np.arange(600) % 2 == 0
    found = search_exhaustive(postings, weighted(postings, {"w0": 1.0}), inside, 600)
    assert not found.sums[1::2].any()
    assert (found.best.rows % 2 == 0).all()
    assert (found.best.scores > 0).all()


@pytest.mark.parametrize("terms", QUERIES)
def test_a_small_scope_scores_as_the_whole_does(postings_of, random_texts, terms):
    postings = postings_of(random_texts)
    rows = np.array([0, 17, 300, 599])
    every = search_exhaustive(postings, weighted(postings, terms), None, 600)
    found = search_small_scope(postings, weighted(postings, terms), rows, 2)
    np.testing.assert_allclose(found.sums, every.sums[rows], rtol=1e-6)
    best = np.sort(every.sums[rows])[::-1][:2]
    np.testing.assert_allclose(found.best.scores, best[best > 0], rtol=1e-6)
    asked = np.array([300, 5, 599])
    wanted = [every.sums[300], 0.0, every.sums[599]]
    np.testing.assert_allclose(found.scores(asked), wanted, rtol=1e-6)


def test_nothing_found_scores_every_row_of_the_index_0():
    nothing = ExhaustiveResult.nothing(10)
    assert nothing.best.rows.size == 0
    assert nothing.scores(np.array([9, 0])).tolist() == [0.0, 0.0]
    with pytest.raises(IndexError):
        nothing.scores(np.array([10]))
