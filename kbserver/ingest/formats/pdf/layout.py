"""Lines on pages to blocks: what a reader's eye does with sizes, gaps and margins. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from kbserver.ingest.blocks import Block
from kbserver.ingest.formats.pdf.line import (
    HYPHEN,
    ITEM,
    Line,
    Style,
    least_confidence,
)
from kbserver.ingest.formats.pdf.ruled import RuledTable
from kbserver.ingest.formats.pdf.table import Piece, Region, with_tables
from kbserver.ingest.formats.shared.header import header_height
from kbserver.ingest.formats.shared.structure import LEAD_IN_CHARACTERS
from kbserver.ingest.formats.shared.table import Table, table_blocks

PARAGRAPH_GAP = 1.4
"""Times the usual distance of two lines."""

_HEADING_DROP_EM = 1.6
"""Lines of a heading this close are one that was wrapped."""
_SAME_SIZE = 0.6
"""Points; lines of one paragraph differ by less."""
_NEXT_PAGE_DROP = 20
"""Times the usual distance: the next line stands in the next column or page."""
_MARGIN = 2.0
"""Points; lines that begin less far apart begin at the same place."""
_NEAR_LINES = 100
"""Of a paragraph, whose width they show; all of them, measured at each line, take time
with the square of them."""
_ENDED_EARLY = 0.15
"""Of the paragraph's width; a line this much shorter than the longest ended early."""

_WORDS_OF_NAME = 6
"""Of a column, at most."""
_ENDS_SENTENCE = re.compile(r"[.!?:;\"”»)]$")
_HYPHENATED = re.compile(rf"(?<!\w)(\w+){HYPHEN} ?(\w+)")
_WORD = re.compile(r"[\w-]+")


def page_blocks(pages: Sequence[Sequence[Line]]) -> list[Block]:
    """Return headings, paragraphs, list items and table rows in reading order.

    Hyphenation is undone.
    """
    ordered = [_in_reading_order(page) for page in pages]
    lines = [line for page in ordered for line in page]
    if not lines:
        return []
    style = Style.of(lines)
    words: Counter[str] = Counter()
    for line in lines:
        words.update(_WORD.findall(line.text.lower()))
    pieces = [piece for page in ordered for piece in with_tables(page, style)]
    blocks: list[Block] = []
    for group in _groups(pieces, style):
        before = blocks[-1] if blocks else None
        if isinstance(group, RuledTable):
            made = _ruled_table(group, before, words)
            sure = group.confidence
        elif isinstance(group, Region):
            made = _table(group.rows(style.spacing), before, words)
            sure = least_confidence(group.lines)
        else:
            made = [_block(group, style, before, words)]
            sure = least_confidence(group)
        if sure is not None:
            made = [replace(block, confidence=sure) for block in made]
        blocks += made
    return blocks


def _in_reading_order(page: Sequence[Line]) -> list[Line]:
    """Return the lines in the order in which the page was drawn, columns included.

    A page drawn in another than the reading order shows it: text further down, then
    text above it in the same column. Such a page is read from top to bottom.
    """
    for before, line in pairwise(page):
        overlap = min(before.right, line.right) - max(before.left, line.left)
        narrower = min(before.right - before.left, line.right - line.left)
        if line.bottom > before.top and overlap > 0.5 * narrower:
            return sorted(page, key=lambda one: (-round(one.top), one.left))
    return list(page)


def _groups(
    pieces: Iterable[Piece], style: Style
) -> Iterator[list[Line] | Region | RuledTable]:
    """Yield lines that belong together as groups, and tables as they are.

    A group is a heading, a paragraph or a list item.
    """
    group: list[Line] = []
    for piece in pieces:
        if isinstance(piece, Region | RuledTable):
            if group:
                yield group
            group = []
            yield piece
            continue
        if group and not _continues(group, piece, style):
            yield group
            group = []
        group.append(piece)
    if group:
        yield group


def _continues(group: Sequence[Line], line: Line, style: Style) -> bool:
    """Return whether a line goes on with the group above it."""
    before = group[-1]
    level = style.heading_level(line)
    if level != style.heading_level(before):
        return False
    if level:
        return _continues_heading(before, line)
    if len(line.cells) > 1 or len(before.cells) > 1 or ITEM.match(line.text):
        return False
    if abs(line.size - before.size) > _SAME_SIZE:
        return False
    drop = before.bottom - line.bottom
    if drop <= 0 or drop > _NEXT_PAGE_DROP * style.spacing:
        return _continues_elsewhere(group, line)
    if drop > PARAGRAPH_GAP * style.spacing:
        return False
    if _ends_list(group, line) or style.leaves_room(before, line):
        return False
    return not _ends_paragraph(group, line)


def _continues_heading(before: Line, line: Line) -> bool:
    if line.size != before.size or not _on_one_axis(before, line):
        return False
    return 0 < before.bottom - line.bottom <= _HEADING_DROP_EM * line.size


def _continues_elsewhere(group: Sequence[Line], line: Line) -> bool:
    """Return whether a sentence goes on in the next column or page."""
    if _ends_sentence(group[-1]):
        return False
    return line.text[:1].islower() or not ITEM.match(group[0].text)


def _ends_list(group: Sequence[Line], line: Line) -> bool:
    """Return whether a line below a list item's marker, not its text, ends the list."""
    if not ITEM.match(group[0].text) or not _ends_sentence(group[-1]):
        return False
    return line.left < group[0].left + _MARGIN and line.text[:1].isupper()


def _ends_paragraph(group: Sequence[Line], line: Line) -> bool:
    """Return whether the last line of a group is short, and a new sentence follows."""
    before = group[-1]
    if not _ends_sentence(before) or not line.text[:1].isupper():
        return False
    near = group[-_NEAR_LINES:]
    left = min(one.left for one in near)
    right = max(one.right for one in near)
    furthest = max(right, line.right)
    return before.right < furthest - _ENDED_EARLY * max(right - left, 1.0)


def _on_one_axis(before: Line, line: Line) -> bool:
    """Return whether two lines of a heading are one that was wrapped.

    Both begin at the left, the second perhaps behind the first one's number, or both
    are centred.
    """
    further = line.left - before.left
    off_centre = abs(before.left + before.right - line.left - line.right)
    return -line.size / 2 < further < 4 * line.size or off_centre < line.size


def _ends_sentence(line: Line) -> bool:
    return bool(_ENDS_SENTENCE.search(line.text))


def _ruled_table(
    ruled: RuledTable, before: Block | None, words: Counter[str]
) -> list[Block]:
    height = header_height(ruled.table) or ruled.header_rows
    return _table(ruled.table, before, words, height)


def _table(
    cells: Sequence[Sequence[str]],
    before: Block | None,
    words: Counter[str],
    header_rows: int | None = None,
) -> list[Block]:
    rows = [[_without_hyphens(cell, words) for cell in row] for row in cells]
    if rows and any(map(_is_said, rows[0])):
        header_rows = 0
    table = Table(rows, header_rows, _announcement(before))
    return [
        replace(block, text=block.text.replace("?: ", "? "))
        for block in table_blocks(table)
    ]


def _is_said(cell: str) -> bool:
    """Return whether a cell is a question, a label or a sentence: no column's name."""
    return bool(_ENDS_SENTENCE.search(cell)) or len(cell.split()) > _WORDS_OF_NAME


def _block(
    group: Sequence[Line], style: Style, before: Block | None, words: Counter[str]
) -> Block:
    text = _without_hyphens(" ".join(line.text for line in group), words)
    if level := style.heading_level(group[0]):
        return Block("heading", text, level)
    item = ITEM.match(text)
    if item is None:
        return Block("paragraph", text)
    marker = "- "
    if item["marker"][-1] in ".)":
        marker = f"{item['marker']} "
    lead_in = _announcement(before)
    if before is not None and before.kind == "list_item":
        lead_in = before.lead_in
    return Block("list_item", marker + text[item.end() :], 1, lead_in)


def _announcement(before: Block | None) -> str:
    """Return the text of a paragraph that ends with a colon, else ""."""
    if before is None or before.kind != "paragraph" or not before.text.endswith(":"):
        return ""
    if len(before.text) > LEAD_IN_CHARACTERS:
        return ""
    return before.text


def _without_hyphens(text: str, words: Counter[str]) -> str:
    """Undo hyphenation; a compound keeps its hyphen.

    Args:
        words: of the whole document: a compound is written with its hyphen elsewhere.
    """
    if HYPHEN not in text:
        return text

    def whole(found: re.Match[str]) -> str:
        compound = f"{found[1]}-{found[2]}"
        if words[compound.lower()] > 0 or not found[2][:1].islower():
            return compound
        return found[1] + found[2]

    return _HYPHENATED.sub(whole, text).replace(HYPHEN, "-")
