"""Plain text: paragraphs, lists and what looks like a heading."""

from __future__ import annotations

import re

from kbserver.ingest.blocks import Block, Document, title_from
from kbserver.ingest.formats.shared.frontmatter import split_front_matter
from kbserver.ingest.formats.shared.markup import parse_html, remove_hidden
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.structure import LEAD_IN_CHARACTERS, html_blocks
from kbserver.ingest.formats.shared.table import Table, table_blocks

_UNDERLINE = re.compile(r"^(=+|-+|~+|\*+)\s*$")
_ITEM = re.compile(
    r"^(?P<indent>[ \t]*)(?P<marker>[-*•‣◦–]|\(?\d{1,3}[.)])[ \t]+(?P<text>\S.*)$"
)
_HTML = re.compile(
    r"</(?:p|div|ul|ol|li|h[1-6]|table|strong|b|em|i|a|span|tr|td)\s*>|<(?:br|p|hr)\s*/?>",
    re.IGNORECASE,
)
_GAP = re.compile(
    r"[ \t]*\.{3,}[ \t]*|[ ]{3,}|[ ]*\t\s*"
)  # what sets columns of plain text apart
HEADING_CHARACTERS = 80  # a longer line is a sentence, capitals or not


def convert(file: SourceFile) -> list[Document]:
    """Return one document; its title is the front matter's, else the first line if that is a heading."""
    text, notes = file.text()
    metadata, body = split_front_matter(text, file.source)
    blocks = text_blocks(body)
    title = str(metadata.get("title", ""))
    if not title and blocks and blocks[0].kind == "heading":
        title = blocks.pop(0).text
    return [
        Document(
            file.source,
            title or title_from(file.source),
            tuple(blocks),
            metadata,
            notes,
        )
    ]


def prose_blocks(text: str) -> list[Block]:
    """Blocks of a text inside a record: HTML if it has tags, else plain."""
    if _HTML.search(text) and (root := parse_html(text)) is not None:
        remove_hidden(root)
        return html_blocks(root)
    return text_blocks(text, headings=False)


def text_blocks(text: str, *, headings: bool = True) -> list[Block]:
    """Cut plain text at blank lines; wrapped lines are joined, lists become items."""
    blocks: list[Block] = []
    for paragraph in re.split(
        r"\n[ \t]*\n",
        text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n"),
    ):
        lines = [line.rstrip() for line in paragraph.split("\n") if line.strip()]
        if lines and headings and (heading := _heading(lines, first=not blocks)):
            blocks.append(heading)
            lines = (
                lines[2:]
                if len(lines) > 1 and _UNDERLINE.match(lines[1])
                else lines[1:]
            )
        if lines:
            blocks.extend(_paragraph(lines, blocks[-1] if blocks else None))
    return blocks


def _heading(lines: list[str], *, first: bool) -> Block | None:
    """A line underlined, or alone and in capitals."""
    line = lines[0].strip()
    if len(line) > HEADING_CHARACTERS or not any(
        character.isalpha() for character in line
    ):
        return None
    if (
        len(lines) > 1
        and (under := _UNDERLINE.match(lines[1]))
        and len(under[1]) >= max(3, len(line) // 2)
    ):
        return Block("heading", line, 1 if under[1][0] == "=" else 2)
    if (
        len(lines) == 1
        and line.isupper()
        and len(line) > 3
        and not _ITEM.match(line)
        and line[-1] not in ".!,;"
    ):
        return Block("heading", line.rstrip(":"), 1 if first else 2)
    return None


def _paragraph(lines: list[str], before: Block | None) -> list[Block]:
    """One paragraph, or the paragraph and the list below it. Lines of a wrapped paragraph become one."""
    blocks: list[Block] = []
    plain: list[str] = []
    lead_in = ""
    if before is not None and before.kind == "paragraph" and before.text.endswith(":"):
        lead_in = before.text if len(before.text) <= LEAD_IN_CHARACTERS else ""
    elif before is not None and before.kind == "list_item":
        lead_in = before.lead_in
    if rows := _columns(lines):
        return table_blocks(Table(rows, caption=lead_in))
    for line in lines:
        if item := _ITEM.match(line):
            if plain:
                text = _joined(plain)
                blocks.append(Block("paragraph", text))
                lead_in = text if len(text) <= LEAD_IN_CHARACTERS else ""
                plain = []
            marker = f"{item['marker']} " if item["marker"][-1] in ".)" else "- "
            level = 1 + len(item["indent"].expandtabs(4)) // 2
            blocks.append(
                Block(
                    "list_item", marker + item["text"].strip(), min(level, 6), lead_in
                )
            )
        elif (
            blocks and blocks[-1].kind == "list_item" and line[:1].isspace()
        ):  # an item's further line
            last = blocks[-1]
            blocks[-1] = Block(
                "list_item", f"{last.text} {line.strip()}", last.level, last.lead_in
            )
        else:
            plain.append(line)
    if plain:
        blocks.append(Block("paragraph", _joined(plain)))
    return blocks


def _columns(lines: list[str]) -> list[list[str]]:
    """The cells of lines that are all set in the same number of columns; [] if they are not."""
    rows = [_GAP.split(line.strip()) for line in lines]
    return (
        rows
        if len(rows) > 1 and len(rows[0]) > 1 and len({len(row) for row in rows}) == 1
        else []
    )


def _joined(lines: list[str]) -> str:
    """Undo a hard wrap; lines that were not wrapped (an address, a verse) stay apart.

    A wrapped line is about as long as the longest: short lines were ended on purpose.
    """
    longest = max(len(line) for line in lines)
    joined = lines[0].strip()
    for before, line in zip(lines, lines[1:], strict=False):
        joined += (
            " " if len(before) >= longest * 0.6 and longest > 50 else "\n"
        ) + line.strip()
    return joined
