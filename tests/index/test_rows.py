"""The order of scored rows against sorting all of them."""

import numpy as np
import pytest

from kbserver.index.rows import top_candidates, top_k_rows, union_rows


@pytest.mark.parametrize(
    "values", [2, 40, 10**6], ids=["all but equal", "many ties", "few ties"]
)
@pytest.mark.parametrize("count", [0, 1, 99, 511, 512, 513, 801, 20_000])
def test_the_best_come_first_and_equal_ones_by_row(count, values):
    choose = np.random.default_rng(count)
    ascending = np.sort(choose.integers(-values, values, count)).astype(np.float32)
    for scores in (ascending, ascending[::-1], choose.permutation(ascending)):
        rows = choose.permutation(3 * count)[:count].astype(np.int64)
        ranked = sorted(zip((-scores).tolist(), rows.tolist(), strict=True))
        for top_k in (-1, 0, 1, 7, 100, 300, count - 1, count, count + 1):
            found = top_k_rows(rows, scores, top_k=top_k)
            wanted = ranked[: max(top_k, 0)]
            assert found.rows.tolist() == [row for _, row in wanted]
            assert found.scores.tolist() == [-score for score, _ in wanted]


def test_there_are_few_more_candidates_than_are_wanted():
    scores = np.random.default_rng(0).random(20_000, dtype=np.float32)
    best = np.argsort(-scores)[:100]
    kept = top_candidates(scores, 100)
    assert set(best) <= set(kept)
    assert kept.size < 150


def test_the_union_of_rows_is_those_numpy_finds_unique():
    choose = np.random.default_rng(0)
    for sizes in ((), (0,), (0, 0), (1, 0), (5,), (100, 100), (60, 3, 60)):
        parts = [choose.permutation(150)[:size].astype(np.int64) for size in sizes]
        found = union_rows(parts)
        assert found.dtype == np.int64
        assert (
            found.tolist()
            == np.unique(np.concatenate([np.empty(0, np.int64), *parts])).tolist()
        )
