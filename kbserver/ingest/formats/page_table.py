"""Tables on a page: lines whose cells stand below each other. Pure."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from kbserver.ingest.formats.page_line import Cell, Line, Style


@dataclass(frozen=True)
class Region:
    """Lines that make up one table, and the x between which its columns lie."""

    lines: list[Line]
    bounds: list[float]  # between neighbouring columns, one less than there are columns

    def rows(self, spacing: float) -> list[list[str]]:
        """The cells by row; a cell that was wrapped is whole again.

        Where rows stand further apart than the lines of a cell, that tells them apart; else a row begins with
        whatever stands in the first column.
        """
        parts = sorted(
            (-round(line.bottom), self.column(cell), cell.text) for line in self.lines for cell in line.cells
        )
        heights = sorted({height for height, _, _ in parts})
        airy = {after for before, after in pairwise(heights) if after - before > 1.2 * spacing}
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
            yield region
            at += len(region.lines)


def _table_at(page: Sequence[Line], start: int, style: Style) -> Region | None:
    """The table whose first row is a given line, or None: it takes two lines of several aligned cells."""
    first = page[start]
    if len(first.cells) < 2:
        return None
    bounds = [(one.right + other.left) / 2 for one, other in pairwise(first.cells)]
    region = Region([first], bounds)
    lowest = first.bottom
    for line in page[start + 1 :]:
        columns = [region.column(cell) for cell in line.cells]
        fits = len(set(columns)) == len(columns) and all(
            cell.left > (first.cells[column - 1].left + 6 if column else first.left - 3)
            and (column == len(bounds) or cell.right < first.cells[column + 1].left + 6)
            for cell, column in zip(line.cells, columns, strict=True)
        )
        near = lowest - line.bottom <= (3 if len(columns) > 1 else 1.9) * style.spacing
        below = line.bottom < first.bottom - 1
        if not (fits and near and below) or (len(columns) == 1 and style.heading_level(line)):
            break
        region.lines.append(line)
        lowest = min(lowest, line.bottom)
    return region if sum(len(line.cells) > 1 for line in region.lines) > 1 else None
