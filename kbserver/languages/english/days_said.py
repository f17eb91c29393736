"""The days and months that a text abbreviates or spans, in full: callers say "on wednesday".

An index that holds them as well finds `Mon–Fri 9–17` by `wednesday` and `Sep 3` by `september`.
"""

from __future__ import annotations

import re

from kbserver.languages.english.dates import DAYS_OF_WEEK, MONTHS, verbalise_dates

_NAMES = frozenset((*DAYS_OF_WEEK, *MONTHS))
_WORD = re.compile(r"[A-Za-z]+")
_MAYBE = re.compile(
    r"(?i:\b(?:mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|jun|jul|aug|sep|oct|nov|dec"
    r"|mo|tu|we|th|fr|sa|su|m)|day\b)|[0-9]{4}-[0-9]"
)
_SPAN = re.compile(
    rf"\b({'|'.join(DAYS_OF_WEEK)})(?: to | through | until )({'|'.join(DAYS_OF_WEEK)})\b"
)


def days_said(text: str) -> tuple[str, ...]:
    """Return the days and months that a text means and does not write out, in their order.

    Args:
        text: English, with or without line breaks.
    """
    if not _MAYBE.search(text):
        return ()
    said = verbalise_dates(text)
    written = set(_WORD.findall(text))
    names = [word for word in _WORD.findall(said) if word in _NAMES]
    for span in _SPAN.finditer(said):
        names += _between(*span.groups())
    return tuple(dict.fromkeys(name for name in names if name not in written))


def _between(first: str, last: str) -> list[str]:
    start, end = DAYS_OF_WEEK.index(first), DAYS_OF_WEEK.index(last)
    count = (end - start) % len(DAYS_OF_WEEK)
    return [DAYS_OF_WEEK[(start + day) % len(DAYS_OF_WEEK)] for day in range(1, count)]
