"""The straight lines that a page draws: borders of cells, and what strikes text out."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from kbserver.ingest.formats.pdf.line import Box

_MOST_PATHS = 6_000
"""Of a page, looked at: a map has more, and no table."""
_MOST_SEGMENTS = 400
"""Of one path."""
MOST_SEGMENTS_OF_PAGE = 20_000
"""A page with more is a drawing; each takes some microseconds."""
_THIN = 2.6
"""Points; what is thicker is an area."""
_SHORTEST = 3.0
"""Points."""
_MOST_STRUCK = 2_000
"""Marks of readers that strike text out."""


@dataclass(frozen=True)
class Strokes:
    """Straight lines on a page, in points, as boxes without breadth or nearly so."""

    across: list[Box] = field(default_factory=list)
    """From left to right."""
    upright: list[Box] = field(default_factory=list)

    def turned(self, turn: int, paper: Box) -> Strokes:
        """Return them as they stand once the page is held as `Box.turned` says."""
        if not turn:
            return self
        across = [box.turned(turn, paper) for box in self.across]
        upright = [box.turned(turn, paper) for box in self.upright]
        if turn % 2:
            across, upright = upright, across
        return Strokes(across, upright)


def strokes_of(page: pdfium.PdfPage) -> Strokes:
    """Return the straight lines of a page, and those that strike text out as a comment."""
    found = Strokes()
    for box in _lines(page.raw):
        if box.top - box.bottom <= _THIN and box.right - box.left >= _SHORTEST:
            found.across.append(box)
        elif box.right - box.left <= _THIN and box.top - box.bottom >= _SHORTEST:
            found.upright.append(box)
    found.across.extend(_struck_by_readers(page.raw))
    return found


def _lines(page: Any) -> Iterator[Box]:
    """Yield what may be a line: thin paths, and the sides of boxes and grids."""
    number = min(pdfium_c.FPDFPage_CountObjects(page), _MOST_PATHS)
    left = MOST_SEGMENTS_OF_PAGE
    sides = [ctypes.c_float() for _ in range(4)]
    for at in range(number):
        drawn = pdfium_c.FPDFPage_GetObject(page, at)
        if pdfium_c.FPDFPageObj_GetType(drawn) != pdfium_c.FPDF_PAGEOBJ_PATH:
            continue
        pdfium_c.FPDFPageObj_GetBounds(drawn, *sides)
        box = Box(*(side.value for side in sides))
        if min(box.right - box.left, box.top - box.bottom) <= _THIN:
            yield box
        elif _is_stroked(drawn):
            segments = pdfium_c.FPDFPath_CountSegments(drawn)
            if 1 < segments <= min(_MOST_SEGMENTS, left):
                left -= segments
                yield from _segments(drawn, segments)


def _is_stroked(path: Any) -> bool:
    fill, stroke = ctypes.c_int(), pdfium_c.FPDF_BOOL()
    pdfium_c.FPDFPath_GetDrawMode(path, fill, stroke)
    return bool(stroke.value)


def _segments(path: Any, number: int) -> Iterator[Box]:
    """Yield the straight segments of a path, in points of its page."""
    matrix = pdfium_c.FS_MATRIX()
    pdfium_c.FPDFPageObj_GetMatrix(path, matrix)
    x, y = ctypes.c_float(), ctypes.c_float()
    before = first = (0.0, 0.0)
    for at in range(number):
        segment = pdfium_c.FPDFPath_GetPathSegment(path, at)
        pdfium_c.FPDFPathSegment_GetPoint(segment, x, y)
        point = (
            matrix.a * x.value + matrix.c * y.value + matrix.e,
            matrix.b * x.value + matrix.d * y.value + matrix.f,
        )
        kind = pdfium_c.FPDFPathSegment_GetType(segment)
        if kind == pdfium_c.FPDF_SEGMENT_MOVETO:
            first = point
        elif kind == pdfium_c.FPDF_SEGMENT_LINETO:
            yield _between(before, point)
        before = point
        if pdfium_c.FPDFPathSegment_GetClose(segment):
            yield _between(point, first)


def _between(one: tuple[float, float], other: tuple[float, float]) -> Box:
    (left, right), (bottom, top) = map(sorted, zip(one, other, strict=True))
    return Box(left, bottom, right, top)


def _struck_by_readers(page: Any) -> Iterator[Box]:
    """Yield a line through the middle of what a reader of the file marked as struck out."""
    quad = pdfium_c.FS_QUADPOINTSF()
    for at in range(min(pdfium_c.FPDFPage_GetAnnotCount(page), _MOST_STRUCK)):
        mark = pdfium_c.FPDFPage_GetAnnot(page, at)
        try:
            if pdfium_c.FPDFAnnot_GetSubtype(mark) != pdfium_c.FPDF_ANNOT_STRIKEOUT:
                continue
            for number in range(pdfium_c.FPDFAnnot_CountAttachmentPoints(mark)):
                if pdfium_c.FPDFAnnot_GetAttachmentPoints(mark, number, quad):
                    middle = (quad.y1 + quad.y3) / 2
                    left, right = min(quad.x1, quad.x3), max(quad.x2, quad.x4)
                    yield Box(left, middle, right, middle)
        finally:
            pdfium_c.FPDFPage_CloseAnnot(mark)
