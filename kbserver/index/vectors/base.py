"""Nearest passages by embedding: what every vector index does, and the plainest one that does it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kbserver.errors import DimensionMismatch, NotFinite
from kbserver.types import FloatMatrix, FloatVector, Rows, RowScores

Scores = NDArray[np.float32]


class VectorIndex(Protocol):
    """Rows of unit vectors that can be ranked against a query. Scores are inner products, higher is better."""

    @property
    def dim(self) -> int:
        """Length of every vector."""
        ...

    @property
    def size(self) -> int:
        """How many rows there are."""
        ...

    def search(self, query: FloatVector, *, top_k: int) -> RowScores:
        """Return the rows nearest to one query, best first.

        An approximate index may miss a row; the scores it returns are exact.

        Args:
            query: unit vector, shape (dim,), float32.
            top_k: at most this many; fewer if the index holds fewer; none if it is 0 or less.

        Returns:
            Rows with their inner products in [-1, 1], best first; equal scores keep row order.

        Raises:
            DimensionMismatch: the query's length is not `dim`; the message names both.
            NotFinite: the query holds NaN or infinity.
        """
        ...

    def propose(self, query: FloatVector, *, count: int) -> Rows:
        """Return rows that are probably the nearest, for whoever scores them together with others: see `score_rows`.

        An approximate index gives what its codes say, in no order to be relied on, and spares the exact scores of `search`.

        Args:
            query: unit vector, shape (dim,), float32.
            count: how many are wanted; the index may propose more, and none if it is 0 or less.

        Returns:
            Shape (n,), no row twice.

        Raises:
            DimensionMismatch, NotFinite: as in `search`.
        """
        ...

    def search_rows(self, query: FloatVector, rows: Rows, *, top_k: int) -> RowScores:
        """Return the nearest among the given rows, best first: ranked inside the scope, not filtered after.

        Args:
            query: unit vector, shape (dim,), float32.
            rows: the scope, shape (n,), ascending, no row twice.
            top_k: as in `search`.

        Raises:
            DimensionMismatch, NotFinite: as in `search`.
            IndexError: a row is negative or not below `size`.
        """
        ...

    def score_rows(self, query: FloatVector, rows: Rows) -> Scores:
        """Return the exact inner products of the given rows, shape (len(rows),), in the order given.

        Raises:
            DimensionMismatch, NotFinite, IndexError: as in `search_rows`.
        """
        ...


class NumpyIndex:
    """Exact search with nothing but NumPy: the yardstick for every other vector index."""

    def __init__(self, embeddings: FloatMatrix) -> None:
        self._embeddings = embeddings

    @property
    def dim(self) -> int:
        """Length of every vector."""
        return int(self._embeddings.shape[1])

    @property
    def size(self) -> int:
        """How many rows there are."""
        return int(self._embeddings.shape[0])

    def search(self, query: FloatVector, *, top_k: int) -> RowScores:
        """Return the nearest rows; see `VectorIndex.search`."""
        return self.search_rows(
            query, np.arange(self.size, dtype=np.int64), top_k=top_k
        )

    def propose(self, query: FloatVector, *, count: int) -> Rows:
        """Return the nearest rows; see `VectorIndex.propose`."""
        return self.search(query, top_k=count).rows

    def search_rows(self, query: FloatVector, rows: Rows, *, top_k: int) -> RowScores:
        """Return the nearest of the given rows; see `VectorIndex.search_rows`."""
        return top_k_rows(rows, self.score_rows(query, rows), top_k=top_k)

    def score_rows(self, query: FloatVector, rows: Rows) -> Scores:
        """Return the inner products of the given rows; see `VectorIndex.score_rows`."""
        query = checked_query(query, self.dim)
        rows = checked_rows(rows, self.size)
        # Not `@`: BLAS sums some rows in another order than others, and equal vectors must score the same.
        scores: Scores = np.einsum(
            "ij,j->i", self._embeddings[rows].astype(np.float32, copy=False), query
        )
        return scores


_LEAST_GROUPS, _GROUPS_PER_PLACE = 256, 4
"""For the 100 best of 20,000: two groups a place keep 135 of them, eight take a tenth longer and keep 107."""

NO_ROWS = RowScores(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32))
"""The answer when nothing is found."""


def top_k_rows(rows: Rows, scores: Scores, *, top_k: int) -> RowScores:
    """Return the `top_k` rows of highest score, best first; equal scores in ascending row order.

    Args:
        rows: shape (n,), in any order.
        scores: shape (n,), the score of each of them; no NaN.
        top_k: at most this many; none if it is 0 or less.
    """
    if top_k <= 0 or rows.size == 0:
        return NO_ROWS
    if (
        rows.size > _GROUPS_PER_PLACE * top_k
    ):  # fewer are sorted sooner than looked through
        kept = hopeful(scores, top_k)
        rows, scores = rows[kept], scores[kept]
    order = np.lexsort((rows, -scores))[:top_k]
    return RowScores(rows[order], scores[order])


def hopeful(scores: Scores, top_k: int) -> Rows:
    """Return the places of the `top_k` highest scores, and of few others; ascending.

    Partitioning 20,000 scores takes 130 µs. This takes 13: it deals them out to groups, of which the `top_k`-th highest
    maximum is a score that `top_k` places reach, and by chance a tenth more than that do.

    Args:
        scores: shape (n,); no NaN.
        top_k: all places if there are no more than this; none if it is 0 or less.
    """
    if top_k <= 0:
        return NO_ROWS.rows
    if top_k >= scores.size:
        return np.arange(scores.size, dtype=np.int64)
    groups = max(_LEAST_GROUPS, _GROUPS_PER_PLACE * top_k)
    rounds = scores.size // groups
    highest = (
        scores[: rounds * groups].reshape(rounds, groups).max(axis=0)
        if rounds > 1
        else scores.copy()
    )
    highest.partition(highest.size - top_k)
    kept: Rows = (scores >= highest[highest.size - top_k]).nonzero()[0]
    return kept


def union_rows(parts: Sequence[Rows]) -> Rows:
    """Return the rows that are in any of the parts, ascending, each once.

    `np.unique` hashes a few hundred rows before it sorts them, which takes three times as long.
    """
    rows = np.sort(np.concatenate(parts)) if parts else NO_ROWS.rows
    first = np.ones(rows.size, dtype=np.bool_)
    np.not_equal(rows[1:], rows[:-1], out=first[1:])
    return rows[first]


def checked_query(query: FloatVector, dim: int) -> FloatVector:
    """Return the query as a contiguous float32 vector.

    Raises:
        DimensionMismatch: its shape is not (dim,).
        NotFinite: it holds NaN or infinity.
    """
    if query.shape != (dim,):
        found = (
            f"length {query.shape[0]}" if query.ndim == 1 else f"shape {query.shape}"
        )
        raise DimensionMismatch(
            f"the query vector has {found}, the index holds vectors of length {dim}; "
            "embed the query with the model the snapshot was built with"
        )
    query = np.ascontiguousarray(query, dtype=np.float32)
    if not math.isfinite(query @ query):  # one call of NumPy instead of two
        raise NotFinite(
            "the query vector holds NaN or infinity; the embedding model returned garbage"
        )
    return query


def checked_rows(rows: Rows, size: int) -> Rows:
    """Return the rows as a contiguous int64 vector.

    Raises:
        IndexError: one of them is negative or not below `size`.
    """
    rows = np.ascontiguousarray(rows, dtype=np.int64)
    if rows.size and (rows.min() < 0 or rows.max() >= size):
        raise IndexError(
            f"rows from {rows.min()} to {rows.max()} asked for, the index holds 0 to {size - 1}"
        )
    return rows
