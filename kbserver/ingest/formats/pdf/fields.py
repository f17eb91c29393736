"""What is written into a page's form: each value stands beside the line that names it."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from kbserver.ingest.cells import truth
from kbserver.ingest.formats.pdf.line import Box, Cell, Line

_Write: TypeAlias = Callable[[Any, int], int]
"""Writes UTF-16 into a buffer of some bytes, and returns how many there are."""

_WRITTEN = (
    pdfium_c.FPDF_FORMFIELD_TEXTFIELD,
    pdfium_c.FPDF_FORMFIELD_COMBOBOX,
    pdfium_c.FPDF_FORMFIELD_LISTBOX,
)
_TICKED = (pdfium_c.FPDF_FORMFIELD_CHECKBOX, pdfium_c.FPDF_FORMFIELD_RADIOBUTTON)
_COMMENTS = (
    pdfium_c.FPDF_ANNOT_TEXT,
    pdfium_c.FPDF_ANNOT_HIGHLIGHT,
    pdfium_c.FPDF_ANNOT_UNDERLINE,
    pdfium_c.FPDF_ANNOT_STRIKEOUT,
)
_UNSEEN = (
    pdfium_c.FPDF_ANNOT_FLAG_HIDDEN
    | pdfium_c.FPDF_ANNOT_FLAG_INVISIBLE
    | pdfium_c.FPDF_ANNOT_FLAG_NOVIEW
)
_PASSWORD = 1 << 13
"""Flag of a text field. Source: ISO 32000-1, table 228."""
_MOST_BYTES = 1024**2
_MOST_ANNOTATIONS = 10_000

_BESIDE = 15.0
"""Points from a box to tick to the words at its right."""
_ABOVE_EM = 1.0
"""From a field up to the words that stand above it."""
_TOUCH = 3.0
"""Points by which a field may reach into the words that name it."""
_NAME = re.compile(r"[^\W\d_]{2,}(?:[ _-][^\W_]+)*")
"""Of a field, where it says more than `Text1`."""


@dataclass(frozen=True)
class Field:
    """One value of a form, or words that were put on top of a page."""

    box: Box
    text: str
    name: str = ""
    """What the field is called where no line of the page names it."""
    is_ticked: bool | None = None
    """Of a box to tick; None for other fields."""

    def turned(self, turn: int, paper: Box) -> Field:
        """Return the field on a page that was turned upright."""
        return replace(self, box=self.box.turned(turn, paper))


def fields_of(page: pdfium.PdfPage) -> tuple[list[Field], int]:
    """Return the filled fields of a page, boxes to tick, and words put on top of it.

    Returns:
        Those, and the number of comments, which are no text of the page.
    """
    fields: list[Field] = []
    comments = 0
    number = pdfium_c.FPDFPage_GetAnnotCount(page.raw)
    for at in range(min(number, _MOST_ANNOTATIONS)):
        with _annotation(page, at) as annotation:
            if not annotation:
                continue
            if pdfium_c.FPDFAnnot_GetFlags(annotation) & _UNSEEN:
                continue
            kind = pdfium_c.FPDFAnnot_GetSubtype(annotation)
            comments += kind in _COMMENTS and bool(_contents(annotation))
            field = None
            if kind == pdfium_c.FPDF_ANNOT_FREETEXT:
                field = Field(_box(annotation), _contents(annotation))
            elif kind == pdfium_c.FPDF_ANNOT_WIDGET and page.formenv:
                field = _widget(page.formenv.raw, annotation)
            if field is not None and (field.text or field.is_ticked is not None):
                fields.append(field)
    return fields, comments


@contextmanager
def _annotation(page: pdfium.PdfPage, at: int) -> Iterator[Any]:
    annotation = pdfium_c.FPDFPage_GetAnnot(page.raw, at)
    try:
        yield annotation
    finally:
        if annotation:
            pdfium_c.FPDFPage_CloseAnnot(annotation)


def _widget(form: Any, annotation: Any) -> Field | None:
    kind = pdfium_c.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind not in (*_WRITTEN, *_TICKED):
        return None
    name = _string(
        _of_field(pdfium_c.FPDFAnnot_GetFormFieldAlternateName, form, annotation)
    )
    if not name:
        name = _string(_of_field(pdfium_c.FPDFAnnot_GetFormFieldName, form, annotation))
        if not _NAME.fullmatch(name):
            name = ""
        name = name.replace("_", " ")
    box = _box(annotation)
    if kind in _TICKED:
        is_ticked = bool(pdfium_c.FPDFAnnot_IsChecked(form, annotation))
        return Field(box, truth(is_ticked), name, is_ticked)
    if pdfium_c.FPDFAnnot_GetFormFieldFlags(form, annotation) & _PASSWORD:
        return None
    value = _string(_of_field(pdfium_c.FPDFAnnot_GetFormFieldValue, form, annotation))
    return Field(box, value, name)


def _of_field(function: Any, form: Any, annotation: Any) -> _Write:
    return lambda buffer, size: int(function(form, annotation, buffer, size))


def _contents(annotation: Any) -> str:
    return _string(
        lambda buffer, size: int(
            pdfium_c.FPDFAnnot_GetStringValue(annotation, b"Contents", buffer, size)
        )
    )


def _string(write: _Write) -> str:
    """Return what PDFium writes, without line breaks; "" if it is too long."""
    size = write(None, 0)
    if not 2 < size <= _MOST_BYTES:
        return ""
    buffer = ctypes.create_string_buffer(size)
    pointer = ctypes.cast(buffer, ctypes.POINTER(pdfium_c.FPDF_WCHAR))
    write(pointer, size)
    text = buffer.raw.decode("utf-16-le", "ignore")
    return " ".join(text.rstrip("\0").split())


def _box(annotation: Any) -> Box:
    rect = pdfium_c.FS_RECTF()
    pdfium_c.FPDFAnnot_GetRect(annotation, rect)
    return Box(
        min(rect.left, rect.right),
        min(rect.bottom, rect.top),
        max(rect.left, rect.right),
        max(rect.bottom, rect.top),
    )


def with_values(lines: Sequence[Line], fields: Sequence[Field]) -> list[Line]:
    """Return a page's lines with the values of its form in them.

    A value becomes a cell behind the words at its left, or goes on those above it. A
    box to tick says yes or no behind the words at its right, if they are near. A value
    that nothing names is a line of its own, with the name of its field.
    """
    written = list(lines)
    for field in sorted(fields, key=lambda one: (-one.box.top, one.box.left)):
        if field.is_ticked is not None and _named_at_right(written, field):
            continue
        if not (_named_at_left(written, field) or _named_above(written, field)):
            _put_between(written, field)
    return written


def _named_at_right(lines: list[Line], field: Field) -> bool:
    """Add the value of a box to tick to the words at its right; say whether there are."""
    for at, line in enumerate(lines):
        if not _is_beside(line, field):
            continue
        for cell in line.cells:
            if -_TOUCH <= cell.left - field.box.right < _BESIDE:
                lines[at] = _with_text(line, cell, field.text)
                return True
    return False


def _named_at_left(lines: list[Line], field: Field) -> bool:
    """Add a value as a cell behind the words at its left; say whether there are any."""
    left = [
        (line.right, at)
        for at, line in enumerate(lines)
        if _is_beside(line, field) and line.left < field.box.left
    ]
    if not left:
        return False
    at = max(left)[1]
    line = lines[at]
    value = Cell(field.text, field.box.left, field.box.right)
    cells = _in_order([*line.cells, value])
    parts = _in_order([*line.parts, value]) if line.parts else ()
    right = max(line.right, field.box.right)
    lines[at] = replace(line, cells=cells, parts=parts, right=right)
    return True


def _named_above(lines: list[Line], field: Field) -> bool:
    """Add a value to the words above it; say whether there are any."""
    for at, line in enumerate(lines):
        gap = line.bottom - field.box.top
        if not -_TOUCH <= gap < _ABOVE_EM * line.size:
            continue
        for cell in line.cells:
            if cell.left < field.box.right and cell.right > field.box.left:
                lines[at] = _with_text(line, cell, field.text)
                return True
    return False


def _put_between(lines: list[Line], field: Field) -> None:
    """Add a value as a line of its own, above the first one that stands below it."""
    text = field.text
    if field.name:
        text = f"{field.name}: {text}"
    box = field.box
    size = min(lines[0].size, box.top - box.bottom) if lines else 10.0
    line = Line(
        cells=(Cell(text, box.left, box.right),),
        left=box.left,
        right=box.right,
        top=box.bottom + size,
        bottom=box.bottom,
        size=lines[0].size if lines else size,
    )
    below = (at for at, one in enumerate(lines) if one.top <= box.bottom)
    lines.insert(next(below, len(lines)), line)


def _is_beside(line: Line, field: Field) -> bool:
    """Return whether a line and a field share over half of the line's height."""
    shared = min(line.top, field.box.top) - max(line.bottom, field.box.bottom)
    return shared > 0.5 * (line.top - line.bottom)


def _with_text(line: Line, cell: Cell, value: str) -> Line:
    """Return a line with a value behind one of its cells."""
    text = f"{cell.text.rstrip(':')}: {value}"
    cells = tuple(one._replace(text=text) if one is cell else one for one in line.cells)
    return replace(line, cells=cells, parts=())


def _in_order(cells: list[Cell]) -> tuple[Cell, ...]:
    return tuple(sorted(cells, key=lambda one: one.left))
