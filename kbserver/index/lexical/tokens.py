"""How text becomes the terms of the lexical index: the same for passages and for queries."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Callable

import Stemmer

from kbserver.errors import SettingsError
from kbserver.languages.letters import LETTER
from kbserver.lru import remembered

_NUMBER = r"\d+(?:[.,]\d+)+(?!\w)"
_ASCII_TOKEN = re.compile(rf"{_NUMBER}|\w+(?:'\w+)*", re.ASCII)
_WORD = f"{LETTER}+"
_TOKEN = re.compile(rf"{_NUMBER}|{_WORD}(?:'{_WORD})*")
_APOSTROPHES = re.compile("[\u2018\u2019\u02bc]")
_THOUSANDS = re.compile(r",(?=\d{3}(?:\D|$))")

LANGUAGES = ("none", *Stemmer.algorithms())
"""Languages of a corpus; `none` is for any language, without stemming."""

_JOINED_BY_APOSTROPHE = ("english", "none")
_MEMORY_BYTES = 16_000_000  # of words a thread remembers; stemming one costs 0.7 µs


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
        return [known(word) for word in words]
    return [known(part) for word in words for part in word.split("'")]


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


def _term_of(language: str) -> Callable[[str], str]:
    """Return a function that makes a term of a folded word."""
    stem: Callable[[str], str] | None = None
    if language != "none":
        stem = Stemmer.Stemmer(language).stemWord

    def term_of(word: str) -> str:
        term = word
        if "'" in term:
            term = term.removesuffix("'s").replace("'", "")
        if "," in term:
            term = _THOUSANDS.sub("", term)
        if stem is not None:
            term = stem(term)
        return term

    return term_of


class _ThreadMemory(threading.local):
    """Known words by language. A Snowball stemmer keeps state, so each thread has its own."""

    def __init__(self) -> None:
        self.by_language: dict[str, Callable[[str], str]] = {}


_memory = _ThreadMemory()


def _known_words(language: str) -> Callable[[str], str]:
    known = _memory.by_language.get(language)
    if known is None:
        known = remembered(_term_of(language), most_bytes=_MEMORY_BYTES)
        _memory.by_language[language] = known
    return known
