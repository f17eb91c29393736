"""Nearest passages with FAISS over the snapshot's own mapped embeddings.

The only file that imports faiss.

Exact ≤ 10k rows, 4-bit PQ ≤ 100k, IVF above; see benchmarks. Codes, lists and graphs only propose
candidates, which are scored again from the mapped embeddings. Exact means: of the embeddings as
they are stored.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import faiss as _faiss
import numpy as np

from kbserver.errors import SnapshotCorrupt
from kbserver.index.arrays import SMALL_BYTES
from kbserver.index.embeddings import (
    Embeddings,
    EmbeddingsFile,
    decoded,
    inner_products,
    is_exact,
    shape_of,
)
from kbserver.index.manifest import VectorFacts, VectorKind, repair
from kbserver.index.rows import NO_ROWS, Scores, checked_rows, top_k_rows
from kbserver.index.vectors.base import checked_query
from kbserver.types import FloatMatrix, FloatVector, Rows, RowScores

faiss: Any = _faiss  # the types it publishes lack half of what is used here

FILE = "vectors.faiss"
"""In a snapshot's folder."""

EXACT_SCOPE_ROWS = 100_000
"""Scopes up to this many rows are ranked exactly; above it lists and graphs are asked."""

RECALL_WANTED = 0.99
"""An index searches as hard as it must to find this share of the exact ten nearest."""

HALF_PRECISION_ROWS = 2_000
"""Exact search of more rows scans a float16 copy first; of fewer, a scan costs 0.1 ms."""

_HALF_PRECISION_ERROR = 2.0**-11
"""How far float16 components move the inner product of two unit vectors.

Each component moves by half a unit in the last of 11 places; by Cauchy and Schwarz the product
moves by no more than that.
"""

# Beyond top_k, so that the last of them is nearly always out of reach.
_SPARE_CANDIDATES = 64

_EFFORTS: dict[VectorKind, tuple[int, ...]] = {
    "pq": (4, 8, 16, 32),
    "ivf": (8, 12, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256),
    "hnsw": (32, 64, 128, 256, 512),
}
"""Tried in this order until the recall is reached; the cost of a search grows with them."""

_CANDIDATES_PER_HIT = 4  # 8-bit codes misplace near ties
_LEAST_CANDIDATES = 50
_MEASURED_HITS = 10  # recall@10
_HELD_OUT_QUERIES = 200
_HELD_OUT_COSINE = 0.6  # of a query to its row; the median of real questions is 0.65
_BLOCK_ROWS = 50_000  # rows added at once: 75 MB of float32 at 384 dimensions
_DECODED_ROWS = 1_000  # rows decoded at once: 1.5 MB stay in the processor's cache
_LEAST_TRAINED = 40  # vectors a list; FAISS warns below 39
_LINKS = 16  # of an HNSW node, in each direction
_EFFORT_AT_BUILD = 80  # candidates examined when an HNSW node is linked
_DIMENSIONS_A_CODE = 2  # with three, a hundred hits need twice the candidates
_LEAST_CODED = 624  # rows; FAISS warns of fewer
_TRAINED_CODES = 20_000  # rows; more find no more
_TOUCHED_ROWS = 100_000  # embeddings of at most so many rows are read by `warm`
_WARM_SEARCHES = 50  # they probe most of the lists
_SEED = 20240229


def open_index(embeddings: Embeddings, folder: Path, facts: VectorFacts) -> FaissIndex:
    """Open what `build_index` wrote; a large file is mapped, not read.

    Raises:
        SnapshotCorrupt: the file is no FAISS index, or holds other rows than the embeddings.
    """
    if facts.kind == "flat":
        return FaissIndex(embeddings)
    file = folder / FILE
    try:
        index = faiss.read_index(os.fspath(file), _reading(file))
    except RuntimeError as exc:
        raise SnapshotCorrupt(f"{file}: not a FAISS index; {repair(folder)}") from exc
    count, dim = shape_of(embeddings)
    if (index.ntotal, index.d) != (count, dim):
        raise SnapshotCorrupt(
            f"{file}: holds {index.ntotal} vectors of length {index.d}, "
            f"the embeddings are {count} of length {dim}; {repair(folder)}"
        )
    return FaissIndex(embeddings, index, effort=facts.effort)


def build_index(embeddings: Path, folder: Path, kind: VectorKind) -> VectorFacts:
    """Build an approximate index, write it into a folder, and measure what it finds.

    Args:
        embeddings: file of unit vectors as a snapshot stores them, n rows; read in blocks.
        folder: nothing is written into it for `flat`, which needs the embeddings alone.
        kind: `flat`, `pq`, `ivf` or `hnsw`.

    Returns:
        What was built, `flat` if there are too few rows; with its recall@10 for held-out queries.
    """
    stored = EmbeddingsFile(embeddings)
    count = stored.shape[0]
    if kind == "flat" or count == 0 or (kind == "pq" and count < _LEAST_CODED):
        return VectorFacts("flat", recall_at_10=1.0, effort=0)
    with _threads(os.cpu_count() or 1):
        index = _BUILD[kind](stored)
        _write(index, folder / FILE)
        effort, recall = _least_effort(kind, index, stored, _held_out(stored))
    return VectorFacts(kind, recall_at_10=recall, effort=effort)


def _reading(file: Path) -> int:
    """How FAISS shall read a file."""
    if file.stat().st_size <= SMALL_BYTES:
        return 0
    # IO_FLAG_MMAP would copy a graph, and read inverted lists through a thread pool.
    return int(faiss.IO_FLAG_MMAP_IFC)


def _write(index: Any, file: Path) -> None:
    """Write an index. By itself FAISS overlooks a disk that is full when the file is closed."""
    with file.open("wb") as stream:
        faiss.write_index(index, faiss.PyCallbackIOWriter(stream.write))


class FaissIndex:
    """The embeddings of one snapshot, each search on one thread. Safe to share between threads."""

    waits = False

    def __init__(
        self,
        embeddings: Embeddings,
        approximate: Any = None,
        *,
        effort: int = 0,
        exact_scope_rows: int = EXACT_SCOPE_ROWS,
        half_precision_rows: int = HALF_PRECISION_ROWS,
    ) -> None:
        """Take the embeddings and, unless every search shall be exact, an index over the same rows.

        Args:
            embeddings: n unit vectors, C order; kept and read in place, so they may be mapped.
            approximate: a FAISS index over the same rows in the same order.
            effort: of a search: lists probed, candidates kept, or for `pq` candidates a hit.
            exact_scope_rows: scopes of at most this many rows are ranked exactly even then.
            half_precision_rows: exact search of more rows scans float16 first; the result is exact.
        """
        self._embeddings = embeddings
        self._approximate = approximate
        self._effort = effort
        self._exact_scope_rows = exact_scope_rows
        self._halves: Any = None
        if approximate is None:
            large = embeddings.shape[0] > half_precision_rows
            if large or not is_exact(embeddings):
                self._halves = _half_precision(embeddings)

    @property
    def dim(self) -> int:
        """Length of every vector."""
        return shape_of(self._embeddings)[1]

    @property
    def size(self) -> int:
        """How many rows there are."""
        return shape_of(self._embeddings)[0]

    def search(self, query: FloatVector, *, top_k: int) -> RowScores:
        """Return the nearest rows; see `VectorIndex.search`. Exact without an approximate index."""
        query = checked_query(query, self.dim)
        top_k = min(top_k, self.size)
        if top_k <= 0:
            return NO_ROWS
        if self._approximate is not None:
            return self._search_approximately(query, top_k, selector=None)
        faiss.omp_set_num_threads(1)  # a second thread makes one query slower
        if self._halves is not None:
            found = self._search_halves(query, top_k)
            if found is not None:
                return found
        if not is_exact(self._embeddings):
            return self.search_rows(query, np.arange(self.size), top_k=top_k)
        scores, rows = faiss.knn(
            query[np.newaxis], self._embeddings, top_k, faiss.METRIC_INNER_PRODUCT
        )
        return top_k_rows(rows[0], scores[0], top_k=top_k)

    def propose(self, query: FloatVector, *, count: int) -> Rows:
        """Return the rows that are probably the nearest; see `VectorIndex.propose`."""
        if self._approximate is None or count <= 0:
            return self.search(query, top_k=count).rows
        query = checked_query(query, self.dim)
        enough = _enough(self._approximate, _MEASURED_HITS, self._effort)
        return self._proposed(query, max(count, enough), selector=None)

    def search_rows(self, query: FloatVector, rows: Rows, *, top_k: int) -> RowScores:
        """Return the nearest of the given rows; see `VectorIndex.search_rows`.

        Exact, unless there are lists or a graph and the scope holds over `EXACT_SCOPE_ROWS` rows.
        """
        query = checked_query(query, self.dim)
        rows = checked_rows(rows, self.size)
        scanned = self._approximate is None or isinstance(
            self._approximate, faiss.IndexPQFastScan
        )
        if scanned or rows.size <= self._exact_scope_rows:
            return top_k_rows(rows, self._score(query, rows), top_k=top_k)
        if top_k <= 0:
            return NO_ROWS
        mask = np.zeros(self.size, dtype=np.bool_)
        mask[rows] = True
        bitmap = np.packbits(mask, bitorder="little")
        selector = faiss.IDSelectorBitmap(bitmap)
        return self._search_approximately(query, top_k, selector=selector)

    def score_rows(self, query: FloatVector, rows: Rows) -> Scores:
        """Return the exact inner products of the given rows; see `VectorIndex.score_rows`."""
        query = checked_query(query, self.dim)
        return self._score(query, checked_rows(rows, self.size))

    def warm(self) -> None:
        """Search a little everywhere, so that the first turns need not map pages."""
        if self._approximate is not None and self.size <= _TOUCHED_ROWS:
            # The pages of all rows that may be scored again.
            self._embeddings.view(np.uint8).reshape(self.size, -1)[:, 0].sum()
        for row in range(0, self.size, max(1, self.size // _WARM_SEARCHES)):
            self.search(decoded(self._embeddings[row]), top_k=10)

    def _search_halves(self, query: FloatVector, top_k: int) -> RowScores | None:
        """Scan float16 and score exactly what it proposes; None if that may have missed a row."""
        count = min(top_k + _SPARE_CANDIDATES, self.size)
        scores, rows = self._halves.search(query[np.newaxis], count)
        if self._embeddings.dtype == np.float16:
            return top_k_rows(rows[0], scores[0], top_k=top_k)
        found = top_k_rows(rows[0], self._score(query, rows[0]), top_k=top_k)
        if rows.size == self.size:
            return found
        furthest = scores[0, -1] + _half_precision_error(self._embeddings)
        if found.scores[-1] > furthest:
            return found  # no row that was not proposed can be nearer
        return None

    def _score(self, query: FloatVector, rows: Rows) -> Scores:
        scores = np.empty(rows.size, dtype=np.float32)
        if not is_exact(self._embeddings):
            for start in range(0, rows.size, _DECODED_ROWS):
                block = rows[start : start + _DECODED_ROWS]
                scores[start : start + block.size] = inner_products(
                    self._embeddings[block], query
                )
        elif rows.size:
            # In place: NumPy's X[rows] @ q copies first, and takes six times as long.
            faiss.omp_set_num_threads(1)
            faiss.fvec_inner_products_by_idx(
                faiss.swig_ptr(scores),
                faiss.swig_ptr(query),
                faiss.swig_ptr(self._embeddings),
                faiss.swig_ptr(rows),
                self.dim,
                1,
                rows.size,
            )
        return scores

    def _search_approximately(
        self, query: FloatVector, top_k: int, *, selector: Any
    ) -> RowScores:
        count = _enough(self._approximate, top_k, self._effort)
        rows = self._proposed(query, count, selector)
        return top_k_rows(rows, self._score(query, rows), top_k=top_k)

    def _proposed(self, query: FloatVector, count: int, selector: Any) -> Rows:
        faiss.omp_set_num_threads(1)
        padded = _candidates(
            self._approximate, query[np.newaxis], count, self._effort, selector
        )[0]
        rows: Rows = padded[padded >= 0]
        return rows


def _enough(index: Any, top_k: int, effort: int) -> int:
    """How many candidates to score exactly for so many hits."""
    if isinstance(index, faiss.IndexPQFastScan):
        return effort * top_k
    return max(_CANDIDATES_PER_HIT * top_k, _LEAST_CANDIDATES)


def _candidates(
    index: Any, queries: FloatMatrix, count: int, effort: int, selector: Any = None
) -> Rows:
    """The nearest rows by their codes, shape (m, count) or fewer columns, padded with -1."""
    count = min(count, index.ntotal)
    if isinstance(index, faiss.IndexPQFastScan):
        parameters = None
    elif isinstance(index, faiss.IndexHNSW):
        parameters = faiss.SearchParametersHNSW(
            sel=selector, efSearch=max(effort, count)
        )
    else:
        parameters = faiss.SearchParametersIVF(sel=selector, nprobe=effort)
    rows: Rows = index.search(queries, count, params=parameters)[1]
    return rows


def _pq(embeddings: EmbeddingsFile) -> Any:
    """Codes of 4 bits, compared by table look-ups inside the processor's registers."""
    dim = embeddings.shape[1]
    codes = dim
    if dim % _DIMENSIONS_A_CODE == 0:
        codes = dim // _DIMENSIONS_A_CODE
    index = faiss.IndexPQFastScan(dim, codes, 4, faiss.METRIC_INNER_PRODUCT)
    index.pq.cp.seed = _SEED
    with _threads(1):  # 16 centroids a code: threads only wait for one another
        index.train(embeddings.sample(_TRAINED_CODES))
    for block in embeddings.blocks(_BLOCK_ROWS):
        index.add(block)
    return index


def _ivf(embeddings: EmbeddingsFile) -> Any:
    """Inverted lists over 8-bit codes; a scope with lists still finds what lies in few of them."""
    count, dim = embeddings.shape
    # Twice as many lists search a third faster and take three times as long to train.
    lists = max(1, min(int(2 * count**0.5), count // _LEAST_TRAINED))
    quantizer = faiss.IndexFlatIP(dim)
    index = faiss.IndexIVFScalarQuantizer(
        quantizer, dim, lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    index.cp.seed = _SEED
    index.cp.spherical = True
    index.cp.niter = 6  # instead of 10: the same recall in half the time
    index.train(embeddings.sample(lists * _LEAST_TRAINED))
    for block in embeddings.blocks(_BLOCK_ROWS):
        index.add(block)
    return index


def _hnsw(embeddings: EmbeddingsFile) -> Any:
    """A graph over 8-bit codes."""
    index = faiss.IndexHNSWSQ(
        embeddings.shape[1],
        faiss.ScalarQuantizer.QT_8bit,
        _LINKS,
        faiss.METRIC_INNER_PRODUCT,
    )
    index.hnsw.efConstruction = _EFFORT_AT_BUILD
    index.train(embeddings.sample(100_000))
    for block in embeddings.blocks(_BLOCK_ROWS):
        index.add(block)
    return index


_BUILD: dict[VectorKind, Callable[[EmbeddingsFile], Any]] = {
    "pq": _pq,
    "ivf": _ivf,
    "hnsw": _hnsw,
}


def _half_precision(embeddings: Embeddings) -> Any:
    """A scan over float16, of which FAISS keeps its own copy."""
    count, dim = shape_of(embeddings)
    index = faiss.IndexScalarQuantizer(
        dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    for start in range(0, count, _BLOCK_ROWS):
        index.add(decoded(embeddings[start : start + _BLOCK_ROWS]))
    return index


def _half_precision_error(embeddings: Embeddings) -> float:
    """How far a score of the float16 scan may be off.

    int8 lengthens a unit vector by at most sqrt(dim) / 254, half a level in every component, and
    float16 moves the product of a longer vector by as much more.
    """
    if is_exact(embeddings):
        return _HALF_PRECISION_ERROR
    dim = shape_of(embeddings)[1]
    return _HALF_PRECISION_ERROR * (1.0 + math.sqrt(dim) / 254)


def _held_out(embeddings: EmbeddingsFile) -> FloatMatrix:
    """Queries that are no row: some rows, turned until they have a question's cosine."""
    near = embeddings.sample(_HELD_OUT_QUERIES)
    away = np.random.default_rng(_SEED).standard_normal(near.shape, dtype=np.float32)
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    sine = np.float32((1 - _HELD_OUT_COSINE**2) ** 0.5)
    queries: FloatMatrix = _HELD_OUT_COSINE * near + sine * away
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    return queries


def _least_effort(
    kind: VectorKind, index: Any, embeddings: EmbeddingsFile, queries: FloatMatrix
) -> tuple[int, float]:
    """The least effort whose recall@10 is `RECALL_WANTED`, else the largest; with that recall."""
    wanted = _exact(embeddings, queries, top_k=min(_MEASURED_HITS, embeddings.shape[0]))
    recall = 0.0
    for effort in _EFFORTS[kind]:
        count = _enough(index, _MEASURED_HITS, effort)
        proposed = _candidates(index, queries, count, effort)
        shares = [
            np.isin(exact, rows).mean()
            for exact, rows in zip(wanted, proposed, strict=True)
        ]
        recall = float(np.mean(shares))
        if recall >= RECALL_WANTED:
            break
    return effort, round(recall, 4)


def _exact(embeddings: EmbeddingsFile, queries: FloatMatrix, *, top_k: int) -> Rows:
    """The exact nearest rows of each query, shape (m, top_k), read in blocks."""
    best = faiss.ResultHeap(queries.shape[0], top_k, keep_max=True)
    for number, block in enumerate(embeddings.blocks(_BLOCK_ROWS)):
        scores, rows = faiss.knn(
            queries, block, min(top_k, block.shape[0]), faiss.METRIC_INNER_PRODUCT
        )
        best.add_result(scores, rows + number * _BLOCK_ROWS)
    best.finalize()
    found: Rows = best.I
    return found


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Let FAISS use this many threads while an index is built."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
