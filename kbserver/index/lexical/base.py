"""What every lexical index does, and the parameters its scores depend on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kbserver.index.lexical.tokens import FORM
from kbserver.index.rows import Scores
from kbserver.types import Rows, RowScores


@dataclass(frozen=True, slots=True)
class Bm25Parameters:
    """What the scores of a lexical index were computed with; stored beside it."""

    k1: float = 0.9
    """How slowly repeated terms stop counting."""
    b: float = 0.4
    """How much long passages are held back, in [0, 1]. Source of both: Anserini, for passages."""
    language: str = "english"
    """For `tokens.tokenize`: queries must be cut as the passages were."""
    form: int = FORM
    """The normal form of the terms, for the same reason."""


class LexicalIndex(Protocol):
    """Passages that can be ranked by their terms. Terms are what `tokens.tokenize` gives."""

    @property
    def waits(self) -> bool:
        """Whether a search waits for network or disk: it must not run in the event loop."""
        ...

    @property
    def size(self) -> int:
        """How many rows there are."""
        ...

    @property
    def language(self) -> str:
        """What queries are cut into terms with; see `tokens.tokenize`."""
        ...

    @property
    def form(self) -> int:
        """The normal form of the terms; see `tokens.FORMS`."""
        ...

    def search(
        self, terms: Mapping[str, float], *, top_k: int, rows: Rows | None = None
    ) -> RowScores:
        """Return the rows that score highest, best first.

        Args:
            terms: weight of each query term; unknown terms and weights of 0 or less add nothing.
            top_k: at most this many; none if it is 0 or less.
            rows: rank only these, ascending, no row twice; None for all.

        Returns:
            Rows with the weighted sum of their terms' BM25 scores, all above 0; equal scores keep
            row order.

        Raises:
            IndexError: a row is negative or not below `size`.
        """
        ...

    def find(
        self, terms: Mapping[str, float], *, top_k: int, rows: Rows | None = None
    ) -> LexicalFound:
        """Search, and be able to score any row afterwards without walking the postings again."""
        ...

    def score_terms(self, terms: Sequence[str], rows: Rows) -> NDArray[np.float32]:
        """Return what each term adds to the score of each row.

        Returns:
            Shape (len(terms), len(rows)); 0 where the term is absent.

        Raises:
            IndexError: a row is negative or not below `size`.
        """
        ...

    def document_frequency(self, term: str) -> int:
        """In how many rows the term stands; 0 if in none."""
        ...

    def idf(self, term: str) -> float:
        """How much the term tells: ln(1 + (N - df + 0.5) / (df + 0.5)); largest if df is 0."""
        ...

    def vocabulary(self) -> Iterator[tuple[str, int]]:
        """Every term with its document frequency, by ascending UTF-8 bytes."""
        ...

    def warm(self) -> None:
        """Do what the first search would do beside searching."""
        ...


class LexicalFound(Protocol):
    """What a search found, and what it knows of all other rows."""

    @property
    def best(self) -> RowScores:
        """The rows that score highest, best first."""
        ...

    def scores(self, rows: Rows) -> Scores:
        """Return the weighted sum of the terms' scores of some rows of the scope.

        Returns:
            Shape (len(rows),), in the order given; 0 for a row without a term.

        Raises:
            IndexError: a row is negative or not below the index's size.
        """
        ...
