"""Passages by their words: BM25 with weighted query terms, over mapped postings.

Source: S. Robertson, H. Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond (2009).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kbserver.index.lexical.base import Bm25Parameters, LexicalFound
from kbserver.index.lexical.build import build_lexical
from kbserver.index.lexical.exhaustive import (
    ExhaustiveResult,
    search_exhaustive,
    search_small_scope,
)
from kbserver.index.lexical.formula import idf
from kbserver.index.lexical.maxscore import search_maxscore
from kbserver.index.lexical.postings import Postings, WeightedTerms
from kbserver.index.rows import checked_rows
from kbserver.types import Rows, RowScores

EXHAUSTIVE_UP_TO = 400_000
"""Postings of a query's terms together: up to these, adding all up beats leaving some out."""

_SMALL_SCOPE = 1 / 64  # of all rows: below, looking rows up beats walking the postings


def open_index(folder: Path) -> Bm25Index:
    """Map the index in a snapshot's folder."""
    return Bm25Index.open(folder)


def build_index(texts: Iterable[str], folder: Path, parameters: Bm25Parameters) -> None:
    """Write the index of some texts into a snapshot's folder; see `build.build_lexical`."""
    build_lexical(texts, folder, parameters)


class Bm25Index:
    """A BM25 index on disk, mapped. Safe to share between threads."""

    waits = False

    def __init__(
        self,
        postings: Postings,
        parameters: Bm25Parameters,
        *,
        exhaustive_up_to: int = EXHAUSTIVE_UP_TO,
    ) -> None:
        """Take the postings.

        Args:
            postings: of every term.
            parameters: what their scores were computed with.
            exhaustive_up_to: a search that meets more postings leaves out those it can.
        """
        self.postings = postings
        self.parameters = parameters
        self._exhaustive_up_to = exhaustive_up_to

    @classmethod
    def open(
        cls, folder: Path, *, exhaustive_up_to: int = EXHAUSTIVE_UP_TO
    ) -> Bm25Index:
        """Map the index that `build.build_lexical` wrote into a folder."""
        postings, parameters = Postings.open(folder)
        return cls(postings, parameters, exhaustive_up_to=exhaustive_up_to)

    @property
    def size(self) -> int:
        """How many rows there are."""
        return self.postings.size

    @property
    def language(self) -> str:
        """What queries are cut into terms with."""
        return self.parameters.language

    @property
    def form(self) -> int:
        """The normal form of the terms."""
        return self.parameters.form

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
            rows = checked_rows(rows, self.size)
        known = self._known(terms)
        if not known or (rows is not None and rows.size == 0):
            return ExhaustiveResult.nothing(self.size)
        inside: NDArray[np.bool_] | None = None
        if rows is not None:
            if rows.size < self.size * _SMALL_SCOPE:
                return search_small_scope(self.postings, known, rows, top_k)
            inside = np.zeros(self.size, dtype=np.bool_)
            inside[rows] = True
        met = sum(stop - start for (_, start, stop), _ in known)
        if met <= self._exhaustive_up_to:
            return search_exhaustive(self.postings, known, inside, top_k)
        return search_maxscore(self.postings, known, inside, top_k)

    def score_terms(self, terms: Sequence[str], rows: Rows) -> NDArray[np.float32]:
        """Return what each term adds to each row; see `LexicalIndex.score_terms`."""
        rows = checked_rows(rows, self.size)
        return self.postings.table([self.postings.find(term) for term in terms], rows)

    def document_frequency(self, term: str) -> int:
        """In how many rows the term stands."""
        found = self.postings.find(term)
        if found is None:
            return 0
        _, start, stop = found
        return stop - start

    def idf(self, term: str) -> float:
        """How much the term tells; see `LexicalIndex.idf`."""
        return idf(self.document_frequency(term), self.size)

    def vocabulary(self) -> Iterator[tuple[str, int]]:
        """Every term with its document frequency."""
        return self.postings.vocabulary()

    def warm(self) -> None:
        """Touch every page of the postings; see `Postings.warm`."""
        self.postings.warm()

    def _known(self, terms: Mapping[str, float]) -> WeightedTerms:
        known: WeightedTerms = []
        for text, weight in terms.items():
            if weight <= 0:
                continue
            term = self.postings.find(text)
            if term is not None:
                known.append((term, weight))
        return known
