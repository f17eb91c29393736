"""Excel workbooks: every visible sheet as tables; a FAQ sheet's rows become documents.

A cell is read as its spreadsheet shows it. Styles are openpyxl's work; the cells are
read here, because its reader of large sheets tells neither what is hidden or merged nor
whether a formula has a value.
"""

from __future__ import annotations

import datetime as dt
import math
import posixpath
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lxml import etree
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.utils.datetime import from_excel

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Document, counted, not_spoken
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

MAX_CELLS = 2_000_000
"""Up to the last filled one of each row; a sheet may claim 17 billion."""
MAX_ROWS = 1_048_576
"""Of a sheet, empty ones included; no program writes more.

Source: Excel specifications and limits (Microsoft).
"""
MAX_COLUMNS = 16_384

_MOST_HEADER_ROWS = 3
_REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})")

_Row = list[str]


@dataclass(frozen=True, slots=True)
class _Style:
    """What a cell's style says about its text."""

    code: str = "General"
    bold: bool = False
    struck: bool = False
    raised: bool = False
    font: str = ""


@dataclass
class _Losses:
    """What a reader of the workbook sees and a caller does not hear, and why."""

    struck: int = 0
    formulas: int = 0
    hidden_rows: int = 0
    hidden_columns: int = 0
    hidden_sheets: int = 0
    formats: set[str] = field(default_factory=set)

    def notes(self) -> tuple[str, ...]:
        """Return the notes for the ingest report."""
        hidden = [
            counted(number, thing)
            for number, thing in (
                (self.hidden_sheets, "hidden sheet"),
                (self.hidden_columns, "hidden column"),
                (self.hidden_rows, "hidden row"),
            )
            if number
        ]
        notes = [f"left out {one}" for one in hidden]
        if self.struck:
            notes.append(f"left out {counted(self.struck, 'struck-out text')}")
        if self.formulas:
            what = f"{counted(self.formulas, 'formula')} without a value"
            instead = "open the file in a spreadsheet program and save it"
            notes.append(not_spoken(what, instead))
        for code in sorted(self.formats):
            notes.append(
                f"the number format {code!r} is not understood: values are raw"
            )
        return tuple(notes)


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
    with open_checked_zip(file.path, file.source) as archive:
        book = _Book(file, archive)
        losses = _Losses()
        visible: list[tuple[str, str]] = []
        for title, path, state in book.sheets():
            if state == "visible":
                visible.append((title, path))
            else:
                losses.hidden_sheets += 1
        sheets: list[tuple[str | None, Table]] = []
        left = max_cells
        for title, path in visible:
            sheet = _Sheet(book, losses, left, max_cells)
            with archive.open(path) as stream:
                sheet.read(stream)
            sheet.header_rows |= _table_headers(archive, path)
            left = sheet.left
            name: str | None = None
            if len(visible) > 1:
                name = title
            for table in _tables(sheet):
                sheets.append((name, table))
                name = None  # stands above the sheet's first table only
        notes = (*losses.notes(), *_drawings(archive))
    return sheet_documents(file.source, sheets, notes=notes)


class _Book:
    """A workbook's styles and shared texts."""

    def __init__(self, file: SourceFile, archive: zipfile.ZipFile) -> None:
        self.source = file.source
        self._archive = archive
        self._reader: Any = ExcelReader(file.path, read_only=True, keep_links=False)
        try:
            self._reader.read_manifest()
            self._reader.read_workbook()
            apply_stylesheet(self._reader.archive, self._reader.wb)
            self._sheets = [
                (sheet.name, rel.target, sheet.state or "visible")
                for sheet, rel in self._reader.parser.find_sheets()
                if rel.Type.endswith("/worksheet")
            ]
        finally:
            self._reader.archive.close()
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

    def __init__(self, book: _Book, losses: _Losses, left: int, max_cells: int) -> None:
        self._book = book
        self._losses = losses
        self._max_cells = max_cells
        self.left = left
        """Cells that the file may still have."""
        self.rows: dict[int, _Row] = {}
        self.header_rows: set[int] = set()
        """Numbers of rows that name columns: all bold, or above a filter."""
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
        tags = ("{*}cols", "{*}row", "{*}mergeCells", "{*}autoFilter")
        for _, element in _parsed(stream, tags):
            match etree.QName(element).localname:
                case "cols":
                    self._read_columns(element)
                case "row":
                    number = self._row_number(element, number)
                    self._read_row(element, number)
                case "mergeCells":
                    merged = [cell.get("ref", "") for cell in element]
                case "autoFilter":
                    found = _REFERENCE.match(element.get("ref", ""))
                    if found is not None:
                        self.header_rows.add(int(found[2]))
            _forget(element)
        self._fill_merged(merged)
        self._losses.hidden_columns += len(self._lost_columns)
        self._remove_hidden_columns()

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
        at_most = f"{MAX_ROWS:,} rows and {MAX_COLUMNS:,} columns"
        reason = f"a sheet of over {at_most}: damaged; save it anew"
        return DocumentUnreadable(self._book.source, reason)

    def _read_row(self, element: Any, number: int) -> None:
        is_hidden = _is_on(element.get("hidden")) or element.get("ht") in ("0", "0.0")
        row: _Row = []
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
        self.left -= len(row)
        if self.left < 0:
            reason = f"over {self._max_cells:,} cells; split it"
            raise DocumentUnreadable(self._book.source, reason)
        if row:
            self.rows[number] = row
        if bold and all(bold):
            self.header_rows.add(number)

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
            return "yes" if _is_on(value) else "no"
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

    def _fill_merged(self, references: Sequence[str]) -> None:
        """Write the text of each merged cell into all places that it covers."""
        width = max(map(len, self.rows.values()), default=0)
        for reference in references:
            area = _area(reference)
            if area is None:
                continue
            left, top, right, bottom = area
            row = self.rows.get(top, [])
            text = row[left - 1] if left <= len(row) else ""
            if not text:
                continue
            if right > left and sum(map(bool, row)) == 1:
                right = max(right, width)  # a title above all columns
            self._fill(text, left, top, min(right, width), bottom)

    def _fill(self, text: str, left: int, top: int, right: int, bottom: int) -> None:
        for number in range(top, min(bottom, max(self.rows)) + 1):
            row = self.rows.get(number)
            if row is None or (number > top and not any(row)):
                continue
            self.left -= max(right - len(row), 0)
            if self.left < 0:
                reason = f"over {self._max_cells:,} cells; split it"
                raise DocumentUnreadable(self._book.source, reason)
            row += [""] * (right - len(row))
            for at in range(left - 1, right):
                row[at] = row[at] or text

    def _remove_hidden_columns(self) -> None:
        if not self._hidden_columns:
            return
        for number, row in self.rows.items():
            self.rows[number] = [
                cell
                for column, cell in enumerate(row, start=1)
                if column not in self._hidden_columns
            ]


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


def _tables(sheet: _Sheet) -> Iterator[Table]:
    """Yield the tables of a sheet, which blank rows separate.

    Blank columns at the left are cut off. A row with one cell that stands alone above
    a table is its caption.
    """
    group: list[int] = []
    before = 0
    for number in sorted(number for number, row in sheet.rows.items() if any(row)):
        texts = set(sheet.rows[group[0]]) - {""} if len(group) == 1 else set()
        is_below_caption = len(texts) == 1
        if group and number > before + 1 and not is_below_caption:
            yield _table(sheet, group)
            group = []
        group.append(number)
        before = number
    if group:
        yield _table(sheet, group)


def _table(
    sheet: _Sheet,
    numbers: Sequence[int],
) -> Table:
    rows = [sheet.rows[number] for number in numbers]
    indent = min(_first_filled(row) for row in rows)
    columns = [number for number in numbers if len(set(sheet.rows[number]) - {""}) > 1]
    height = 0
    while height < len(columns) and columns[height] in sheet.header_rows:
        height += 1
    header_rows: int | None = height
    if not 0 < height <= _MOST_HEADER_ROWS or height == len(columns):
        header_rows = None
    return Table([row[indent:] for row in rows], header_rows)


def _first_filled(row: _Row) -> int:
    return next(at for at, cell in enumerate(row) if cell)


def _table_headers(
    archive: zipfile.ZipFile,
    path: str,
) -> set[int]:
    """Return the numbers of the rows that name the columns of formatted tables."""
    folder, name = posixpath.split(path)
    relations = f"{folder}/_rels/{name}.rels"
    if relations not in archive.namelist():
        return set()
    found: set[int] = set()
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    for relation in etree.fromstring(archive.read(relations), parser):
        if not str(relation.get("Type")).endswith("/table"):
            continue
        target = posixpath.join(f"/{folder}", str(relation.get("Target")))
        part = posixpath.normpath(target).lstrip("/")
        if part in archive.namelist():
            table = etree.fromstring(archive.read(part), parser)
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
        if number:
            what = counted(number, thing)
            instead = "say in cells what callers need"
            if thing == "picture":
                yield not_spoken(what, instead)
            else:  # a chart draws what cells say
                yield f"left out {what}; {instead}"


def _has_value(cell: Any) -> bool:
    return any((part.text or len(part)) for part in cell)


def _is_on(value: str | None) -> bool:
    return value in ("1", "true", "on")


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _area(reference: str) -> tuple[int, int, int, int] | None:
    """Return left, top, right and bottom of `A1:B2`, from 1; None if it is no area."""
    first, _, last = reference.partition(":")
    corners = _REFERENCE.fullmatch(first), _REFERENCE.fullmatch(last or first)
    if corners[0] is None or corners[1] is None:
        return None
    left, top = _column_number(corners[0][1]), int(corners[0][2])
    return left, top, _column_number(corners[1][1]), int(corners[1][2])
