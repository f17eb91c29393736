"""The style of a cell's value as the format code of a spreadsheet program.

So one reading of codes serves Excel and OpenDocument. Source: OpenDocument 1.3 part 3,
16.29 (data styles).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kbserver.ingest.formats.odf.package import NUMBER, STYLE, count_of, is_on

_MOST_DIGITS = 30
_CONDITION = re.compile(r"value\(\)\s*(<=|>=|!=|<|>|=)\s*(-?[\d.]+)")
_LONG = "long"
_DATE_LETTERS = {
    "year": ("yy", "yyyy"),
    "day": ("d", "dd"),
    "day-of-week": ("ddd", "dddd"),
    "hours": ("h", "hh"),
    "minutes": ("m", "mm"),
    "seconds": ("s", "ss"),
}
"""The letters of each part, in its short and its long form."""

_PLAIN = {
    "scientific-number": "0.00E+00",
    "text-content": "@",
    "boolean": "General",
    "am-pm": "AM/PM",
}


def code_of(style: Any, styles: Mapping[str, Any]) -> str | None:
    """Return the code of a style; None if it says what no code can.

    Args:
        styles: all styles of values by name; a style may have others for some values.
    """
    main = _section(style)
    if main is None:
        return None
    sections: list[tuple[str, str]] = []
    for choice in style.iterfind(f"{STYLE}map"):
        found = _CONDITION.fullmatch(choice.get(f"{STYLE}condition", "").strip())
        other = styles.get(choice.get(f"{STYLE}apply-style-name", ""))
        if found is None or other is None:
            return None
        code = _section(other)
        if code is None:
            return None
        sign = "<>" if found[1] == "!=" else found[1]
        sections.append((f"{sign}{found[2]}", code))
    conditions = [condition for condition, _ in sections]
    codes = [code for _, code in sections]
    if conditions == [">=0"]:  # how a code of two sections is kept
        return ";".join([*codes, main])
    if conditions == [">0", "<0"]:  # and one of three
        return ";".join([*codes, main])
    return ";".join([*(f"[{one}]{code}" for one, code in sections), main])


def _section(style: Any) -> str | None:
    """Return the code of one style without its choices, or None."""
    is_elapsed = style.get(f"{NUMBER}truncate-on-overflow") == "false"
    parts: list[str] = []
    for element in style:
        if not isinstance(element.tag, str) or not element.tag.startswith(NUMBER):
            continue
        name = element.tag.removeprefix(NUMBER)
        part = _part(name, element, style)
        if part is None:
            return None
        if is_elapsed and name in ("hours", "minutes", "seconds"):
            part, is_elapsed = f"[{part}]", False
        parts.append(part)
    return "".join(parts)


def _part(name: str, element: Any, style: Any) -> str | None:
    """Return the code of one part of a style; None if there is none for it."""
    text = element.text or ""
    match name:
        case "number":
            return _digits(element)
        case "fraction":
            return _fraction(element)
        case "text" | "fill-character" | "currency-symbol":
            return _literal(text, is_percent=style.tag.endswith("percentage-style"))
        case "month":
            return _month(element)
        case _ if name in _DATE_LETTERS:
            return _DATE_LETTERS[name][element.get(f"{NUMBER}style") == _LONG]
        case _:
            return _PLAIN.get(name)


def _literal(text: str, *, is_percent: bool = False) -> str:
    """Return a text that stands for itself; the sign of a percentage does not."""
    parts: list[str] = []
    for character in text:
        is_sign = is_percent and character == "%"
        parts.append(character if is_sign else f"\\{character}")
    return "".join(parts)


def _month(element: Any) -> str:
    is_long = element.get(f"{NUMBER}style") == _LONG
    if is_on(element.get(f"{NUMBER}textual")):
        return "mmmm" if is_long else "mmm"
    return "mm" if is_long else "m"


def _digits(element: Any) -> str | None:
    decimals = element.get(f"{NUMBER}decimal-places")
    if element.get(f"{NUMBER}decimal-replacement") is not None:
        return None
    needed = _count(element, "min-integer-digits", 0)
    if decimals is None and needed <= 1 and not is_on(element.get(f"{NUMBER}grouping")):
        return "General"
    code = "0" * needed or "#"
    if is_on(element.get(f"{NUMBER}grouping")):
        code = code.rjust(4, "#")
        code = f"{code[:-3]},{code[-3:]}"
    for inner in element.iterfind(f"{NUMBER}embedded-text"):
        at = _count(inner, "position", 0)
        if is_on(element.get(f"{NUMBER}grouping")) or not 0 < at < len(code):
            return None
        # the literals of places further left, which stand before, move no place
        code = f"{code[:-at]}{_literal(inner.text or '')}{code[-at:]}"
    places = _count(element, "decimal-places", 0)
    least = _count(element, "min-decimal-places", places)
    if places:
        code = f"{code}.{'0' * min(least, places)}{'#' * (places - min(least, places))}"
    return code + "," * _thousands(element)


def _thousands(element: Any) -> int:
    """Return by how many thousands a number is divided before it is shown."""
    factor = element.get(f"{NUMBER}display-factor", "1").split(".")[0]
    if not re.fullmatch(r"1(?:000){1,4}", factor):
        return 0
    return (len(factor) - 1) // 3


def _fraction(element: Any) -> str:
    below = element.get(f"{NUMBER}denominator-value", "")
    if not below.isdecimal():
        below = "?" * count_of(element.get(f"{NUMBER}min-denominator-digits"), 4)
    if element.get(f"{NUMBER}min-integer-digits") is None:
        return f"?/{below}"
    return f"# ?/{below}"


def _count(element: Any, name: str, default: int) -> int:
    value = element.get(f"{NUMBER}{name}", "")
    if not value.isdecimal():
        return default
    return min(int(value), _MOST_DIGITS)
