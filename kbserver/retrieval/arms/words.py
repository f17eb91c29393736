"""The lexical arm: the words of the query against the words of the passages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kbserver.index.lexical.base import LexicalIndex
from kbserver.index.lexical.tokens import tokenize
from kbserver.index.snapshot import Snapshot
from kbserver.retrieval.arms.base import Candidates, Group, Query
from kbserver.retrieval.transcript.english import SPOKEN_STOP_WORDS
from kbserver.types import Rows

MAX_TERMS = 64
"""Terms of one query at most. The last ones are kept, because a question ends a long speech."""

TAKEN_BACK_WEIGHT = 0.5
"""Of words that a speaker corrected: the subject stays the same."""

WRITTEN_WEIGHT = 0.5
"""Of other forms of a number, a time or a code."""


class WordsArm:
    """Finds passages that hold the words of the query. Scores are BM25, in nats."""

    name = "words"
    group: Group = "lexical"

    def __init__(self, snapshot: Snapshot) -> None:
        self._index = snapshot.lexical
        self.waits = snapshot.lexical.waits
        self._stop_terms = frozenset(
            term for word in SPOKEN_STOP_WORDS for term in terms_of(self._index, word)
        )

    def propose(self, query: Query, *, rows: Rows | None, count: int) -> Candidates:
        """Find the rows that hold the rarest words of the query; see `Arm.propose`."""
        spoken = self._content_terms(query.heard.text)
        weights = self._weighted_terms(query, spoken)
        ideal = sum(self._index.idf(term) for term in spoken)
        found = self._index.find(weights, top_k=count, rows=rows)
        return Candidates(found.best.rows, found.scores, ideal)

    def _weighted_terms(
        self, query: Query, spoken: Iterable[str]
    ) -> Mapping[str, float]:
        """The weight of each term; a term keeps the first weight it gets."""
        heard = query.heard
        weights = dict.fromkeys(spoken, 1.0)
        for term in self._content_terms(" ".join(heard.taken_back)):
            weights.setdefault(term, TAKEN_BACK_WEIGHT)
        if query.settings.numbers:
            for term in self._content_terms(" ".join(heard.written)):
                weights.setdefault(term, WRITTEN_WEIGHT)
        if query.leans_on is not None:
            for word, weight in query.leans_on.terms:
                for term in self._content_terms(word):
                    weights.setdefault(term, weight)
        return weights

    def _content_terms(self, text: str) -> list[str]:
        """The last `MAX_TERMS` terms that may name a subject, each once, in order."""
        terms = terms_of(self._index, text)
        content = [term for term in terms if term not in self._stop_terms]
        return list(dict.fromkeys(content[-MAX_TERMS:]))


def terms_of(index: LexicalIndex, text: str) -> list[str]:
    """Cut a text into terms as the passages of the index were cut."""
    return tokenize(text, language=index.language)


def share_of_passages(index: LexicalIndex, word: str) -> float:
    """Return the share of passages that hold a word, in [0, 1]; 0 for an unknown word."""
    if not index.size:
        return 0.0
    frequencies = [index.document_frequency(term) for term in terms_of(index, word)]
    return max(frequencies, default=0) / index.size
