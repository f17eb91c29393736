"""Plain text: paragraphs, lists, columns and what looks like a heading."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise

from kbserver.ingest.blocks import Block, Document, title_from
from kbserver.ingest.formats.exports.chat import transcript
from kbserver.ingest.formats.exports.furniture import clear_furniture
from kbserver.ingest.formats.exports.panels import open_panels
from kbserver.ingest.formats.shared.footnotes import starred, stars_in, with_starred
from kbserver.ingest.formats.shared.frontmatter import split_front_matter
from kbserver.ingest.formats.shared.marks import settle
from kbserver.ingest.formats.shared.markup import parse_html
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.structure import LEAD_IN_CHARACTERS, html_blocks
from kbserver.ingest.formats.shared.table import Table, table_blocks

HEADING_CHARACTERS = 80
"""A longer line is a sentence, in capitals or not."""

_WRAPPED_FROM = 50
"""Characters of the longest line; text with shorter lines was not wrapped."""
_WRAPPED_SHARE = 0.6
"""Of the longest line: a shorter line was ended on purpose."""
_DEEPEST_LEVEL = 6

_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_UNDERLINE = re.compile(r"^(=+|-+|~+|\*+)\s*$")
_ITEM = re.compile(
    r"^(?P<indent>[ \t]*)(?P<marker>[-*•‣◦–]|\(?\d{1,3}[.)])[ \t]+(?P<text>\S.*)$"
)
_HTML = re.compile(
    r"</(?:p|div|ul|ol|li|h[1-6]|table|strong|b|em|i|a|span|tr|td)\s*>"
    r"|<(?:br|p|hr)\s*/?>",
    re.IGNORECASE,
)
_GAP = re.compile(r"[ \t]*\.{3,}[ \t]*|[ ]{3,}|[ ]*\t\s*")
"""What sets columns of plain text apart."""


def convert(file: SourceFile) -> list[Document]:
    """Return one document.

    Its title is the front matter's, else the first line if that is a heading.
    """
    text, notes = file.text()
    metadata, body = split_front_matter(text, file.source)
    blocks = text_blocks(transcript(body) or body)
    title = str(metadata.get("title", ""))
    if not title and blocks and blocks[0].kind == "heading":
        title = blocks.pop(0).text
    title = title or title_from(file.source)
    return [Document(file.source, title, tuple(blocks), metadata, notes)]


def prose_blocks(text: str) -> list[Block]:
    """Return the blocks of a text inside a record: HTML if it has tags, else plain."""
    if _HTML.search(text):
        root = parse_html(text)
        if root is not None:
            clear_furniture(root)
            open_panels(root)
            settle(root)
            return html_blocks(root)
    return text_blocks(text, headings=False)


def text_blocks(text: str, *, headings: bool = True) -> list[Block]:
    """Cut plain text at blank lines; wrapped lines are joined, lists become items.

    Args:
        headings: look for headings, too.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n")
    text = _with_footnotes(text)
    blocks: list[Block] = []
    for paragraph in _BLANK_LINE.split(text):
        lines = [line.rstrip() for line in paragraph.split("\n") if line.strip()]
        if lines and headings:
            heading = _heading(lines, first=not blocks)
            if heading is not None:
                blocks.append(heading)
                lines = _below_heading(lines)
        if lines:
            before = blocks[-1] if blocks else None
            blocks.extend(_paragraph(lines, before))
    return blocks


def _with_footnotes(text: str) -> str:
    """Say `* only at night`, a line of its own, where a star points to it.

    Several lines that begin with the same star are a list.
    """
    stars = stars_in(text)
    if not stars:
        return text
    lines = text.split("\n")
    found = [starred(line) for line in lines]
    times = Counter(star for star, _ in found if star in stars)
    notes = {star: note for star, note in found if times[star] == 1}
    if not notes:
        return text
    kept = (
        line for line, (star, _) in zip(lines, found, strict=True) if star not in notes
    )
    return "\n".join(with_starred(line, notes) for line in kept)


def _heading(lines: list[str], *, first: bool) -> Block | None:
    """Return a line that is underlined, or alone and in capitals, as a heading."""
    line = lines[0].strip()
    has_letters = any(character.isalpha() for character in line)
    if len(line) > HEADING_CHARACTERS or not has_letters:
        return None
    if len(lines) == 1:
        if not _is_in_capitals(line):
            return None
        return Block("heading", line.rstrip(":"), 1 if first else 2)
    underline = _UNDERLINE.match(lines[1])
    if underline is None or len(underline[1]) < max(3, len(line) // 2):
        return None
    return Block("heading", line, 1 if underline[1][0] == "=" else 2)


def _is_in_capitals(line: str) -> bool:
    if not line.isupper() or len(line) <= 3 or line[-1] in ".!,;":
        return False
    return not _ITEM.match(line)


def _below_heading(lines: list[str]) -> list[str]:
    if len(lines) > 1 and _UNDERLINE.match(lines[1]):
        return lines[2:]
    return lines[1:]


def _paragraph(lines: list[str], before: Block | None) -> list[Block]:
    """Return a table, or a paragraph and the list below it."""
    lead_in = _lead_in(before)
    if rows := _columns(lines):
        return table_blocks(Table(rows, caption=lead_in))
    blocks: list[Block] = []
    plain: list[str] = []
    further: list[str] = []  # lines of the last item
    for line in lines:
        item = _ITEM.match(line)
        if item is not None:
            _end_item(blocks, further)
            if plain:
                text = _joined(plain)
                blocks.append(Block("paragraph", text))
                lead_in = text if len(text) <= LEAD_IN_CHARACTERS else ""
                plain = []
            blocks.append(_list_item(item, lead_in))
        elif blocks and line[:1].isspace():
            further.append(line.strip())
        else:
            plain.append(line)
    _end_item(blocks, further)
    if plain:
        blocks.append(Block("paragraph", _joined(plain)))
    return blocks


def _end_item(blocks: list[Block], further: list[str]) -> None:
    """Add its further lines to the list item that is the last block."""
    if further:
        text = " ".join((blocks[-1].text, *further))
        blocks[-1] = replace(blocks[-1], text=text)
        further.clear()


def _lead_in(before: Block | None) -> str:
    """Return what the block before says about a list or table that follows it."""
    if before is None:
        return ""
    if before.kind == "list_item":
        return before.lead_in
    if before.kind != "paragraph" or not before.text.endswith(":"):
        return ""
    if len(before.text) > LEAD_IN_CHARACTERS:
        return ""
    return before.text


def _list_item(item: re.Match[str], lead_in: str) -> Block:
    marker = "- "
    if item["marker"][-1] in ".)":
        marker = f"{item['marker']} "
    level = 1 + len(item["indent"].expandtabs(4)) // 2
    text = marker + item["text"].strip()
    return Block("list_item", text, min(level, _DEEPEST_LEVEL), lead_in)


def _columns(lines: list[str]) -> list[list[str]]:
    """Return the cells of lines that are all set in as many columns, else []."""
    rows = [_GAP.split(line.strip()) for line in lines]
    widths = {len(row) for row in rows}
    if len(rows) < 2 or len(widths) > 1 or widths == {1}:
        return []
    return rows


def _joined(lines: list[str]) -> str:
    """Undo a hard wrap; lines that were not wrapped (an address, a verse) stay apart."""
    longest = max(len(line) for line in lines)
    parts = [lines[0].strip()]
    for before, line in pairwise(lines):
        is_wrapped = longest > _WRAPPED_FROM and len(before) >= longest * _WRAPPED_SHARE
        parts += (" " if is_wrapped else "\n", line.strip())
    return "".join(parts)
