"""Excel workbooks: every visible sheet as tables; a FAQ sheet's rows become documents.

A cell is read as its spreadsheet shows it. Styles are openpyxl's work; the cells are
read here, because its reader of large sheets tells neither what is hidden or merged nor
whether a formula has a value.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lxml import etree
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.utils.datetime import from_excel

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Document
from kbserver.ingest.cells import truth
from kbserver.ingest.formats.office.grid import (
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_ROWS,
    Area,
    CellAllowance,
    Grid,
    Row,
    SheetLosses,
    drawing_notes,
    too_large,
)
from kbserver.ingest.formats.office.running import facts_of, said_at_the_end
from kbserver.ingest.formats.office.sheet_parts import (
    margin_texts,
    related,
    text_boxes,
)
from kbserver.ingest.formats.shared.archive import open_checked_zip
from kbserver.ingest.formats.shared.number_format import (
    is_moment,
    plain_number,
    shown_moment,
    shown_number,
    shown_text,
)
from kbserver.ingest.formats.shared.raised import raised
from kbserver.ingest.formats.shared.sheet import sheet_documents
from kbserver.ingest.formats.shared.signs import SIGN_FONTS
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.table import Table

_MARGINS = "{*}headerFooter"
_REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})")


@dataclass(frozen=True, slots=True)
class _Style:
    """What a cell's style says about its text."""

    code: str = "General"
    bold: bool = False
    struck: bool = False
    raised: bool = False
    font: str = ""


def convert(
    file: SourceFile,
    *,
    max_cells: int = MAX_CELLS,
) -> list[Document]:
    """Return the documents of the visible sheets.

    Cells are read as Excel last computed them, not as formulas. Hidden rows, columns
    and sheets are left out, as is struck-out text.

    Raises:
        DocumentUnreadable: protected by a password, corrupt, or over `max_cells`.
    """
    with open_checked_zip(file) as archive:
        book = _Book(file, archive)
        losses = SheetLosses()
        visible: list[tuple[str, str]] = []
        for title, path, state in book.sheets():
            if state == "visible":
                visible.append((title, path))
            else:
                losses.hidden_sheets += 1
        sheets: list[tuple[str | None, Table]] = []
        allowance = CellAllowance(file.source, max_cells)
        for title, path in visible:
            sheet = _Sheet(book, losses, Grid(allowance))
            with archive.open(path) as stream:
                sheet.read(stream)
            sheet.grid.header_rows |= _table_headers(archive, path)
            name: str | None = None
            if len(visible) > 1:
                name = title
            boxes, struck = text_boxes(archive, path)
            losses.struck += struck
            for table in (*sheet.grid.tables(), *(Table([[one]]) for one in boxes)):
                sheets.append((name, table))
                name = None  # stands above the sheet's first table only
        facts = facts_of(losses.margins)
        sheets += ((None, Table([[fact]])) for fact in facts)
        notes = (
            *losses.notes(),
            *_drawings(archive),
            *said_at_the_end("header or footer", facts),
        )
    return sheet_documents(file.source, sheets, notes=notes)


class _Book:
    """A workbook's styles and shared texts."""

    def __init__(self, file: SourceFile, archive: zipfile.ZipFile) -> None:
        self.source = file.source
        self._archive = archive
        with file.open() as opened:
            self._reader: Any = ExcelReader(opened, read_only=True, keep_links=False)
            self._reader.read_manifest()
            self._reader.read_workbook()
            apply_stylesheet(self._reader.archive, self._reader.wb)
            self._sheets = [
                (sheet.name, rel.target, sheet.state or "visible")
                for sheet, rel in self._reader.parser.find_sheets()
                if rel.Type.endswith("/worksheet")
            ]
        self.epoch: dt.datetime = self._reader.wb.epoch
        self._styles: dict[int, _Style] = {}

    def sheets(self) -> Sequence[tuple[str, str, str]]:
        """Return name, place in the archive and state of each sheet."""
        return self._sheets

    def style(self, number: int) -> _Style:
        """Return what a style says, the default one if there is none of this number."""
        known = self._styles.get(number)
        if known is None:
            known = self._styles[number] = self._style(number)
        return known

    def _style(self, number: int) -> _Style:
        workbook = self._reader.wb
        try:
            style = workbook._cell_styles[number]
            font = workbook._fonts[style.fontId]
            code = BUILTIN_FORMATS.get(style.numFmtId, "General")
            if style.numFmtId >= BUILTIN_FORMATS_MAX_SIZE:
                at = style.numFmtId - BUILTIN_FORMATS_MAX_SIZE
                code = workbook._number_formats[at]
        except IndexError:
            return _Style()
        name = str(font.name or "").lower()
        return _Style(
            code=str(code or "General"),
            bold=bool(font.b),
            struck=bool(font.strike),
            raised=font.vertAlign == "superscript",
            font=name if name in SIGN_FONTS else "",
        )

    @cached_property
    def texts(self) -> list[tuple[str, int]]:
        """The shared texts, each with the number of its struck-out parts."""
        path = "xl/sharedStrings.xml"
        found = [
            name for name in self._archive.namelist() if name.lower() == path.lower()
        ]
        if not found:
            return []
        texts: list[tuple[str, int]] = []
        with self._archive.open(found[0]) as stream:
            for _, item in _parsed(stream, "{*}si"):
                texts.append(_rich_text(item))
                _forget(item)
        return texts


class _Sheet:
    """The visible cells of one sheet, row by row."""

    def __init__(self, book: _Book, losses: SheetLosses, grid: Grid) -> None:
        self._book = book
        self._losses = losses
        self.grid = grid
        self._hidden_columns: set[int] = set()
        self._lost_columns: set[int] = set()
        self._column = 0

    def read(self, stream: Any) -> None:
        """Read the sheet's part of the archive.

        Raises:
            DocumentUnreadable: too many cells, or a place that no sheet has.
        """
        number = 0
        merged: list[str] = []
        tags = ("{*}cols", "{*}row", "{*}mergeCells", "{*}autoFilter", _MARGINS)
        for _, element in _parsed(stream, tags):
            match etree.QName(element).localname:
                case "cols":
                    self._read_columns(element)
                case "row":
                    number = self._row_number(element, number)
                    self._read_row(element, number)
                case "mergeCells":
                    merged = [cell.get("ref", "") for cell in element]
                case "headerFooter":
                    self._losses.margins.update(dict.fromkeys(margin_texts(element)))
                case "autoFilter":
                    found = _REFERENCE.match(element.get("ref", ""))
                    if found is not None:
                        self.grid.header_rows.add(int(found[2]))
            _forget(element)
        self.grid.fill_merged(filter(None, map(_area, merged)))
        self._losses.hidden_columns += len(self._lost_columns)
        self.grid.remove_columns(self._hidden_columns)

    def _read_columns(self, element: Any) -> None:
        for column in element:
            is_narrow = column.get("width") in ("0", "0.0")
            if _is_on(column.get("hidden")) or is_narrow:
                first, last = int(column.get("min", 0)), int(column.get("max", 0))
                self._hidden_columns.update(range(first, min(last, MAX_COLUMNS) + 1))

    def _row_number(self, element: Any, before: int) -> int:
        number = int(element.get("r") or before + 1)
        if number > MAX_ROWS:
            raise self._too_large()
        return number

    def _too_large(self) -> DocumentUnreadable:
        return DocumentUnreadable(self._book.source, too_large())

    def _read_row(self, element: Any, number: int) -> None:
        is_hidden = _is_on(element.get("hidden")) or element.get("ht") in ("0", "0.0")
        row: Row = []
        bold: list[bool] = []
        self._column = 0
        for cell in element:
            style = self._book.style(int(cell.get("s") or 0))
            column = self._place(cell)
            text = ""
            if not is_hidden and column not in self._hidden_columns:
                text = self._text(cell, style)
            elif _has_value(cell):
                if is_hidden:
                    text = "hidden"
                else:
                    self._lost_columns.add(column)
            if text:
                row += [""] * (column - len(row))
                row[column - 1] = text
                bold.append(style.bold)
        if is_hidden:
            self._losses.hidden_rows += bool(row)
            return
        self.grid.add(number, row, bold)

    def _place(self, cell: Any) -> int:
        """Return the number of a cell's column, from 1."""
        found = _REFERENCE.fullmatch(cell.get("r") or "")
        self._column += 1
        if found is not None:
            self._column = _column_number(found[1])
        if self._column > MAX_COLUMNS:
            raise self._too_large()
        return self._column

    def _text(self, cell: Any, style: _Style) -> str:
        """Return a cell as it is shown."""
        kind = cell.get("t") or "n"
        value = ""
        has_formula = False
        struck = 0
        for part in cell:
            match etree.QName(part).localname:
                case "v":
                    value = part.text or ""
                case "is":
                    value, struck = _rich_text(part)
                case "f":
                    has_formula = True
        if not value and has_formula and kind != "str":
            self._losses.formulas += 1
        if kind == "s" and value:
            value, struck = self._shared(value)
        self._losses.struck += struck
        if not value.strip():
            return ""
        text = self._shown(value, kind, style)
        if text and style.struck:
            self._losses.struck += 1
            return ""
        if style.font:
            text = text.translate(SIGN_FONTS[style.font])
        if style.raised and text.isdecimal():
            text = raised(text)
        return text

    def _shared(self, value: str) -> tuple[str, int]:
        texts = self._book.texts
        at = int(value)
        if at >= len(texts):
            return "", 0
        return texts[at]

    def _shown(self, value: str, kind: str, style: _Style) -> str:
        if kind == "b":
            return truth(_is_on(value))
        if kind == "n":
            return self._shown_number(float(value), value, style)
        if kind == "d":
            return value.replace("T", " ").removesuffix(" 00:00:00")
        return shown_text(value.strip(), style.code).strip()

    def _shown_number(self, number: float, written: str, style: _Style) -> str:
        if not math.isfinite(number):
            return ""
        if style.code == "General":
            return plain_number(number) if "." in written or "E" in written else written
        shown: str | None
        if is_moment(style.code):
            shown = self._shown_moment(number, style.code)
        else:
            shown = shown_number(number, style.code)
        if shown is None:
            self._losses.formats.add(style.code)
            return plain_number(number)
        return shown

    def _shown_moment(self, days: float, code: str) -> str | None:
        try:
            moment = from_excel(days, self._book.epoch)
        except (ValueError, OverflowError):
            return None
        if isinstance(moment, dt.time):
            moment = dt.datetime.combine(dt.date(1900, 1, 1), moment)
        if not isinstance(moment, dt.datetime):
            return None
        return shown_moment(moment, days, code)


def _parsed(
    stream: Any,
    tags: str | Sequence[str],
) -> Any:
    return etree.iterparse(
        stream, tag=tags, resolve_entities=False, no_network=True, huge_tree=True
    )


def _forget(element: Any) -> None:
    """Free an element that was read, and what stands before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _rich_text(item: Any) -> tuple[str, int]:
    """Return a text without its struck-out parts, and their number."""
    parts: list[str] = []
    struck = 0
    for child in item:
        name = etree.QName(child).localname
        if name == "t":
            parts.append(child.text or "")
        elif name == "r":
            text, is_struck = _run(child)
            struck += is_struck
            if not is_struck:
                parts.append(text)
    return "".join(parts), struck


def _run(run: Any) -> tuple[str, bool]:
    """Return the text of a run, raised digits as such, and whether it is struck out."""
    text = "".join(part.text or "" for part in run.iterfind("{*}t"))
    properties = run.find("{*}rPr")
    if properties is None:
        return text, False
    strike = properties.find("{*}strike")
    is_struck = strike is not None and _is_on(strike.get("val", "1"))
    place = properties.find("{*}vertAlign")
    if place is not None and place.get("val") == "superscript":
        if text.strip().isdecimal():
            text = raised(text)
    return text, is_struck and bool(text.strip())


def _table_headers(
    archive: zipfile.ZipFile,
    path: str,
) -> set[int]:
    """Return the numbers of the rows that name the columns of formatted tables."""
    found: set[int] = set()
    for table in related(archive, path, "table"):
        area = _REFERENCE.match(table.get("ref", ""))
        if area is not None and table.get("headerRowCount", "1") != "0":
            found.add(int(area[2]))
    return found


def _drawings(archive: zipfile.ZipFile) -> Iterator[str]:
    """Yield a note on charts, pictures and comments, which nothing reads."""
    names = archive.namelist()
    for pattern, thing in (
        (r"xl/charts/chart\d*\.xml", "chart"),
        (r"xl/media/[^/]+", "picture"),
        (r"xl/(?:threadedComments|comments)\d*(?:/[^/]+)?\.xml", "sheet's comment"),
    ):
        number = sum(re.fullmatch(pattern, name) is not None for name in names)
        yield from drawing_notes({thing: number})


def _has_value(cell: Any) -> bool:
    return any((part.text or len(part)) for part in cell)


def _is_on(value: str | None) -> bool:
    return value in ("1", "true", "on")


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _area(reference: str) -> Area | None:
    """Return left, top, right and bottom of `A1:B2`, from 1; None if it is no area."""
    first, _, last = reference.partition(":")
    corners = _REFERENCE.fullmatch(first), _REFERENCE.fullmatch(last or first)
    if corners[0] is None or corners[1] is None:
        return None
    left, top = _column_number(corners[0][1]), int(corners[0][2])
    return left, top, _column_number(corners[1][1]), int(corners[1][2])
