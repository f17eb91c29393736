"""Hindi numbers as they are said, in both scripts: `साढ़े तीन सौ` → `350`, `dedh lakh` → `150000`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from kbserver.languages.cardinals import NumberWords
from kbserver.languages.letters import without_accents
from kbserver.languages.tables import words

# One line a number from 0 on; the spellings of one number side by side.
_SAID: Final = """
    शून्य ज़ीरो जीरो shunya zero
    एक ek
    दो do
    तीन teen
    चार char chaar
    पाँच पांच panch paanch
    छह छः छ छे chhah chhe cheh
    सात saat
    आठ aath
    नौ nau
    दस das dus
    ग्यारह gyarah
    बारह barah baarah
    तेरह terah
    चौदह chaudah
    पंद्रह पन्द्रह pandrah
    सोलह solah
    सत्रह सतरह satrah
    अठारह अट्ठारह atharah
    उन्नीस unnis
    बीस bees
    इक्कीस ikkis
    बाईस बाइस bais
    तेईस तेइस teis
    चौबीस chaubis
    पच्चीस pachis pachchis
    छब्बीस chabbis
    सत्ताईस सत्ताइस sattais
    अट्ठाईस अठाईस अट्ठाइस atthais
    उनतीस उन्तीस untis
    तीस tees
    इकतीस इकत्तीस ikattis
    बत्तीस battis
    तैंतीस तेंतीस taintis
    चौंतीस chauntis
    पैंतीस paintis
    छत्तीस chhattis
    सैंतीस saintis
    अड़तीस adtis
    उनतालीस उन्तालीस untalis
    चालीस chalis
    इकतालीस iktalis
    बयालीस bayalis
    तैंतालीस taintalis
    चौवालीस चवालीस chavalis
    पैंतालीस paintalis
    छियालीस chhiyalis
    सैंतालीस saintalis
    अड़तालीस adtalis
    उनचास उन्चास unchas
    पचास pachas
    इक्यावन ikyavan
    बावन bavan
    तिरपन tirpan
    चौवन chauvan
    पचपन pachpan
    छप्पन chhappan
    सत्तावन sattavan
    अट्ठावन अठावन atthavan
    उनसठ unsath
    साठ saath
    इकसठ iksath
    बासठ basath
    तिरसठ tirsath
    चौंसठ chaunsath
    पैंसठ painsath
    छियासठ chhiyasath
    सड़सठ sadsath
    अड़सठ adsath
    उनहत्तर unhattar
    सत्तर sattar
    इकहत्तर ikhattar
    बहत्तर bahattar
    तिहत्तर tihattar
    चौहत्तर chauhattar
    पचहत्तर pachhattar
    छिहत्तर chhihattar
    सतहत्तर satahattar
    अठहत्तर athahattar
    उन्यासी उनासी unasi
    अस्सी assi
    इक्यासी ikyasi
    बयासी bayasi
    तिरासी tirasi
    चौरासी chaurasi
    पचासी pachasi
    छियासी chhiyasi
    सत्तासी सतासी sattasi
    अट्ठासी अठासी atthasi
    नवासी navasi
    नब्बे nabbe
    इक्यानवे इक्यानबे ikyanve
    बानवे बानबे banve
    तिरानवे तिरानबे tiranve
    चौरानवे चौरानबे chauranve
    पचानवे पचानबे pachanve pachanave
    छियानवे छियानबे chhiyanve
    सत्तानवे सत्तानबे sattanve
    अट्ठानवे अट्ठानबे अठानवे atthanve
    निन्यानवे निन्यानबे ninyanve
"""
_MULTIPLIERS: Final = MappingProxyType(
    {
        "सौ": 100,
        "sau": 100,
        "हजार": 1_000,
        "hazar": 1_000,
        "hazaar": 1_000,
        "लाख": 100_000,
        "lakh": 100_000,
        "करोड": 10_000_000,
        "crore": 10_000_000,
        "karod": 10_000_000,
    }
)
_ALSO_WORDS: Final = words("एक ek दो do das दस saath char छ")
"""Romanised numbers that are other words as well, and the articles: no search for them alone."""

_HALVES: Final[Mapping[str, Fraction]] = MappingProxyType(
    {
        "साढे": Fraction(1, 2),
        "sadhe": Fraction(1, 2),
        "saadhe": Fraction(1, 2),
        "सवा": Fraction(1, 4),
        "sava": Fraction(1, 4),
        "sawa": Fraction(1, 4),
        "पौने": Fraction(-1, 4),
        "paune": Fraction(-1, 4),
    }
)
"""What is said before a number and added to it: `साढ़े तीन` is three and a half."""

_ALONE: Final[Mapping[str, Fraction]] = MappingProxyType(
    {
        "डेढ": Fraction(3, 2),
        "dedh": Fraction(3, 2),
        "ढाई": Fraction(5, 2),
        "dhai": Fraction(5, 2),
        "dhaai": Fraction(5, 2),
    }
)


def _small() -> Mapping[str, int]:
    values = {}
    for value, line in enumerate(_SAID.strip().split("\n")):
        for word in line.split():
            values[without_accents(word)] = value
    return MappingProxyType(values)


def _clock(numbers: NumberWords, said: Sequence[str]) -> Iterator[str]:
    """`साढ़े तीन बजे` → 3, 30; `डेढ़ सौ` → 150; `ढाई` → 2.5, 2, 30."""
    for at, word in enumerate(said):
        if word in _ALONE:
            yield from _times(_ALONE[word], said[at + 1 : at + 2])
        elif word in _HALVES and at + 1 < len(said):
            value = numbers.value_of(said[at + 1])
            if value:
                yield from _times(value + _HALVES[word], said[at + 2 : at + 3])


def _times(value: Fraction, following: Sequence[str]) -> Iterator[str]:
    factor = 1
    for word in following:
        factor = _MULTIPLIERS.get(word, 1)
    if factor > 1:
        yield str(int(value * factor))
        return
    yield f"{float(value):g}"
    yield str(int(value))
    yield str(int(value % 1 * 60))


NUMBERS: Final = NumberWords(
    small=_small(),
    multipliers=_MULTIPLIERS,
    articles=_ALSO_WORDS,
    decimal_words=words("दशमलव point dashamlav"),
    decimal_sign=".",
    money=words("रुपये रुपए rupaye rupay rupees"),
    fractions=frozenset(_ALONE),
    clock=_clock,
    plain=without_accents,
)
