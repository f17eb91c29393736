"""Lines on pages to blocks: what a reader's eye does with sizes, gaps and margins. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from kbserver.ingest.blocks import Block
from kbserver.ingest.formats.pdf.line import HYPHEN, ITEM, Line, Style
from kbserver.ingest.formats.pdf.table import Piece, Region, with_tables
from kbserver.ingest.formats.shared.structure import LEAD_IN_CHARACTERS
from kbserver.ingest.formats.shared.table import Table, table_blocks

PARAGRAPH_GAP = 1.4  # times the usual distance of two lines

_MARGIN = 2.0  # points; what begins less far apart begins at the same place

_ENDS_SENTENCE = re.compile(r"[.!?:;\"”»)]$")
_HYPHENATED = re.compile(rf"(\w+){HYPHEN} ?(\w+)")


def page_blocks(pages: Sequence[Sequence[Line]]) -> list[Block]:
    """Return headings, paragraphs, list items and table rows in reading order; hyphenation is undone."""
    ordered = [_in_reading_order(page) for page in pages]
    lines = [line for page in ordered for line in page]
    if not lines:
        return []
    style = Style.of(lines)
    words = Counter(
        word for line in lines for word in re.findall(r"[\w-]+", line.text.lower())
    )
    pieces = [piece for page in ordered for piece in with_tables(page, style)]
    blocks: list[Block] = []
    for group in _groups(pieces, style):
        blocks.extend(_group_blocks(group, style, blocks, words))
    return blocks


def _in_reading_order(page: Sequence[Line]) -> list[Line]:
    """The order in which the page was drawn, which is reading order nearly always, columns included.

    A page drawn in another order gives itself away: text further down, then text above it in the same column.
    Such a page is read from top to bottom.
    """
    for before, line in pairwise(page):
        overlap = min(before.right, line.right) - max(before.left, line.left)
        if line.bottom > before.top and overlap > 0.5 * min(
            before.right - before.left, line.right - line.left
        ):
            return sorted(page, key=lambda one: (-round(one.top), one.left))
    return list(page)


def _groups(pieces: Iterable[Piece], style: Style) -> Iterator[list[Line] | Region]:
    """Lines that belong together: a heading, a paragraph, a list item; tables as they are."""
    group: list[Line] = []
    for piece in pieces:
        if group and (isinstance(piece, Region) or not _continues(group, piece, style)):
            yield group
            group = []
        if isinstance(piece, Region):
            yield piece
        else:
            group.append(piece)
    if group:
        yield group


def _continues(group: Sequence[Line], line: Line, style: Style) -> bool:
    before = group[-1]
    level = style.heading_level(line)
    if level != style.heading_level(before):
        return False
    drop = before.bottom - line.bottom
    if level:
        return (
            0 < drop <= 1.6 * line.size
            and line.size == before.size
            and _on_one_axis(before, line)
        )
    if len(line.cells) > 1 or len(before.cells) > 1:
        return False
    if ITEM.match(line.text) or abs(line.size - before.size) > 0.6:
        return False
    if (
        drop <= 0 or drop > 20 * style.spacing
    ):  # the next column or page: the sentence may go on there
        return not _ends(before) and (
            line.text[:1].islower() or not ITEM.match(group[0].text)
        )
    if drop > PARAGRAPH_GAP * style.spacing:
        return False
    if (
        ITEM.match(group[0].text)
        and _ends(before)
        and line.left < group[0].left + _MARGIN
        and line.text[:1].isupper()
    ):
        return False  # below the marker, not below the item's text: the list is over
    if style.leaves_room(before, line):
        return False
    width = max(one.right for one in group) - min(one.left for one in group)
    ended_early = before.right < max(one.right for one in (*group, line)) - 0.15 * max(
        width, 1.0
    )
    return not (ended_early and _ends(before) and line.text[:1].isupper())


def _on_one_axis(before: Line, line: Line) -> bool:
    """Whether two lines of a heading are one that was wrapped: both begin at the left, behind its number, or both
    are centred."""
    further = line.left - before.left
    centred = abs(before.left + before.right - line.left - line.right) < line.size
    return -line.size / 2 < further < 4 * line.size or centred


def _ends(line: Line) -> bool:
    return bool(_ENDS_SENTENCE.search(line.text))


def _group_blocks(
    group: list[Line] | Region,
    style: Style,
    blocks: Sequence[Block],
    words: Counter[str],
) -> Iterable[Block]:
    before = blocks[-1] if blocks else None
    lead_in = ""
    if before is not None and before.kind == "paragraph" and before.text.endswith(":"):
        lead_in = before.text if len(before.text) <= LEAD_IN_CHARACTERS else ""
    if isinstance(group, Region):
        rows = [
            [_whole(cell, words) for cell in row] for row in group.rows(style.spacing)
        ]
        return table_blocks(Table(rows, caption=lead_in))
    if before is not None and before.kind == "list_item":
        lead_in = before.lead_in
    text = _whole(" ".join(line.text for line in group), words)
    if level := style.heading_level(group[0]):
        return [Block("heading", text, level)]
    if item := ITEM.match(text):
        marker = f"{item['marker']} " if item["marker"][-1] in ".)" else "- "
        return [Block("list_item", marker + text[item.end() :], 1, lead_in)]
    return [Block("paragraph", text)]


def _whole(text: str, words: Counter[str]) -> str:
    """Undo hyphenation, keeping the hyphen of a compound that is written with one elsewhere in the document."""
    if HYPHEN not in text:
        return text

    def mend(found: re.Match[str]) -> str:
        compound = f"{found[1]}-{found[2]}"
        kept = words[compound.lower()] > 0 or not found[2][:1].islower()
        return compound if kept else found[1] + found[2]

    return _HYPHENATED.sub(mend, text).replace(HYPHEN, "-")
