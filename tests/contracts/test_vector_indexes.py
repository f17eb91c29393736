"""Every vector index against the plainest one, value by value."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbserver.errors import DimensionMismatch, KbServerError, NotFinite
from kbserver.index.backends import build_vectors, open_vectors
from kbserver.index.embeddings import decoded, encoded, open_embeddings
from kbserver.index.vectors.base import NumpyIndex, VectorIndex
from kbserver.index.vectors.faiss import FaissIndex

Build = Callable[[np.ndarray], VectorIndex]
DIM = 24


def numpy_index(folder: Path) -> Build:
    return NumpyIndex


def faiss_index(kind: str, precision: str = "float32") -> Callable[[Path], Build]:
    def at(folder: Path) -> Build:
        def build(embeddings: np.ndarray) -> VectorIndex:
            file = folder / "embeddings.npy"
            np.save(file, encoded(embeddings, precision))
            facts = build_vectors(kind, file, folder, rows=len(embeddings))
            return open_vectors(open_embeddings(file), folder, facts)

        return build

    return at


def half_precision_first(folder: Path) -> Build:
    return lambda embeddings: FaissIndex(
        np.ascontiguousarray(embeddings), half_precision_rows=0
    )


EXACT = {
    "numpy": numpy_index, "flat": faiss_index("flat"), "half precision first": half_precision_first,
    "flat-float16": faiss_index("flat", "float16"), "flat-int8": faiss_index("flat", "int8"),
}  # fmt: skip
APPROXIMATE = {
    "pq": faiss_index("pq"),
    "pq-int8": faiss_index("pq", "int8"),
    "ivf": faiss_index("ivf"),
    "ivf-float16": faiss_index("ivf", "float16"),
    "ivf-int8": faiss_index("ivf", "int8"),
    "hnsw": faiss_index("hnsw"),
}
ALL = EXACT | APPROXIMATE
# int8 moves each component by half a level, 1/254 of the row's largest (below 0.8 here); for two
# unit vectors that adds up with the square root of their length. A tenth of it is usual.
INT8 = 0.8 * DIM**0.5 / 254
TOLERANCE = {
    "flat-float16": 2e-3,
    "ivf-float16": 2e-3,
    "flat-int8": INT8,
    "pq-int8": INT8,
    "ivf-int8": INT8,
}


@pytest.fixture(params=ALL)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Build, float]:
    return ALL[request.param](tmp_path), TOLERANCE.get(request.param, 1e-5)


@pytest.fixture(params=EXACT)
def exact(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Build, float]:
    return EXACT[request.param](tmp_path), TOLERANCE.get(request.param, 1e-5)


def unit(count: int, seed: int = 0) -> np.ndarray:
    vectors = (
        np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)
    )
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_an_exact_index_ranks_all_rows_as_the_yardstick_does(exact):
    build, tolerance = exact
    embeddings = unit(700)
    index, yardstick = build(embeddings), NumpyIndex(embeddings)
    assert (index.size, index.dim) == (700, DIM)
    for query in unit(20, seed=1):
        found, wanted = index.search(query, top_k=9), yardstick.search(query, top_k=9)
        np.testing.assert_allclose(found.scores, wanted.scores, atol=tolerance)
        if tolerance < 1e-4:
            np.testing.assert_array_equal(found.rows, wanted.rows)


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_rounded_embeddings_are_ranked_exactly_as_what_they_were_rounded_to(
    precision, tmp_path
):
    embeddings = unit(900)
    embeddings[300:] = embeddings[0] + 3e-4 * unit(
        600, seed=5
    )  # scores too near for the scan to tell them apart
    index = faiss_index("flat", precision)(tmp_path)(embeddings)
    yardstick = NumpyIndex(decoded(encoded(embeddings, precision)))
    for query in (*unit(20, seed=1), *embeddings[290:310]):
        for top_k in (1, 9, 400):
            found, wanted = (
                index.search(query, top_k=top_k),
                yardstick.search(query, top_k=top_k),
            )
            np.testing.assert_allclose(found.scores, wanted.scores, atol=1e-6)
            np.testing.assert_allclose(
                yardstick.score_rows(query, found.rows), wanted.scores, atol=1e-6
            )


@pytest.mark.parametrize("kind", APPROXIMATE)
def test_an_approximate_index_finds_nearly_all_and_scores_them_exactly(kind, tmp_path):
    embeddings = unit(3000)
    index, yardstick = APPROXIMATE[kind](tmp_path)(embeddings), NumpyIndex(embeddings)
    shared = 0
    for query in unit(40, seed=1):
        found, wanted = index.search(query, top_k=10), yardstick.search(query, top_k=10)
        shared += len(set(found.rows) & set(wanted.rows))
        exactly = yardstick.score_rows(query, found.rows)
        np.testing.assert_allclose(
            found.scores, exactly, atol=TOLERANCE.get(kind, 1e-5)
        )
        assert (np.diff(found.scores) <= 0).all()
    assert shared / 400 > 0.9  # noise has no clusters: the hardest case there is


def test_an_exact_index_proposes_the_nearest(exact):
    build, tolerance = exact
    embeddings = unit(700)
    index, yardstick = build(embeddings), NumpyIndex(embeddings)
    for query in unit(20, seed=1):
        scores = yardstick.score_rows(query, index.propose(query, count=9))
        np.testing.assert_allclose(
            np.sort(scores)[::-1],
            yardstick.search(query, top_k=9).scores,
            atol=tolerance,
        )


@pytest.mark.parametrize("kind", APPROXIMATE)
def test_an_approximate_index_proposes_nearly_all_of_the_nearest(kind, tmp_path):
    embeddings = unit(3000)
    index, yardstick = APPROXIMATE[kind](tmp_path)(embeddings), NumpyIndex(embeddings)
    # For few rows, as many are proposed as the recall was measured with.
    for count in (1, 100):
        shared = 0
        for query in unit(40, seed=1):
            rows = index.propose(query, count=count)
            assert len(set(rows.tolist())) == len(rows) >= count
            assert rows.dtype == np.int64 and (rows >= 0).all() and (rows < 3000).all()
            shared += len(set(rows) & set(yardstick.search(query, top_k=10).rows))
        assert shared / 400 > 0.9


def test_a_scope_is_ranked_exactly_in_every_index(backend):
    build, tolerance = backend
    embeddings = unit(2000)
    index, yardstick = build(embeddings), NumpyIndex(embeddings)
    for size in (1, 10, 400, 2000):
        rows = np.sort(np.random.default_rng(size).choice(2000, size, replace=False))
        for query in unit(5, seed=2):
            found, wanted = (
                index.search_rows(query, rows, top_k=7),
                yardstick.search_rows(query, rows, top_k=7),
            )
            np.testing.assert_allclose(found.scores, wanted.scores, atol=tolerance)
            if tolerance < 1e-4:
                np.testing.assert_array_equal(found.rows, wanted.rows)


def test_rows_are_scored_in_the_order_given(backend):
    build, tolerance = backend
    embeddings, query = unit(500), unit(1, seed=3)[0]
    rows = np.array([499, 0, 7, 7, 250])
    np.testing.assert_allclose(
        build(embeddings).score_rows(query, rows),
        embeddings[rows] @ query,
        atol=tolerance,
    )


def test_equal_scores_keep_row_order(backend):
    build, _ = backend
    embeddings = unit(200)
    embeddings[[5, 60, 61, 199]] = embeddings[150]
    index = build(embeddings)
    assert index.search(embeddings[150], top_k=5).rows.tolist() == [5, 60, 61, 150, 199]
    assert index.search(embeddings[150], top_k=3).rows.tolist() == [5, 60, 61]
    rows = np.array([3, 60, 61, 150, 199])
    assert index.search_rows(embeddings[150], rows, top_k=2).rows.tolist() == [60, 61]


@pytest.mark.parametrize("top_k", [0, -1, -(2**40)])
def test_asking_for_no_hits_gives_none(backend, top_k):
    build, _ = backend
    index, query = build(unit(100)), unit(1)[0]
    for found in (
        index.search(query, top_k=top_k),
        index.search_rows(query, np.array([1, 2]), top_k=top_k),
    ):
        assert found.rows.shape == found.scores.shape == (0,)
        assert found.rows.dtype == np.int64 and found.scores.dtype == np.float32
    assert index.propose(query, count=top_k).tolist() == []


def test_asking_for_more_than_there_is_gives_all(backend):
    build, _ = backend
    index, query = build(unit(100)), unit(1, seed=9)[0]
    assert sorted(index.search_rows(query, np.arange(3), top_k=1000).rows) == [0, 1, 2]
    assert len(index.search(query, top_k=1000).rows) == 100
    assert sorted(index.propose(query, count=1000)) == list(range(100))


@pytest.mark.parametrize("kind", ALL)
def test_an_empty_index_finds_nothing(kind, tmp_path):
    index = ALL[kind](tmp_path)(np.empty((0, DIM), dtype=np.float32))
    query = unit(1)[0]
    assert index.search(query, top_k=5).rows.size == 0
    assert index.propose(query, count=5).size == 0
    assert index.search_rows(query, np.empty(0, dtype=np.int64), top_k=5).rows.size == 0
    assert index.score_rows(query, np.empty(0, dtype=np.int64)).size == 0


@pytest.mark.parametrize("count", [1, 2, 45])
@pytest.mark.parametrize("kind", ALL)
def test_a_handful_of_rows_can_be_indexed(kind, count, tmp_path):
    embeddings = unit(count)
    index = ALL[kind](tmp_path)(embeddings)
    assert index.search(embeddings[-1], top_k=1).rows.tolist() == [count - 1]


@pytest.mark.parametrize("length", [0, DIM - 1, DIM + 1])
def test_a_query_of_another_length_is_refused_with_both_lengths(backend, length):
    build, _ = backend
    index, query, rows = (
        build(unit(100)),
        np.zeros(length, dtype=np.float32),
        np.array([0]),
    )
    for search in (
        lambda: index.search(query, top_k=1),
        lambda: index.propose(query, count=1),
        lambda: index.search_rows(query, rows, top_k=1),
        lambda: index.score_rows(query, rows),
    ):
        with pytest.raises(
            DimensionMismatch, match=rf"length {length}, .* length {DIM}"
        ):
            search()


def test_a_matrix_is_no_query(backend):
    build, _ = backend
    with pytest.raises(DimensionMismatch, match=r"shape \(1, 24\)"):
        build(unit(100)).search(unit(1), top_k=1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_query_that_is_not_finite_is_an_error_and_never_garbage(backend, bad):
    build, _ = backend
    index, query = build(unit(100)), unit(1)[0].copy()
    query[3] = bad
    for search in (
        lambda: index.search(query, top_k=1),
        lambda: index.propose(query, count=1),
        lambda: index.search_rows(query, np.array([0]), top_k=1),
        lambda: index.score_rows(query, np.array([0])),
    ):
        with pytest.raises(NotFinite) as caught:
            search()
        assert isinstance(caught.value, KbServerError) and isinstance(
            caught.value, ValueError
        )


@pytest.mark.parametrize("row", [-1, 100, 2**40])
def test_a_row_that_is_not_there_is_an_error_and_never_foreign_memory(backend, row):
    build, _ = backend
    index, query = build(unit(100)), unit(1)[0]
    with pytest.raises(IndexError):
        index.search_rows(query, np.array([row]), top_k=1)
    with pytest.raises(IndexError):
        index.score_rows(query, np.array([row]))


@pytest.mark.parametrize("kind", APPROXIMATE)
def test_a_scope_too_large_to_scan_is_searched_approximately_and_never_left(
    kind, tmp_path
):
    embeddings = unit(3000)
    built = APPROXIMATE[kind](tmp_path)(embeddings)
    assert isinstance(built, FaissIndex)
    index = FaissIndex(
        built._embeddings,
        built._approximate,
        effort=built._effort,
        exact_scope_rows=100,
    )
    rows, yardstick, shared = np.arange(1, 3000, 2), NumpyIndex(embeddings), 0
    for query in unit(40, seed=1):
        found, wanted = (
            index.search_rows(query, rows, top_k=10),
            yardstick.search_rows(query, rows, top_k=10),
        )
        assert (found.rows % 2 == 1).all()
        shared += len(set(found.rows) & set(wanted.rows))
    assert shared / 400 > 0.9
    assert index.search_rows(query, rows, top_k=0).rows.size == 0


def test_a_search_says_whether_it_waits(backend):
    build, _ = backend
    assert build(unit(30)).waits is False


def test_threads_may_share_an_index(backend):
    build, _ = backend
    index, queries = build(unit(400)), unit(60, seed=4)
    wanted = [index.search(query, top_k=5).rows.tolist() for query in queries]
    with ThreadPoolExecutor(8) as threads:
        found = threads.map(
            lambda query: index.search(query, top_k=5).rows.tolist(), [*queries] * 5
        )
    assert list(found) == wanted * 5


@given(data=st.data())
@settings(max_examples=40)
def test_flat_search_equals_the_yardstick_for_any_scope_and_top_k(data):
    size = data.draw(st.integers(1, 60))
    embeddings = unit(size, seed=data.draw(st.integers(0, 5)))
    embeddings[size // 2 :] = embeddings[: size - size // 2]  # many ties
    query = unit(1, seed=data.draw(st.integers(0, 5)))[0]
    rows = np.array(
        sorted(data.draw(st.sets(st.integers(0, size - 1)))), dtype=np.int64
    )
    top_k = data.draw(st.integers(0, 70))
    found = FaissIndex(embeddings).search_rows(query, rows, top_k=top_k)
    wanted = NumpyIndex(embeddings).search_rows(query, rows, top_k=top_k)
    assert len(found.rows) == min(top_k, len(rows))
    np.testing.assert_allclose(found.scores, wanted.scores, atol=1e-6)
    assert set(found.rows) <= set(rows)


@pytest.mark.parametrize(
    ("rows", "asked", "kind"),
    [
        (700, "auto", "flat"),
        (10_001, "auto", "pq"),
        (600, "pq", "flat"),
        (0, "ivf", "flat"),
    ],
)
def test_the_number_of_rows_decides_and_the_recall_is_measured(
    rows, asked, kind, tmp_path
):
    np.save(tmp_path / "embeddings.npy", unit(rows))
    facts = build_vectors(asked, tmp_path / "embeddings.npy", tmp_path, rows=rows)
    assert (facts.kind, facts.choice) == (kind, asked)
    assert (tmp_path / "vectors.faiss").exists() == (kind != "flat")
    assert facts.recall_at_10 > 0.95
