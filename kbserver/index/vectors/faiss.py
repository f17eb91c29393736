"""Nearest passages with FAISS over the snapshot's own mapped embeddings. The only file that imports faiss.

Exact search while that takes no time; beyond, product quantisation (or a graph, or inverted lists) proposes candidates that
are scored again, exactly, from the mapped embeddings. The embeddings are never copied, but for a rounded copy of those that
are scanned exactly: float16 takes half the memory's bandwidth, and its rounding is bounded, so that what it may have missed
is known. Exact means: of the embeddings as they are stored, which may be rounded themselves.

Measured with 20,000 passages of real manuals (beyond that mixtures of them), embedded by all-MiniLM-L6-v2, and 300 real
questions; one thread; median ms of a search whose data is no longer in the cache, as in a turn, where the model has just
passed through it; recall@10, and seconds to build:

    rows         flat    pq                  ivf                  hnsw
    2,000        0.17    0.09
    10,000       0.57    0.12  1.000    1 s
    20,000       0.84    0.17  1.000    1 s  0.7  .995    3 s     0.3  .993    5 s   (ivf, hnsw: with a warm cache)
    60,000       2.8     0.38  1.000    2 s  1.1  .996    6 s     0.3  .992   17 s
    200,000              1.4    .998    3 s
    1,000,000     106    5.5    .997         2.1  .977  108 s

Hence exact search up to 10,000 rows, 4-bit codes scanned whole up to 100,000, and lists above: a scan grows with the rows,
and its codes are built in a second, which counts as a re-ingest of one file builds the index anew. Lists rather than a
graph, because a scope with lists still finds what lies in few of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import faiss as _faiss
import numpy as np

from kbserver.errors import SnapshotCorrupt
from kbserver.index.embeddings import (
    Embeddings,
    EmbeddingsFile,
    decoded,
    inner_products,
    is_exact,
    shape_of,
)
from kbserver.index.manifest import VectorChoice, VectorFacts, VectorKind, repair
from kbserver.index.vectors.base import (
    NO_ROWS,
    Scores,
    checked_query,
    checked_rows,
    top_k_rows,
)
from kbserver.types import FloatMatrix, FloatVector, Rows, RowScores

faiss: Any = _faiss  # the types it publishes lack half of what is used here

FLAT_ROWS = 10_000
"""Exact search up to this many rows: 0.6 ms, less than the noise of embedding the query."""

PQ_ROWS = 100_000
"""Codes are scanned up to this many rows: about 0.7 ms. No scope of so few is too large to be ranked exactly."""

EXACT_SCOPE_ROWS = 100_000
"""Scopes up to this many rows are always ranked exactly (about 12 ms at worst); above it lists and graphs are asked."""

RECALL_WANTED = 0.99
"""An approximate index searches as hard as it must to find this share of the exact ten nearest."""

ROUNDED_ROWS = 2_000
"""Exact search of more rows than this scans a rounded copy first; of fewer, a scan costs 0.1 ms."""

_ROUNDING = 2.0**-11
"""How far rounding the components of a unit vector to float16 moves its inner product with another: by half a unit in the
last of 11 places each, and by Cauchy and Schwarz no more than that of the product."""

_SPARE_CANDIDATES = 64  # proposed beyond top_k, so that nearly always the last of them is further away than rounding reaches

_EFFORTS: dict[VectorKind, tuple[int, ...]] = {
    "pq": (4, 8, 16, 32),
    "ivf": (
        8,
        12,
        16,
        20,
        24,
        32,
        48,
        64,
        96,
        128,
        192,
        256,
    ),  # a search costs as much as it probes lists
    "hnsw": (32, 64, 128, 256, 512),
}
_CANDIDATES_PER_HIT = (
    4  # the 8-bit codes misplace near ties: rescoring four times as many mends it
)
_LEAST_CANDIDATES = 50
_MEASURED_HITS = 10  # recall@10
_HELD_OUT_QUERIES = 200
_HELD_OUT_COSINE = (
    0.6  # of a held-out query to its passage: 0.65 in the middle for real questions
)
_BLOCK_ROWS = 50_000  # rows added at once: 75 MB of float32 at 384 dimensions
_DECODED_ROWS = 1_000  # rows decoded and scored at once: 1.5 MB, which stays in the processor's cache
_LEAST_TRAINED = 40  # vectors a list; FAISS warns below 39
_LINKS = 16  # of an HNSW node, in each direction
_EFFORT_AT_BUILD = 80  # candidates examined when an HNSW node is linked
_DIMENSIONS_A_CODE = (
    2  # 4 bits for two components: with three, a hundred hits need twice the candidates
)
_LEAST_CODED = 624  # rows; of fewer, FAISS warns, there is nothing to be learnt
_TRAINED_CODES = 20_000  # rows; more find no more
_WARM_SEARCHES = 50  # they probe most of the lists
_SEED = 20240229


def build_vectors(
    embeddings_file: Path,
    file: Path,
    *,
    kind: VectorChoice = "auto",
    queries: FloatMatrix | None = None,
) -> VectorFacts:
    """Build the approximate index that a number of rows calls for, write it, and measure what it finds.

    Args:
        embeddings_file: unit vectors as a snapshot stores them, n rows; read in blocks.
        file: where the index goes; not written for `flat`, which needs nothing beside the embeddings.
        kind: `auto` takes `flat` up to `FLAT_ROWS` rows, `pq` up to `PQ_ROWS` and `ivf` beyond.
        queries: unit vectors to measure recall with, shape (m, dim); without them rows with noise added.

    Returns:
        What was built, with its recall@10 against exact search.
    """
    embeddings = EmbeddingsFile(embeddings_file)
    count = embeddings.shape[0]
    if kind == "auto":
        kind = "flat" if count <= FLAT_ROWS else "pq" if count <= PQ_ROWS else "ivf"
    if kind == "flat" or count == 0 or (kind == "pq" and count < _LEAST_CODED):
        return VectorFacts("flat", recall_at_10=1.0, effort=0)

    with _threads(os.cpu_count() or 1):
        index = _BUILD[kind](embeddings)
        faiss.write_index(index, os.fspath(file))
        if queries is None:
            queries = _held_out(embeddings)
        effort, recall = _least_effort(kind, index, embeddings, queries)
    return VectorFacts(kind, recall_at_10=recall, effort=effort)


class FaissIndex:
    """The embeddings of one snapshot, searched with FAISS on one thread. Safe to share between threads."""

    def __init__(
        self,
        embeddings: Embeddings,
        approximate: Any = None,
        *,
        effort: int = 0,
        exact_scope_rows: int = EXACT_SCOPE_ROWS,
        rounded_rows: int = ROUNDED_ROWS,
    ) -> None:
        """Take the embeddings and, unless every search shall be exact, an index over the same rows.

        Args:
            embeddings: n unit vectors, C order; kept and read in place, so they may be mapped.
            approximate: a FAISS index over the same rows in the same order.
            effort: lists probed or candidates kept by a search of it; for `pq` candidates a hit.
            exact_scope_rows: scopes of at most this many rows are ranked exactly even then.
            rounded_rows: more rows than this are scanned rounded first; what is found stays exact.
        """
        self._embeddings = embeddings
        self._approximate = approximate
        self._effort = effort
        self._exact_scope_rows = exact_scope_rows
        scanned = approximate is None and (
            not is_exact(embeddings) or embeddings.shape[0] > rounded_rows
        )
        self._halves = _half_precision(embeddings) if scanned else None

    @classmethod
    def open(cls, embeddings: Embeddings, file: Path, facts: VectorFacts) -> FaissIndex:
        """Open what `build_vectors` made; the file is mapped, not read.

        Raises:
            SnapshotCorrupt: the file is no FAISS index, or holds other rows than the embeddings.
        """
        if facts.kind == "flat":
            return cls(embeddings)
        try:  # IO_FLAG_MMAP copies a graph, and reads inverted lists through a thread pool: 2.4 ms a query
            index = faiss.read_index(os.fspath(file), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as exc:
            raise SnapshotCorrupt(
                f"{file}: not a FAISS index; {repair(file.parent)}"
            ) from exc
        count, dim = shape_of(embeddings)
        if (index.ntotal, index.d) != (count, dim):
            raise SnapshotCorrupt(
                f"{file}: holds {index.ntotal} vectors of length {index.d}, the embeddings are "
                f"{count} of length {dim}; {repair(file.parent)}"
            )
        return cls(embeddings, index, effort=facts.effort)

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

        faiss.omp_set_num_threads(
            1
        )  # a second thread only slows one query: 1.9 -> 3.1 ms at 20,000 rows
        if self._halves is not None:
            scores, rows = self._halves.search(
                query[np.newaxis], min(top_k + _SPARE_CANDIDATES, self.size)
            )
            if self._embeddings.dtype == np.float16:
                return top_k_rows(rows[0], scores[0], top_k=top_k)
            found = top_k_rows(rows[0], self._score(query, rows[0]), top_k=top_k)
            if rows.size == self.size or found.scores[-1] > scores[0, -1] + _reach(
                self._embeddings
            ):
                return found  # no row that was not proposed can be nearer
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
        enough = _enough(self._approximate, _MEASURED_HITS, self._effort)
        return self._proposed(
            checked_query(query, self.dim), max(count, enough), selector=None
        )

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
        return self._search_approximately(
            query, top_k, selector=faiss.IDSelectorBitmap(bitmap)
        )

    def score_rows(self, query: FloatVector, rows: Rows) -> Scores:
        """Return the exact inner products of the given rows; see `VectorIndex.score_rows`."""
        return self._score(
            checked_query(query, self.dim), checked_rows(rows, self.size)
        )

    def warm(self) -> None:
        """Search a little everywhere, so that the first turns do not pay for page tables and lazy set-up."""
        if self._approximate is not None and self.size <= PQ_ROWS:
            # touches the pages of all rows that may be scored again
            self._embeddings.view(np.uint8).reshape(self.size, -1)[:, 0].sum()
        for row in range(0, self.size, max(1, self.size // _WARM_SEARCHES)):
            self.search(decoded(self._embeddings[row]), top_k=10)

    def _score(self, query: FloatVector, rows: Rows) -> Scores:
        scores = np.empty(rows.size, dtype=np.float32)
        if not is_exact(self._embeddings):
            for start in range(0, rows.size, _DECODED_ROWS):
                block = rows[start : start + _DECODED_ROWS]
                scores[start : start + block.size] = inner_products(
                    self._embeddings[block], query
                )
        elif rows.size:  # in place: NumPy's X[rows] @ q copies first, 8.5 instead of 1.3 ms at 20,000 rows
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
        rows = self._proposed(
            query, _enough(self._approximate, top_k, self._effort), selector
        )
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
    codes = dim // _DIMENSIONS_A_CODE if dim % _DIMENSIONS_A_CODE == 0 else dim
    index = faiss.IndexPQFastScan(dim, codes, 4, faiss.METRIC_INNER_PRODUCT)
    index.pq.cp.seed = _SEED
    with _threads(
        1
    ):  # a clustering of 16 points for each code: threads only wait for one another
        index.train(embeddings.sample(_TRAINED_CODES))
    for block in embeddings.blocks(_BLOCK_ROWS):
        index.add(block)
    return index


def _ivf(embeddings: EmbeddingsFile) -> Any:
    """Inverted lists over 8-bit codes: a quarter of the memory, and built three times as fast as a graph."""
    count, dim = embeddings.shape
    # Twice as many lists search a third faster and take three times as long to train, for the same recall.
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
    """An exact scan over float16; FAISS keeps its own copy, which at the sizes that are scanned is small."""
    count, dim = shape_of(embeddings)
    index = faiss.IndexScalarQuantizer(
        dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    for start in range(0, count, _BLOCK_ROWS):
        index.add(decoded(embeddings[start : start + _BLOCK_ROWS]))
    return index


def _reach(embeddings: Embeddings) -> float:
    """How far a score of the float16 scan may be off. int8 makes a unit vector longer by at most sqrt(dim) / 254, half a step
    in every component, and float16 moves the product of a longer vector by as much more."""
    return _ROUNDING * (
        1.0 if is_exact(embeddings) else 1.0 + shape_of(embeddings)[1] ** 0.5 / 254
    )


def _held_out(embeddings: EmbeddingsFile) -> FloatMatrix:
    """Queries that are no row: some rows turned away until they have the cosine of a question to its passage."""
    near = embeddings.sample(_HELD_OUT_QUERIES)
    away = np.random.default_rng(_SEED).standard_normal(near.shape, dtype=np.float32)
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    queries: FloatMatrix = (
        _HELD_OUT_COSINE * near + np.float32((1 - _HELD_OUT_COSINE**2) ** 0.5) * away
    )
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    return queries


def _least_effort(
    kind: VectorKind, index: Any, embeddings: EmbeddingsFile, queries: FloatMatrix
) -> tuple[int, float]:
    """The smallest effort whose recall@10 is `RECALL_WANTED`, else the largest; and that recall."""
    wanted = _exact(embeddings, queries, top_k=min(_MEASURED_HITS, embeddings.shape[0]))
    recall = 0.0
    for effort in _EFFORTS[kind]:
        proposed = _candidates(
            index, queries, _enough(index, _MEASURED_HITS, effort), effort
        )
        found = [
            np.isin(exact, rows).mean()
            for exact, rows in zip(wanted, proposed, strict=True)
        ]
        recall = float(np.mean(found))
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
