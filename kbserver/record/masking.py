"""Takes out of callers' words what need not be kept: addresses, numbers, spoken digits.

A caller says "four one one one", which no search for digits finds. A run of five or more spoken or
written digits goes, in whatever mixture.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from kbserver.errors import SettingsError
from kbserver.languages.english.numbers import REPEATED, cardinals
from kbserver.languages.english.words import SMALL_NUMBERS

Mask: TypeAlias = Callable[[str], str]
"""Text in, text out; may raise."""

FEWEST_DIGITS = 5
"""Of a run that is taken out: four are a year, a room, a price."""

EMAIL, PHONE, CARD, DIGITS = "‹email›", "‹phone›", "‹card›", "‹digits›"

_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]+(?:\s+(?:dot|underscore|dash)\s+[\w+-]+)*"
    r"\s*(?:@|\bat\b)\s*[\w-]+(?:\s*(?:\.|\bdot\b)\s*[\w-]+)+",
    re.IGNORECASE,
)
_CARD = re.compile(r"(?<!\d)\d(?:[ .-]?\d){12,18}(?!\d)")
_PHONE = re.compile(r"(?<![\w+])(?:\+|\(?0)\d(?:[ ()./-]{0,2}\d){5,14}(?!\d)")
_WORD = re.compile(r"\S+")
_EDGES = ".,;:!?()[]\"'"

# Digits as they are said in the languages of the engine, for the names that no other word has.
_ZERO_TO_NINE = (
    "zero oh one two three four five six seven eight nine",
    "null eins zwei zwo drei vier fünf sechs sieben acht neun",
    "zéro deux trois quatre cinq sept huit neuf",
    "cero uno dos tres cuatro cinco seis siete ocho nueve",
    "शून्य एक दो तीन चार पाँच पांच छह छः सात आठ नौ",
)
_SAID = frozenset(" ".join(_ZERO_TO_NINE).split())
_JOINS = frozenset({"and", "uh", "um", "er", "then", "dash", "minus", "space", "dot"})
"""Between digits, these end no run."""


def email(text: str) -> str:
    """Take out addresses, written or said ("jane dot doe at example dot com")."""
    return _EMAIL.sub(EMAIL, text)


def phone(text: str) -> str:
    """Take out telephone numbers as they are written: with + or 0 in front."""
    return _PHONE.sub(PHONE, text)


def card(text: str) -> str:
    """Take out runs of 13 to 19 written digits, as payment cards have."""
    return _CARD.sub(CARD, text)


def digits(text: str) -> str:
    """Take out runs of five or more digits, spoken or written."""
    words = list(_WORD.finditer(text))
    bare = [found[0].strip(_EDGES).lower() for found in words]
    masked: list[str] = []
    end = 0
    for first, last in _runs(bare):
        begin = words[first].start()
        masked += [text[end:begin], DIGITS]
        end = words[last].end()
    masked.append(text[end:])
    return "".join(masked)


MASKS: dict[str, Mask] = {
    "email": email,
    "phone": phone,
    "card": card,
    "digits": digits,
}
"""By the names that `[record] mask` takes; in this order."""


def masker(names: Iterable[str], own: str | None = None) -> Mask:
    """Return what applies several masks, one after the other.

    Args:
        names: keys of `MASKS`.
        own: `package.module:function`, applied last.

    Raises:
        SettingsError: own code cannot be imported.
    """
    wanted = set(names)
    masks = [mask for name, mask in MASKS.items() if name in wanted]
    if own is not None:
        masks.append(_imported(own))

    def apply(text: str) -> str:
        for mask in masks:
            text = mask(text)
        return text

    return apply


def _runs(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield first and last word of each run with at least `FEWEST_DIGITS` digits."""
    digits_of = _digits_of(words)
    at = 0
    while at < len(words):
        first = last = at
        total = 0
        while at < len(words) and (at in digits_of or words[at] in _JOINS):
            if at in digits_of:
                total += digits_of[at]
                last = at
            at += 1
        if total >= FEWEST_DIGITS:
            while first not in digits_of:  # "and four one …"
                first += 1
            yield first, last
        at = max(at, first + 1)


def _digits_of(words: Sequence[str]) -> dict[int, int]:
    """Return the places of the words that are parts of numbers, with the digits each begins."""
    found: dict[int, int] = {}
    for at, word in enumerate(words):
        count = _digits_in(word)
        if count:
            found[at] = count
    for start, end, number in cardinals(words):
        found |= dict.fromkeys(range(start, end), 0)
        found[start] = len(number)
    return found


def _digits_in(word: str) -> int:
    """Return how many digits a word stands for; 0 for one that is no number."""
    if word in _SAID or word in SMALL_NUMBERS or word in REPEATED:
        return 1
    found = sum(sign.isdigit() for sign in word)
    letters = sum(sign.isalpha() for sign in word)
    if letters > found:  # "covid19" is a word
        return 0
    return found


def _imported(target: str) -> Mask:
    module_name, _, name = target.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError) as exc:
        raise SettingsError(
            f"[record] mask_with = {target!r}: {exc}; is it on PYTHONPATH?"
        ) from exc
    if not callable(found):
        raise SettingsError(
            f"[record] mask_with = {target!r}: not a function; it takes a text, "
            "and gives one back"
        )

    def mask(text: str) -> str:
        masked = found(text)
        if not isinstance(masked, str):
            kind = type(masked).__name__
            raise SettingsError(f"[record] mask_with gave {kind}, wanted a text")
        return masked

    return mask
