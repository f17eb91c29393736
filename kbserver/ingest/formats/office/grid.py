"""The cells of a spreadsheet as they are shown, and the tables that they make."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import counted, not_spoken
from kbserver.ingest.formats.office.running import is_fact, shortened
from kbserver.ingest.formats.shared.table import Table

MAX_CELLS = 2_000_000
"""Up to the last filled one of each row; a sheet may claim 17 billion."""

MAX_ROWS = 1_048_576
"""Of a sheet, empty ones included; no program writes more.

Source: Excel specifications and limits (Microsoft).
"""
MAX_COLUMNS = 16_384

_MOST_HEADER_ROWS = 3

_SAID_IN_CELLS = ("chart", "sheet's comment")
"""A chart draws what cells say; a comment is not meant for callers."""

Area = tuple[int, int, int, int]
"""Left, top, right and bottom of a merged cell, each from 1."""
Row = list[str]


@dataclass
class SheetLosses:
    """What a reader of the workbook sees and a caller does not hear, and why."""

    struck: int = 0
    formulas: int = 0
    hidden_rows: int = 0
    hidden_columns: int = 0
    hidden_sheets: int = 0
    formats: set[str] = field(default_factory=set)
    margins: dict[str, None] = field(default_factory=dict)
    """Texts of the headers and footers of printed pages."""

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
        for text in self.margins:
            if not is_fact(text):
                notes.append(f"left out the header or footer “{shortened(text)}”")
        for code in sorted(self.formats):
            notes.append(
                f"the number format {code!r} is not understood: values are raw"
            )
        return tuple(notes)


def drawing_notes(numbers: Mapping[str, int]) -> Iterator[str]:
    """Yield a note on each kind of thing that stands on sheets and is not read."""
    for thing, number in numbers.items():
        what = counted(number, thing)
        instead = "say in cells what callers need"
        if number and thing in _SAID_IN_CELLS:
            yield f"left out {what}; {instead}"
        elif number:
            yield not_spoken(what, instead)


def too_large() -> str:
    """Return the reason why a sheet with a cell at such a place is not read."""
    at_most = f"{MAX_ROWS:,} rows and {MAX_COLUMNS:,} columns"
    return f"a sheet of over {at_most}: damaged; save it anew"


class CellAllowance:
    """The cells that a file may still have."""

    def __init__(self, source: str, most: int = MAX_CELLS) -> None:
        """Begin with all of them.

        Args:
            source: named by the error.
        """
        self._source = source
        self._most = most
        self._left = most

    def take(self, number: int) -> None:
        """Use some up.

        Raises:
            DocumentUnreadable: there are not so many left.
        """
        self._left -= number
        if self._left < 0:
            reason = f"over {self._most:,} cells; split it"
            raise DocumentUnreadable(self._source, reason)


class Grid:
    """The visible cells of one sheet, row by row."""

    def __init__(self, allowance: CellAllowance) -> None:
        """Begin with none."""
        self._allowance = allowance
        self.rows: dict[int, Row] = {}
        """By their number, from 1; each up to its last filled cell."""
        self.header_rows: set[int] = set()
        """Numbers of rows that name columns: all bold, or above a filter."""

    def add(self, number: int, row: Row, bold: Sequence[bool]) -> None:
        """Add a row.

        Args:
            bold: whether each filled cell is.

        Raises:
            DocumentUnreadable: the file has too many cells.
        """
        self._allowance.take(len(row))
        if row:
            self.rows[number] = row
        if bold and all(bold):
            self.header_rows.add(number)

    def fill_merged(self, areas: Iterable[Area]) -> None:
        """Write the text of each merged cell into all places that it covers.

        Raises:
            DocumentUnreadable: the file has too many cells.
        """
        width = max(map(len, self.rows.values()), default=0)
        for left, top, right, bottom in areas:
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
            self._allowance.take(max(right - len(row), 0))
            row += [""] * (right - len(row))
            for at in range(left - 1, right):
                row[at] = row[at] or text

    def remove_columns(self, columns: Collection[int]) -> None:
        """Remove columns, given by their numbers."""
        if not columns:
            return
        for number, row in self.rows.items():
            self.rows[number] = [
                cell
                for column, cell in enumerate(row, start=1)
                if column not in columns
            ]

    def tables(self) -> Iterator[Table]:
        """Yield the tables of the sheet, which blank rows separate.

        Blank columns at the left are cut off. A row with one cell that stands alone
        above a table is its caption.
        """
        group: list[int] = []
        before = 0
        for number in sorted(number for number, row in self.rows.items() if any(row)):
            texts = set(self.rows[group[0]]) - {""} if len(group) == 1 else set()
            is_below_caption = len(texts) == 1
            if group and number > before + 1 and not is_below_caption:
                yield self._table(group)
                group = []
            group.append(number)
            before = number
        if group:
            yield self._table(group)

    def _table(self, numbers: Sequence[int]) -> Table:
        rows = [self.rows[number] for number in numbers]
        indent = min(_first_filled(row) for row in rows)
        columns = [
            number for number in numbers if len(set(self.rows[number]) - {""}) > 1
        ]
        height = 0
        while height < len(columns) and columns[height] in self.header_rows:
            height += 1
        header_rows: int | None = height
        if not 0 < height <= _MOST_HEADER_ROWS or height == len(columns):
            header_rows = None
        return Table([row[indent:] for row in rows], header_rows)


def _first_filled(row: Row) -> int:
    return next(at for at, cell in enumerate(row) if cell)
