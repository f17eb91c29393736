"""Excel workbooks: every visible sheet as tables; a FAQ sheet's rows become documents."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import openpyxl

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Document, counted
from kbserver.ingest.formats.shared.archive import open_checked_zip
from kbserver.ingest.formats.shared.sheet import sheet_documents
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.table import Table

MAX_CELLS = 2_000_000
"""Up to the last filled one of each row; a sheet may claim 17 billion."""
MAX_ROWS = 1_048_576
"""Of a sheet, empty ones included; no program writes more.

Source: Excel specifications and limits (Microsoft).
"""
MAX_COLUMNS = 16_384

_Row = list[str]


def convert(file: SourceFile, *, max_cells: int = MAX_CELLS) -> list[Document]:
    """Return the documents of the visible sheets.

    Cells are read as Excel last computed them, not as formulas.

    Raises:
        DocumentUnreadable: protected by a password, corrupt, or over `max_cells`.
    """
    open_checked_zip(file.path, file.source).close()
    workbook = openpyxl.load_workbook(
        file.path, read_only=True, data_only=True, keep_links=False
    )
    try:
        visible = [
            sheet for sheet in workbook.worksheets if sheet.sheet_state == "visible"
        ]
        hidden = len(workbook.worksheets) - len(visible)
        sheets: list[tuple[str | None, Table]] = []
        left = max_cells
        for sheet in visible:
            rows: list[_Row] = []
            for row in _rows(sheet, file.source):
                left -= len(row)
                if left < 0:
                    reason = f"over {max_cells:,} cells; split it"
                    raise DocumentUnreadable(file.source, reason)
                rows.append(row)
            name = sheet.title if len(visible) > 1 else None
            for table in _tables(rows):
                sheets.append((name, table))
                name = None  # stands above the sheet's first table only
    finally:
        workbook.close()
    notes: tuple[str, ...] = ()
    if hidden:
        notes = (f"left out {counted(hidden, 'hidden sheet')}",)
    return sheet_documents(file.source, sheets, notes=notes)


def _rows(sheet: Any, source: str) -> Iterator[_Row]:
    """Yield the rows of a sheet without the empty cells at their ends.

    Of empty rows that follow each other, of which a few bytes may claim a million, one
    is yielded.

    Raises:
        DocumentUnreadable: more rows or columns than a sheet can have.
    """
    # some programs store wrong dimensions, and rows would be missing
    sheet.reset_dimensions()
    last: _Row = []
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        if number > MAX_ROWS or len(cells) > MAX_COLUMNS:
            at_most = f"{MAX_ROWS:,} rows and {MAX_COLUMNS:,} columns"
            reason = f"a sheet of over {at_most}: damaged; save it anew"
            raise DocumentUnreadable(source, reason)
        row = [_shown(cell) for cell in cells]
        while row and not row[-1]:
            row.pop()
        if row or last:
            yield row
        last = row


def _tables(rows: Sequence[_Row]) -> list[Table]:
    """Return the tables of a sheet, which blank rows separate.

    Blank columns at the left are cut off. A row with one cell that stands alone above
    a table is its caption.
    """
    groups: list[list[_Row]] = [[]]
    for row in rows:
        group = groups[-1]
        is_caption = len(group) == 1 and sum(map(bool, group[0])) == 1
        if any(row):
            group.append(row)
        elif group and not is_caption:
            groups.append([])
    return [_unindented(group) for group in groups if group]


def _unindented(rows: Sequence[_Row]) -> Table:
    indent = min(_first_filled(row) for row in rows)
    return Table([row[indent:] for row in rows])


def _first_filled(row: _Row) -> int:
    return next(at for at, cell in enumerate(row) if cell)


def _shown(cell: Any) -> str:
    """Return a cell as it is read out: `2026-12-31`, `19.99`, `25%`, `yes`."""
    value = cell.value
    if value is None:
        return ""
    if value is True:
        return "yes"
    if value is False:
        return "no"
    if isinstance(value, dt.datetime):
        if value.time() == dt.time():
            return value.date().isoformat()
        return value.isoformat(sep=" ", timespec="minutes")
    if isinstance(value, dt.time):
        return value.isoformat(timespec="minutes")
    if isinstance(value, int | float):
        return _number(value, str(cell.number_format or ""))
    return str(value).strip()


def _number(value: int | float, number_format: str) -> str:
    """Return a number with the percent or currency sign of its format."""
    pattern = number_format.split(";", 1)[0]
    if "%" in pattern:
        return f"{round(value * 100, 2):g}%"
    for sign in "$€£¥":
        if sign in pattern:
            return f"{sign}{_amount(value)}"
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(value)


def _amount(value: int | float) -> str:
    if isinstance(value, float) and value != int(value):
        return f"{value:.2f}"
    return f"{value:g}"
