"""Telephone numbers digit by digit, in their groups, as they are dictated."""

from __future__ import annotations

import re

# Patterns here and in `amounts` and `moments` begin with a character class and look back from behind it: the
# regular expression engine then skips to the first digit, ten times as fast as trying every position.
_START = r"[0-9](?<![\w.,:/$£€#+-][0-9])"  # not inside a longer number, an amount, a path or a reference
_OPEN = r"[0-9(](?<![\w.,:/$£€#+-][0-9(])"
_END = r"(?![\w%]|[-.,:/][0-9])"

_MAYBE = re.compile(r"[0-9][0-9 ().-]{5,}[0-9]|[19][0-9]{2}")
_INTERNATIONAL = re.compile(
    r"\+(?<![\w+]\+)[1-9][0-9]{0,3}(?:[ .-]?\(0?[0-9]{0,4}\))?(?:[ .-]?[0-9]{1,12}){1,6}"
    + _END
)
_NORTH_AMERICAN = re.compile(
    _OPEN + r"(?:(?<=\()[0-9]{3}\) ?[0-9]{3}[-. ]?|[-. ]\([0-9]{3}\) ?[0-9]{3}[-. ]?"
    r"|[0-9]{2}([-. ])[0-9]{3}\1|(?<=1)([-. ])[0-9]{3}\2[0-9]{3}\2)[0-9]{4}" + _END
)
_NATIONAL = re.compile(
    _OPEN
    + r"(?:(?<=\()0[0-9]{2,4}\) ?[0-9]{2,8}|(?<=0)[0-9]{1,4})(?:[ -][0-9]{2,8}){0,5}"
    + _END
)
_UNGROUPED = re.compile(_START + r"(?<=0)[1-9][0-9]{8,9}" + _END)
_FREEPHONE = re.compile(
    _START + r"(?<=1)[38]00 [0-9]{3} [0-9]{3}" + _END
)  # Australia and India
_LOCAL = re.compile(_START + r"(?<![01])[0-9]{2}-[0-9]{4}" + _END)
_EMERGENCY = re.compile(
    _START + r"(?:(?<=9)(?:11|99|88)|(?<=1)(?:12|11|01))" + _END + r"(?! [a-z]+s\b)"
)
_DIALLED = re.compile(
    r"\b(?:call|dial|phone|ring|text|telephone|fax|tel)(?:ing|s)?[:.]? $", re.IGNORECASE
)
_ZERO_PREFIX = re.compile(r"\(0\)")
_GROUP = re.compile(r"[0-9]+")


def dictated(text: str) -> str:
    """Return the text with its telephone numbers in dictated form: `0800 555 0100` → `0 8 0 0, 5 5 5, 0 1 0 0`.

    Only what can hardly be anything else: an international or trunk prefix, North American grouping, a freephone
    prefix, an emergency number after "call". Years, prices, dates, card numbers and ISBNs stay as they are.
    """
    if not _MAYBE.search(text):
        return text
    if "+" in text:
        text = _INTERNATIONAL.sub(_international, text)
    text = _NORTH_AMERICAN.sub(lambda number: _spelled(number[0], 10, 11), text)
    text = _UNGROUPED.sub(
        lambda number: _spelled(
            f"{number[0][:4]} {number[0][4:7]} {number[0][7:]}", 10, 11
        ),
        text,
    )
    text = _NATIONAL.sub(lambda number: _spelled(number[0], 8, 12), text)
    text = _FREEPHONE.sub(lambda number: _spelled(number[0], 10, 10), text)
    return _EMERGENCY.sub(_emergency, _LOCAL.sub(_local, text))


def _spelled(number: str, fewest_digits: int, most_digits: int) -> str:
    groups: list[str] = _GROUP.findall(_ZERO_PREFIX.sub(" ", number))
    if (
        not fewest_digits <= sum(map(len, groups)) <= most_digits
        or max(map(len, groups)) < 2
    ):
        return number
    return ("plus " if number[0] == "+" else "") + ", ".join(map(" ".join, groups))


def _international(match: re.Match[str]) -> str:
    number = match[0]
    while sum(map(str.isdigit, number)) > 15 and " " in number:
        number = number.rpartition(" ")[
            0
        ]  # what follows the number is another: a year, a time
    return _spelled(number, 8, 15) + match[0][len(number) :]


def _is_dialled(number: re.Match[str]) -> bool:
    return bool(
        _DIALLED.search(number.string[max(0, number.start() - 16) : number.start()])
    )


def _local(number: re.Match[str]) -> str:
    """A seven-digit number, unless it may be a range: 200-1000 items."""
    return (
        _spelled(number[0], 7, 7)
        if number[0][4] == "0" or _is_dialled(number)
        else number[0]
    )


def _emergency(number: re.Match[str]) -> str:
    return " ".join(number[0]) if _is_dialled(number) else number[0]
