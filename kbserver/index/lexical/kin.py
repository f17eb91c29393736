"""Terms that a word is found by beside its own: parts of compounds, skeletons of consonants.

They are terms of their own, marked, so that a query can weigh them less than the word itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from kbserver.index.lexical.compounds import LANGUAGES as WITH_COMPOUNDS
from kbserver.index.lexical.compounds import parts_of
from kbserver.index.lexical.skeletons import skeleton
from kbserver.index.lexical.tokens import term_of, words_of

MARK = "~"
"""Begins a term that stands for other words as well; no word begins with it."""

WITH_SKELETONS = frozenset(("hindi",))

PART_WEIGHT = 0.5
"""Of a part, in a passage or in a query; of one that is a part in both, once more."""

SKELETON_WEIGHT = 0.25
"""Of a word that the corpus holds as it is written: its skeleton says the same again."""

Frequency = Callable[[str], int]
"""In how many passages a term stands; 0 if in none."""


def has_kin(*, language: str, form: int) -> bool:
    """Tell whether an index may find a word by other terms than its own."""
    return form > 1 and (language in WITH_SKELETONS or language in WITH_COMPOUNDS)


def analysed(text: str, *, language: str, form: int) -> list[str]:
    """Return the terms of a passage, and marked ones behind them."""
    words = words_of(text, language=language, form=form)
    terms = [term_of(word, language=language, form=form) for word in words]
    if form > 1 and language in WITH_SKELETONS:
        skeletons = (skeleton(word) for word in words)
        terms += [MARK + letters for letters in skeletons if letters]
    return terms


def parts_by_term(
    terms: Iterable[str], *, language: str, form: int
) -> dict[str, tuple[str, ...]]:
    """Return the marked parts of each compound among the terms of a corpus."""
    if form == 1 or language not in WITH_COMPOUNDS:
        return {}
    known = {term for term in terms if len(term) >= 4}
    found = {}
    for term in known:
        parts = parts_of(term, language, known.__contains__)
        if parts:
            found[term] = tuple(MARK + part for part in parts)
    return found


def kin_of(
    word: str, *, language: str, form: int, frequency: Frequency
) -> Mapping[str, float]:
    """Return the weights of the other terms that find a word of a query.

    Args:
        word: as `tokens.words_of` gives it.
        language: of the index.
        form: of the index.
        frequency: of the terms of the index.
    """
    if not has_kin(language=language, form=form):
        return {}
    term = term_of(word, language=language, form=form)
    if language in WITH_SKELETONS:
        letters = skeleton(word)
        if not letters:
            return {}
        weight = SKELETON_WEIGHT if frequency(term) else 1.0
        return {MARK + letters: weight}
    kin = {MARK + term: PART_WEIGHT}
    for part in parts_of(term, language, _known(frequency)):
        kin[part] = PART_WEIGHT
        kin[MARK + part] = PART_WEIGHT**2
    return kin


def _known(frequency: Frequency) -> Callable[[str], bool]:
    return lambda term: bool(frequency(term) or frequency(MARK + term))
