"""OpenDocument sheets: every visible sheet as tables; a FAQ sheet's rows become documents.

A cell is read as its spreadsheet shows it, by the same reading of number formats as for
Excel; where that is not sure, what the program wrote beside the value is taken.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Document
from kbserver.ingest.cells import truth
from kbserver.ingest.formats.odf.markup import Markup, elements, rows_of
from kbserver.ingest.formats.odf.number_style import code_of
from kbserver.ingest.formats.odf.package import (
    CALCEXT,
    DRAW,
    OFFICE,
    TABLE,
    TEXT,
    Package,
    count_of,
    is_on,
)
from kbserver.ingest.formats.odf.styles import Look, is_shown
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
from kbserver.ingest.formats.office.losses import Losses
from kbserver.ingest.formats.shared.number_format import (
    is_moment,
    plain_number,
    shown_moment,
    shown_number,
    shown_text,
)
from kbserver.ingest.formats.shared.raised import raised
from kbserver.ingest.formats.shared.sheet import sheet_documents
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.table import Table

_DAY_0 = dt.datetime(1899, 12, 30)
_DURATION = re.compile(r"(-?)PT(\d+)H(\d+)M(\d+(?:\.\d+)?)S")
_FIRST_ROW = re.compile(
    r"\$?'?(?P<sheet>.+?)'?\.\$?[A-Z]{1,3}\$?(?P<row>\d{1,7})(?::|$)"
)
_ERROR = "#N/A"
_NUMBERS = ("float", "currency", "percentage")


def convert(file: SourceFile, *, max_cells: int = MAX_CELLS) -> list[Document]:
    """Return the documents of the visible sheets.

    Hidden rows, columns and sheets are left out, as is struck-out text.

    Raises:
        DocumentUnreadable: protected by a password, corrupt, or over `max_cells`.
    """
    package = Package(file)
    body = package.body("spreadsheet")
    reader = _Reader(package, CellAllowance(file.source, max_cells))
    visible: list[Any] = []
    for table in body.iterchildren(f"{TABLE}table"):
        if table.find(f"{TABLE}table-source") is not None:
            continue  # what another file said when it was last looked up
        if reader.is_hidden(table):
            reader.losses.hidden_sheets += 1
        else:
            visible.append(table)
    filtered = dict(_filtered(body))
    sheets: list[tuple[str | None, Table]] = []
    for table in visible:
        title = table.get(f"{TABLE}name", "")
        grid = reader.grid(table)
        if title in filtered:
            grid.header_rows.add(filtered[title])
        name: str | None = None
        if len(visible) > 1:
            name = title
        for one in grid.tables():
            sheets.append((name, one))
            name = None  # stands above the sheet's first table only
    return sheet_documents(file.source, sheets, notes=reader.notes())


def _filtered(body: Any) -> Iterator[tuple[str, int]]:
    """Yield name and row of each sheet where the columns that are named have filters."""
    for area in body.iter(f"{TABLE}database-range"):
        if is_on(area.get(f"{TABLE}display-filter-buttons")):
            found = _FIRST_ROW.match(area.get(f"{TABLE}target-range-address", ""))
            if found is not None:
                yield found["sheet"], int(found["row"])


class _Reader:
    """Reads the sheets of one file."""

    def __init__(self, package: Package, allowance: CellAllowance) -> None:
        self.losses = SheetLosses()
        self._source = package.source
        self._allowance = allowance
        self._texts = Losses()
        self._drawn: Counter[str] = Counter()
        self._markup = Markup(package, self._texts, self._on_unread)
        self._styles = self._markup.styles
        self._code = lru_cache(maxsize=None)(self._code_of)

    def is_hidden(self, table: Any) -> bool:
        """Return whether a sheet is not shown."""
        style = table.get(f"{TABLE}style-name")
        return self._styles.property("table", style, f"{TABLE}display") == "false"

    def notes(self) -> tuple[str, ...]:
        """Return the notes for the ingest report."""
        return (
            *self.losses.notes(),
            *self._texts.notes(),
            *drawing_notes(self._drawn),
        )

    def grid(self, table: Any) -> Grid:
        """Return the cells of a sheet.

        Raises:
            DocumentUnreadable: too many cells, or a place that no sheet has.
        """
        grid = Grid(self._allowance)
        columns = _Columns(table)
        lost: set[int] = set()
        merged: list[Area] = []
        number = 1
        for element, is_header in rows_of(table):
            copies = count_of(element.get(f"{TABLE}number-rows-repeated"), MAX_ROWS)
            row, bold = self._row(element, number, columns, lost, merged)
            if number + copies - 1 > MAX_ROWS and row:
                raise DocumentUnreadable(self._source, too_large())
            if row and not is_shown(element):
                self.losses.hidden_rows += copies
            elif row:
                for at in range(number, number + copies):
                    grid.add(at, list(row), bold)
                    if is_header:
                        grid.header_rows.add(at)
            number += copies
        for shape in table.iterfind(f"{TABLE}shapes/*"):
            self._shape(shape)
        grid.fill_merged(merged)
        self.losses.hidden_columns += len(lost)
        grid.remove_columns(columns.hidden)
        return grid

    def _row(
        self,
        element: Any,
        number: int,
        columns: _Columns,
        lost: set[int],
        merged: list[Area],
    ) -> tuple[Row, list[bool]]:
        """Return a row up to its last filled cell, and whether each filled one is bold.

        Args:
            lost: gets the numbers of hidden columns with something in them.
            merged: gets the places of merged cells.
        """
        row: Row = []
        bold: list[bool] = []
        row_style = element.get(f"{TABLE}default-cell-style-name")
        column = 1
        for cell in elements(element):
            copies = count_of(
                cell.get(f"{TABLE}number-columns-repeated"), MAX_COLUMNS + 1
            )
            if cell.tag == f"{TABLE}table-cell" and _is_filled(cell):
                style = cell.get(f"{TABLE}style-name") or row_style
                style = style or columns.style(column)
                is_lost = column in columns.hidden
                text = self._text(cell, style)
                if text and is_lost:
                    lost.add(column)
                elif text:
                    if column + copies - 1 > MAX_COLUMNS:
                        raise DocumentUnreadable(self._source, too_large())
                    row += [""] * (column - 1 - len(row)) + [text] * copies
                    bold.append(bool(self._styles.look("table-cell", style).bold))
                    merged += _merged(cell, column, number)
            column += copies
        return row, bold

    def _text(self, cell: Any, style: str | None) -> str:
        """Return a cell as it is shown."""
        look = self._styles.look("table-cell", style)
        written, struck = self._written(cell, look)
        kind = cell.get(f"{OFFICE}value-type")
        if cell.get(f"{CALCEXT}value-type") == "error":
            return _ERROR
        if kind is None and cell.get(f"{TABLE}formula") and not written:
            self.losses.formulas += 1
        if kind in (None, "string"):
            self.losses.struck += struck
            return shown_text(written, self._code(style) or "@").strip()
        if look.struck:
            self.losses.struck += 1
            return ""
        text = self._value(cell, kind, self._code(style), written)
        if look.raised == 1 and text.isdecimal():
            text = raised(text)
        return text

    def _written(self, cell: Any, look: Look) -> tuple[str, int]:
        """Return the text in a cell without what is struck out, and how often that is."""
        lines: list[str] = []
        struck = 0
        for child in elements(cell):
            if child.tag == f"{TEXT}p":
                line, number = self._markup.shown(child, look)
                lines.append(line)
                struck += number
            elif child.tag == f"{OFFICE}annotation":
                self._drawn["sheet's comment"] += 1
            elif child.tag.startswith(DRAW):
                self._shape(child)
        return "\n".join(lines).strip(), struck

    def _value(self, cell: Any, kind: str, code: str | None, written: str) -> str:
        """Return a value as its style shows it; where that is not sure, as written."""
        if kind == "boolean":
            return truth(is_on(cell.get(f"{OFFICE}boolean-value")))
        shown: str | None = None
        if kind in _NUMBERS:
            shown = _shown_number(cell.get(f"{OFFICE}value"), kind, code)
        elif kind == "date":
            shown = _shown_date(cell.get(f"{OFFICE}date-value", ""), code)
        elif kind == "time":
            shown = _shown_time(cell.get(f"{OFFICE}time-value", ""), code)
        return shown or written or cell.get(f"{OFFICE}value", "")

    def _code_of(self, style: str | None) -> str | None:
        """Return the format code of a cell's style, "" without one, None if no code is.

        What no code says is said as its program wrote it beside the value.
        """
        found = self._styles.numbers.get(self._styles.data_style(style))
        if found is None:
            return ""
        return code_of(found, self._styles.numbers)

    def _shape(self, shape: Any) -> None:
        """Count what a drawing on a sheet shows."""
        markup = self._markup.block(shape)
        if re.sub(r"<[^>]*>", "", markup).strip():
            self._drawn["text box"] += 1

    def _on_unread(self, kind: str, frame: Any) -> None:
        self._drawn[kind] += 1


class _Columns:
    """The columns of a sheet, by their number from 1."""

    def __init__(self, table: Any) -> None:
        self.hidden: set[int] = set()
        # the last of each group of columns, and the style of its cells
        self._ends: list[int] = []
        self._styles: list[str | None] = []
        at = 0
        for column in table.iter(f"{TABLE}table-column", f"{TABLE}table-row"):
            if column.tag == f"{TABLE}table-row":
                break
            width = count_of(column.get(f"{TABLE}number-columns-repeated"), MAX_COLUMNS)
            if not is_shown(column):
                self.hidden.update(range(at + 1, min(at + width, MAX_COLUMNS) + 1))
            at += width
            self._ends.append(at)
            self._styles.append(column.get(f"{TABLE}default-cell-style-name"))

    def style(self, number: int) -> str | None:
        """Return the style of the cells of a column that have none of their own."""
        at = bisect_left(self._ends, number)
        if at == len(self._ends):
            return None
        return self._styles[at]


def _is_filled(cell: Any) -> bool:
    """Return whether there is anything in a cell; in most there is nothing."""
    if len(cell) or cell.get(f"{OFFICE}value-type") is not None:
        return True
    return cell.get(f"{TABLE}formula") is not None


def _merged(cell: Any, column: int, row: int) -> list[Area]:
    width = count_of(cell.get(f"{TABLE}number-columns-spanned"), MAX_COLUMNS)
    height = count_of(cell.get(f"{TABLE}number-rows-spanned"), MAX_ROWS)
    if width == height == 1:
        return []
    return [(column, row, column + width - 1, row + height - 1)]


def _shown_number(value: str | None, kind: str, code: str | None) -> str | None:
    """Return a number by its code, or None if that does not say how it is shown."""
    try:
        number = float(value or "")
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    if code:
        return shown_number(number, code)
    if code == "" and kind == "float":
        return plain_number(number)
    return None


def _shown_date(value: str, code: str | None) -> str | None:
    try:
        moment = dt.datetime.fromisoformat(value).replace(tzinfo=None)
    except ValueError:
        return None
    if code is None:
        return None
    if not is_moment(code):
        return value.replace("T", " ").removesuffix(" 00:00:00")
    return shown_moment(moment, (moment - _DAY_0) / dt.timedelta(days=1), code)


def _shown_time(value: str, code: str | None) -> str | None:
    found = _DURATION.fullmatch(value)
    if found is None or found[1] or not code or not is_moment(code):
        return None
    days = (int(found[2]) + int(found[3]) / 60 + float(found[4]) / 3600) / 24
    try:
        moment = dt.datetime(1900, 1, 1) + dt.timedelta(days=days)
    except OverflowError:
        return None
    return shown_moment(moment, days, code)
