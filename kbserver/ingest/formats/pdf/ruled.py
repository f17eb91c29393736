"""Tables whose cells a page draws lines around: the lines say what belongs together. Pure."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kbserver.ingest.formats.pdf.line import Box, Cell, Line
from kbserver.ingest.formats.pdf.strokes import Strokes

_NEAR = 2.5
"""Points between the ends of lines that meet."""
_SAME = 3.0
"""Points; lines nearer to each other are one border."""
_MOST_STROKES = 1_500
"""Across or upright, of one page."""
_MOST_COLUMNS = 60
_MOST_ROWS = 400
_MOST_IN_CELL = 12
"""Text lines of one cell; a box with more frames a part of a page."""
_STICKS_OUT = 4.0
"""Points by which a text may reach over the border of its cell."""
_HEADER_ROWS = 3
_FEW_ROWS = 2
"""Between lines: one of names, and one of all others."""
_MOST_WORDS = 3
"""Of the name of a row, on average."""


@dataclass(frozen=True)
class RuledTable(Line):
    """A table, in the place of the first of its lines; its text is that of all cells."""

    table: tuple[tuple[str, ...], ...] = ()
    """Its cells by row; a merged one stands where it begins, the others are empty."""
    header_rows: int | None = None
    """Rows at the top that are bold, above some that are not."""


class _Stroke(NamedTuple):
    at: float
    """Height of a line across, or distance from the left of an upright one."""
    start: float
    end: float


def with_ruled_tables(lines: Sequence[Line], strokes: Strokes) -> list[Line]:
    """Return the lines of a page, those inside of each ruled table put together."""
    if not lines or len(strokes.across) < 2 or not strokes.upright:
        return list(lines)
    if max(len(strokes.across), len(strokes.upright)) > _MOST_STROKES:
        return list(lines)
    kept = list(lines)
    for grid in _grids(strokes):
        taken = grid.take(kept)
        if taken is not None:
            table, inside = taken
            first = min(inside)
            kept[first] = table
            kept = [
                line for at, line in enumerate(kept) if at == first or at not in inside
            ]
    return kept


class _Grid:
    """The borders of one table: where its columns and rows lie, and which are open."""

    def __init__(self, across: Sequence[_Stroke], upright: Sequence[_Stroke]) -> None:
        self._across = across
        self._upright = upright
        ends = [end for one in across for end in (one.start, one.end)]
        self.xs = _levels([one.at for one in upright] + [min(ends), max(ends)])
        ends = [end for one in upright for end in (one.start, one.end)]
        heights = [one.at for one in across] + [min(ends), max(ends)]
        self.ys = _levels(heights)

    @property
    def is_table(self) -> bool:
        """Whether it has two columns and two rows at least, and not too many."""
        columns, rows = len(self.xs) - 1, len(self.ys) - 1
        return 1 < columns <= _MOST_COLUMNS and 1 < rows <= _MOST_ROWS

    def take(self, lines: Sequence[Line]) -> tuple[RuledTable, set[int]] | None:
        """Return the table and the places of its lines; None if it holds no table."""
        areas = self._areas()
        texts: dict[tuple[int, int], list[tuple[Line, Cell]]] = {}
        inside: set[int] = set()
        for at, line in enumerate(lines):
            if not self._holds(line) or isinstance(line, RuledTable):
                continue
            inside.add(at)
            for cell in line.table_cells:
                area = areas[self._place(line, cell)]
                if cell.right > self._right_of(area, areas) + _STICKS_OUT:
                    return None
                texts.setdefault(area, []).append((line, cell))
        if not _is_table(texts):
            return None
        columns, rows = len(self.xs) - 1, len(self.ys) - 1
        table: list[tuple[str, ...]] = []
        few = len({row for row, _ in texts}) <= _FEW_ROWS
        for row in range(rows):
            cells = [texts.get((row, column), []) for column in range(columns)]
            heights = _rows_within(cells, least=2 if few else 3)
            table += (
                tuple(_text(cell, height) for cell in cells) for height in heights
            )
        filled = tuple(row for row in table if any(row))
        boxed = [lines[at] for at in sorted(inside)]
        return _ruled(filled, boxed, _bold_rows(texts, rows)), inside

    def _holds(self, line: Line) -> bool:
        middle = (line.bottom + line.top) / 2
        if not self.ys[0] < middle < self.ys[-1]:
            return False
        return self.xs[0] - _STICKS_OUT < line.left and (
            line.right < self.xs[-1] + _STICKS_OUT
        )

    def _place(self, line: Line, cell: Cell) -> tuple[int, int]:
        """Return row, from the top, and column in which a text's middle lies."""
        column = bisect(self.xs, (cell.left + cell.right) / 2) - 1
        row = len(self.ys) - 1 - bisect(self.ys, (line.bottom + line.top) / 2)
        return row, min(max(column, 0), len(self.xs) - 2)

    def _areas(self) -> dict[tuple[int, int], tuple[int, int]]:
        """Return of each row and column the first ones of the merged cell there."""
        columns, rows = len(self.xs) - 1, len(self.ys) - 1
        first: dict[tuple[int, int], tuple[int, int]] = {}
        for row in range(rows):
            bottom, top = self.ys[rows - 1 - row], self.ys[rows - row]
            for column in range(columns):
                left, right = self.xs[column], self.xs[column + 1]
                here = (row, column)
                if column and not _crosses(self._upright, left, (bottom + top) / 2):
                    here = first[row, column - 1]
                elif row and not _crosses(self._across, top, (left + right) / 2):
                    here = first[row - 1, column]
                first[row, column] = here
        return first

    def _right_of(
        self,
        area: tuple[int, int],
        areas: dict[tuple[int, int], tuple[int, int]],
    ) -> float:
        row, column = area
        while areas.get((row, column + 1)) == area:
            column += 1
        return self.xs[column + 1]


def _grids(strokes: Strokes) -> Iterator[_Grid]:
    """Yield the grids of a page: lines that meet, directly or by others."""
    across = _joined(_Stroke(b.bottom, b.left, b.right) for b in strokes.across)
    upright = _joined(_Stroke(b.left, b.bottom, b.top) for b in strokes.upright)
    group = list(range(len(across) + len(upright)))

    def root(at: int) -> int:
        while group[at] != at:
            group[at] = group[group[at]]
            at = group[at]
        return at

    for one, line in enumerate(across):
        for other, wall in enumerate(upright, start=len(across)):
            if _reaches(line, wall.at) and _reaches(wall, line.at):
                group[root(other)] = root(one)
    by_root: dict[int, tuple[list[_Stroke], list[_Stroke]]] = {}
    for at, stroke in enumerate((*across, *upright)):
        both = by_root.setdefault(root(at), ([], []))
        both[at >= len(across)].append(stroke)
    for some_across, some_upright in by_root.values():
        if some_across and some_upright:
            grid = _Grid(some_across, some_upright)
            if grid.is_table:
                yield grid


def _joined(strokes: Iterable[_Stroke]) -> list[_Stroke]:
    """Return lines, those that go on where another ends as one."""
    joined: list[_Stroke] = []
    for stroke in sorted(strokes, key=lambda one: (round(one.at), one.start)):
        last = joined[-1] if joined else None
        if (
            last is not None
            and abs(last.at - stroke.at) < _SAME / 2
            and stroke.start <= last.end + _NEAR
        ):
            joined[-1] = last._replace(end=max(last.end, stroke.end))
        else:
            joined.append(stroke)
    return joined


def _reaches(stroke: _Stroke, at: float) -> bool:
    return stroke.start - _NEAR <= at <= stroke.end + _NEAR


def _crosses(strokes: Sequence[_Stroke], at: float, middle: float) -> bool:
    return any(
        abs(one.at - at) < _SAME and one.start < middle < one.end for one in strokes
    )


def _levels(values: Iterable[float]) -> list[float]:
    """Return values in order, those that are nearly the same once."""
    levels: list[float] = []
    for value in sorted(values):
        if not levels or value - levels[-1] > _SAME:
            levels.append(value)
    return levels


def _is_table(texts: dict[tuple[int, int], list[tuple[Line, Cell]]]) -> bool:
    """Return whether two rows have two cells each, and none is a part of a page."""
    if any(len(cells) > _MOST_IN_CELL for cells in texts.values()):
        return False
    columns: dict[int, int] = {}
    for row, _ in texts:
        columns[row] = columns.get(row, 0) + 1
    return sum(number > 1 for number in columns.values()) > 1


def _rows_within(
    cells: Sequence[Sequence[tuple[Line, Cell]]], least: int
) -> Sequence[int | None]:
    """Return the heights of the rows that no line parts; [None] for a single row.

    There are some where each line of the other columns stands beside a short one of the
    first: a wrapped cell rarely is as long as all others.

    Args:
        least: so many rows.
    """
    filled = [cell for cell in cells if cell]
    if len(filled) < 2 or len(filled[0]) < least:
        return [None]
    by_column = [{round(line.bottom) for line, _ in cell} for cell in filled]
    first, *others = by_column
    words = sum(len(cell.text.split()) for _, cell in filled[0])
    if words > _MOST_WORDS * len(first) or len(first) < least:
        return [None]
    if not all(other <= first for other in others) or max(map(len, others)) < least:
        return [None]
    return sorted(first, reverse=True)


def _text(cells: Sequence[tuple[Line, Cell]], height: int | None = None) -> str:
    """Return the text of one cell from top to bottom, or what of it stands at a height."""
    ordered = sorted(cells, key=lambda one: (-round(one[0].bottom), one[1].left))
    return " ".join(
        cell.text
        for line, cell in ordered
        if height is None or round(line.bottom) == height
    )


def _bold_rows(
    texts: dict[tuple[int, int], list[tuple[Line, Cell]]], rows: int
) -> int | None:
    """Return how many rows at the top are bold, if there are some and others below."""
    bold = [True] * rows
    filled = [False] * rows
    for (row, _), cells in texts.items():
        filled[row] = True
        bold[row] = bold[row] and all(line.bold for line, _ in cells)
    weights = [bold[row] for row in range(rows) if filled[row]]
    height = weights.index(False) if False in weights else 0
    if not 0 < height <= _HEADER_ROWS:
        return None
    return height


def _ruled(
    table: tuple[tuple[str, ...], ...],
    lines: Sequence[Line],
    header_rows: int | None,
) -> RuledTable:
    box = Box(
        min(line.left for line in lines),
        min(line.bottom for line in lines),
        max(line.right for line in lines),
        max(line.top for line in lines),
    )
    text = " ".join(cell for row in table for cell in row if cell)
    sizes = sorted(line.size for line in lines)
    return RuledTable(
        cells=(Cell(text, box.left, box.right),),
        left=box.left,
        right=box.right,
        top=box.top,
        bottom=box.bottom,
        size=sizes[len(sizes) // 2],
        table=table,
        header_rows=header_rows,
    )
