"""How text becomes the terms of the lexical index: the same for passages and for queries."""

from __future__ import annotations

import re
import threading
import unicodedata

import Stemmer

from kbserver.errors import SettingsError

_MARKS = "".join(
    chr(code)
    for code in range(0x300, 0x3100)
    if unicodedata.category(chr(code))[0] == "M"
)
_NUMBER = r"\d+(?:[.,]\d+)+(?!\w)"
_ASCII_TOKEN = re.compile(rf"{_NUMBER}|\w+(?:'\w+)*", re.ASCII)
# \w has no vowel signs: without them Hindi words would fall apart.
_WORD = rf"[\w{_MARKS}]+"
_TOKEN = re.compile(rf"{_NUMBER}|{_WORD}(?:'{_WORD})*")
_APOSTROPHES = re.compile("[\u2018\u2019\u02bc]")
_THOUSANDS = re.compile(r",(?=\d{3}(?:\D|$))")

LANGUAGES = ("none", *Stemmer.algorithms())
"""Languages of a corpus; `none` is for any language, without stemming."""

_JOINED_BY_APOSTROPHE = ("english", "none")
_MEMORY_WORDS = 100_000  # words a thread remembers; stemming one costs 0.7 µs


def tokenize(text: str, *, language: str = "english") -> list[str]:
    """Cut a text into index terms, in their order; [] when it holds no letter and no digit.

    Lower case, compatibility forms unified (NFKC), stemmed. Numbers stay whole (`39.99`; `1,000` is
    `1000`), so do codes of letters and digits (`ac68u`). In English an apostrophe joins, after a
    possessive `'s` is dropped: `what's` is `what`, `don't` is `dont`; in other languages it parts:
    `l'hôtel` is `l`, `hôtel`.

    Args:
        text: any text.
        language: a Snowball algorithm (`english`, `french`, ...), or `none` for no stemming.

    Raises:
        KeyError: Snowball has no algorithm of that name.

    Source: https://snowballstem.org/algorithms/
    """
    if text.isascii():
        words = _ASCII_TOKEN.findall(text.lower().replace("_", " "))
    else:
        folded = _APOSTROPHES.sub("'", unicodedata.normalize("NFKC", text)).casefold()
        words = _TOKEN.findall(folded.replace("_", " "))
    known = _known_words(language)
    if language in _JOINED_BY_APOSTROPHE:
        return [known[word] for word in words]
    return [known[part] for word in words for part in word.split("'")]


def checked_language(language: str) -> str:
    """Return the name of a language as it is.

    Raises:
        SettingsError: it is not one of `LANGUAGES`.
    """
    if language not in LANGUAGES:
        raise SettingsError(
            f"language {language!r} is not known; choose one of {', '.join(LANGUAGES)}"
        )
    return language


class _KnownWords(dict[str, str]):
    """The term of every word met so far, worked out when a word is first met."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self._stem = None
        if language != "none":
            self._stem = Stemmer.Stemmer(language).stemWord

    def __missing__(self, word: str) -> str:
        term = word
        if "'" in term:
            term = term.removesuffix("'s").replace("'", "")
        if "," in term:
            term = _THOUSANDS.sub("", term)
        if self._stem:
            term = self._stem(term)
        if len(self) >= _MEMORY_WORDS:
            self.clear()
        self[word] = term
        return term


class _ThreadMemory(threading.local):
    """Known words by language. A Snowball stemmer keeps state, so each thread has its own."""

    def __init__(self) -> None:
        self.by_language: dict[str, _KnownWords] = {}


_memory = _ThreadMemory()


def _known_words(language: str) -> _KnownWords:
    known = _memory.by_language.get(language)
    if known is None:
        known = _KnownWords(language)
        _memory.by_language[language] = known
    return known
