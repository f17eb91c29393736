"""Tables on a page: lines whose cells stand below each other. Pure."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf
from statistics import mean
from typing import TypeAlias

from kbserver.ingest.formats.pdf.line import HYPHEN, Cell, Line, Style

_ROW_GAP = 1.2  # times the distance of two lines of one cell
_AIRY = 0.25  # of a table's lines begin a row, if gaps part its rows
_STICKS_OUT = (
    3.0  # points by which a cell may reach into the white gap beside its column
)
_MOST_LINES = (
    500  # of a table on one page; measuring it takes time with the square of them
)
_LEAST_LINES = 5  # of a column of text; fewer say too little about what they are
_LEAST_WORDS = 3  # in a line of it, on average
_GOES_ON = 0.5  # of its lines begin inside a sentence


@dataclass(frozen=True)
class Region:
    """Lines that make up one table, and the x between which its columns lie."""

    lines: list[Line]
    bounds: list[float]  # between neighbouring columns, one less than there are columns

    def rows(self, spacing: float) -> list[list[str]]:
        """The cells by row; a cell that was wrapped is whole again.

        Where rows stand further apart than the lines of a cell, that tells them apart; else a row begins with
        whatever stands in the first column. A gap now and then between lines that are all filled only groups rows.
        """
        parts = sorted(
            (-round(line.bottom), self.column(cell), cell.text)
            for line in self.lines
            for cell in line.table_cells
        )
        filled = self.filled()
        heights = sorted({height for height, _, _ in parts})
        airy = {
            after
            for before, after in pairwise(heights)
            if after - before > _ROW_GAP * spacing
        }
        whole = sum(
            len(filled[-height]) > len(self.bounds)
            for height in heights[1:]
            if height not in airy
        )
        if len(airy) < _AIRY * len(heights) and whole * 2 > len(heights) - len(airy):
            airy = set()
        starts = airy or {height for height, column, _ in parts if column == 0}
        rows: list[list[str]] = []
        for height in heights:
            if not rows or height in starts:
                rows.append([""] * (len(self.bounds) + 1))
            for at, column, text in parts:
                if at == height:
                    rows[-1][column] = f"{rows[-1][column]} {text}".strip()
        return rows

    def column(self, cell: Cell) -> int:
        """The middle of a cell lies in its column, whichever side the column is aligned to."""
        return bisect(self.bounds, (cell.left + cell.right) / 2)

    def with_line(self, line: Line) -> Region | None:
        """The table with one line more, or None if that line runs across its columns."""
        bounds = _bounds(
            [cell for one in (*self.lines, line) for cell in one.table_cells]
        )
        wider = Region([*self.lines, line], bounds)
        apart = len({wider.column(cell) for cell in line.table_cells}) == len(
            line.table_cells
        )
        return (
            wider
            if apart and len(bounds) >= len(self.lines[0].table_cells) - 1
            else None
        )

    def filled(self) -> dict[int, set[int]]:
        """The columns in which something stands, by height."""
        filled: dict[int, set[int]] = {}
        for line in self.lines:
            filled.setdefault(round(line.bottom), set()).update(
                self.column(cell) for cell in line.table_cells
            )
        return filled

    def ends_below_itself(self, spacing: float) -> bool:
        """Whether its last line is no row: it stands alone at the left, further down than a wrapped cell goes on."""
        filled = self.filled()
        if len(filled) < 2:
            return False
        last, above = sorted(filled)[:2]
        return (
            filled[last] == {0}
            and above - last > _ROW_GAP * spacing
            and round(self.lines[-1].bottom) == last
        )

    def columns(self, spacing: float) -> list[Line] | None:
        """The lines of text set in columns, one column after the other, or None if it is a table.

        A page drawn line by line across its columns looks like a table at first. But its lines follow each other at
        one distance, are long, and in every column most of them go on with the sentence of the line above.
        """
        width = len(self.bounds) + 1
        columns = [
            [
                (line, cell)
                for line in self.lines
                for cell in line.table_cells
                if self.column(cell) == at
            ]
            for at in range(width)
        ]
        heights = sorted(self.filled())
        if len(heights) < _LEAST_LINES or any(
            two - one > _ROW_GAP * spacing for one, two in pairwise(heights)
        ):
            return None
        if not all(_is_prose([cell.text for _, cell in column]) for column in columns):
            return None
        return [
            replace(
                line,
                cells=(cell._replace(text=_hyphenated(cell.text)),),
                parts=(),
                left=cell.left,
                right=cell.right,
            )
            for column in columns
            for line, cell in column
        ]


def _hyphenated(text: str) -> str:
    """Mark a hyphen at the end of a line as PDFium does where the next line comes next on the page."""
    return text[:-1] + HYPHEN if text.endswith("-") and text[-2:-1].isalpha() else text


def _is_prose(lines: Sequence[str]) -> bool:
    """Whether most lines go on in the next: a table's cells stand for themselves, wrapped ones for a line or two."""
    if (
        len(lines) < _LEAST_LINES
        or mean(len(line.split()) for line in lines) < _LEAST_WORDS
    ):
        return False
    goes_on = sum(other[:1].islower() for other in lines[1:])
    return goes_on >= _GOES_ON * (len(lines) - 1)


Piece: TypeAlias = Line | Region
"""What a page consists of once its tables are found."""


def with_tables(page: Sequence[Line], style: Style) -> Iterator[Piece]:
    """The lines of a page, those of each table put together."""
    at = 0
    while at < len(page):
        region = _table_at(page, at, style)
        if region is None:
            yield page[at]
            at += 1
        else:
            columns = region.columns(style.spacing)
            yield from [region] if columns is None else columns
            at += len(region.lines)


def _table_at(page: Sequence[Line], start: int, style: Style) -> Region | None:
    """The table whose first row is a given line, or None: it takes two heights with several aligned cells.

    Its cells may be drawn row by row or one after the other, and column names may be centred above them or missing.
    """
    first = page[start]
    if len(first.table_cells) < 2:
        return None
    region = Region([first], _bounds(first.table_cells))
    lowest = first.bottom
    for line, after in pairwise([*page[start + 1 : start + _MOST_LINES], None]):
        if line is None:
            break
        wider = region.with_line(line)
        beside = (
            after is not None
            and abs(after.bottom - line.bottom) < line.size
            and after.left > line.right
        )
        alone = len(line.table_cells) == 1 and not beside
        near = lowest - line.bottom <= (1.9 if alone else 3) * style.spacing
        below = line.bottom < first.bottom - 1
        announces = alone and (style.heading_level(line) > 0 or line.text.endswith(":"))
        if wider is None or not (near and below) or announces:
            break
        region, lowest = wider, min(lowest, line.bottom)
    while region.ends_below_itself(style.spacing):
        region = Region(
            region.lines[:-1],
            _bounds([cell for line in region.lines[:-1] for cell in line.table_cells]),
        )
    return (
        region
        if sum(len(columns) > 1 for columns in region.filled().values()) > 1
        else None
    )


def _bounds(cells: Iterable[Cell]) -> list[float]:
    """The x in the middle of each white gap that no cell crosses, but for a little that sticks out."""
    bounds: list[float] = []
    right = inf
    for cell in sorted(cells, key=lambda one: one.left):
        sticks_out = min(_STICKS_OUT, (cell.right - cell.left) / 4)
        if cell.left + sticks_out > right:
            bounds.append((right + cell.left + sticks_out) / 2)
        right = max(cell.right - sticks_out, -inf if right == inf else right)
    return bounds
