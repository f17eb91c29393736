"""The body of an RTF document: paragraphs, lists and tables gathered to HTML."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from kbserver.ingest.formats.shared.structure import LABEL_END

MAX_TABLE_DEPTH = 10

_NEAR_TWIPS = 40
"""Edges of cells that lie less far apart are one: 0.7 mm."""
_MOST_LIST_DEPTH = 9
_MAX_CELLS = 200
"""Of one row; Word writes 63."""


class Paragraph(NamedTuple):
    """A paragraph that ended."""

    html: str
    tag: str = "p"
    """`p`, `li`, `title`, or `h1` to `h6`."""
    label: str = ""
    """The number that stands before it, "" for a bullet or nothing."""
    depth: int = 1
    """Of its list."""
    list_number: int = 0
    """The file's own number of that list."""


class Cell(NamedTuple):
    """How a cell is laid out."""

    right: int = 0
    """Its edge, in twips."""
    goes_on: str = ""
    """`left` or `above` if it is a part of the cell there."""


@dataclass
class RowLayout:
    """How a row is laid out, as far as that is said."""

    cells: list[Cell] = field(default_factory=list)
    is_header: bool = False
    goes_on: str = ""
    """Of the cell that is being described."""

    def end_cell(self, right: int) -> None:
        """End the description of a cell at its right edge."""
        if len(self.cells) < _MAX_CELLS:
            self.cells.append(Cell(right, self.goes_on))
        self.goes_on = ""


class _Row(NamedTuple):
    cells: list[str]
    layout: RowLayout


@dataclass
class _Table:
    rows: list[_Row] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    """Of the row that is being read."""


class Body:
    """Gathers the paragraphs of a text; those in tables by the depth of their table."""

    def __init__(self) -> None:
        self._parts: list[list[str]] = [[]]
        """By depth of table; the outermost is the text itself."""
        self._tables: list[_Table] = []
        self._open_lists = [0]
        self._list_number = 0

    def paragraph(self, paragraph: Paragraph, table_depth: int = 0) -> None:
        """Append a paragraph that stands in so many tables."""
        self._go_to(table_depth)
        if not paragraph.html and not paragraph.label:
            return
        text = paragraph.html
        if paragraph.label:
            text = f"{paragraph.label}{LABEL_END} {text}"
        parts = self._parts[-1]
        if paragraph.tag == "li":
            if paragraph.list_number != self._list_number and paragraph.depth == 1:
                self._to_list_depth(0)
            self._list_number = paragraph.list_number
            depth = min(paragraph.depth, _MOST_LIST_DEPTH)
            is_further = self._open_lists[-1] >= depth
            self._to_list_depth(depth)
            if is_further:
                parts.append("</li><li>")
            parts.append(text)
            return
        self._to_list_depth(0)
        if paragraph.tag == "title":
            parts.append(f"<h1 class='title'>{text}</h1>")
        else:
            parts.append(f"<{paragraph.tag}>{text}</{paragraph.tag}>")

    def end_cell(self, table_depth: int) -> None:
        """End a cell of a table of this depth, from 1."""
        self._go_to(table_depth)
        self._to_list_depth(0)
        self._tables[-1].cells.append("".join(self._parts[-1]))
        self._parts[-1].clear()

    def end_row(self, table_depth: int, layout: RowLayout) -> None:
        """End a row of a table of this depth, from 1."""
        self._go_to(table_depth)
        table = self._tables[-1]
        table.rows.append(_Row(table.cells, layout))
        table.cells = []

    def html(self) -> str:
        """Return all of it."""
        self._go_to(0)
        self._to_list_depth(0)
        return "".join(self._parts[0])

    def _go_to(self, table_depth: int) -> None:
        """End the tables that the text has left; begin those that it has come to."""
        depth = min(table_depth, MAX_TABLE_DEPTH)
        while len(self._tables) > depth:
            self._to_list_depth(0)
            table = self._tables.pop()
            rest = self._parts.pop()
            self._open_lists.pop()
            self._to_list_depth(0)
            self._parts[-1].append(_table_html(table.rows))
            # of a row that a damaged file never ends
            self._parts[-1] += [*table.cells, *rest]
        while len(self._tables) < depth:
            self._to_list_depth(0)
            self._tables.append(_Table())
            self._parts.append([])
            self._open_lists.append(0)

    def _to_list_depth(self, depth: int) -> None:
        """End lists, or begin some, each with an item."""
        while self._open_lists[-1] < depth:
            self._parts[-1].append("<ul><li>")
            self._open_lists[-1] += 1
        while self._open_lists[-1] > depth:
            self._parts[-1].append("</li></ul>")
            self._open_lists[-1] -= 1


def _table_html(rows: list[_Row]) -> str:
    """Return rows as a table; cells that end at other edges than most span columns."""
    edges = _edges(rows)
    # by column: where the cell stands that those below may go on
    above: dict[int, list[int]] = {}
    spans: list[list[list[int]]] = []
    for row in rows:
        column = 0
        spanned: list[list[int]] = []
        for at in range(len(row.cells)):
            layout = Cell()
            if at < len(row.layout.cells):
                layout = row.layout.cells[at]
            span = [_columns(edges, column, layout), 1]
            if layout.goes_on == "left" and spanned:
                spanned[-1][0] += span[0]
                column += span[0]
                spanned.append([0, 0])
                continue
            if layout.goes_on == "above" and column in above:
                above[column][1] += 1
                column += span[0]
                spanned.append([0, 0])
                continue
            above[column] = span
            column += span[0]
            spanned.append(span)
        spans.append(spanned)
    lines = [_row_html(row, spanned) for row, spanned in zip(rows, spans, strict=True)]
    return f"<table>{''.join(lines)}</table>"


def _row_html(row: _Row, spans: list[list[int]]) -> str:
    tag = "th" if row.layout.is_header else "td"
    cells = [
        f"<{tag} colspan='{width}' rowspan='{height}'>{text}</{tag}>"
        for text, (width, height) in zip(row.cells, spans, strict=True)
        if width
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _edges(rows: list[_Row]) -> list[int]:
    """Return the right edges of the columns; [] if all rows have as many cells."""
    if len({len(row.cells) for row in rows}) == 1:
        return []
    found: list[int] = []
    for edge in sorted({cell.right for row in rows for cell in row.layout.cells}):
        if not found or edge - found[-1] > _NEAR_TWIPS:
            found.append(edge)
    return found[:_MAX_CELLS]


def _columns(edges: list[int], column: int, layout: Cell) -> int:
    """Return how many columns a cell covers from the one where it begins."""
    covered = [edge for edge in edges[column:] if edge <= layout.right + _NEAR_TWIPS]
    return max(len(covered), 1)
