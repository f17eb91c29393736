"""Raised digits: the cents of a price, the mark of a footnote, or a power."""

from __future__ import annotations

import re

_FROM_DIGITS = str.maketrans("0123456789+-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")
_TO_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")

CURRENCY = (
    r"(?:[$€£¥₹₩₺₽₴₪₫฿¢]|\b(?:USD|EUR|GBP|CHF|SEK|NOK|DKK|PLN|CZK|HUF|CAD|AUD|NZD|JPY"
    r"|CNY|INR|BRL|MXN|ZAR|SGD|HKD|TRY|RON)\b|\b[Kk]r\b\.?|\bzł|\bKč|\bFt\b|\bFr\b\.?)"
)
_RAISED = "[⁰¹²³⁴-⁹]"
_WHOLE = r"\d{1,3}(?:[., '\u00a0\u202f]?\d{3})*"
_WORDS = r"(?:dollars?|euros?|pounds?|cents?|pence|francs?|kron\w+|percent|per cent)\b"

_CENTS_BEHIND_CURRENCY = re.compile(
    rf"({CURRENCY}[ \u00a0]?{_WHOLE})([.,]?)[ \u00a0]?({_RAISED}{{2}})(?![\w⁰¹²³⁴-⁹])"
)
_CENTS_BEFORE_CURRENCY = re.compile(
    rf"(?<![\w.,])({_WHOLE})([.,]?)({_RAISED}{{2}})(?=[ \u00a0]?{CURRENCY})"
)
_MARK_BEHIND_PRICE = re.compile(
    rf"({CURRENCY}[ \u00a0]?\d[\d.,]*(?:[.,]-)?|\d[ \u00a0]?(?:{CURRENCY}|%))"
    rf"{_RAISED}{{1,3}}(?:(?![\w⁰¹²³⁴-⁹])|(?P<word>(?=[^\W\d_])))"
)
_MARK_INSIDE_PRICE = re.compile(
    rf"(?<![\d.,])((?!10{_RAISED})\d[\d.,]*){_RAISED}{{1,2}}"
    rf"(?=[ \u00a0]?(?:{CURRENCY}|%|{_WORDS}))"
)
_MARK_BEHIND_WORD = re.compile(rf"(?<=[^\W\d_]{{3}}){_RAISED}{{1,2}}(?![\w⁰¹²³⁴-⁹])")
_MARK_BEHIND_STOP = re.compile(
    r"(?:(?<=[^\W\d_][.,;:!?”\"»)])|(?<=[^\W\d_][.,!?][”\"»)]))"
    rf"{_RAISED}{{1,2}}(?![\w⁰¹²³⁴-⁹])"
)
_MARK_AT_START = re.compile(
    rf"(?:^|(?<=[.!?] )){_RAISED}{{1,2}}\s+(?=\S)", re.MULTILINE
)
_HAS_RAISED = re.compile(_RAISED)
_TAG = re.compile(r"<sup>([0-9]{1,3})</sup>", re.I)
"""Raised digits as they are typed into a text that is no page."""


def raised(digits: str) -> str:
    """Return digits and signs as raised ones: `3` gives `³`."""
    return digits.translate(_FROM_DIGITS)


def settle_raised(text: str) -> str:
    """Say what raised digits stand for, where that is sure: `$9⁹⁹` gives `$9.99`.

    Two raised digits behind a whole price are its cents. One behind a whole price, and
    any behind a complete one or a word, is the mark of a footnote, and goes. A power
    stays as it is: `20 m³`, `10⁶`.
    """
    if "<" in text:
        text = _TAG.sub(lambda tag: raised(tag[1]), text)
    if text.isascii() or _HAS_RAISED.search(text) is None:
        return text
    text = _CENTS_BEHIND_CURRENCY.sub(_with_cents, text)
    text = _CENTS_BEFORE_CURRENCY.sub(_with_cents, text)
    text = _MARK_BEHIND_PRICE.sub(_without_mark, text)
    text = _MARK_INSIDE_PRICE.sub(r"\1", text)
    text = _MARK_BEHIND_WORD.sub("", text)
    text = _MARK_BEHIND_STOP.sub("", text)
    return _MARK_AT_START.sub("", text)


def _without_mark(found: re.Match[str]) -> str:
    """Return a price without its mark, parted from a word that stands close behind."""
    return found[1] if found["word"] is None else f"{found[1]} "


def _with_cents(found: re.Match[str]) -> str:
    point = found[2] or "."
    if "." in found[1]:  # parts the thousands
        point = ","
    return f"{found[1]}{point}{found[3].translate(_TO_DIGITS)}"
