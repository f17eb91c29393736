"""Spanish numbers as they are said: `veintiún`, `treinta y cinco`, `tres y media`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Final

from kbserver.languages.cardinals import NumberWords, hours
from kbserver.languages.letters import without_accents
from kbserver.languages.tables import in_order, words

_UNITS: Final = in_order("""
    cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece
    catorce quince dieciseis diecisiete dieciocho diecinueve veinte veintiuno
    veintidos veintitres veinticuatro veinticinco veintiseis veintisiete
    veintiocho veintinueve
""")
_TENS: Final = in_order("treinta cuarenta cincuenta sesenta setenta ochenta noventa")
_HUNDREDS: Final = in_order("""
    ciento doscientos trescientos cuatrocientos quinientos seiscientos
    setecientos ochocientos novecientos
""")
_SMALL: Final = MappingProxyType(
    {word: value for value, word in enumerate(_UNITS)}
    | {word: 10 * place for place, word in enumerate(_TENS, 3)}
    | {word: 100 * place for place, word in enumerate(_HUNDREDS, 1)}
    | {f"{word[:-2]}as": 100 * place for place, word in enumerate(_HUNDREDS[1:], 2)}
    | {"un": 1, "una": 1, "veintiun": 21, "veintiuna": 21, "cien": 100}
)


def _clock(numbers: NumberWords, said: Sequence[str]) -> Iterator[str]:
    """`tres y media` → 3, 30; `las diez menos cuarto` → 9, 45."""
    for number in numbers.cardinals(said):
        following = list(said[number.end : number.end + 2])
        if not 1 <= number.value <= 12:
            continue
        if following == ["y", "media"]:
            yield from hours(number.value, "30")
        elif following == ["y", "cuarto"]:
            yield from hours(number.value, "15")
        elif following == ["menos", "cuarto"]:
            yield from hours(number.value - 1, "45")


NUMBERS: Final = NumberWords(
    small=_SMALL,
    multipliers=MappingProxyType(
        {"mil": 1_000, "millon": 1_000_000, "millones": 1_000_000}
    ),
    articles=words("un una uno"),
    joiners=words("y"),
    joiner_needed=True,
    decimal_words=words("coma"),
    money=words("euro euros peso pesos"),
    clock=_clock,
    plain=without_accents,
)
