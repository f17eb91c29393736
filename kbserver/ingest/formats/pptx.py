"""PowerPoint: each visible slide as a section under its title, tables row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pptx import Presentation
from pptx.util import Emu

from kbserver.ingest.blocks import Block, Document, counted, title_from
from kbserver.ingest.formats.shared.archive import open_checked_zip
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.table import Table, table_blocks

MAX_GROUP_DEPTH = 20

_ROW = Emu(457200)
"""Half an inch: shapes that stand less far apart are one row."""


def convert(file: SourceFile) -> list[Document]:
    """Return one document.

    Its title is the first slide's if that slide has little else, else the file's name.
    Hidden slides and speaker notes, which the audience never saw, are left out and
    counted.
    """
    open_checked_zip(file.path, file.source).close()
    presentation = Presentation(str(file.path))
    blocks: list[Block] = []
    title = ""
    hidden = noted = 0
    for number, slide in enumerate(presentation.slides):
        if _is_hidden(slide):
            hidden += 1
            continue
        noted += _has_notes(slide)
        heading = _title_of(slide)
        content = _slide_blocks(slide)
        is_cover = all(block.kind == "paragraph" for block in content)
        if number == 0 and heading and is_cover:
            title = heading
        else:
            blocks.append(Block("heading", heading, level=2))
        blocks += content
    notes = []
    if hidden:
        notes.append(f"left out {counted(hidden, 'hidden slide')}")
    if noted:
        notes.append(f"left out the speaker notes of {counted(noted, 'slide')}")
    title = title or title_from(file.source)
    return [Document(file.source, title, tuple(blocks), {}, tuple(notes))]


def _is_hidden(slide: Any) -> bool:
    shown = slide._element.get("show")  # python-pptx has no public name for it
    return bool(shown == "0")


def _has_notes(slide: Any) -> bool:
    if not slide.has_notes_slide:
        return False
    return bool(slide.notes_slide.notes_text_frame.text.strip())


def _title_of(slide: Any) -> str:
    shape = slide.shapes.title
    if shape is None:
        return ""
    return " ".join(shape.text_frame.text.split())


def _slide_blocks(slide: Any) -> list[Block]:
    """Return the blocks of a slide without its title."""
    title = slide.shapes.title
    blocks: list[Block] = []
    for shape in _in_reading_order(slide.shapes):
        if title is None or shape.shape_id != title.shape_id:
            blocks.extend(_shape_blocks(shape, blocks))
    return blocks


def _in_reading_order(shapes: Iterable[Any], depth: int = 0) -> Iterator[Any]:
    """Yield shapes row by row from top to bottom, in a row from left to right.

    Groups are opened.
    """
    for shape in sorted(shapes, key=_place):
        if hasattr(shape, "shapes") and depth < MAX_GROUP_DEPTH:
            yield from _in_reading_order(shape.shapes, depth + 1)
        else:
            yield shape


def _place(shape: Any) -> tuple[int, int]:
    return (shape.top or 0) // _ROW, shape.left or 0


def _shape_blocks(shape: Any, before: list[Block]) -> list[Block]:
    """Return the blocks of a shape; a paragraph before it may introduce them."""
    lead_in = ""
    if before and before[-1].kind == "paragraph" and before[-1].text.endswith(":"):
        lead_in = before[-1].text
    if getattr(shape, "has_table", False):
        return _table_blocks(shape.table, lead_in)
    if not shape.has_text_frame:
        return []
    paragraphs = [
        (paragraph.level, " ".join(paragraph.text.split()))
        for paragraph in shape.text_frame.paragraphs
        if paragraph.text.strip()
    ]
    if len(paragraphs) == 1:
        [(_, text)] = paragraphs
        return [Block("paragraph", text)]
    blocks = []
    for level, text in paragraphs:
        if text.endswith(":") and level == 0:
            lead_in = text
            blocks.append(Block("paragraph", text))
        else:
            blocks.append(Block("list_item", f"- {text}", level + 1, lead_in))
    return blocks


def _table_blocks(table: Any, lead_in: str) -> list[Block]:
    rows = [[" ".join(cell.text.split()) for cell in row.cells] for row in table.rows]
    header_rows = None
    if table.first_row:
        header_rows = 1
    return table_blocks(Table(rows, header_rows, lead_in))
