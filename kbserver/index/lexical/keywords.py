"""The words of a corpus that a recogniser is likely to mishear: names, products, codes.

A recogniser knows the words of its language, not the names of a business. Boosting these is the
only remedy for a name that became another word, since nothing in one transcript tells of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import log
from typing import Final

from kbserver.languages import profile
from kbserver.languages.letters import LETTER, one_spelling

MOST_SHARE: Final = 0.25
"""A word in more than this share of the passages of a larger corpus is heard often enough."""

FEW_PASSAGES: Final = 40
"""In a corpus of fewer, no word is too common."""

_LEAST_LETTERS = 2
_LONGEST = 40  # letters: longer runs are addresses and hashes
_FEWEST_WORDS = 6  # of a line of prose: titles write every word large

_WORD = re.compile(rf"{LETTER}+(?:[-'’&.+]{LETTER}+)*")
_LINE = re.compile(r"[^\n]+")
_SENTENCE_ENDS = re.compile(r"[.!?:;•|*#>\]–—/\"“”(]\s*$")
_ADDRESS = re.compile(r"\S*(?:://|www\.|@)\S*")


@dataclass(frozen=True, slots=True)
class Keyword:
    """One word, as the corpus writes it most often."""

    word: str
    occurrences: int
    passages: int
    """How many hold it."""


@dataclass(slots=True)
class _Count:
    occurrences: int = 0
    passages: int = 0
    in_sentences: int = 0
    names: int = 0
    """Inside a sentence, and written as a name or a code."""
    written: Counter[str] = field(default_factory=Counter)


def keywords(texts: Iterable[str], *, language: str, top: int) -> list[Keyword]:
    """Return the words that name something in a corpus, the most telling first.

    A word counts as a name if it is mostly written as one inside sentences: with a capital, or
    with digits and letters. In a script without capitals every rare word counts.

    Args:
        texts: of the passages, with their titles.
        language: of the corpus, as in its manifest.
        top: at most this many.
    """
    counts: dict[str, _Count] = {}
    size = 0
    for text in texts:
        size += 1
        _count(text, counts)
    stop_words = profile(language).stop_words
    common = stop_words.spoken | stop_words.weekdays
    most = size
    if size >= FEW_PASSAGES:
        most = int(MOST_SHARE * size)
    telling = {
        word: count
        for word, count in counts.items()
        if count.passages <= most and word not in common and _names(word, count)
    }

    def rank(word: str) -> tuple[float, str]:
        count = telling[word]
        often = 1.0 + log(count.occurrences)
        return -often * log((size + 1) / count.passages), word

    return [
        Keyword(_as_written(found), found.occurrences, found.passages)
        for found in (telling[word] for word in sorted(telling, key=rank)[:top])
    ]


def _count(text: str, counts: dict[str, _Count]) -> None:
    """Add the words of one passage."""
    seen = set()
    for line in _LINE.findall(_ADDRESS.sub(" ", text)):
        found = list(_WORD.finditer(line))
        is_prose = len(found) >= _FEWEST_WORDS
        for match in found:
            written = match[0].replace("’", "'").removesuffix("'s")
            word = one_spelling(written.lower())
            if not _LEAST_LETTERS <= len(word) <= _LONGEST:
                continue
            count = counts.setdefault(word, _Count())
            count.occurrences += 1
            count.written[written] += 1
            if word not in seen:
                seen.add(word)
                count.passages += 1
            before = line[: match.start()]
            begins = not before.strip() or _SENTENCE_ENDS.search(before)
            if is_prose and not begins:
                count.in_sentences += 1
                count.names += _is_a_name(written)


def _is_a_name(written: str) -> bool:
    """Tell whether a word inside a sentence is written as a name or a code."""
    if any(sign.isdigit() for sign in written):
        return any(sign.isalpha() for sign in written)
    has_capitals = written.lower() != written.upper()
    return not has_capitals or written != written.lower()


def _names(word: str, count: _Count) -> bool:
    """Tell whether a word is mostly written as a name."""
    if not any(sign.isalpha() for sign in word):
        return False
    if count.in_sentences:
        return 2 * count.names > count.in_sentences
    is_code = any(sign.isdigit() for sign in word)
    return is_code or any(one.isupper() and len(one) > 1 for one in count.written)


def _as_written(count: _Count) -> str:
    [(written, _)] = count.written.most_common(1)
    return written
