"""Tables on a page: lines whose cells stand below each other. Pure."""

from __future__ import annotations

import re
from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import mean
from typing import TypeAlias

from kbserver.ingest.formats.pdf.line import HYPHEN, Cell, Line, Style
from kbserver.ingest.formats.pdf.ruled import RuledTable

_ROW_GAP = 1.2
"""Times the distance of two lines of one cell."""
_AIRY = 0.25
"""Of a table's lines begin a row, if gaps separate its rows."""
_STICKS_OUT = 3.0
"""Points by which a cell may reach into the white gap beside its column."""
_MOST_LINES = 500
"""Of a table on one page; measuring it takes time with the square of them."""
_LEAST_LINES = 5
"""Of a column of text; fewer say too little about what they are."""
_LEAST_WORDS = 3
"""In a line of a column of text, on average."""
_FEWEST_LINES = 3
"""The same where every line is one of a sentence."""
_WORDS_OF_SENTENCES = 4
"""In a line of such a column, on average."""
_SOME_GO_ON = 0.25
"""Of its lines begin inside a sentence."""
_FLOWS = 0.8
"""Of its lines begin inside a sentence that is open, or where one ended."""
_LEAST_DRAWN = 4
"""Rows of a table drawn cell by cell, and those of them that show it."""
_MOST_IN_CELL = 12
"""Lines of one cell of it."""
_LOOK_AHEAD = 40
"""Lines in which a table drawn cell by cell shows it."""
_GOES_ON = 0.5
"""Of the lines of a column of text begin inside a sentence."""
_NEAR = 3
"""Times the distance of two lines: a row may stand this far below the one above."""
_NEAR_ALONE = 1.9
"""The same for a line with one cell, which may be a paragraph below the table."""


_ENDS_SENTENCE = re.compile(r"[.!?:][\"”»)]?$")


@dataclass(frozen=True)
class Region:
    """Lines that make up one table, and the x between which its columns lie."""

    lines: list[Line]
    bounds: list[float]
    """Between neighbouring columns, one less than there are columns."""

    @classmethod
    def of(cls, lines: list[Line]) -> Region:
        """Put lines together, and find their columns."""
        cells = [cell for line in lines for cell in line.table_cells]
        return cls(lines, _bounds(cells))

    def rows(self, spacing: float) -> list[list[str]]:
        """Return the cells by row; a cell that was wrapped is whole again.

        A page that is drawn cell by cell shows them. Where rows stand further apart than
        the lines of a cell, that tells them apart; else a row begins with whatever
        stands in the first column and does not go on in lower case.

        Args:
            spacing: from one line of a cell to the next, points.
        """
        if drawn := self.drawn_rows():
            return [self._cells(lines) for lines in drawn]
        # (height, column, text) from top to bottom; heights grow downwards here
        parts = sorted(
            (-round(line.bottom), self.column(cell), cell.text)
            for line in self.lines
            for cell in line.table_cells
        )
        heights = sorted({height for height, _, _ in parts})
        starts = self._airy_starts(heights, spacing)
        if not starts:
            starts = _starts_in_first(parts)
        rows: list[list[str]] = []
        for height in heights:
            if not rows or height in starts:
                rows.append([""] * (len(self.bounds) + 1))
            for at, column, text in parts:
                if at == height:
                    rows[-1][column] = f"{rows[-1][column]} {text}".strip()
        return rows

    def _cells(self, lines: Sequence[Line]) -> list[str]:
        """Return the cells of one row, whose lines stand in the order of drawing."""
        cells = [""] * (len(self.bounds) + 1)
        for line in lines:
            for cell in line.table_cells:
                at = self.column(cell)
                cells[at] = f"{cells[at]} {cell.text}".strip()
        return cells

    def drawn_rows(self) -> list[list[Line]]:
        """Return the lines of each row if the page draws the table cell by cell.

        It does where the second cell of a row begins beside the first line of a wrapped
        one: the drawing goes up and right, and back to the left for the next row.

        Returns:
            [] if it does not, or if that is not sure.
        """
        rows: list[list[Line]] = []
        rising: set[int] = set()
        last = -1
        for line in self.lines:
            column = self.column(line.table_cells[0])
            if column < last or not rows:
                rows.append([])
            elif column > last and _rises(rows[-1][-1], line):
                rising.add(len(rows))
            rows[-1].append(line)
            last = self.column(line.table_cells[-1])
        if not rising or len(rows) + len(rising) < _LEAST_DRAWN:
            return []
        for above, below in pairwise(rows):
            if _lowest(above) <= max(line.bottom for line in below):
                return []
        return rows

    def is_drawn(self, style: Style) -> bool:
        """Return whether it is a table drawn cell by cell, and no cards or columns.

        A card has a title above its text; a column of text has many lines.
        """
        rows = self.drawn_rows()
        if sum(len(self._columns_of(row)) > 1 for row in rows) < 2:
            return False
        for row in rows:
            cells: dict[int, list[Line]] = {}
            for line in row:
                cells.setdefault(self.column(line.table_cells[0]), []).append(line)
            for lines in cells.values():
                levels = {style.heading_level(line) > 0 for line in lines}
                if len(levels) > 1 or len(lines) > _MOST_IN_CELL:
                    return False
        return True

    def without_last_row(self) -> Region | None:
        """Return a table drawn cell by cell without a last row that has one cell.

        Returns:
            None if the last row has more.
        """
        rows = self.drawn_rows()
        if len(rows) < 2 or len(self._columns_of(rows[-1])) > 1:
            return None
        return Region.of(self.lines[: -len(rows[-1])])

    def _columns_of(self, lines: Sequence[Line]) -> set[int]:
        return {self.column(cell) for line in lines for cell in line.table_cells}

    def _airy_starts(self, heights: Sequence[int], spacing: float) -> set[int]:
        """Return the heights below a gap; none if the gaps only group rows.

        They group rows if there are few of them, and most other lines are filled.
        """
        airy = {
            below
            for above, below in pairwise(heights)
            if below - above > _ROW_GAP * spacing
        }
        filled = self.filled()
        whole = 0
        for height in heights[1:]:
            columns = filled[-height]
            if height not in airy and 0 in columns and len(columns) > 1:
                whole += 1
        others = len(heights) - len(airy)
        if len(airy) < _AIRY * len(heights) and whole * 2 > others:
            return set()
        return airy

    def column(self, cell: Cell) -> int:
        """Return the column of a cell: its middle lies there, however it is aligned."""
        return bisect(self.bounds, (cell.left + cell.right) / 2)

    def with_line(self, line: Line) -> Region | None:
        """Return the table with one more line; None if that runs across its columns."""
        wider = Region.of([*self.lines, line])
        columns = {wider.column(cell) for cell in line.table_cells}
        if len(columns) < len(line.table_cells):
            return None
        if len(wider.bounds) < len(self.lines[0].table_cells) - 1:
            return None
        return wider

    def filled(self) -> dict[int, set[int]]:
        """Return the columns in which something stands, by height."""
        filled: dict[int, set[int]] = {}
        for line in self.lines:
            columns = filled.setdefault(round(line.bottom), set())
            columns.update(self.column(cell) for cell in line.table_cells)
        return filled

    def is_table(self) -> bool:
        """Return whether several cells stand beside each other at two heights."""
        columns = self.filled().values()
        return sum(len(filled) > 1 for filled in columns) > 1

    def ends_below_itself(self, spacing: float) -> bool:
        """Return whether the last line is no row.

        It stands alone at the left, further down than a wrapped cell goes on.
        """
        filled = self.filled()
        if len(filled) < 2:
            return False
        last, above = sorted(filled)[:2]
        if round(self.lines[-1].bottom) != last or filled[last] != {0}:
            return False
        return above - last > _ROW_GAP * spacing

    def columns(self, spacing: float) -> list[Line] | None:
        """Return the lines of text set in columns, one column after the other.

        A page drawn line by line across its columns looks like a table at first. But
        its lines follow each other at one distance, are long, and in every column most
        of them go on with the sentence of the line above.

        Returns:
            None if it is a table.
        """
        if self.drawn_rows():
            return None
        columns: list[list[tuple[Line, Cell]]] = [
            [] for _ in range(len(self.bounds) + 1)
        ]
        for line in self.lines:
            for cell in line.table_cells:
                columns[self.column(cell)].append((line, cell))
        if self._has_common_gap(columns, spacing):
            return None
        if not all(_is_prose([cell.text for _, cell in column]) for column in columns):
            return None
        return [_only(cell, line) for column in columns for line, cell in column]

    def _has_common_gap(
        self, columns: Sequence[Sequence[tuple[Line, Cell]]], spacing: float
    ) -> bool:
        """Return whether rows stand apart: the lines of all columns, at one height."""
        airy: Counter[int] = Counter()
        for column in columns:
            for (above, _), (below, _) in pairwise(column):
                if above.bottom - below.bottom > _ROW_GAP * spacing:
                    airy[round(below.bottom)] += 1
        return any(number == len(columns) for number in airy.values())


def _only(cell: Cell, line: Line) -> Line:
    """Return a line with one of its cells only."""
    cell = cell._replace(text=_hyphenated(cell.text))
    return replace(line, cells=(cell,), parts=(), left=cell.left, right=cell.right)


def _hyphenated(text: str) -> str:
    """Mark a hyphen at a line's end as PDFium does where the next line follows."""
    if text.endswith("-") and text[-2:-1].isalpha():
        return text[:-1] + HYPHEN
    return text


def _is_prose(lines: Sequence[str]) -> bool:
    """Return whether lines follow each other as those of a text do.

    Most go on in lower case; or some do, and the others begin where a sentence ended.
    A table's cells stand for themselves, wrapped ones for a line or two. The fewer lines
    there are, the more they must say.
    """
    if len(lines) < _FEWEST_LINES:
        return False
    words = mean(len(line.split()) for line in lines)
    goes_on = sum(line[:1].islower() for line in lines[1:])
    share = goes_on / (len(lines) - 1)
    if words >= _LEAST_WORDS and len(lines) >= _LEAST_LINES and share >= _GOES_ON:
        return True
    if words < _WORDS_OF_SENTENCES or all(line.endswith("?") for line in lines):
        return False
    flows = [
        line[:1].islower() != bool(_ENDS_SENTENCE.search(before))
        for before, line in pairwise(lines)
    ]
    is_long = len(lines) >= _LEAST_LINES
    is_whole = is_long or bool(_ENDS_SENTENCE.search(lines[-1]))
    least = _SOME_GO_ON if is_long or all(flows) else _GOES_ON
    return is_whole and share >= least and sum(flows) >= _FLOWS * len(flows)


def _starts_in_first(parts: Sequence[tuple[int, int, str]]) -> set[int]:
    """Return the heights at which a row begins: something stands in the first column.

    A line whose cells all go on in lower case begins none, unless names in lower case
    are usual in the table.
    """
    first = {height: text for height, column, text in parts if column == 0}
    lower = [height for height, text in first.items() if text[:1].islower()]
    if 2 * len(lower) > len(first):
        return set(first)
    goes_on = {
        height
        for height in lower
        if all(
            text[:1].islower() or text.startswith("(")
            for at, _, text in parts
            if at == height
        )
    }
    return set(first) - goes_on


def _rises(before: Line, line: Line) -> bool:
    """Return whether a line is drawn at the right of another, and higher up."""
    return line.left > before.right and line.bottom > before.bottom + 0.5 * line.size


def _lowest(lines: Sequence[Line]) -> float:
    return min(line.bottom for line in lines)


Piece: TypeAlias = Line | Region
"""What a page consists of once its tables are found; a line may be a ruled table."""


def with_tables(page: Sequence[Line], style: Style) -> Iterator[Piece]:
    """Yield the lines of a page, those of each table put together."""
    between: list[Line] = []
    for line in page:
        if isinstance(line, RuledTable):
            yield from _with_tables(between, style)
            between = []
            yield line
        else:
            between.append(line)
    yield from _with_tables(between, style)


def _with_tables(page: Sequence[Line], style: Style) -> Iterator[Piece]:
    at = 0
    while at < len(page):
        region = _table_at(page, at, style)
        if region is None:
            yield page[at]
            at += 1
            continue
        columns = region.columns(style.spacing)
        if columns is None:
            yield region
        else:
            yield from columns
        at += len(region.lines)


def _table_at(page: Sequence[Line], start: int, style: Style) -> Region | None:
    """Return the table whose first row is a given line, or None.

    It takes two heights with several aligned cells. The cells may be drawn row by row
    or one after the other, and column names may be centred above them or missing.
    """
    drawn = _drawn_table_at(page, start, style)
    if drawn is not None:
        return drawn
    first = page[start]
    if len(first.table_cells) < 2:
        return None
    region = Region.of([first])
    lowest = first.bottom
    following = page[start + 1 : start + _MOST_LINES]
    for number, line in enumerate(following):
        alone = len(line.table_cells) == 1 and not _has_beside(following, number)
        reach = (_NEAR_ALONE if alone else _NEAR) * style.spacing
        if lowest - line.bottom > reach or line.bottom >= first.bottom - 1:
            break
        if alone and (style.heading_level(line) > 0 or line.text.endswith(":")):
            break  # it announces what comes below the table
        wider = region.with_line(line)
        if wider is None:
            break
        region = wider
        lowest = min(lowest, line.bottom)
    while region.ends_below_itself(style.spacing):
        region = Region.of(region.lines[:-1])
    if not region.is_table():
        return None
    return region


def _drawn_table_at(page: Sequence[Line], start: int, style: Style) -> Region | None:
    """Return the table drawn cell by cell that begins with a given line, or None.

    Its first cell may be one of several lines: the next cell then begins beside it.
    """
    first = page[start]
    near = page[start : start + _LOOK_AHEAD]
    if not any(_rises(*pair) for pair in pairwise(near)):
        return None
    if len(first.table_cells) < 2 and not _begins_row(near):
        return None
    region = Region.of([first])
    lowest = first.bottom
    before = first
    for line in page[start + 1 : start + _MOST_LINES]:
        if line.bottom > lowest and not _rises(before, line):
            same = (
                abs(line.bottom - before.bottom) < line.size
                and line.left > before.right
            )
            if not same and line.bottom >= before.bottom:
                break
        if (
            line.size in style.heading_sizes
            or lowest - line.bottom > _NEAR * style.spacing
        ):
            break
        wider = region.with_line(line)
        if wider is None:
            break
        region = wider
        lowest = min(lowest, line.bottom)
        before = line
    while (shorter := region.without_last_row()) is not None:
        region = shorter
    if not region.is_drawn(style):
        return None
    return region


def _begins_row(lines: Sequence[Line]) -> bool:
    """Return whether the first line begins a wrapped cell with another one beside it."""
    first = lines[0]
    for before, line in pairwise(lines):
        if _rises(before, line):
            return line.bottom > first.bottom - 0.5 * line.size
        if line.bottom >= before.bottom or len(line.table_cells) > 1:
            return False
    return False


def _has_beside(lines: Sequence[Line], number: int) -> bool:
    """Return whether the next line stands at the right of a line, at its height."""
    if number + 1 == len(lines):
        return False
    line, after = lines[number : number + 2]
    return abs(after.bottom - line.bottom) < line.size and after.left > line.right


def _bounds(cells: Iterable[Cell]) -> list[float]:
    """Return the x in the middle of each white gap that no cell crosses.

    A cell may stick out a little into the gap.
    """
    bounds: list[float] = []
    right: float | None = None
    for cell in sorted(cells, key=lambda one: one.left):
        sticks_out = min(_STICKS_OUT, (cell.right - cell.left) / 4)
        left = cell.left + sticks_out
        if right is None:
            right = cell.right - sticks_out
            continue
        if left > right:
            bounds.append((right + left) / 2)
        right = max(right, cell.right - sticks_out)
    return bounds
