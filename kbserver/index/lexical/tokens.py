"""How text becomes the terms of the lexical index: the same for passages and for queries."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Callable
from typing import Final

import Stemmer

from kbserver.errors import SettingsError
from kbserver.index.lexical.folding import canonical_number, folded, folded_term
from kbserver.languages.english.spelling import common_spelling
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

FORMS: Final = (1, 2)
"""Normal forms of terms. An index says which it was built with, and its queries get the same.

1: case and compatibility forms. 2: `folding`, for the scripts and numbers of every language.
"""

FORM: Final = FORMS[-1]
"""The form that a new index gets."""

_JOINED_BY_APOSTROPHE = ("english", "none")
_MEMORY_BYTES = 16_000_000  # of words a thread remembers; stemming one costs 0.7 µs


def tokenize(text: str, *, language: str = "english", form: int = FORM) -> list[str]:
    """Cut a text into index terms, in their order; [] when it holds no letter and no digit.

    Lower case, in normal form, stemmed. Numbers stay whole (`39.99`; `1,000` is `1000`), so do
    codes of letters and digits (`ac68u`). In English an apostrophe joins, after a possessive `'s`
    is dropped: `what's` is `what`, `don't` is `dont`; in other languages it parts: `l'hôtel` is
    `l`, `hotel`. American and British spelling are one term: `fibre`, `fiber`.

    Args:
        text: any text.
        language: a Snowball algorithm (`english`, `french`, ...), or `none` for no stemming.
        form: one of `FORMS`.

    Raises:
        KeyError: Snowball has no algorithm of that name.

    Source: https://snowballstem.org/algorithms/
    """
    known = _known_words(language, form)
    return [known(word) for word in words_of(text, language=language, form=form)]


def words_of(text: str, *, language: str, form: int = FORM) -> list[str]:
    """Cut a text into words in normal form, in their order; see `tokenize`."""
    if form > 1:
        plain = folded(text, language)
    else:
        plain = unicodedata.normalize("NFKC", text).casefold()
    if plain.isascii():
        words = _ASCII_TOKEN.findall(plain.replace("_", " "))
    else:
        plain = _APOSTROPHES.sub("'", plain)
        words = _TOKEN.findall(plain.replace("_", " "))
    if language in _JOINED_BY_APOSTROPHE:
        return words
    return [part for word in words for part in word.split("'")]


def term_of(word: str, *, language: str, form: int = FORM) -> str:
    """Return the term of a word that `words_of` gave."""
    return _known_words(language, form)(word)


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


def checked_form(form: int) -> int:
    """Return the number of a normal form as it is.

    Raises:
        ValueError: it is not one of `FORMS`.
    """
    if form not in FORMS:
        raise ValueError(
            f"terms are in normal form {form!r}, this kbserver knows {FORMS[0]} to {FORM}"
        )
    return form


def _term_of(language: str, form: int) -> Callable[[str], str]:
    """Return a function that makes a term of a folded word."""
    stem: Callable[[str], str] | None = None
    if language != "none":
        stem = Stemmer.Stemmer(language).stemWord

    def term_of(word: str) -> str:
        term = word
        if "'" in term:
            term = term.removesuffix("'s").replace("'", "")
        if form == 1 and "," in term:
            term = _THOUSANDS.sub("", term)
        elif form > 1 and term[0].isdigit():
            term = canonical_number(term, language)
        elif form > 1 and language == "english":
            term = common_spelling(term)
        if stem is not None:
            term = stem(term)
        if form > 1:
            term = folded_term(term, language)
        return term

    return term_of


class _ThreadMemory(threading.local):
    """Terms by language and form. A Snowball stemmer keeps state, so each thread has its own."""

    def __init__(self) -> None:
        self.terms: dict[tuple[str, int], Callable[[str], str]] = {}


_memory = _ThreadMemory()


def _known_words(language: str, form: int) -> Callable[[str], str]:
    known = _memory.terms.get((language, form))
    if known is None:
        known = remembered(_term_of(language, form), most_bytes=_MEMORY_BYTES)
        _memory.terms[language, form] = known
    return known
