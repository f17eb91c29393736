"""PowerPoint: each visible slide as a section under its title.

Tables and charts come row by row. What is shown and no text is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from lxml import etree
from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.shapes.picture import Picture
from pptx.util import Emu

from kbserver.ingest.blocks import (
    Block,
    Document,
    title_from,
)
from kbserver.ingest.formats.ocr.embedded import Crop, Embedded
from kbserver.ingest.formats.office.diagram import DIAGRAM, diagram_blocks
from kbserver.ingest.formats.office.drawn_text import shown_paragraph, shown_text
from kbserver.ingest.formats.office.running import (
    fact_blocks,
    facts_of,
    is_fact,
    said_at_the_end,
    shortened,
)
from kbserver.ingest.formats.office.slides import MAX_GROUP_DEPTH, SlideLosses
from kbserver.ingest.formats.shared.archive import open_checked_zip
from kbserver.ingest.formats.shared.chart import chart_blocks
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.table import Table, table_blocks

_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_REFERENCE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}dm"
_MARGINS = frozenset(
    (
        PP_PLACEHOLDER.FOOTER,
        PP_PLACEHOLDER.HEADER,
        PP_PLACEHOLDER.DATE,
        PP_PLACEHOLDER.SLIDE_NUMBER,
    )
)
_FOOTER = PP_PLACEHOLDER.FOOTER
_ROW = Emu(457200)
"""Half an inch: shapes that stand less far apart are one row."""


def convert(file: SourceFile) -> list[Document]:
    """Return one document.

    Its title is the first slide's if that slide has little else, else the file's name.
    Hidden slides and speaker notes, which the audience never saw, are left out and
    counted. Other things without text are named.
    """
    open_checked_zip(file).close()
    with file.open() as opened:
        presentation = Presentation(opened)
    blocks: list[Block] = []
    title = ""
    footers: dict[str, None] = {}
    area = presentation.slide_width * presentation.slide_height
    unread = SlideLosses(area, Embedded(file))
    for slide in presentation.slides:
        shapes = _in_reading_order(slide.shapes)
        unread.foresee(_extent(one) for one in shapes if isinstance(one, Picture))
    for number, slide in enumerate(presentation.slides):
        if _is_hidden(slide):
            unread.hidden += 1
            continue
        unread.noted += _has_notes(slide)
        footers.update(dict.fromkeys(_footers(slide)))
        heading = _title_of(slide)
        content = _slide_blocks(slide, unread.on(number + 1))
        is_cover = all(block.kind == "paragraph" for block in content)
        if number == 0 and heading and is_cover:
            title = heading
        else:
            blocks.append(Block("heading", heading, level=2))
        blocks += content
    notes = unread.notes()
    facts = facts_of(footers)
    notes += said_at_the_end("footer", facts)
    notes += (
        f"left out the footer “{shortened(text)}”"
        for text in footers
        if not is_fact(text)
    )
    title = title or title_from(file.source)
    whole = (*blocks, *fact_blocks(facts))
    return [Document(file.source, title, whole, {}, tuple(notes))]


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


def _footers(slide: Any) -> Iterator[str]:
    """Yield what stands at the foot of a slide, without its number and date."""
    for shape in slide.placeholders:
        if shape.placeholder_format.type == _FOOTER and shape.has_text_frame:
            if text := " ".join(shape.text_frame.text.split()):
                yield text


def _is_margin(shape: Any) -> bool:
    """Return whether a shape is the number, date or footer of a slide."""
    return shape.is_placeholder and shape.placeholder_format.type in _MARGINS


def _slide_blocks(slide: Any, unread: SlideLosses) -> list[Block]:
    """Return the blocks of a slide without its title."""
    title = slide.shapes.title
    blocks: list[Block] = []
    for shape in _in_reading_order(slide.shapes):
        is_title = title is not None and shape.shape_id == title.shape_id
        if not is_title and not _is_margin(shape):
            blocks.extend(_shape_blocks(shape, blocks, slide.part, unread))
    # python-pptx passes over shapes that are written for several versions
    for choice in slide.shapes._spTree.iter(f"{_MC}AlternateContent"):
        chosen = choice.find(f"{_MC}Choice")
        if chosen is not None:
            blocks += _paragraphs(chosen, unread)
    return blocks


def _paragraphs(element: Any, unread: SlideLosses) -> list[Block]:
    """Return the paragraphs inside of an element."""
    found = [shown_paragraph(paragraph) for paragraph in element.iter(f"{_A}p")]
    unread.struck += sum(struck for _, struck in found)
    return [Block("paragraph", text) for text, _ in found if text]


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


def _extent(shape: Any) -> tuple[int, ...]:
    """Return left, top, width and height of a shape."""
    return tuple(
        side or 0 for side in (shape.left, shape.top, shape.width, shape.height)
    )


def _shape_blocks(
    shape: Any, before: list[Block], part: Any, unread: SlideLosses
) -> list[Block]:
    """Return the blocks of a shape; a paragraph before it may introduce them."""
    lead_in = ""
    if before and before[-1].kind == "paragraph" and before[-1].text.endswith(":"):
        lead_in = before[-1].text
    if getattr(shape, "has_table", False):
        return _table_blocks(shape.table, lead_in, unread)
    if getattr(shape, "has_chart", False):
        blocks = chart_blocks(shape.chart._chartSpace)
        if not blocks:
            unread.add("chart", _extent(shape))
        return blocks
    if not shape.has_text_frame:
        return _blocks_of_other(shape, part, lead_in, unread)
    paragraphs: list[tuple[int, str]] = []
    for paragraph in shape.text_frame.paragraphs:
        text, struck = shown_paragraph(paragraph._p)
        unread.struck += struck
        if text:
            paragraphs.append((paragraph.level, text))
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


def _blocks_of_other(
    shape: Any, part: Any, lead_in: str, unread: SlideLosses
) -> list[Block]:
    """Return the blocks of a diagram or picture; remember what cannot be read."""
    element = shape._element
    for reference in element.iter(f"{{{DIAGRAM}}}relIds"):
        data = part.related_part(reference.get(_REFERENCE))
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        blocks = diagram_blocks(etree.fromstring(data.blob, parser))
        if not blocks:
            unread.add("diagram", _extent(shape))
        return blocks
    kinds = {
        child.get("uri", "").rpartition("/")[2]
        for child in element.iter(f"{_A}graphicData")
    }
    if "chartex" in kinds:
        unread.add("chart", _extent(shape))
    elif "ole" in kinds:
        unread.add("embedded object", _extent(shape))
    elif hasattr(shape, "media_type"):
        unread.add("film or sound", _extent(shape))
    elif isinstance(shape, Picture):
        return _picture_blocks(shape, lead_in, unread)
    return []


def _picture_blocks(shape: Picture, lead_in: str, unread: SlideLosses) -> list[Block]:
    """Return what is written on a picture; remember it if that is not read."""
    crop = Crop(shape.crop_left, shape.crop_top, shape.crop_right, shape.crop_bottom)
    return unread.picture(
        partial(_content_of, shape), _extent(shape), crop=crop, lead_in=lead_in
    )


def _content_of(shape: Picture) -> bytes | None:
    """Return the file of a picture, None if it lies elsewhere."""
    try:
        return bytes(shape.image.blob)
    except (ValueError, KeyError):  # linked, or its part is missing
        return None


def _table_blocks(table: Any, lead_in: str, unread: SlideLosses) -> list[Block]:
    rows: list[list[str]] = []
    for row in table.rows:
        cells = [shown_text(cell._tc) for cell in row.cells]
        unread.struck += sum(struck for _, struck in cells)
        rows.append([text for text, _ in cells])
    header_rows = None
    top = next(iter(table.rows), None)
    is_grouped = top is not None and any(cell.is_merge_origin for cell in top.cells)
    if table.first_row and not is_grouped:
        header_rows = 1
    return table_blocks(Table(rows, header_rows, lead_in))
