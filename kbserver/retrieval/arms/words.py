"""The lexical arm: the words of the query against the words of the passages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kbserver.index.lexical.base import LexicalIndex
from kbserver.index.lexical.formula import idf
from kbserver.index.lexical.kin import has_kin, kin_of
from kbserver.index.lexical.tokens import term_of, tokenize, words_of
from kbserver.index.snapshot import Snapshot
from kbserver.languages import profile
from kbserver.retrieval.arms.base import Candidates, Group, Query
from kbserver.types import Rows

MAX_TERMS = 64
"""Terms of one query at most. The last ones are kept, because a question ends a long speech."""

TAKEN_BACK_WEIGHT = 0.5
"""Of words that a speaker corrected: the subject stays the same."""

WRITTEN_WEIGHT = 0.5
"""Of other forms of a number, a time or a code."""


CODE_WEIGHT = 4.0
"""Of a spelled code: the passage that holds it is meant, whatever is near in meaning."""

WEEKDAY_WEIGHT = 3.0
"""Of the day that is asked about: opening hours are alike but for it."""

FEWEST_PASSAGES = 30
"""A corpus of fewer counts as one of so many: its own numbers do not say what words are common."""


class WordsArm:
    """Finds passages that hold the words of the query. Scores are BM25, in nats."""

    name = "words"
    group: Group = "lexical"

    def __init__(self, snapshot: Snapshot) -> None:
        self._index = snapshot.lexical
        self.waits = snapshot.lexical.waits
        stop_words = profile(snapshot.lexical.language).stop_words
        self._stop_terms = self._terms_of_words(stop_words.spoken)
        self._weekdays = self._terms_of_words(stop_words.weekdays)

    def propose(self, query: Query, *, rows: Rows | None, count: int) -> Candidates:
        """Find the rows that hold the rarest words of the query; see `Arm.propose`."""
        spoken = self._content_terms(query.heard.text)
        kin = self._kin_by_term(query.heard.text)
        weights = self._weighted_terms(query, spoken)
        asked = spoken or weights  # "where is it" asks for what it leans on
        ideal = sum(weights[term] * self._worth(term, kin) for term in asked)
        for others in kin.values():
            weights = {**others, **weights}
        if self._index.size < FEWEST_PASSAGES:
            weights = {
                term: weight * self._telling(term) / self._index.idf(term)
                for term, weight in weights.items()
            }
        found = self._index.find(weights, top_k=count, rows=rows)
        return Candidates(found.best.rows, found.scores, ideal)

    def _weighted_terms(
        self, query: Query, spoken: Iterable[str]
    ) -> Mapping[str, float]:
        """The weight of each term; a term keeps the first weight it gets."""
        heard = query.heard
        weights = dict.fromkeys(spoken, 1.0)
        for term in weights.keys() & self._weekdays:
            weights[term] = WEEKDAY_WEIGHT
        for term in weights.keys() & self._terms_of_words(heard.codes):
            weights[term] = CODE_WEIGHT
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

    def _kin_by_term(self, text: str) -> dict[str, Mapping[str, float]]:
        """The weights of the terms that find a word beside its own, by its own."""
        index = self._index
        language, form = index.language, index.form
        if not has_kin(language=language, form=form):
            return {}
        kin: dict[str, Mapping[str, float]] = {}
        for word in words_of(text, language=language, form=form)[-MAX_TERMS:]:
            term = term_of(word, language=language, form=form)
            if term not in self._stop_terms:
                kin[term] = kin_of(
                    word,
                    language=language,
                    form=form,
                    frequency=index.document_frequency,
                )
        return kin

    def _worth(self, term: str, kin: Mapping[str, Mapping[str, float]]) -> float:
        """How much a passage gets that holds a word, or all that is known of it."""
        others = kin.get(term)
        frequency = self._index.document_frequency
        if others and not frequency(term):
            known = {one: others[one] for one in others if frequency(one)}
            if known:
                return sum(weight * self._telling(one) for one, weight in known.items())
        return self._telling(term)

    def _terms_of_words(self, words: Iterable[str]) -> frozenset[str]:
        return frozenset(term for word in words for term in terms_of(self._index, word))

    def _telling(self, term: str) -> float:
        """How much a term tells; in a small corpus, as if it were larger."""
        if self._index.size >= FEWEST_PASSAGES:
            return self._index.idf(term)
        return idf(self._index.document_frequency(term), FEWEST_PASSAGES)

    def _content_terms(self, text: str) -> list[str]:
        """The last `MAX_TERMS` terms that may name a subject, each once, in order."""
        if not text:  # nothing taken back, no number: most queries
            return []
        terms = terms_of(self._index, text)
        content = [term for term in terms if term not in self._stop_terms]
        return list(dict.fromkeys(content[-MAX_TERMS:]))


def terms_of(index: LexicalIndex, text: str) -> list[str]:
    """Cut a text into terms as the passages of the index were cut."""
    return tokenize(text, language=index.language, form=index.form)


def share_of_passages(index: LexicalIndex, word: str) -> float:
    """Return the share of passages that hold a word, in [0, 1]; 0 for an unknown word.

    A small corpus counts as a larger one; see `FEWEST_PASSAGES`.
    """
    frequencies = [index.document_frequency(term) for term in terms_of(index, word)]
    return max(frequencies, default=0) / max(index.size, FEWEST_PASSAGES)
