"""Passages by their words: BM25 with weighted query terms, read from mapped arrays that bm25s computed.

A query costs what its rare terms cost. Terms are taken in the order of the most they can add to a score; as
soon as the common ones that are left cannot lift a new row into the `top_k`, they are looked up only for the
rows that may still get there (MaxScore, exact).

Source: S. Robertson, H. Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond (2009); variant
"lucene" of https://cs.uwaterloo.ca/~jimmylin/publications/Kamphuis_etal_ECIR2020_preprint.pdf; H. Turtle,
J. Flood, Query evaluation: strategies and optimizations (1995).
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kbserver.index.strings import SortedStrings, map_array
from kbserver.index.vectors.base import (
    NO_ROWS,
    Scores,
    checked_rows,
    hopeful,
    top_k_rows,
)
from kbserver.types import Rows, RowScores


class LexicalIndex(Protocol):
    """Passages that can be ranked by the terms they hold. Terms are what `tokens.tokenize` gives."""

    @property
    def size(self) -> int:
        """How many rows there are."""
        ...

    def search(
        self, terms: Mapping[str, float], *, top_k: int, rows: Rows | None = None
    ) -> RowScores:
        """Return the rows that score highest, best first.

        Args:
            terms: weight of each query term; terms unknown to the index and weights of 0 or less add nothing.
            top_k: at most this many; none if it is 0 or less.
            rows: rank only these, ascending, no row twice; None for all.

        Returns:
            Rows with the weighted sum of their terms' BM25 scores, all above 0; equal scores keep row order.

        Raises:
            IndexError: a row is negative or not below `size`.
        """
        ...

    def find(
        self, terms: Mapping[str, float], *, top_k: int, rows: Rows | None = None
    ) -> LexicalFound:
        """Search, and be able to say afterwards what any row scores, without walking the postings again."""
        ...

    def score_terms(self, terms: Sequence[str], rows: Rows) -> NDArray[np.float32]:
        """Return what each term adds to the score of each row, shape (len(terms), len(rows)); 0 where absent.

        Raises:
            IndexError: a row is negative or not below `size`.
        """
        ...

    def document_frequency(self, term: str) -> int:
        """In how many rows the term stands; 0 if in none."""
        ...

    def idf(self, term: str) -> float:
        """How much the term tells: ln(1 + (N - df + 0.5) / (df + 0.5)), largest for a term in no row."""
        ...

    def vocabulary(self) -> Iterator[tuple[str, int]]:
        """Every term with its document frequency, by ascending UTF-8 bytes."""
        ...


class LexicalFound(Protocol):
    """What a search found, and what it knows of all other rows."""

    @property
    def best(self) -> RowScores:
        """The rows that score highest, best first."""
        ...

    def scores(self, rows: Rows) -> Scores:
        """Return the weighted sum of the terms' scores of some rows of the scope, shape (len(rows),); 0 where none is.

        Raises:
            IndexError: a row is negative or not below the index's size.
        """
        ...


@dataclass(frozen=True, slots=True)
class Bm25Parameters:
    """What the scores of a lexical index were computed with; stored beside it."""

    k1: float = 0.9
    """How slowly repeated terms stop counting."""
    b: float = 0.4
    """How much long passages are held back, in [0, 1]. Source of both: Anserini's defaults for passages."""
    language: str = "english"
    """For `tokens.tokenize`: queries must be cut as the passages were."""


STEM = "bm25"
_SMALL_SCOPE = (
    1 / 64
)  # of all rows: below, looking rows up in postings beats walking the postings
_WALKED_PER_LOOK_UP = 16  # postings added (2 ns each) in the time of one binary search
_FOUND_TERMS = 50_000  # query terms remembered, 12 MB: finding one anew takes 6 µs
_PAGE_BYTES = 4096
_ROUNDING = 1 + 1e-5  # float32 sums of a few terms


_Term: TypeAlias = tuple[int, int, int]
"""Number of a term, where its postings begin and where they end. In Python's numbers: a slice of NumPy's costs three times as
much. And in a plain tuple, which garbage collection does not track: with 30,000 slices each full one took 50 ms."""

WALKED_AT_ONCE = 400_000
"""Postings of a query's terms together: up to these, adding all up beats finding out which can be left out.

At 400,000 that is 1.8 against 9 ms for a hundred terms in 100,000 rows, 1.6 against 1.9 for five in a million; two terms
of which one is rare are the exception, 1.8 against 0.5.
"""


@dataclass(frozen=True, slots=True)
class SummedUp:
    """Found by a search that added up all postings: every row's sum is known."""

    best: RowScores
    sums: Scores
    """Shape (size,), or (len(rows),) of a small scope; 0 outside the scope."""
    size: int
    """Of the index."""
    rows: Rows | None = None
    """What the sums are of, ascending; None for every row."""

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


@dataclass(frozen=True, slots=True)
class Skimmed:
    """Found by a search that left out what could not change it: other rows are looked up when they are asked for."""

    best: RowScores
    terms: Mapping[str, float]
    index: Bm25Index

    def scores(self, rows: Rows) -> Scores:
        """Add up what the terms add to the rows; see `LexicalFound.scores`."""
        weights = np.fromiter(
            self.terms.values(), dtype=np.float32, count=len(self.terms)
        )
        sums: Scores = weights @ self.index.score_terms(list(self.terms), rows)
        return sums


class Bm25Index:
    """A BM25 index on disk, mapped. Safe to share between threads."""

    def __init__(
        self,
        size: int,
        terms: SortedStrings,
        starts: NDArray[np.int64],
        rows: NDArray[np.int32],
        scores: NDArray[np.float32],
        maxima: NDArray[np.float32],
        parameters: Bm25Parameters,
        walked_at_once: int = WALKED_AT_ONCE,
    ) -> None:
        """Take the postings: those of term number t are `starts[t]` to `starts[t + 1]`.

        Args:
            size: how many rows there are.
            terms: the vocabulary, n terms.
            starts: shape (n + 1,).
            rows: shape (postings,); ascending within a term.
            scores: shape (postings,); what the term adds to that row's score.
            maxima: shape (n,); the largest score of each term.
            parameters: what the scores were computed with.
            walked_at_once: a search that meets more postings leaves out those that cannot change what it finds.
        """
        self.parameters = parameters
        self._size = size
        self._terms = terms
        self._term = lru_cache(maxsize=_FOUND_TERMS)(self._find_term)
        self._starts = starts
        self._rows = rows
        self._scores = scores
        self._maxima = maxima
        self._walked_at_once = walked_at_once
        self._scratch = threading.local()

    @classmethod
    def open(cls, folder: Path, *, walked_at_once: int = WALKED_AT_ONCE) -> Bm25Index:
        """Map the index that `lexical_build.build_lexical` wrote into a folder."""
        facts = json.loads((folder / f"{STEM}.json").read_text("utf-8"))
        return cls(
            size=facts["size"],
            terms=SortedStrings.open(folder / f"{STEM}.terms.bin"),
            starts=map_array(folder / f"{STEM}.starts.npy"),
            rows=map_array(folder / f"{STEM}.rows.npy"),
            scores=map_array(folder / f"{STEM}.scores.npy"),
            maxima=map_array(folder / f"{STEM}.maxima.npy"),
            parameters=Bm25Parameters(**facts["parameters"]),
            walked_at_once=walked_at_once,
        )

    @property
    def size(self) -> int:
        """How many rows there are."""
        return self._size

    def search(
        self, terms: Mapping[str, float], *, top_k: int, rows: Rows | None = None
    ) -> RowScores:
        """Return the rows that score highest; see `LexicalIndex.search`."""
        return self.find(terms, top_k=top_k, rows=rows).best

    def find(
        self, terms: Mapping[str, float], *, top_k: int, rows: Rows | None = None
    ) -> LexicalFound:
        """Search, and keep what it took to know; see `LexicalIndex.find`."""
        if rows is not None:
            rows = checked_rows(rows, self._size)
        known = [
            (found, weight)
            for term, weight in terms.items()
            if weight > 0 and (found := self._term(term))
        ]
        if not known or (rows is not None and rows.size == 0):
            return SummedUp(NO_ROWS, NO_ROWS.scores, self._size, NO_ROWS.rows)
        weights = {number: weight for (number, _, _), weight in known}
        if rows is not None and rows.size < self._size * _SMALL_SCOPE:
            return self._search_scope(weights, rows, top_k)
        inside = None
        if rows is not None:
            inside = np.zeros(self._size, dtype=np.bool_)
            inside[rows] = True
        spans = [slice(start, stop) for (_, start, stop), _ in known]
        if sum(span.stop - span.start for span in spans) <= self._walked_at_once:
            return self._search_at_once(spans, list(weights.values()), inside, top_k)
        best = self._search_in_turn(weights, inside, top_k) if top_k > 0 else NO_ROWS
        return Skimmed(best, terms, self)

    def score_terms(self, terms: Sequence[str], rows: Rows) -> NDArray[np.float32]:
        """Return what each term adds to each row; see `LexicalIndex.score_terms`."""
        ascending, places = np.unique(
            checked_rows(rows, self._size), return_inverse=True
        )
        table = np.zeros((len(terms), ascending.size), dtype=np.float32)
        walked: dict[
            int, int
        ] = {}  # line of the table → number of a term whose postings are few enough to read all
        for line, term in enumerate(terms):
            if found := self._term(term):
                number, start, stop = found
                if stop - start > _WALKED_PER_LOOK_UP * ascending.size:
                    table[line] = self._look_up(number, ascending)
                else:
                    walked[line] = number
        self._walk(walked, ascending, table)
        return table[:, places]

    def document_frequency(self, term: str) -> int:
        """In how many rows the term stands."""
        found = self._term(term)
        return found[2] - found[1] if found else 0

    def idf(self, term: str) -> float:
        """How much the term tells; see `LexicalIndex.idf`."""
        frequency = self.document_frequency(term)
        return math.log(1 + (self._size - frequency + 0.5) / (frequency + 0.5))

    def vocabulary(self) -> Iterator[tuple[str, int]]:
        """Every term with its document frequency."""
        return zip(self._terms, np.diff(self._starts).tolist(), strict=True)

    def warm(self) -> None:
        """Touch every page of the postings, so that the first turns do not pay for mapping them."""
        for mapped in (self._rows, self._scores):
            np.add.reduce(mapped[:: _PAGE_BYTES // mapped.itemsize])
        self._sums()

    def _search_scope(
        self, weights: Mapping[int, float], rows: Rows, top_k: int
    ) -> SummedUp:
        """Look every row of a small scope up in every term's postings."""
        scores = np.zeros(rows.size, dtype=np.float32)
        for number, weight in weights.items():
            scores += np.float32(weight) * self._look_up(number, rows)
        found = scores > 0
        return SummedUp(
            top_k_rows(rows[found], scores[found], top_k=top_k),
            scores,
            self._size,
            rows,
        )

    def _search_at_once(
        self,
        spans: Sequence[slice],
        weights: Sequence[float],
        inside: NDArray[np.bool_] | None,
        top_k: int,
    ) -> SummedUp:
        """Add up all postings: many terms with few of them each would spend their time in calls of NumPy."""
        rows = np.concatenate(
            [self._rows[span] for span in spans], dtype=np.int64
        )  # what `add.at` would convert to
        added = np.concatenate([self._scores[span] for span in spans])
        if set(weights) != {1.0}:
            added *= np.repeat(
                np.array(weights, dtype=np.float32),
                [span.stop - span.start for span in spans],
            )
        sums = np.zeros(self._size, dtype=np.float32)
        np.add.at(sums, rows, added)
        if inside is not None:
            sums *= inside
        best = hopeful(sums, top_k)
        best = best[sums[best] > 0]
        return SummedUp(top_k_rows(best, sums[best], top_k=top_k), sums, self._size)

    def _search_in_turn(
        self, weights: Mapping[int, float], inside: NDArray[np.bool_] | None, top_k: int
    ) -> RowScores:
        """Walk the postings that can add most first, while they can still lift a new row."""
        most = {
            number: weight * float(self._maxima[number])
            for number, weight in weights.items()
        }
        left = sorted(weights, key=lambda number: most[number], reverse=True)
        reachable = sum(most.values())  # by a row that was not met yet

        sums = self._sums()
        reached = 0.0  # the top_k-th best row scores at least this
        fewest: NDArray[np.int32] | None = (
            None  # the shortest postings with top_k rows: the bound is taken there
        )
        try:
            while left and reached <= _ROUNDING * reachable:
                number = left.pop(0)
                rows, scores = self._postings(number)
                np.add.at(sums, rows, np.float32(weights[number]) * scores)
                reachable -= most[number]
                if inside is not None and (fewest is None or rows.size < fewest.size):
                    rows = rows[inside[rows]]
                if rows.size >= top_k and (fewest is None or rows.size < fewest.size):
                    fewest = rows
                if fewest is not None:
                    reached = _kth(sums[fewest], top_k)
            least = reached - _ROUNDING * max(reachable, 0.0)
            hopeful = sums >= least if least > 0 else sums > 0
            candidates = np.flatnonzero(hopeful if inside is None else hopeful & inside)
            for number in left:
                rows, scores = self._postings(number)
                if rows.size < _WALKED_PER_LOOK_UP * candidates.size:
                    np.add.at(sums, rows, np.float32(weights[number]) * scores)
                else:
                    sums[candidates] += np.float32(weights[number]) * self._look_up(
                        number, candidates
                    )
            return top_k_rows(candidates, sums[candidates], top_k=top_k)
        finally:
            sums.fill(0)

    def _walk(
        self, walked: Mapping[int, int], rows: Rows, table: NDArray[np.float32]
    ) -> None:
        """Read the postings of some terms through, all at once, and note in the table what they add to the rows.

        A hundred terms one by one, as a query's pieces of sound are, cost 1 ms more: each takes a dozen calls of NumPy.
        """
        if not walked or not rows.size:
            return
        numbers = np.fromiter(walked.values(), dtype=np.int64, count=len(walked))
        starts, ends = self._starts[numbers], self._starts[numbers + 1]
        posted = np.concatenate(
            [
                self._rows[start:end]
                for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
            ]
        )
        columns = self._columns()
        try:
            columns[rows] = np.arange(rows.size, dtype=np.int32)
            at = columns[posted]
        finally:
            columns[rows] = -1
        hits = np.flatnonzero(at >= 0)
        read = np.cumsum(ends - starts)  # postings, up to the end of each term
        term = np.searchsorted(read, hits, side="right")
        lines = np.fromiter(walked, dtype=np.int64, count=len(walked))
        table[lines[term], at[hits]] = self._scores[hits + (ends - read)[term]]

    def _look_up(self, number: int, rows: Rows) -> Scores:
        """What one term adds to each of the given ascending rows, shape (len(rows),)."""
        posted, scores = self._postings(number)
        found = np.zeros(rows.size, dtype=np.float32)
        if rows.size <= posted.size:
            at = np.searchsorted(posted, rows.astype(np.int32))
            at[at == posted.size] = 0
            hit = posted[at] == rows
            found[hit] = scores[at[hit]]
        elif posted.size:
            at = np.searchsorted(rows, posted)
            at[at == rows.size] = 0
            hit = rows[at] == posted
            found[at[hit]] = scores[hit]
        return found

    def _find_term(self, text: str) -> _Term | None:
        number = self._terms.find(text)
        if number < 0:
            return None
        start, stop = self._starts[number : number + 2].tolist()
        return number, start, stop

    def _postings(self, number: int) -> tuple[NDArray[np.int32], Scores]:
        where = slice(self._starts[number], self._starts[number + 1])
        return self._rows[where], self._scores[where]

    def _sums(self) -> Scores:
        """This thread's row sums, all 0: kept, because clearing a million floats is cheaper than getting them anew."""
        sums: Scores | None = getattr(self._scratch, "sums", None)
        if sums is None:
            sums = self._scratch.sums = np.zeros(self._size, dtype=np.float32)
        return sums

    def _columns(self) -> NDArray[np.int32]:
        """This thread's place of each row in a table, all -1."""
        columns: NDArray[np.int32] | None = getattr(self._scratch, "columns", None)
        if columns is None:
            columns = self._scratch.columns = np.full(self._size, -1, dtype=np.int32)
        return columns


def _kth(scores: Scores, top_k: int) -> float:
    """The `top_k`-th highest of at least as many scores."""
    return float(np.partition(scores, scores.size - top_k)[scores.size - top_k])
