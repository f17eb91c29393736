"""Numbers as letters and as Roman numerals, as lists are numbered with."""

from __future__ import annotations

_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"),
    (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
_LARGEST_ROMAN = 4999
_MOST_LETTERS = 30


def letters(number: int) -> str:
    """Return a, b, … z, aa, bb, … as Word and LibreOffice count."""
    if number < 1:
        return str(number)
    times, letter = divmod(number - 1, 26)
    return chr(ord("a") + letter) * min(times + 1, _MOST_LETTERS)


def roman(number: int) -> str:
    """Return i, ii, iii, iv, …; a number that has no such form as it is."""
    if not 0 < number <= _LARGEST_ROMAN:
        return str(number)
    parts: list[str] = []
    for value, sign in _ROMAN:
        times, number = divmod(number, value)
        parts.append(sign * times)
    return "".join(parts)
