"""Telephone numbers digit by digit, in their groups, as they are dictated."""

from __future__ import annotations

import re

# Patterns here and in `amounts` and `dates` begin with a character class and look back from behind
# it: the regular expression engine then skips to the first digit, ten times as fast.

# Not inside a number, amount, path or reference.
_START = r"[0-9](?<![\w.,:/$£€#+-][0-9])"
_OPEN = r"[0-9(](?<![\w.,:/$£€#+-][0-9(])"
_END = r"(?![\w%]|[-.,:/][0-9])"

_MAYBE = re.compile(r"[0-9][0-9 ().-]{5,}[0-9]|[19][0-9]{2}")
_INTERNATIONAL = re.compile(
    r"\+(?<![\w+]\+)[1-9][0-9]{0,3}"
    r"(?:[ .-]?\(0?[0-9]{0,4}\))?"
    r"(?:[ .-]?[0-9]{1,12}){1,6}" + _END
)
_NORTH_AMERICAN = re.compile(
    _OPEN + r"(?:(?<=\()[0-9]{3}\) ?[0-9]{3}[-. ]?"
    r"|[-. ]\([0-9]{3}\) ?[0-9]{3}[-. ]?"
    r"|[0-9]{2}([-. ])[0-9]{3}\1"
    r"|(?<=1)([-. ])[0-9]{3}\2[0-9]{3}\2)[0-9]{4}" + _END
)
_NATIONAL = re.compile(
    _OPEN + r"(?:(?<=\()0[0-9]{2,4}\) ?[0-9]{2,8}|(?<=0)[0-9]{1,4})"
    r"(?:[ -][0-9]{2,8}){0,5}" + _END
)
_UNGROUPED = re.compile(_START + r"(?<=0)[1-9][0-9]{8,9}" + _END)
# of Australia and India
_FREEPHONE = re.compile(_START + r"(?<=1)[38]00 [0-9]{3} [0-9]{3}" + _END)
_LOCAL = re.compile(_START + r"(?<![01])[0-9]{2}-[0-9]{4}" + _END)
_EMERGENCY = re.compile(
    _START + r"(?:(?<=9)(?:11|99|88)|(?<=1)(?:12|11|01))" + _END + r"(?! [a-z]+s\b)"
)
_DIALLED = re.compile(
    r"\b(?:call|dial|phone|ring|text|telephone|fax|tel)(?:ing|s)?[:.]? $",
    re.IGNORECASE,
)
_LONGEST_DIALLED = 16  # characters that `_DIALLED` may match
_MOST_DIGITS = 15  # of an international number (ITU-T E.164)
_EXTENSION = re.compile(
    r"([+(]?[0-9](?<![\w.,:/$£€#-].)[0-9 ().-]{5,20}[0-9]),? ?[xX]\.? ?([0-9]{1,6})(?![\w-])"
)
_ZERO_PREFIX = re.compile(r"\(0\)")
_GROUP = re.compile(r"[0-9]+")


def spell_phone_numbers(text: str) -> str:
    """Return the text with its telephone numbers spelled digit by digit, in their groups.

    `0800 555 0100` → `0 8 0 0, 5 5 5, 0 1 0 0`.

    Only what can hardly be anything else: an international or trunk prefix, North American
    grouping, a freephone prefix, an emergency number after "call". Years, prices, dates, card
    numbers and ISBNs stay as they are.
    """
    if not _MAYBE.search(text):
        return text
    if "x" in text or "X" in text:
        text = _EXTENSION.sub(_extension, text)
    if "+" in text:
        text = _INTERNATIONAL.sub(_international, text)
    text = _NORTH_AMERICAN.sub(_north_american, text)
    text = _UNGROUPED.sub(_ungrouped, text)
    text = _NATIONAL.sub(_national, text)
    text = _FREEPHONE.sub(_freephone, text)
    text = _LOCAL.sub(_local, text)
    return _EMERGENCY.sub(_emergency, text)


def _extension(match: re.Match[str]) -> str:
    """Say the `x12` behind a telephone number; behind any other number it is a size."""
    number, extension = match.groups()
    if spell_phone_numbers(number) == number:
        return match[0]
    return f"{number}, extension {extension}"


def _spelled(number: str, fewest_digits: int, most_digits: int) -> str:
    """Spell a number digit by digit in its groups; as it is if it has too few or too many."""
    groups: list[str] = _GROUP.findall(_ZERO_PREFIX.sub(" ", number))
    sizes = [len(group) for group in groups]
    if not fewest_digits <= sum(sizes) <= most_digits:
        return number
    if max(sizes) < 2:
        return number
    spelled = ", ".join(" ".join(group) for group in groups)
    if number.startswith("+"):
        return f"plus {spelled}"
    return spelled


def _international(match: re.Match[str]) -> str:
    number = match[0]
    # what follows the number is another: a year, a time
    while _digits_in(number) > _MOST_DIGITS and " " in number:
        number = number.rpartition(" ")[0]
    rest = match[0][len(number) :]
    return _spelled(number, 8, _MOST_DIGITS) + rest


def _digits_in(number: str) -> int:
    return sum(sign.isdigit() for sign in number)


def _north_american(number: re.Match[str]) -> str:
    return _spelled(number[0], 10, 11)


def _ungrouped(number: re.Match[str]) -> str:
    digits = number[0]
    return _spelled(f"{digits[:4]} {digits[4:7]} {digits[7:]}", 10, 11)


def _national(number: re.Match[str]) -> str:
    return _spelled(number[0], 8, 12)


def _freephone(number: re.Match[str]) -> str:
    return _spelled(number[0], 10, 10)


def _is_dialled(number: re.Match[str]) -> bool:
    start = number.start()
    before = number.string[max(0, start - _LONGEST_DIALLED) : start]
    return _DIALLED.search(before) is not None


def _local(number: re.Match[str]) -> str:
    """Spell a seven-digit number, unless it may be a range: 200-1000 items."""
    if number[0][4] == "0" or _is_dialled(number):
        return _spelled(number[0], 7, 7)
    return number[0]


def _emergency(number: re.Match[str]) -> str:
    if _is_dialled(number):
        return " ".join(number[0])
    return number[0]
