"""Nearest passages by embedding: what every vector index does, and the plainest one."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from kbserver.errors import DimensionMismatch, NotFinite
from kbserver.index.rows import Scores, checked_rows, top_k_rows
from kbserver.types import FloatMatrix, FloatVector, Rows, RowScores


class VectorIndex(Protocol):
    """Rows of unit vectors, ranked against a query by inner product; higher is better."""

    @property
    def waits(self) -> bool:
        """Whether a search waits for network or disk: it must not run in the event loop."""
        ...

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
        """Return rows that are probably the nearest, to be scored with others; see `score_rows`.

        An approximate index gives what its codes say, in any order, and spares the exact scores.

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
        """Return the nearest among the given rows, best first.

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
        """Return the exact inner products of the given rows, in the order given.

        Raises:
            DimensionMismatch, NotFinite, IndexError: as in `search_rows`.
        """
        ...

    def warm(self) -> None:
        """Do what the first search would do beside searching."""
        ...


class NumpyIndex:
    """Exact search with nothing but NumPy: the yardstick for every other vector index."""

    waits = False

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
        every = np.arange(self.size, dtype=np.int64)
        return self.search_rows(query, every, top_k=top_k)

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
        embeddings = self._embeddings[rows].astype(np.float32, copy=False)
        # Not `@`: BLAS sums some rows in another order, and equal vectors must score the same.
        scores: Scores = np.einsum("ij,j->i", embeddings, query)
        return scores

    def warm(self) -> None:
        """Do nothing: the embeddings are in memory."""


def checked_query(query: FloatVector, dim: int) -> FloatVector:
    """Return the query as a contiguous float32 vector.

    Raises:
        DimensionMismatch: its shape is not (dim,).
        NotFinite: it holds NaN or infinity.
    """
    if query.shape != (dim,):
        found = f"shape {query.shape}"
        if query.ndim == 1:
            found = f"length {query.shape[0]}"
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
