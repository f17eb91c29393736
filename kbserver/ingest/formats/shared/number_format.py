"""A number as its spreadsheet shows it, by the format code of its cell.

Source: ECMA-376 part 1, 18.8.30 and 18.8.31 (numFmt). Decimals and thousands are parted by the
signs of the corpus's language, months and days have its names; a date that shows day, month and
year becomes ISO 8601, because 03/04/05 says three things.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from functools import lru_cache

from kbserver.ingest.cells import cells

MAX_CODE_CHARACTERS = 255
"""Excel writes no longer code."""

_GENERAL_DIGITS = 15
"""That a cell without a format is precise to."""
_MOST_DIGITS = 340
"""Of the largest float, with the places of the longest code."""
_TOKEN = re.compile(
    r"""(?P<quoted>"[^"]*"?)|(?P<escaped>\\.)|(?P<gap>_.)|(?P<fill>\*.)
    |\[\$(?P<currency>[^\[\]-]*)(?:-[^\[\]]*)?\]
    |\[(?P<condition>(?:<=|>=|<>|<|>|=)-?[\d.]+)\]
    |\[(?P<elapsed>h+|m+|s+)\]
    |\[(?P<colour>[^\[\]]*)\]
    |(?P<general>General)
    |(?P<noon>AM/PM|A/P)
    |(?P<exponent>E[+-])
    |(?P<date>y+|m+|d+|h+|s+|[gbe]+)
    |(?P<digit>[0#?])|(?P<point>\.)|(?P<comma>,)|(?P<percent>%)|(?P<slash>/)
    |(?P<text>@)|(?P<literal>.)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_LITERALS = ("quoted", "escaped", "gap", "currency", "literal")
_SIGN_APART = re.compile(r"([$€£¥]) (?=[\d-])")
_DASH = re.compile(r"^(\D{0,4}?)[-–—](?=\D{0,4}$)")
_ISO_DAY = re.compile(r"\d+-\d\d-\d\d")
_BRACKETED = re.compile(r"\(([^()]*\d[^()]*)\)")

_Token = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Section:
    """One of the parts between semicolons: for positive, negative, zero, text."""

    tokens: tuple[_Token, ...]
    condition: str = ""

    def kinds(self) -> set[str]:
        """Return the kinds of the tokens."""
        return {kind for kind, _ in self.tokens}


def shown_number(
    value: float,
    code: str,
) -> str | None:
    """Return a number as its cell shows it; None if the code is not understood.

    A number that a code shows without its minus, in brackets or in red alone, gets its
    minus back.

    Args:
        value: finite.
    """
    sections = _sections(code)
    if not sections:
        return None
    section, is_own = _chosen(sections, value)
    kinds = section.kinds()
    if "date" in kinds or "elapsed" in kinds or "noon" in kinds:
        return None
    if "text" in kinds:
        return plain_number(value)
    text = _rendered(section, abs(value))
    if text is None:
        return None
    text = " ".join(text.split())
    if not value:
        text = _DASH.sub(r"\g<1>0", text)  # an accountant's zero
    if value < 0 and any(map("123456789".__contains__, text)):
        text = _negative(text, is_own=is_own)
    return _SIGN_APART.sub(r"\1", text)


def shown_moment(
    moment: dt.datetime,
    days: float,
    code: str,
) -> str | None:
    """Return a date or time as its cell shows it; None if the code is not understood.

    Names of months and days are written in full.

    Args:
        moment: what the cell's number means.
        days: that number, for a code that shows hours beyond a day.
    """
    sections = _sections(code)
    if not sections:
        return None
    section, _ = _chosen(sections, days)
    letters = [text.lower() for kind, text in section.tokens if kind == "date"]
    if any(text[0] in "gbe" for text in letters):
        return None
    clock = _clock(section, moment, days)
    day = _day(section, moment)
    if _ISO_DAY.fullmatch(day) and clock[1:2] == ":" and clock[-1] != "M":
        clock = f"0{clock}"
    return " ".join(part for part in (day, clock) if part) or None


def shown_text(
    text: str,
    code: str,
) -> str:
    """Return a text as its cell shows it: a code may write words around it."""
    if "@" not in code or code == "@":
        return text
    sections = _sections(code)
    if not sections or "text" not in sections[-1].kinds():
        return text
    return "".join(
        text if kind == "text" else _literal(kind, token)
        for kind, token in sections[-1].tokens
    )


def is_moment(code: str) -> bool:
    """Return whether a code shows a date or a time."""
    sections = _sections(code)
    return bool(sections) and bool(sections[0].kinds() & {"date", "elapsed", "noon"})


def plain_number(value: float) -> str:
    """Return a number without a format: `0.3`, `1907`, never `1.9e+03`."""
    if value == int(value):
        return str(int(value))
    with localcontext() as context:
        context.prec = _GENERAL_DIGITS
        text = f"{+Decimal(repr(value)):f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace(".", cells().decimal)


@lru_cache(maxsize=1024)
def _sections(code: str) -> tuple[_Section, ...]:
    """Return the sections of a code; none if it is no code."""
    if not code or len(code) > MAX_CODE_CHARACTERS:
        return ()
    sections: list[_Section] = []
    tokens: list[_Token] = []
    condition = ""
    for found in _TOKEN.finditer(code):
        kind = found.lastgroup or "literal"
        text = found[kind]
        if kind == "literal" and text == ";":
            sections.append(_Section(tuple(tokens), condition))
            tokens, condition = [], ""
        elif kind == "condition":
            condition = text
        elif kind != "colour":
            tokens.append((kind, text))
    sections.append(_Section(tuple(tokens), condition))
    return tuple(sections[:4])


def _chosen(
    sections: Sequence[_Section],
    value: float,
) -> tuple[_Section, bool]:
    """Return the section that shows a number, and whether it is for negative ones."""
    numbers = [one for one in sections if "text" not in one.kinds()] or list(sections)
    conditional = [one for one in numbers if one.condition]
    if conditional:
        for one in conditional:
            if _holds(one.condition, value):
                return one, False
        others = [one for one in numbers if not one.condition]
        return (others or numbers)[-1], False
    if value < 0 and len(numbers) > 1:
        return numbers[1], True
    if value == 0 and len(numbers) > 2:
        return numbers[2], False
    return numbers[0], False


def _holds(
    condition: str,
    value: float,
) -> bool:
    sign = condition.rstrip("0123456789.-")
    try:
        limit = float(condition[len(sign) :])
    except ValueError:
        return False
    by_sign = {
        "<": value < limit,
        "<=": value <= limit,
        ">": value > limit,
        ">=": value >= limit,
        "=": value == limit,
        "<>": value != limit,
    }
    return by_sign[sign]


def _negative(
    text: str,
    *,
    is_own: bool,
) -> str:
    """Return the text of a negative number with its minus.

    Args:
        is_own: the section is for negative numbers and shows them in its own way.
    """
    if not is_own:
        return f"-{text}"
    if _BRACKETED.search(text):
        return "-" + " ".join(_BRACKETED.sub(r"\1", text).split())
    if "-" in text or "−" in text or re.search(r"[A-Za-z]{2}", text):
        return text
    return f"-{text}"


def _literal(
    kind: str,
    text: str,
) -> str:
    if kind == "quoted":
        return text.strip('"')
    if kind == "escaped":
        return text[1]
    if kind in ("gap", "fill"):
        return " "
    return text


def _rendered(
    section: _Section,
    value: float,
) -> str | None:
    """Return a number that is not negative in one section's form."""
    kinds = section.kinds()
    if "general" in kinds:
        return "".join(
            plain_number(value) if kind == "general" else _literal(kind, text)
            for kind, text in section.tokens
        )
    if "digit" not in kinds:
        return "".join(
            _literal(kind, text) for kind, text in section.tokens if kind != "comma"
        )
    if "exponent" in kinds:
        return f"{value:.2E}"
    if "slash" in kinds:
        return _fraction(section, value)
    return _decimal(section, value)


def _decimal(
    section: _Section,
    value: float,
) -> str | None:
    tokens = list(section.tokens)
    places = [at for at, (kind, _) in enumerate(tokens) if kind == "digit"]
    point = next((at for at, (kind, _) in enumerate(tokens) if kind == "point"), None)
    if point is None:
        point = places[-1] + 1
    whole = [at for at in places if at < point]
    broken = [at for at in places if at > point]
    commas = [at for at, (kind, _) in enumerate(tokens) if kind == "comma"]
    is_grouped = any(whole and whole[0] < at < whole[-1] for at in commas)
    scale = sum(
        at > places[-1] or (at < point and at > max(whole, default=-1)) for at in commas
    )
    percents = sum(kind == "percent" for kind, _ in tokens)
    with localcontext() as context:
        context.prec = _MOST_DIGITS
        number = Decimal(repr(value)) * 100**percents / 1000**scale
        unit = Decimal(1).scaleb(-len(broken))
        digits = f"{number.quantize(unit, rounding=ROUND_HALF_UP):f}"
    integer, _, decimals = digits.partition(".")
    shown = _whole_digits(tokens, whole, integer, is_grouped=is_grouped)
    shown |= _broken_digits(tokens, broken, decimals)
    parts: list[str] = []
    for at, (kind, text) in enumerate(tokens):
        if kind == "digit":
            parts.append(shown[at])
        elif kind == "point" and at == point:
            parts.append(cells().decimal if any(shown[one] for one in broken) else "")
        elif kind == "percent":
            parts.append("%")
        elif kind != "comma":
            parts.append(_literal(kind, text))
    if not whole:  # `.00`
        at = point
        parts.insert(at, integer)
    return "".join(parts)


def _whole_digits(
    tokens: Sequence[_Token], places: Sequence[int], integer: str, *, is_grouped: bool
) -> dict[int, str]:
    """Return what stands at each place before the point; the first takes the rest."""
    zeros = sum(tokens[at][1] == "0" for at in places)
    if integer == "0" and not zeros:
        integer = ""
    required = len(places)
    for at in places:
        if tokens[at][1] == "0":
            break
        required -= 1
    digits = list(integer.rjust(required, "0") if required else integer)
    shown: dict[int, str] = {}
    group = cells().group
    count = 0
    for at in reversed(places):
        if not digits:
            shown[at] = ""
            continue
        taken = [digits.pop()]
        if at == places[0]:
            taken += reversed(digits)
            digits = []
        text = ""
        for digit in taken:
            if is_grouped and count and count % 3 == 0:
                text = f"{group}{text}"
                text = f"{digit}{text}"
            else:
                text = f"{digit}{text}"
            count += 1
        shown[at] = text
    return shown


def _broken_digits(
    tokens: Sequence[_Token], places: Sequence[int], decimals: str
) -> dict[int, str]:
    """Return what stands at each place behind the point."""
    shown: dict[int, str] = {}
    is_needed = False
    for at, digit in zip(reversed(places), reversed(decimals), strict=True):
        is_needed = is_needed or digit != "0" or tokens[at][1] == "0"
        shown[at] = digit if is_needed else ""
    return shown


def _fraction(
    section: _Section,
    value: float,
) -> str | None:
    """Return a number as a whole and a fraction: `1 1/2`."""
    tokens = section.tokens
    at = next(place for place, (kind, _) in enumerate(tokens) if kind == "slash")
    below = [text for kind, text in tokens[at + 1 :] if kind in ("digit", "literal")]
    fixed = "".join(text for text in below if text.isdigit()).lstrip("0")
    if fixed:
        bottom = int(fixed)
        top = round(value * bottom)
    else:
        places = sum(kind == "digit" for kind, _ in tokens[at + 1 :])
        near = Fraction(value).limit_denominator(10 ** min(max(places, 1), 4) - 1)
        top, bottom = near.numerator, near.denominator
    has_whole = " " in "".join(
        "#" if kind == "digit" else _literal(kind, text) for kind, text in tokens[:at]
    )
    whole = 0
    if has_whole:
        whole, top = divmod(top, bottom)
    if not top:
        return str(whole)
    if whole:
        return f"{whole} {top}/{bottom}"
    return f"{top}/{bottom}"


def _clock(
    section: _Section,
    moment: dt.datetime,
    days: float,
) -> str:
    """Return the time that a section shows, "" if it shows none."""
    tokens = [
        (kind, text.lower())
        for kind, text in section.tokens
        if kind in ("date", "elapsed", "noon")
    ]
    letters = {text[0] for kind, text in tokens if kind == "date"}
    elapsed = next((text[0] for kind, text in tokens if kind == "elapsed"), "")
    seconds = round(days * 86400)
    if elapsed == "h":
        return f"{seconds // 3600}:{seconds % 3600 // 60:02}"
    if elapsed == "m":
        return f"{seconds // 60}:{seconds % 60:02}"
    if elapsed == "s":
        return str(seconds)
    if "h" not in letters and "s" not in letters:
        return ""
    noon = any(kind == "noon" for kind, _ in tokens)
    hour = moment.hour
    if noon:
        hour = (hour - 1) % 12 + 1
    is_padded = ("date", "hh") in tokens and not noon
    clock = f"{hour:02}" if is_padded else str(hour)
    clock += f":{moment.minute:02}"
    if "s" in letters and moment.second:
        clock += f":{moment.second:02}"
    if noon:
        clock += " AM" if moment.hour < 12 else " PM"
    return clock


def _day(
    section: _Section,
    moment: dt.datetime,
) -> str:
    """Return the date that a section shows, "" if it shows none."""
    parts = _day_parts(section)
    kinds = {text[0] for kind, text in parts if kind == "date"}
    names = [text for kind, text in parts if kind == "date" and len(text) > 2]
    words = cells()
    has_name = bool(words.months) and any(text[0] in "md" for text in names)
    if kinds >= {"y", "m", "d"} and not has_name:
        return moment.date().isoformat()
    if "m" in kinds and not has_name and len(kinds) > 1:
        # numbers alone would not say which is the month
        if not words.months:
            return moment.strftime("%m-%d" if "d" in kinds else "%Y-%m")
        month = words.months[moment.month - 1]
        if "d" in kinds:
            return words.day_of_month.format(month=month, day=moment.day)
        return words.of_year.format(month=month, year=moment.year)
    texts = [
        _date_word(text, moment) if kind == "date" else _literal(kind, text)
        for kind, text in parts
    ]
    if not kinds:
        return ""
    return " ".join("".join(texts).replace("-", " ").split()).strip(" ,;:/")


def _day_parts(section: _Section) -> list[_Token]:
    """Return a section's tokens without those of its time; `mm` may be minutes."""
    parts: list[_Token] = []
    dates = [at for at, (kind, _) in enumerate(section.tokens) if kind != "gap"]
    letters = [
        (at, text.lower()[0])
        for at, (kind, text) in enumerate(section.tokens)
        if kind in ("date", "elapsed")
    ]
    clock: set[int] = set()
    for number, (at, letter) in enumerate(letters):
        before = letters[number - 1][1] if number else ""
        behind = letters[number + 1][1] if number + 1 < len(letters) else ""
        is_minute = letter == "m" and (before == "h" or behind == "s")
        if letter in "hs" or is_minute or section.tokens[at][0] == "elapsed":
            clock.add(at)
    for at in dates:
        kind, text = section.tokens[at]
        is_colon = text == ":"
        if at in clock or kind == "noon" or is_colon:
            continue
        parts.append((kind, text.lower() if kind == "date" else text))
    return parts


def _date_word(
    text: str,
    moment: dt.datetime,
) -> str:
    match text[0], len(text):
        case "y", _:
            return str(moment.year)
        case "m", 1 | 2:
            return str(moment.month)
        case "m", _:
            return _named(cells().months, moment.month - 1) or str(moment.month)
        case "d", 1 | 2:
            return str(moment.day)
        case _:
            return _named(cells().weekdays, moment.weekday())


def _named(names: Sequence[str], at: int) -> str:
    """Return a name of a table, "" if the language has none."""
    if not names:
        return ""
    return names[at]
