"""BM25 by adding up all postings: the plain search, and the fastest while there are few."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kbserver.index.lexical.postings import Postings, WeightedTerms
from kbserver.index.rows import (
    NO_ROWS,
    Scores,
    checked_rows,
    top_candidates,
    top_k_rows,
)
from kbserver.types import Rows, RowScores


@dataclass(frozen=True, slots=True)
class ExhaustiveResult:
    """Found by a search that added up all postings: every row's sum is known."""

    best: RowScores
    sums: Scores
    """Shape (size,), or (len(rows),) of a small scope; 0 outside the scope."""
    size: int
    """Of the index."""
    rows: Rows | None = None
    """What the sums are of, ascending; None for every row."""

    @classmethod
    def nothing(cls, size: int) -> ExhaustiveResult:
        """Return what a search finds that no row can answer."""
        return cls(NO_ROWS, NO_ROWS.scores, size, NO_ROWS.rows)

    def scores(self, rows: Rows) -> Scores:
        """Look the rows up; see `LexicalFound.scores`."""
        rows = checked_rows(rows, self.size)
        if self.rows is None:
            return self.sums[rows]
        found = np.zeros(rows.size, dtype=np.float32)
        if self.rows.size:
            at = np.minimum(np.searchsorted(self.rows, rows), self.rows.size - 1)
            hit = self.rows[at] == rows
            found[hit] = self.sums[at[hit]]
        return found


def search_exhaustive(
    postings: Postings,
    terms: WeightedTerms,
    inside: NDArray[np.bool_] | None,
    top_k: int,
) -> ExhaustiveResult:
    """Add up all postings in one call of NumPy, whatever the number of terms.

    Args:
        postings: of the index.
        terms: at least one.
        inside: shape (size,), which rows are in the scope; None for all.
        top_k: at most this many are best; none if it is 0 or less.
    """
    rows, scores = postings.joined([term for term, _ in terms])
    weights = [weight for _, weight in terms]
    if set(weights) != {1.0}:
        lengths = [stop - start for (_, start, stop), _ in terms]
        scores *= np.repeat(np.array(weights, dtype=np.float32), lengths)
    sums = np.zeros(postings.size, dtype=np.float32)
    np.add.at(sums, rows, scores)
    if inside is not None:
        sums *= inside
    candidates = top_candidates(sums, top_k)
    candidates = candidates[sums[candidates] > 0]
    best = top_k_rows(candidates, sums[candidates], top_k=top_k)
    return ExhaustiveResult(best, sums, postings.size)


def search_small_scope(
    postings: Postings, terms: WeightedTerms, rows: Rows, top_k: int
) -> ExhaustiveResult:
    """Look every row of a small scope up in every term's postings."""
    sums = np.zeros(rows.size, dtype=np.float32)
    for term, weight in terms:
        sums += np.float32(weight) * postings.look_up(term, rows)
    found = sums > 0
    best = top_k_rows(rows[found], sums[found], top_k=top_k)
    return ExhaustiveResult(best, sums, postings.size, rows)
