"""Postings of a BM25 index: which rows hold a term, and what it adds to their scores."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from kbserver.index.arrays import check_rows, check_starts, open_array
from kbserver.index.lexical.base import Bm25Parameters
from kbserver.index.lexical.tokens import checked_form
from kbserver.index.rows import Scores
from kbserver.index.strings import SortedStrings
from kbserver.lru import remembered
from kbserver.types import Rows

STEM = "bm25"

WALKED_PER_LOOK_UP = 16
"""Postings added in the time of one binary search: 2 ns each."""

_KNOWN_TERMS_BYTES = 12_000_000  # of some 30,000 query terms; finding one takes 6 µs
_PAGE_BYTES = 4096

Term: TypeAlias = tuple[int, int, int]
"""Number of a term, where its postings begin and where they end.

A plain tuple of Python's integers: garbage collection does not track it, and slicing by it costs a
third of slicing by NumPy's integers.
"""

WeightedTerms: TypeAlias = list[tuple[Term, float]]
"""Terms of a query that the index knows, with their weights, all above 0."""


class Postings:
    """The postings of every term, with scratch space by thread. Safe to share between threads."""

    def __init__(
        self,
        size: int,
        terms: SortedStrings,
        starts: NDArray[np.int64],
        rows: NDArray[np.int32],
        scores: NDArray[np.float32],
        maxima: NDArray[np.float32],
    ) -> None:
        """Take the arrays: the postings of term number t are `starts[t]` to `starts[t + 1]`.

        Args:
            size: how many rows there are.
            terms: the vocabulary, n terms.
            starts: shape (n + 1,).
            rows: shape (postings,); ascending within a term.
            scores: shape (postings,); what the term adds to that row's score.
            maxima: shape (n,); the largest score of each term.
        """
        self.size = size
        self.maxima = maxima
        self.find = remembered(self._find, most_bytes=_KNOWN_TERMS_BYTES)
        self._terms = terms
        self._starts = starts
        self._rows = rows
        self._scores = scores
        self._scratch = threading.local()

    @classmethod
    def open(cls, folder: Path) -> tuple[Postings, Bm25Parameters]:
        """Open what `build.build_lexical` wrote into a folder, with the parameters it used."""
        facts = json.loads((folder / f"{STEM}.json").read_text("utf-8"))
        postings = cls(
            size=facts["size"],
            terms=SortedStrings.open(folder / f"{STEM}.terms.bin"),
            starts=open_array(folder / f"{STEM}.starts.npy"),
            rows=open_array(folder / f"{STEM}.rows.npy"),
            scores=open_array(folder / f"{STEM}.scores.npy"),
            maxima=open_array(folder / f"{STEM}.maxima.npy"),
        )
        # Indexes from before there were forms do not say theirs.
        parameters = Bm25Parameters(**{"form": 1, **facts["parameters"]})
        checked_form(parameters.form)
        return postings, parameters

    def of(self, term: Term) -> tuple[NDArray[np.int32], Scores]:
        """Return the rows that hold a term, ascending, and what it adds to each."""
        _, start, stop = term
        return self._rows[start:stop], self._scores[start:stop]

    def joined(
        self, terms: Sequence[Term]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return copies of the postings of some terms, one term's after the other's."""
        # int64, because `np.add.at` would convert to it.
        rows = np.concatenate(
            [self._rows[start:stop] for _, start, stop in terms], dtype=np.int64
        )
        scores = np.concatenate([self._scores[start:stop] for _, start, stop in terms])
        return rows, scores

    def look_up(self, term: Term, rows: Rows) -> Scores:
        """Return what one term adds to each of the given ascending rows, shape (len(rows),)."""
        posted, scores = self.of(term)
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

    def table(self, terms: Sequence[Term | None], rows: Rows) -> NDArray[np.float32]:
        """Return what each term adds to each row, shape (len(terms), len(rows)).

        Args:
            terms: None for one that the index does not know.
            rows: in any order, as often as wanted; each from 0 to below `size`.
        """
        ascending, places = np.unique(rows, return_inverse=True)
        table = np.zeros((len(terms), ascending.size), dtype=np.float32)
        walked: dict[int, Term] = {}
        for line, term in enumerate(terms):
            if term is None:
                continue
            _, start, stop = term
            if stop - start > WALKED_PER_LOOK_UP * ascending.size:
                table[line] = self.look_up(term, ascending)
            else:
                walked[line] = term
        if walked and ascending.size:
            self._walk(walked, ascending, table)
        return table[:, places]

    def vocabulary(self) -> Iterator[tuple[str, int]]:
        """Every term with its document frequency, by ascending UTF-8 bytes."""
        frequencies = np.diff(self._starts).tolist()
        return zip(self._terms, frequencies, strict=True)

    def check(self, size: int) -> None:
        """Check every number of the index of a snapshot of `size` rows.

        Raises:
            ValueError: one is not what `build.build_lexical` writes.
        """
        if self.size != size:
            raise ValueError(f"{STEM}.json: {self.size!r} rows, wanted {size}")
        self._terms.check(f"{STEM}.terms")
        count = len(self._terms)
        check_starts(self._starts, count, len(self._rows), f"{STEM}.starts")
        check_rows(self._rows, size, f"{STEM}.rows")
        for scores, wanted in ((self._scores, len(self._rows)), (self.maxima, count)):
            right = scores.dtype == np.float32 and scores.shape == (wanted,)
            if not right or not np.isfinite(scores).all():
                raise ValueError(f"{STEM}: not {wanted} scores")

    def warm(self) -> None:
        """Touch every page of the postings, so that the first turns need not map them."""
        for mapped in (self._rows, self._scores):
            np.add.reduce(mapped[:: _PAGE_BYTES // mapped.itemsize])
        self.sums()

    def sums(self) -> Scores:
        """Return this thread's row sums, all 0; the caller leaves them so.

        They are kept, because clearing a million floats costs less than allocating them.
        """
        sums: Scores | None = getattr(self._scratch, "sums", None)
        if sums is None:
            sums = np.zeros(self.size, dtype=np.float32)
            self._scratch.sums = sums
        return sums

    def _find(self, text: str) -> Term | None:
        number = self._terms.find(text)
        if number < 0:
            return None
        start, stop = self._starts[number : number + 2].tolist()
        return number, start, stop

    def _walk(
        self, walked: dict[int, Term], rows: Rows, table: NDArray[np.float32]
    ) -> None:
        """Read the postings of some terms through, all at once, and fill their lines of the table.

        A query has a hundred phonetic n-grams; one by one each would take a dozen calls of NumPy.
        """
        starts = np.array([start for _, start, _ in walked.values()], dtype=np.int64)
        ends = np.array([stop for _, _, stop in walked.values()], dtype=np.int64)
        posted = np.concatenate(
            [self._rows[start:stop] for _, start, stop in walked.values()]
        )
        columns = self._columns()
        try:
            columns[rows] = np.arange(rows.size, dtype=np.int32)
            at = columns[posted]
        finally:
            columns[rows] = -1
        hits = np.flatnonzero(at >= 0)
        read = np.cumsum(ends - starts)  # postings up to the end of each term
        term = np.searchsorted(read, hits, side="right")
        lines = np.fromiter(walked, dtype=np.int64, count=len(walked))
        table[lines[term], at[hits]] = self._scores[hits + (ends - read)[term]]

    def _columns(self) -> NDArray[np.int32]:
        """This thread's column of each row in a table, all -1."""
        columns: NDArray[np.int32] | None = getattr(self._scratch, "columns", None)
        if columns is None:
            columns = np.full(self.size, -1, dtype=np.int32)
            self._scratch.columns = columns
        return columns
