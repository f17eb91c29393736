"""Written signs as they are said, from the tables of one language: `39,99 €` → `39,99 Euro`.

Digits stay digits, in their order, because every voice reads its own; only the month of a date in
numbers becomes a name. What may be something else stays as it is written. English has rules of its
own (`english.verbalise`).

Source of names: Unicode CLDR, as Babel has it; the tests compare them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Final, NamedTuple

from kbserver.languages.letters import LETTER
from kbserver.languages.profile import Said

_D = "[0-9\u0966-\u096f]"
_SPACE = "[ \u00a0\u202f]"
_DASH = f"{_SPACE}?[-–—]{_SPACE}?"
_NO_LETTER_BEFORE = f"(?<!{LETTER})"
_NO_LETTER = f"(?!{LETTER})"
_NUMBER = rf"{_D}++(?:[.,'’]{_D}++|{_SPACE}{_D}{{3}}(?!{_D}))*+"
# Not inside a word, a number, an amount, a path, a telephone number.
_START = rf"{_NO_LETTER_BEFORE}(?<![.,:/'’+#=])(?<![\w)][-–—])(?<!{_D}{_SPACE})"
_TIME = rf"{_D}{{1,2}}:{_D}{{2}}"
_WORD = f"{LETTER}{{2,24}}"
_GROUPED = re.compile(r"[.,](?=[0-9]{3}(?:[.,]|$))|['’ \u00a0\u202f]")
_DIGIT = re.compile(_D)
_LEADING_ZERO = re.compile("[0\u0966][0-9\u0966-\u096f]")
_UNSURE = ("k", "K", "M", "Mio", "Mrd", "Mds", "mn", "bn", "Cr", "cr", "L")
"""Behind an amount these may be a magnitude."""
_FOR_EACH: Final = MappingProxyType(
    {"pro": ("pro", "je"), "par": ("par",), "por": ("por",), "प्रति": ("प्रति",)}
)


class Name(NamedTuple):
    """What a sign is called after one, and after any other number."""

    one: str
    other: str

    @classmethod
    def same(cls, name: str) -> Name:
        """Return a name that does not change: `3 Meter`."""
        return cls(name, name)

    @classmethod
    def regular(cls, name: str) -> Name:
        """Return a name with an `s` for all but one: `3 euros`."""
        return cls(name, f"{name}s")


@dataclass(frozen=True, slots=True)
class Signs:
    """What signs are called in one language."""

    units: Mapping[str, Name]
    """By how they are written; a unit of one letter stands apart from its number."""
    currencies: Mapping[str, Name]
    """By sign and by code."""
    per: str
    """Between a price or unit and what it is for: `pro`."""
    to: str
    """Between the ends of a range: `bis`."""
    ampersand: str
    months: tuple[str, ...]
    weekdays: tuple[str, ...]
    """From Monday on."""
    short_months: Mapping[str, int]
    """Abbreviations, without a full stop, by number from 1."""
    short_weekdays: Mapping[str, int]
    """The same of days, by number from 0."""
    date: str
    """A day with `{day}`, `{month}` and `{year}`."""
    first: str = "1"
    """How the first day of a month is said."""
    date_mark: str = "/"
    """Between the numbers of a date."""
    day_is_first: bool = True
    """Whether its day surely comes first; else a date that could be read both ways stays."""
    singular: str = "1"
    """Pattern of the numbers that take a singular."""
    magnitudes: Mapping[str, str] = field(default_factory=dict)
    """Words between a number and its currency, with what then comes before the currency."""
    ordinal: str = ""
    """Pattern of a number that a full stop makes the number of a day: `3. Mai`."""
    oclock: str = "(?!)"
    """Pattern of what stands behind a time; a dash before it is a range."""
    hour_minute: str = ""
    """`8h30` with `{hour}`, `{name}` and `{minute}`; "" where it is not written so."""
    abbreviations: Mapping[str, str] = field(default_factory=dict)
    """What each means, wherever it stands."""
    before_a_number: Mapping[str, str] = field(default_factory=dict)
    """What each means right before a number."""
    closing: frozenset[str] = frozenset()
    """Abbreviations that may end a sentence, whose full stop then stays."""


class Speaker:
    """Writes the signs of a language as they are said; its patterns are compiled once."""

    def __init__(self, signs: Signs) -> None:
        """Compile the patterns."""
        self._signs = signs
        self._abbreviations = _Abbreviations(signs.abbreviations, signs.closing)
        self._numbered = _Abbreviations(
            signs.before_a_number, frozenset(), rf"{_SPACE}?(?={_D})", " "
        )
        self._compile_days()
        self._compile_amounts()

    def _compile_days(self) -> None:
        signs = self._signs
        days = _any((*signs.weekdays, *signs.short_weekdays))
        short_days = _any(signs.short_weekdays)
        months = _any(signs.short_months)
        full_days = _any(signs.weekdays)
        oclock = rf"{_SPACE}?(?:{signs.oclock}){_NO_LETTER}"
        mark = re.escape(signs.date_mark)
        no_more = rf"(?![\w/-]|[.:,]{_D})"
        self._from_day = re.compile(
            rf"{_NO_LETTER_BEFORE}({days})(\.?)(?:{_DASH}|{_SPACE}{signs.to}{_SPACE})"
            rf"({days}){_NO_LETTER}(\.?)"
        )
        self._day = re.compile(
            rf"{_NO_LETTER_BEFORE}({short_days})\.?"
            rf"(?=:?{_SPACE}(?:{_TIME}|{_D}{{1,2}}(?:{oclock}|{_DASH}{_D})))"
        )
        self._span = re.compile(rf"({full_days}) {signs.to} ({full_days}){_NO_LETTER}")
        self._date = re.compile(
            rf"(?<![\w./:-])({_D}{{1,2}}){mark}({_D}{{1,2}}){mark}([12]{_D}{{3}}){no_more}"
        )
        self._iso_date = re.compile(
            rf"(?<![\w./:-])([12][0-9]{{3}})-([01][0-9])-([0-3][0-9]){no_more}"
        )
        self._month = re.compile(
            rf"(?<![\w.])({_D}{{1,2}}\.?){_SPACE}({months})\.?(?={_SPACE}[12]{_D}{{3}}(?!{_D}))"
        )
        hour = rf"{_D}{{1,2}}(?::{_D}{{2}})?"
        self._from_time = re.compile(
            rf"(?<![\w.,:/+#-])({hour}(?:{oclock})?){_DASH}(?={hour}{oclock})"
            rf"|(?<![\w.,:/+#-])({_TIME}){_DASH}(?={_TIME}(?![\w:]))"
        )
        self._hour_minute = re.compile(
            rf"{_START}({_D}{{1,2}}){_SPACE}?h{_SPACE}?([0-5]{_D})(?!\w)"
        )
        self._hours = re.compile(rf"({_TIME}{_SPACE})h{_NO_LETTER}")

    def _compile_amounts(self) -> None:
        signs = self._signs
        currencies = _any(signs.currencies)
        magnitudes = _any(signs.magnitudes)
        units = _any(signs.units)
        per = (
            rf"(?:{_SPACE}?/{_SPACE}?(?P<per>{_any(signs.units)}{_NO_LETTER}|{_WORD}))?"
        )
        numbers = rf"(?P<number>{_NUMBER})(?:{_DASH}(?P<upper>{_NUMBER}))?"
        self._price = re.compile(
            rf"{_START}{numbers}(?:{_SPACE}(?P<magnitude>{magnitudes}))?{_SPACE}?"
            rf"(?P<sign>{currencies}){per}(?!{LETTER}|{_SPACE}?/{LETTER}|{_SPACE}?{_D})"
        )
        self._priced = re.compile(
            rf"{_NO_LETTER_BEFORE}(?<![.,/$€£₹])(?<!{_D}{_SPACE})(?P<sign>{currencies})"
            rf"{_SPACE}?(?P<number>{_NUMBER})"
            rf"(?:{_DASH}(?:{currencies})?{_SPACE}?(?P<upper>{_NUMBER}))?"
            rf"(?:{_SPACE}(?P<magnitude>{magnitudes}){_NO_LETTER})?{per}"
            rf"(?!{LETTER}|%|/{LETTER}|[-–—.,:]{_D}|{_SPACE}{_D}|{_SPACE}{_any(_UNSURE)}{_NO_LETTER})"
        )
        self._quantity = re.compile(
            rf"{_START}{numbers}(?P<gap>{_SPACE}?)(?P<sign>{units}){per}"
            rf"(?!{LETTER}|{_SPACE}?/{LETTER}|[²³°%])(?:\.(?={_SPACE}[a-zà-ÿ]))?"
        )
        named = [unit for unit in signs.units if len(unit) > 1 and unit.isalpha()]
        self._for_each = re.compile(
            rf"{_NO_LETTER_BEFORE}({_any(_FOR_EACH[signs.per])}{_SPACE})({_any(named)}){_NO_LETTER}"
        )
        self._range = re.compile(
            rf"{_START}({_NUMBER}){_SPACE}?–{_SPACE}?({_NUMBER})(?!{LETTER}|[/:]|[-–—]{_D})"
        )

    def say(self, text: str) -> str:
        """Return the text with its signs as they are said.

        Args:
            text: of the language, on one line, without markup.
        """
        text = self._abbreviations.written_out(text)
        text = text.replace(" & ", f" {self._signs.ampersand} ")
        text = self._from_day.sub(self._from_day_to_day, text)
        text = self._for_each.sub(self._for_one, text)
        if not _DIGIT.search(text):
            return text
        text = self._numbered.written_out(text)
        text = self._with_days(text)
        text = self._price.sub(self._amount, text)
        text = self._priced.sub(self._amount, text)
        text = self._quantity.sub(self._measured, text)
        return self._range.sub(self._from_number_to_number, text)

    def days(self, text: str) -> tuple[str, ...]:
        """Return the days and months that a text means and does not write out, in their order.

        Args:
            text: of the language, with or without line breaks.
        """
        said = self._from_day.sub(self._from_day_to_day, text)
        said = self._with_days(said)
        weekdays = self._signs.weekdays
        names = [name for name in (*weekdays, *self._signs.months) if name in said]
        for span in self._span.finditer(said):
            first, last = map(weekdays.index, span.groups())
            count = (last - first) % len(weekdays)
            names += [weekdays[(first + day) % len(weekdays)] for day in range(count)]
        return tuple(dict.fromkeys(name for name in names if name not in text))

    def _with_days(self, text: str) -> str:
        """Write days, dates and times as they are said."""
        text = self._day.sub(lambda day: self._weekday(day[1]), text)
        text = self._date.sub(self._day_first, text)
        text = self._iso_date.sub(self._year_first, text)
        text = self._month.sub(self._named_month, text)
        text = self._from_time.sub(self._until, text)
        if self._signs.hour_minute:
            return self._hour_minute.sub(self._clock, text)
        if "h" in self._signs.oclock:
            return self._hours.sub(rf"\1{self._signs.units['h'].other}", text)
        return text

    def _weekday(self, written: str) -> str:
        number = self._signs.short_weekdays.get(written)
        if number is None:
            return written
        return self._signs.weekdays[number]

    def _from_day_to_day(self, days: re.Match[str]) -> str:
        first, stop, last, end = days.groups()
        if stop and first in self._signs.weekdays:
            return days[0]
        said = f"{self._weekday(first)} {self._signs.to} {self._weekday(last)}"
        is_last = not days.string[days.end() :].strip()
        if is_last or last in self._signs.weekdays:
            return said + end
        return said

    def _until(self, time: re.Match[str]) -> str:
        return f"{time[1] or time[2]} {self._signs.to} "

    def _day_first(self, written: re.Match[str]) -> str:
        day, month, year = map(int, written.groups())
        if not self._signs.day_is_first and day != month and day <= 12:
            return written[0]
        return self._dated(written[0], day, month, year)

    def _year_first(self, written: re.Match[str]) -> str:
        year, month, day = map(int, written.groups())
        return self._dated(written[0], day, month, year)

    def _dated(self, written: str, day: int, month: int, year: int) -> str:
        try:
            date(year, month, day)
        except ValueError:  # no calendar has it
            return written
        said = str(day)
        if day == 1:
            said = self._signs.first
        name = self._signs.months[month - 1]
        return self._signs.date.format(day=said, month=name, year=year)

    def _named_month(self, written: re.Match[str]) -> str:
        number = self._signs.short_months[written[2]]
        return f"{written[1]} {self._signs.months[number - 1]}"

    def _clock(self, time: re.Match[str]) -> str:
        hour, minute = time.groups()
        name = self._called(self._signs.units["h"], hour)
        return self._signs.hour_minute.format(hour=hour, name=name, minute=minute)

    def _called(self, name: Name, number: str) -> str:
        if re.fullmatch(self._signs.singular, number):
            return name.one
        return name.other

    def _amount(self, price: re.Match[str]) -> str:
        """Say a price; as it is written if it may be something else."""
        name = self._signs.currencies[price["sign"]]
        magnitude = price["magnitude"]
        number = self._from_to(price["number"], price["upper"])
        if number is None:
            return price[0]
        each = self._each(price["per"])
        if magnitude:
            before = self._signs.magnitudes[magnitude]
            return f"{number} {magnitude} {before}{name.other}{each}"
        return f"{number} {self._called(name, number)}{each}"

    def _measured(self, quantity: re.Match[str]) -> str:
        sign = quantity["sign"]
        number = self._from_to(quantity["number"], quantity["upper"])
        is_letter = len(sign) == 1 and sign.isalpha()
        may_touch = bool(self._signs.hour_minute) and sign == "h"
        touches = is_letter and not quantity["gap"] and not may_touch
        if number is None or touches:
            return quantity[0]
        name = self._called(self._signs.units[sign], number)
        return f"{number} {name}{self._each(quantity['per'])}"

    def _each(self, written: str | None) -> str:
        """Say what a price or unit is for: `/kWh`."""
        if not written:
            return ""
        unit = self._signs.units.get(written)
        if unit is not None:
            written = unit.one
        return f" {self._signs.per} {written}"

    def _for_one(self, unit: re.Match[str]) -> str:
        return f"{unit[1]}{self._signs.units[unit[2]].one}"

    def _from_to(self, lower: str, upper: str | None) -> str | None:
        """Say a number or a range; None if it is none, because it does not rise."""
        if upper is None:
            return lower
        if not _rises(lower, upper):
            return None
        return f"{lower} {self._signs.to} {upper}"

    def _from_number_to_number(self, numbers: re.Match[str]) -> str:
        return self._from_to(*numbers.groups()) or numbers[0]


class _Abbreviations:
    """Abbreviations of a table, and what each means."""

    def __init__(
        self,
        table: Mapping[str, str],
        closing: frozenset[str],
        behind: str = _NO_LETTER,
        joint: str = "",
    ) -> None:
        self._said = {_bare(written): said for written, said in table.items()}
        self._lower = {_bare(written) for written in table if written[0].islower()}
        self._closing = {_bare(written) for written in closing}
        self._joint = joint
        patterns = [
            f"{_SPACE}?".join(map(re.escape, written.split(" ")))
            for written in _longest_first(table)
        ]
        any_of_them = "|".join(patterns) or "(?!)"
        self._written = re.compile(
            rf"{_NO_LETTER_BEFORE}(?<!\.)({any_of_them}){behind}", re.IGNORECASE
        )

    def written_out(self, text: str) -> str:
        """Return a text with the abbreviations written out."""
        return self._written.sub(self._meaning, text)

    def _meaning(self, found: re.Match[str]) -> str:
        written = found[1]
        key = _bare(written)
        said = self._said[key]
        if written[0].isupper() and key in self._lower:
            said = said[0].upper() + said[1:]
        following = found.string[found.end() :].lstrip()
        ends = not following or following[0].isupper()
        if key in self._closing and written.endswith(".") and ends:
            said += "."
        return said + self._joint


def said_by(signs: Signs) -> Said:
    """Return what a profile says by a table of signs.

    Patterns are compiled when the first text is said: a server may never say one.
    """

    @cache
    def speaker() -> Speaker:
        return Speaker(signs)

    abbreviations = {*signs.abbreviations, *signs.before_a_number} - signs.closing
    stopped = [re.escape(one[:-1]) for one in abbreviations if one.endswith(".")]
    return Said(
        say=lambda text: speaker().say(text),
        days=lambda text: speaker().days(text),
        goes_on="|".join(sorted((r"\w", *stopped, *filter(None, [signs.ordinal])))),
    )


def _bare(written: str) -> str:
    return re.sub(r"[\s.]", "", written).casefold()


def _any(written: Iterable[str]) -> str:
    found = "|".join(map(re.escape, _longest_first(written)))
    if not found:
        return "(?!)"
    return f"(?:{found})"


def _longest_first(written: Iterable[str]) -> list[str]:
    return sorted(written, key=len, reverse=True)


def _rises(lower: str, upper: str) -> bool:
    """Tell whether two numbers may be the ends of a range; one with a leading zero is none."""
    if _LEADING_ZERO.match(lower) or _LEADING_ZERO.match(upper):
        return False
    first, last = _value(lower), _value(upper)
    return first is not None and last is not None and first < last


def _value(number: str) -> float | None:
    """Return about what a number is worth; None for a date or a version."""
    plain = _GROUPED.sub("", number).replace(",", ".")
    try:
        return float(plain)
    except ValueError:
        return None
