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


def convert(file: SourceFile) -> list[Document]:
    """Return one document; its title is the first slide's if that slide has little else, or the file's name. Hidden
    slides and speaker notes, which the audience never saw, are left out and counted."""
    open_checked_zip(file.path, file.source).close()
    presentation = Presentation(str(file.path))
    blocks: list[Block] = []
    title = ""
    hidden = noted = 0
    for number, slide in enumerate(presentation.slides):
        if slide._element.get("show") == "0":  # python-pptx has no public name for it
            hidden += 1
            continue
        noted += bool(
            slide.has_notes_slide and slide.notes_slide.notes_text_frame.text.strip()
        )
        heading = slide.shapes.title
        heading_text = (
            " ".join(heading.text_frame.text.split()) if heading is not None else ""
        )
        content: list[Block] = []
        for shape in _in_reading_order(slide.shapes):
            if heading is None or shape.shape_id != heading.shape_id:
                content.extend(_shape_blocks(shape, content))
        if (
            number == 0
            and heading_text
            and all(block.kind == "paragraph" for block in content)
        ):
            title = heading_text
        else:
            blocks.append(Block("heading", heading_text, level=2))
        blocks += content
    notes = []
    if hidden:
        notes.append(f"left out {counted(hidden, 'hidden slide')}")
    if noted:
        notes.append(f"left out the speaker notes of {counted(noted, 'slide')}")
    return [
        Document(
            file.source,
            title or title_from(file.source),
            tuple(blocks),
            {},
            tuple(notes),
        )
    ]


def _in_reading_order(shapes: Iterable[Any], depth: int = 0) -> Iterator[Any]:
    """Shapes from top to bottom, those beside each other from left to right; groups opened."""
    row = Emu(457200)  # half an inch: what stands less far apart is one row
    for shape in sorted(shapes, key=lambda one: ((one.top or 0) // row, one.left or 0)):
        if hasattr(shape, "shapes") and depth < MAX_GROUP_DEPTH:
            yield from _in_reading_order(shape.shapes, depth + 1)
        else:
            yield shape


def _shape_blocks(shape: Any, before: list[Block]) -> list[Block]:
    lead_in = (
        before[-1].text
        if before and before[-1].kind == "paragraph" and before[-1].text.endswith(":")
        else ""
    )
    if getattr(shape, "has_table", False):
        rows = [
            [" ".join(cell.text.split()) for cell in row.cells]
            for row in shape.table.rows
        ]
        return table_blocks(Table(rows, 1 if shape.table.first_row else None, lead_in))
    if not shape.has_text_frame:
        return []
    paragraphs = [
        (paragraph.level, " ".join(paragraph.text.split()))
        for paragraph in shape.text_frame.paragraphs
        if paragraph.text.strip()
    ]
    if len(paragraphs) == 1:
        return [Block("paragraph", paragraphs[0][1])]
    blocks = []
    for level, text in paragraphs:
        if text.endswith(":") and level == 0:
            lead_in = text
            blocks.append(Block("paragraph", text))
        else:
            blocks.append(Block("list_item", f"- {text}", level + 1, lead_in))
    return blocks
