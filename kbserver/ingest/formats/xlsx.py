"""Excel workbooks: every visible sheet as a table; a FAQ sheet's rows become documents."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import openpyxl

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Document, counted
from kbserver.ingest.formats.shared.archive import open_checked_zip
from kbserver.ingest.formats.shared.sheet import sheet_documents
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.table import Table

MAX_CELLS = 2_000_000  # filled ones; a sheet may claim 17 billion


def convert(file: SourceFile) -> list[Document]:
    """Return the documents of the visible sheets: values as Excel last computed them, not formulas.

    Raises:
        DocumentUnreadable: protected by a password, corrupt, or over two million cells.
    """
    open_checked_zip(file.path, file.source).close()
    workbook = openpyxl.load_workbook(
        file.path, read_only=True, data_only=True, keep_links=False
    )
    try:
        shown = [
            sheet for sheet in workbook.worksheets if sheet.sheet_state == "visible"
        ]
        hidden = len(workbook.worksheets) - len(shown)
        left = MAX_CELLS
        sheets: list[tuple[str | None, Table]] = []
        for sheet in shown:
            sheet.reset_dimensions()  # some writers store wrong ones, and rows would be missing
            rows: list[list[str]] = []
            for row in sheet.iter_rows():
                cells = [_shown(cell) for cell in row]
                while cells and not cells[-1]:
                    cells.pop()
                left -= len(cells)
                if left < 0:
                    raise DocumentUnreadable(
                        file.source, f"over {MAX_CELLS:,} cells; split it"
                    )
                rows.append(cells)
            for number, table in enumerate(_tables(rows)):
                sheets.append(
                    (sheet.title if len(shown) > 1 and number == 0 else None, table)
                )
    finally:
        workbook.close()
    notes = (f"left out {counted(hidden, 'hidden sheet')}",) if hidden else ()
    return sheet_documents(file.source, sheets, notes=notes)


def _tables(rows: Sequence[list[str]]) -> list[Table]:
    """The tables of a sheet: blank rows part them, blank columns at the left are cut off. A line that stands
    alone above a table is its caption."""
    groups: list[list[list[str]]] = [[]]
    for row in rows:
        alone = len(groups[-1]) == 1 and sum(map(bool, groups[-1][0])) == 1
        if any(row):
            groups[-1].append(row)
        elif groups[-1] and not alone:
            groups.append([])
    tables = []
    for group in filter(None, groups):
        indent = min(next(at for at, cell in enumerate(row) if cell) for row in group)
        tables.append(Table([row[indent:] for row in group]))
    return tables


def _shown(cell: Any) -> str:
    """A cell as a person would read it out: `2026-12-31`, `19.99`, `25%`, `yes`."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ", timespec="minutes")
    if isinstance(value, dt.time):
        return value.isoformat(timespec="minutes")
    if isinstance(value, int | float):
        return _number(value, str(cell.number_format or ""))
    return str(value).strip()


def _number(value: int | float, number_format: str) -> str:
    pattern = number_format.split(";", 1)[0]
    if "%" in pattern:
        return f"{round(value * 100, 2):g}%"
    text = f"{value:.10g}" if isinstance(value, float) else str(value)
    for sign in "$€£¥":
        if sign in pattern:
            money = (
                f"{value:.2f}"
                if isinstance(value, float) and value != int(value)
                else f"{value:g}"
            )
            return f"{sign}{money}"
    return text
