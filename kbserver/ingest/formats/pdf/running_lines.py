"""Headers, footers and page numbers, found by their repetition over the pages. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile
from typing import TypeAlias

from kbserver.ingest.formats.office.running import facts_of
from kbserver.ingest.formats.pdf.line import HEADING_RATIO, Line, usual_size

EDGE_LINES = 3
"""Running lines are among so many first and last lines of a page."""
EDGE_SHARE = 0.15
"""And within this part of its height."""
RUNNING_SHARE = 0.4
"""Of the pages: left and right pages may differ, a chapter's first may have none."""

_LONGEST_NUMBER = 6
"""Digits of a page number that are looked at."""
_LONGEST_LINE = 500
"""Characters of a line with a page number; each number in it makes a key as long."""
_DIGITS = re.compile(r"\d+")
_Key: TypeAlias = tuple[str, int]
"""Text and height of a line, as it may be found again on another page."""


def without_running_lines(
    pages: Sequence[Sequence[Line]],
) -> tuple[list[list[Line]], int]:
    """Return the pages without what is printed on every page, and how many lines it was.

    A running line stands at the same height on several pages, at the edge or beside
    another running line, and says the same except for the page number. One page has
    nothing that runs.
    """
    filled = sum(bool(page) for page in pages)
    if filled < 2:
        return [list(page) for page in pages], 0
    keys = _keys_of(pages)
    seen = _pages_with(keys)
    often = max(2, RUNNING_SHARE * filled)
    heights = [line.bottom for page in pages for line in page]
    edge = EDGE_SHARE * (max(heights) - min(heights))
    kept: list[list[Line]] = []
    removed = 0
    for page, page_keys in zip(pages, keys, strict=True):
        repeats = [any(seen[key] >= often for key in line) for line in page_keys]
        running: set[int] = set()
        for outermost in _edges(page, max(heights) - edge, min(heights) + edge):
            running.update(takewhile(repeats.__getitem__, outermost))
        removed += len(running)
        kept.append([line for at, line in enumerate(page) if at not in running])
    return kept, removed


def facts_in(
    pages: Sequence[Sequence[Line]], kept: Sequence[Sequence[Line]]
) -> list[str]:
    """Return what running lines say that a caller may ask for.

    Args:
        pages: the lines of each page.
        kept: the same without its running lines.
    """
    running: list[str] = []
    for page, rest in zip(pages, kept, strict=True):
        left = set(map(id, rest))
        running += [line.text for line in page if id(line) not in left]
    return facts_of(running)


def _edges(
    page: Sequence[Line], top: float, bottom: float
) -> tuple[list[int], list[int]]:
    """Return the places of the outermost lines above `top` and below `bottom`."""
    from_top = sorted(range(len(page)), key=lambda at: -page[at].bottom)
    at_top = [at for at in from_top if page[at].bottom > top]
    at_bottom = [at for at in reversed(from_top) if page[at].bottom < bottom]
    return at_top[:EDGE_LINES], at_bottom[:EDGE_LINES]


def _keys_of(pages: Sequence[Sequence[Line]]) -> list[list[set[_Key]]]:
    """Return the keys of each line of each page."""
    body_size = usual_size(line for page in pages for line in page)
    return [
        [_keys(line, number, body_size) for line in page]
        for number, page in enumerate(pages)
    ]


def _pages_with(keys: Sequence[Sequence[set[_Key]]]) -> Counter[_Key]:
    """Count the pages that have a line with each key."""
    seen: Counter[_Key] = Counter()
    for page in keys:
        seen.update(set().union(*page))
    return seen


def _keys(line: Line, page_number: int, body_size: float) -> set[_Key]:
    """Return what a running line has in common with itself on other pages.

    That is its text as it is, and for each number in it the text with that number
    relative to the page's. A heading may count chapters, so its number is no page's.
    """
    text = line.text.casefold()
    height = round(line.bottom)
    keys = {(text, height)}
    if line.size >= body_size * HEADING_RATIO or len(text) > _LONGEST_LINE:
        return keys
    for found in _DIGITS.finditer(text):
        relative = int(found[0][:_LONGEST_NUMBER]) - page_number
        before, after = text[: found.start()], text[found.end() :]
        keys.add((f"{before}#{relative}{after}", height))
    return keys
