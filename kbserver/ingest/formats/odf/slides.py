"""OpenDocument slides: each visible one as a section under its title."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from kbserver.ingest.blocks import Block, Document, title_from
from kbserver.ingest.formats.odf.chart import chart_blocks
from kbserver.ingest.formats.odf.markup import Markup, elements
from kbserver.ingest.formats.odf.package import (
    DRAW,
    FO,
    PRESENTATION,
    STYLE,
    SVG,
    TEXT,
    Package,
    is_on,
)
from kbserver.ingest.formats.office.losses import Losses
from kbserver.ingest.formats.office.slides import MAX_GROUP_DEPTH, SlideLosses
from kbserver.ingest.formats.shared.marks import settle
from kbserver.ingest.formats.shared.markup import parse_html
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.structure import html_blocks

_FURNITURE = frozenset("date-time footer header page-number notes handout".split())
"""What stands on every slide."""
_LENGTH = re.compile(r"(-?\d+(?:\.\d+)?)(cm|mm|in|pt|pc)")
_TRANSLATED = re.compile(r"translate\s*\(([^ )]+)[ ,]+([^ )]+)\)")
_CM = {"cm": 1.0, "mm": 0.1, "in": 2.54, "pt": 2.54 / 72, "pc": 2.54 / 6}
_ROW_CM = 1.27
"""Shapes that stand less far apart are one row."""


def convert(file: SourceFile) -> list[Document]:
    """Return one document.

    Its title is the first slide's if that slide has little else, else the file's name.
    Hidden slides and speaker notes, which the audience never saw, are left out and
    counted. Pictures and other things without text are named.

    Raises:
        DocumentUnreadable: protected by a password, corrupt, or no slides.
    """
    package = Package(file)
    body = package.body("presentation")
    losses = Losses()
    slide_losses = SlideLosses(_slide_area(package))

    def unread(kind: str, frame: Any) -> None:
        slide_losses.add(kind, _place(frame))

    markup = Markup(package, losses, unread)
    blocks: list[Block] = []
    notes: list[str] = []
    title = ""
    for number, page in enumerate(body.iterchildren(f"{DRAW}page"), start=1):
        if _is_hidden(page, markup):
            slide_losses.hidden += 1
            continue
        slide_losses.noted += _has_notes(page)
        slide_losses.on(number)
        heading = _title_of(page)
        content, on_marks = _slide_blocks(page, markup, package)
        notes += on_marks
        is_cover = all(block.kind == "paragraph" for block in content)
        if number == 1 and heading and is_cover:
            title = heading
        else:
            blocks.append(Block("heading", heading, level=2))
        blocks += content
    notes = [*dict.fromkeys(notes), *losses.notes(), *slide_losses.notes()]
    title = title or title_from(file.source)
    return [Document(file.source, title, tuple(blocks), {}, tuple(notes))]


def _slide_area(package: Package) -> float:
    """Return the size of a slide in square centimetres."""
    layout = next(package.styles.iter(f"{STYLE}page-layout-properties"), None)
    if layout is None:
        return 0.0
    return _cm(layout.get(f"{FO}page-width")) * _cm(layout.get(f"{FO}page-height"))


def _is_hidden(page: Any, markup: Markup) -> bool:
    style = page.get(f"{DRAW}style-name")
    key = f"{PRESENTATION}visibility"
    return markup.styles.property("drawing-page", style, key) == "hidden"


def _has_notes(page: Any) -> bool:
    paragraphs = page.iterfind(f"{PRESENTATION}notes//{TEXT}p")
    return any("".join(one.itertext()).strip() for one in paragraphs)


def _title_of(page: Any) -> str:
    for shape in page:
        if shape.get(f"{PRESENTATION}class") == "title" and not _is_empty(shape):
            lines = ("".join(one.itertext()) for one in shape.iter(f"{TEXT}p"))
            return " ".join(" ".join(lines).split())
    return ""


def _is_empty(shape: Any) -> bool:
    """Return whether a shape only says what could be written there."""
    return is_on(shape.get(f"{PRESENTATION}placeholder"))


def _slide_blocks(
    page: Any, markup: Markup, package: Package
) -> tuple[list[Block], list[str]]:
    """Return the blocks of a slide without its title, and notes on its marks."""
    blocks: list[Block] = []
    notes: list[str] = []
    parts: list[str] = []
    for shape in _in_reading_order(elements(page)):
        drawn = shape.find(f"{DRAW}object")
        chart = [] if drawn is None else chart_blocks(package.chart(drawn))
        if chart:
            _append(parts, markup, blocks, notes)
            blocks += chart
            parts = []
        else:
            parts.append(markup.block(shape))
    _append(parts, markup, blocks, notes)
    return blocks, notes


def _append(
    parts: list[str], markup: Markup, blocks: list[Block], notes: list[str]
) -> None:
    """Append the blocks of shapes that are written as HTML, and notes on their marks."""
    root = parse_html(f"<html><body>{''.join(parts)}{markup.notes()}</body></html>")
    if root is not None:
        notes += settle(root)
        blocks += html_blocks(root)


def _in_reading_order(shapes: Iterable[Any], depth: int = 0) -> Iterator[Any]:
    """Yield shapes row by row from top to bottom, in a row from left to right.

    Groups are opened.
    """
    for shape in sorted(shapes, key=_row_and_column):
        if not shape.tag.startswith(DRAW) or _is_empty(shape):
            continue
        kind = shape.get(f"{PRESENTATION}class", "")
        if kind == "title" or kind in _FURNITURE:
            continue
        if shape.tag == f"{DRAW}g" and depth < MAX_GROUP_DEPTH:
            yield from _in_reading_order(elements(shape), depth + 1)
        else:
            yield shape


def _row_and_column(shape: Any) -> tuple[float, float]:
    left, top, _, _ = _place(shape)
    return top // _ROW_CM, left


def _place(shape: Any) -> tuple[float, ...]:
    """Return left, top, width and height of a shape in centimetres."""
    left, top = (shape.get(f"{SVG}{name}") for name in ("x", "y"))
    moved = _TRANSLATED.search(shape.get(f"{DRAW}transform") or "")
    if moved is not None:
        left, top = moved[1], moved[2]
    width, height = (shape.get(f"{SVG}{name}") for name in ("width", "height"))
    if shape.tag == f"{DRAW}g":
        places = [_place(inner) for inner in elements(shape)]
        return min(places, default=(0.0, 0.0, 0.0, 0.0))
    return _cm(left), _cm(top), _cm(width), _cm(height)


def _cm(length: str | None) -> float:
    found = _LENGTH.fullmatch(length or "")
    if found is None:
        return 0.0
    return float(found[1]) * _CM[found[2]]
