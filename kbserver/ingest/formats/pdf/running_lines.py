"""Headers, footers and page numbers: found by their repetition over the pages. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile

from kbserver.ingest.formats.pdf.line import HEADING_RATIO, Line, usual_size

EDGE_LINES = (
    3  # running headers and footers are among the first and last lines of a page
)
EDGE_SHARE = 0.15  # and within this part of its height
RUNNING_SHARE = 0.4  # of the pages: left and right pages may differ, the first of a chapter has none

_DIGITS = re.compile(r"\d+")


def without_running_lines(
    pages: Sequence[Sequence[Line]],
) -> tuple[list[list[Line]], int]:
    """Return the pages without what is printed on every page, and how many lines that were.

    A running line stands at the same height on several pages, at the edge or beside another running line, and
    says the same but for the page number. One page has nothing that runs.
    """
    filled = sum(bool(page) for page in pages)
    if filled < 2:
        return [list(page) for page in pages], 0
    body_size = usual_size(line for page in pages for line in page)
    keys = [
        [_keys(line, number, body_size) for line in page]
        for number, page in enumerate(pages)
    ]
    seen = Counter(
        key for page in keys for key in {key for line in page for key in line}
    )
    often = max(2, RUNNING_SHARE * filled)
    top, bottom = (
        pick(line.bottom for page in pages for line in page) for pick in (max, min)
    )
    edge = EDGE_SHARE * (top - bottom)
    kept: list[list[Line]] = []
    removed = 0
    for page, page_keys in zip(pages, keys, strict=True):
        from_top = sorted(
            range(len(page)), key=[-line.bottom for line in page].__getitem__
        )
        at_top = [at for at in from_top if page[at].bottom > top - edge]
        at_bottom = [at for at in from_top[::-1] if page[at].bottom < bottom + edge]
        often_there = [
            any(seen[key] >= often for key in line_keys) for line_keys in page_keys
        ]
        running = {
            at
            for outermost in (at_top[:EDGE_LINES], at_bottom[:EDGE_LINES])
            for at in takewhile(often_there.__getitem__, outermost)
        }
        removed += len(running)
        kept.append([line for at, line in enumerate(page) if at not in running])
    return kept, removed


def _keys(line: Line, page_number: int, body_size: float) -> set[tuple[str, int]]:
    """What a running line has in common with itself on other pages: its text as it is, and for each number in
    it the text with that number relative to the page's. A heading may count chapters, so it is no page number."""
    text, height = line.text.casefold(), round(line.bottom)
    keys = {(text, height)}
    if line.size < body_size * HEADING_RATIO:
        for found in _DIGITS.finditer(text):
            relative = int(found[0][:6]) - page_number
            keys.add(
                (f"{text[: found.start()]}#{relative}{text[found.end() :]}", height)
            )
    return keys
