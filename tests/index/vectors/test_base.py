"""The yardstick itself, against sums written out in plain Python."""

import numpy as np
import pytest

from kbserver.errors import DimensionMismatch, NotFinite
from kbserver.index.vectors.base import NumpyIndex, checked_query


def plain_scores(embeddings, query):
    return [
        sum(float(a) * float(b) for a, b in zip(row, query, strict=True))
        for row in embeddings
    ]


def test_the_yardstick_gives_inner_products(unit_vectors):
    embeddings, query = unit_vectors(50), unit_vectors(1, seed=3)[0]
    index = NumpyIndex(embeddings)
    assert (index.size, index.dim, index.waits) == (50, 16, False)
    wanted = plain_scores(embeddings, query)
    found = index.score_rows(query, np.arange(50))
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    ranked = sorted(range(50), key=lambda row: (-found[row], row))
    assert index.search(query, top_k=9).rows.tolist() == ranked[:9]
    assert index.propose(query, count=4).tolist() == ranked[:4]
    inside = np.arange(0, 50, 3)
    nearest = index.search_rows(query, inside, top_k=5)
    assert nearest.rows.tolist() == [row for row in ranked if row % 3 == 0][:5]
    index.warm()


def test_equal_vectors_score_the_same_and_keep_row_order(unit_vectors):
    embeddings = np.repeat(unit_vectors(7), 3, axis=0)
    found = NumpyIndex(embeddings).search(unit_vectors(1, seed=1)[0], top_k=21)
    for start in range(0, 21, 3):
        rows = found.rows[start : start + 3]
        assert rows.tolist() == list(range(rows[0], rows[0] + 3))
        assert len(set(found.scores[start : start + 3].tolist())) == 1


def test_a_query_becomes_contiguous_float32():
    query = checked_query(np.arange(8, dtype=np.float64)[::2], 4)
    assert query.dtype == np.float32
    assert query.flags.c_contiguous
    assert query.tolist() == [0.0, 2.0, 4.0, 6.0]


@pytest.mark.parametrize(
    ("shape", "words"), [((3,), "length 3"), ((1, 4), r"shape \(1, 4\)"), ((), "shape")]
)
def test_a_query_of_another_shape_is_refused_with_both(shape, words):
    with pytest.raises(DimensionMismatch, match=f"{words}.*length 4"):
        checked_query(np.zeros(shape, np.float32), 4)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_query_that_is_not_finite_is_refused(value):
    query = np.zeros(4, np.float32)
    query[2] = value
    with pytest.raises(NotFinite):
        checked_query(query, 4)
