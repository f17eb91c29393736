"""French numbers as they are said: `quatre-vingt-dix-neuf`, `septante`, `trois heures et demie`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Final

from kbserver.languages.cardinals import NumberWords, hours
from kbserver.languages.letters import without_accents
from kbserver.languages.tables import in_order, words

_UNITS: Final = in_order("""
    zero un deux trois quatre cinq six sept huit neuf dix onze douze treize
    quatorze quinze seize
""")
_TENS: Final = MappingProxyType(
    {
        "vingt": 20,
        "trente": 30,
        "quarante": 40,
        "cinquante": 50,
        "soixante": 60,
        "septante": 70,
        "quatre vingt": 80,
        "huitante": 80,
        "octante": 80,
        "nonante": 90,
    }
)


def _clock(numbers: NumberWords, said: Sequence[str]) -> Iterator[str]:
    """`trois heures et demie` → 3, 30; `dix heures moins le quart` → 9, 45."""
    for number in numbers.cardinals(said):
        following = list(said[number.end : number.end + 4])
        if not 1 <= number.value <= 23 or following[:1] not in (["heure"], ["heures"]):
            continue
        if following[1:3] in (["et", "demie"], ["et", "demi"]):
            yield from hours(number.value, "30")
        elif following[1:3] == ["et", "quart"]:
            yield from hours(number.value, "15")
        elif following[1:4] == ["moins", "le", "quart"]:
            yield from hours(number.value - 1, "45")


NUMBERS: Final = NumberWords(
    small=MappingProxyType(
        {word: value for value, word in enumerate(_UNITS)} | _TENS | {"une": 1}
    ),
    multipliers=MappingProxyType(
        {
            "cent": 100,
            "cents": 100,
            "mille": 1_000,
            "million": 1_000_000,
            "millions": 1_000_000,
        }
    ),
    articles=words("un une"),
    joiners=words("et"),
    beyond_ten=frozenset({60, 80}),
    together=MappingProxyType(
        {
            ("quatre", "vingt"): "quatre vingt",
            ("quatre", "vingts"): "quatre vingt",
        }
    ),
    decimal_words=words("virgule"),
    money=words("euro euros franc francs"),
    clock=_clock,
    plain=without_accents,
)
