"""BM25 that leaves out postings which cannot change what is found; exact.

Terms are taken in the order of the most they can add to a score. As soon as those that are left
cannot lift a new row into the `top_k`, they are looked up only for the rows that may get there.

Source: H. Turtle, J. Flood, Query evaluation: strategies and optimizations (1995).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kbserver.index.lexical.postings import WALKED_PER_LOOK_UP, Postings, WeightedTerms
from kbserver.index.rows import NO_ROWS, Scores, checked_rows, top_k_rows
from kbserver.types import Rows, RowScores

_ROUNDING = 1 + 1e-5  # float32 sums of a few terms


@dataclass(frozen=True, slots=True)
class MaxScoreResult:
    """Found by a search that left postings out: other rows are looked up when asked for."""

    best: RowScores
    terms: WeightedTerms
    postings: Postings

    def scores(self, rows: Rows) -> Scores:
        """Add up what the terms add to the rows; see `LexicalFound.scores`."""
        rows = checked_rows(rows, self.postings.size)
        weights = np.array([weight for _, weight in self.terms], dtype=np.float32)
        table = self.postings.table([term for term, _ in self.terms], rows)
        sums: Scores = weights @ table
        return sums


def search_maxscore(
    postings: Postings,
    terms: WeightedTerms,
    inside: NDArray[np.bool_] | None,
    top_k: int,
) -> MaxScoreResult:
    """Walk the postings that can add most first, while they can still lift a new row.

    Args:
        postings: of the index.
        terms: at least one.
        inside: shape (size,), which rows are in the scope; None for all.
        top_k: at most this many are best; none if it is 0 or less.
    """
    if top_k <= 0:
        return MaxScoreResult(NO_ROWS, terms, postings)
    sums = postings.sums()
    try:
        best = _best(postings, terms, inside, top_k, sums)
    finally:
        sums.fill(0)
    return MaxScoreResult(best, terms, postings)


def _best(
    postings: Postings,
    terms: WeightedTerms,
    inside: NDArray[np.bool_] | None,
    top_k: int,
    sums: Scores,
) -> RowScores:
    """Search with sums of shape (size,), all 0; they are left as they are at the end."""
    ranked = [
        (weight * float(postings.maxima[term[0]]), term, weight)
        for term, weight in terms
    ]
    ranked.sort(key=lambda entry: entry[0], reverse=True)
    reachable = sum(most for most, _, _ in ranked)  # by a row that no term has met yet
    reached = 0.0  # the top_k-th best row scores at least this
    shortest: NDArray[np.int32] | None = None  # postings of at least top_k rows
    walked = 0
    while walked < len(ranked) and reached <= _ROUNDING * reachable:
        most, term, weight = ranked[walked]
        walked += 1
        rows, scores = postings.of(term)
        np.add.at(sums, rows, np.float32(weight) * scores)
        reachable -= most
        if inside is not None and (shortest is None or rows.size < shortest.size):
            rows = rows[inside[rows]]
        if rows.size >= top_k and (shortest is None or rows.size < shortest.size):
            shortest = rows
        if shortest is not None:
            reached = _kth(sums[shortest], top_k)

    least = reached - _ROUNDING * max(reachable, 0.0)
    if least > 0:
        hopeful = sums >= least
    else:
        hopeful = sums > 0
    if inside is not None:
        hopeful &= inside
    candidates = np.flatnonzero(hopeful)
    for _, term, weight in ranked[walked:]:
        rows, scores = postings.of(term)
        if rows.size < WALKED_PER_LOOK_UP * candidates.size:
            np.add.at(sums, rows, np.float32(weight) * scores)
        else:
            added = postings.look_up(term, candidates)
            sums[candidates] += np.float32(weight) * added
    return top_k_rows(candidates, sums[candidates], top_k=top_k)


def _kth(scores: Scores, top_k: int) -> float:
    """Return the `top_k`-th highest of at least as many scores."""
    place = scores.size - top_k
    return float(np.partition(scores, place)[place])
