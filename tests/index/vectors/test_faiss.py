"""What is FAISS's own; what every vector index does is in tests/contracts."""

import faiss
import numpy as np
import pytest

from kbserver.errors import SnapshotCorrupt
from kbserver.index.embeddings import encoded, open_embeddings
from kbserver.index.manifest import VectorFacts
from kbserver.index.vectors.base import NumpyIndex
from kbserver.index.vectors.faiss import (
    FILE,
    RECALL_WANTED,
    FaissIndex,
    build_index,
    open_index,
)


def saved(folder, embeddings, precision="float32"):
    file = folder / "embeddings.npy"
    np.save(file, encoded(embeddings, precision))
    return file


@pytest.mark.parametrize("kind", ["pq", "ivf", "hnsw"])
def test_the_effort_written_down_reaches_the_recall(kind, tmp_path, unit_vectors):
    embeddings = unit_vectors(3000)
    file = saved(tmp_path, embeddings)
    facts = build_index(file, tmp_path, kind)
    assert facts.kind == kind
    assert facts.effort > 0
    index = open_index(open_embeddings(file), tmp_path, facts)
    yardstick = NumpyIndex(embeddings)
    shared = 0
    for query in unit_vectors(100, seed=5):
        wanted = yardstick.search(query, top_k=10).rows
        shared += np.isin(index.search(query, top_k=10).rows, wanted).sum()
    # Random vectors are the hardest there are: no query is near any row.
    assert shared / 1000 > min(facts.recall_at_10, RECALL_WANTED) - 0.1


def test_building_twice_gives_the_same_index(tmp_path, unit_vectors):
    file = saved(tmp_path, unit_vectors(1500))
    build_index(file, tmp_path, "pq")
    first = (tmp_path / FILE).read_bytes()
    build_index(file, tmp_path, "pq")
    assert (tmp_path / FILE).read_bytes() == first


def test_too_few_rows_are_searched_exactly_and_leave_no_file(tmp_path, unit_vectors):
    facts = build_index(saved(tmp_path, unit_vectors(600)), tmp_path, "pq")
    assert facts == VectorFacts("flat", recall_at_10=1.0, effort=0)
    assert not (tmp_path / FILE).exists()


def test_a_file_that_is_no_index_is_corrupt(tmp_path, unit_vectors):
    (tmp_path / FILE).write_bytes(b"not an index")
    with pytest.raises(SnapshotCorrupt, match="not a FAISS index.*kbserver ingest"):
        open_index(unit_vectors(5), tmp_path, VectorFacts("ivf", 1.0, 8))


def test_an_index_of_other_rows_is_corrupt(tmp_path, unit_vectors):
    facts = build_index(saved(tmp_path, unit_vectors(700)), tmp_path, "hnsw")
    with pytest.raises(SnapshotCorrupt, match="holds 700 vectors of length 16.*699"):
        open_index(unit_vectors(699), tmp_path, facts)


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_scanning_half_precision_first_misses_no_near_tie(precision, unit_vectors):
    """Rows so close that float16 cannot tell them apart are still ranked exactly."""
    near = unit_vectors(1)[0] + 1e-5 * unit_vectors(3000, seed=2)
    embeddings = near / np.linalg.norm(near, axis=1, keepdims=True)
    stored = encoded(np.ascontiguousarray(embeddings, np.float32), precision)
    index = FaissIndex(stored, half_precision_rows=0)
    for query in unit_vectors(5, seed=3):
        scores = index.score_rows(query, np.arange(3000))
        found = index.search(query, top_k=10)
        np.testing.assert_array_equal(found.scores, np.sort(scores)[::-1][:10])


def test_a_query_uses_one_thread(unit_vectors):
    index = FaissIndex(unit_vectors(10))
    faiss.omp_set_num_threads(4)
    index.search(unit_vectors(1)[0], top_k=3)
    assert faiss.omp_get_max_threads() == 1
