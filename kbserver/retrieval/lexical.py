"""The lexical arm: what was said against the words, and the sounds, of the passages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kbserver.index.lexical.bm25 import LexicalFound as Found
from kbserver.index.lexical.tokens import tokenize
from kbserver.index.snapshot import Snapshot
from kbserver.index.vectors.base import union_rows
from kbserver.retrieval.phonetic_field import open_sound_field
from kbserver.retrieval.transcript.cleaning import Heard
from kbserver.retrieval.transcript.english import STOP_WORDS
from kbserver.retrieval.transcript.followup import Carry
from kbserver.retrieval.transcript.phonetics import phonetic_ngrams
from kbserver.settings import TurnSettings
from kbserver.types import Rows

MAX_TERMS = 64  # a caller who talks for a minute says hundreds of words; the last ones hold the question
MAX_PIECES = 300

SOUND_WEIGHT = 0.24
"""Of a nat of evidence in sounds, against 1 in words: a word makes five to ten pieces that all say the same."""

TAKEN_BACK_WEIGHT = 0.5  # people correct one word and stay on the subject
WRITTEN_WEIGHT = 0.5

# Words that carry a spoken question but not its subject. They stay in the index: a corpus may be about them.
_SPOKEN_STOP_WORDS = STOP_WORDS | frozenset(
    """i me my we our us you your he she his her its what which who whom how when where why do does did done can could would
    should may might has have had am were been being so just um uh uhm umm er erm ah oh okay ok yeah yes hi hey hello please
    thanks thank let lets like well also about from up out than too very any some theres whats id im youre""".split()
)


@dataclass(frozen=True, slots=True)
class LexicalQuery:
    """A query as the lexical arm asks it."""

    terms: Mapping[str, float]
    """Weight of each word's index term."""
    pieces: Mapping[str, float]
    """Weight of each piece of letters or sounds; empty without a sound field."""
    ideal: float
    """Sum of idf of the words that were said: what their evidence could come near to; 0 for a query without words."""


@dataclass(frozen=True, slots=True)
class LexicalFound:
    """What a search by words and sounds found."""

    rows: Rows
    """Proposed, ascending: the best of each."""
    words: Found
    sounds: Found | None
    """None without a sound field, or if sounds were not asked for."""
    ideal: float
    """See `LexicalQuery.ideal`."""


@dataclass(frozen=True, slots=True)
class LexicalEvidence:
    """What words and sounds say of some rows."""

    words: NDArray[np.float32]
    """Shape (n,), nats, ≥ 0: BM25 of the words."""
    sounds: NDArray[np.float32]
    """Shape (n,), nats, ≥ 0: the weighted BM25 of the sounds."""
    covered: NDArray[np.float32]
    """Shape (n,): share of what was said that the passage holds in these words. Sounds find passages, but that one sounds
    like the question says little about whether it answers it."""


class LexicalArm:
    """Searches one snapshot by words and by sounds."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._words = snapshot.lexical
        self._sounds = open_sound_field(snapshot)
        self._language = snapshot.lexical.parameters.language
        self._stop = frozenset(
            term for word in _SPOKEN_STOP_WORDS for term in self._cut(word)
        )

    def ask(
        self, heard: Heard, settings: TurnSettings, leans_on: Carry | None = None
    ) -> LexicalQuery:
        """Turn what was said, and what it leans on, into weighted terms and pieces."""
        said = self._terms(heard.text)
        terms = dict.fromkeys(said, 1.0)
        _add(terms, self._terms(" ".join(heard.taken_back)), TAKEN_BACK_WEIGHT)
        if settings.numbers:
            _add(terms, self._terms(" ".join(heard.written)), WRITTEN_WEIGHT)
        pieces: dict[str, float] = {}
        ideal = sum(self._words.idf(term) for term in said)
        if settings.misheard and self._sounds is not None:
            pieces = dict.fromkeys(phonetic_ngrams(heard.text)[-MAX_PIECES:], 1.0)
        for word, weight in leans_on.terms if leans_on is not None else ():
            _add(terms, self._terms(word), weight)
            if pieces:
                _add(pieces, phonetic_ngrams(word), weight)
        return LexicalQuery(terms, pieces, ideal)

    def search(
        self, query: LexicalQuery, *, top_k: int, rows: Rows | None
    ) -> LexicalFound:
        """Find the rows that words or sounds propose: the `top_k` best of each."""
        words = self._words.find(query.terms, top_k=top_k, rows=rows)
        if self._sounds is None or not query.pieces:
            return LexicalFound(np.sort(words.best.rows), words, None, query.ideal)
        sounds = self._sounds.find(query.pieces, top_k=top_k, rows=rows)
        return LexicalFound(
            union_rows((words.best.rows, sounds.best.rows)), words, sounds, query.ideal
        )

    def score(self, found: LexicalFound, rows: Rows) -> LexicalEvidence:
        """Return the lexical evidence for the given rows of the scope that was searched, in their order."""
        words = found.words.scores(rows)
        covered = (
            words / np.float32(found.ideal) if found.ideal > 0 else np.zeros_like(words)
        )
        if found.sounds is None:
            return LexicalEvidence(words, np.zeros_like(words), covered)
        return LexicalEvidence(
            words, np.float32(SOUND_WEIGHT) * found.sounds.scores(rows), covered
        )

    def share(self, word: str) -> float:
        """In what share of the passages a word occurs, in [0, 1]; 0 for an unknown one."""
        frequency = max(
            (self._words.document_frequency(term) for term in self._cut(word)),
            default=0,
        )
        return frequency / self._words.size if self._words.size else 0.0

    def _terms(self, text: str) -> list[str]:
        terms = [term for term in self._cut(text) if term not in self._stop]
        return list(dict.fromkeys(terms[-MAX_TERMS:]))

    def _cut(self, text: str) -> list[str]:
        return tokenize(text, language=self._language)


def _add(weights: dict[str, float], names: Iterable[str], weight: float) -> None:
    for name in names:
        weights.setdefault(name, weight)
