"""German numbers as they are said: compounds together and apart, `zwo`, `halb vier`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from kbserver.languages.cardinals import NumberWords, hours
from kbserver.languages.letters import without_accents
from kbserver.languages.tables import in_order, words

_UNITS: Final = in_order("""
    null eins zwei drei vier funf sechs sieben acht neun zehn elf zwolf
    dreizehn vierzehn funfzehn sechzehn siebzehn achtzehn neunzehn
""")
_TENS: Final = in_order(
    "zwanzig dreissig vierzig funfzig sechzig siebzig achtzig neunzig"
)
_ARTICLES: Final = words("ein eine einen einem einer")


def _small() -> Mapping[str, int]:
    values = {word: value for value, word in enumerate(_UNITS)}
    values |= {word: 10 * place for place, word in enumerate(_TENS, 2)}
    values |= dict.fromkeys(_ARTICLES, 1)
    for place, tens in enumerate(_TENS, 2):
        for value, unit in enumerate(_UNITS[1:10], 1):
            values[f"{unit.removesuffix('s') if value == 1 else unit}und{tens}"] = (
                10 * place + value
            )
        values[f"zwound{tens}"] = 10 * place + 2
    values["zwo"] = 2
    return MappingProxyType(values)


_SMALL: Final = _small()
_MULTIPLIERS: Final = MappingProxyType(
    {
        "hundert": 100,
        "tausend": 1_000,
        "million": 1_000_000,
        "millionen": 1_000_000,
    }
)
_PART = re.compile(
    "|".join(sorted((*_SMALL, "hundert", "tausend"), key=len, reverse=True))
)
# Never goes back: some parts are made of others, and a word may be of any length.
_COMPOUND = re.compile(f"(?>{_PART.pattern}|und)++")


def _parts(word: str) -> Sequence[str]:
    if "hundert" not in word and "tausend" not in word:
        return (word,)
    if not _COMPOUND.fullmatch(word):
        return (word,)
    return _PART.findall(word)


def _clock(numbers: NumberWords, said: Sequence[str]) -> Iterator[str]:
    """`halb vier` → 3, 30; `viertel vor vier` → 3, 45; `anderthalb` → 1,5."""
    for at, word in enumerate(said):
        if word in numbers.fractions:
            yield "1,5"
        following = said[at + 1 : at + 3]
        if word == "halb":
            yield from _hour(numbers, following[:1], -1, "30")
        elif word == "dreiviertel":
            yield from _hour(numbers, following[:1], -1, "45")
        elif word == "viertel" and following[:1] == ["vor"]:
            yield from _hour(numbers, following[1:], -1, "45")
        elif word == "viertel" and following[:1] == ["nach"]:
            yield from _hour(numbers, following[1:], 0, "15")


def _hour(
    numbers: NumberWords, word: Sequence[str], shift: int, minutes: str
) -> Iterator[str]:
    for one in word:
        hour = numbers.value_of(one)
        if 1 <= hour <= 12:
            yield from hours(hour + shift, minutes)


NUMBERS: Final = NumberWords(
    small=_SMALL,
    multipliers=_MULTIPLIERS,
    articles=_ARTICLES,
    parts=_parts,
    decimal_words=words("komma"),
    money=words("euro franken"),
    fractions=words("anderthalb eineinhalb"),
    clock=_clock,
    plain=without_accents,
)
