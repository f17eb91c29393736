"""The lines of one page, with the place of every character, as PDFium reads them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from ctypes import PYFUNCTYPE, addressof, c_int, c_void_p, cast
from dataclasses import replace
from struct import Struct
from typing import NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from kbserver.ingest.formats.pdf.line import (
    HYPHEN,
    ITEM,
    MARKER,
    Box,
    Cell,
    Line,
    Turn,
)
from kbserver.ingest.formats.pdf.strokes import Strokes
from kbserver.ingest.formats.shared.raised import raised
from kbserver.ingest.formats.shared.signs import with_signs

CELL_GAP_EM = 1.2
"""A wider gap inside a line separates cells; justified text stays below."""
TIGHT_GAP_EM = 0.6
"""So does one this wide without a drawn space, if it stands out in its line."""
STANDS_OUT = 2.5
"""Times the line's usual gap between two words."""
SPACE_EM = 0.35
"""The widest space of a font."""
ANOTHER_HEIGHT_EM = 0.45
"""Words this far above each other are on two lines; a superscript is raised by less."""
MARKER_GAP_EM = 0.5
"""After a number at the start of a line: that of a list item; a space is about 0.25."""

_RAISED = 0.85
"""Of its neighbour's height, at most, is a raised digit."""
_RAISED_BY = 0.12
"""Of its neighbour's height, at least, it stands higher."""
_MIDDLE = (0.22, 0.62)
"""Between these parts of a letter's height runs a line that strikes it out."""
_STICKS_OUT_EM = 0.4
"""Such a line goes no further than this beyond the text."""
_WALL_EM = 1.4
"""A line between two cells is this long; the side of a box to tick is shorter."""
_STRUCK = "\ue0ff"
"""Stands for a character that is struck out."""

_LONGEST_NUMBER = 3
"""Characters of a list item's number."""
_BOLD_WEIGHT = 600

# PDFium leaves out the break after a hyphenated word.
_DIGITS = re.compile(r"(?<![\d.,/⁄-])\d+(?![\d.,]*\d|[/⁄])")
_RAISED_DIGITS = frozenset("⁰¹²³⁴⁵⁶⁷⁸⁹")
_ENDS_RAISED = re.compile(r"[⁰¹²³⁴-⁹]$")
_BEFORE_STOP = re.compile(r"(?<=[⁰¹²³⁴-⁹]) (?=[.,;:)])")
_LINE_BREAK = re.compile(rf"\r\n|\r|\n|(?<={HYPHEN})")
_END = re.compile(r"\Z")
_INDEX_OF = pdfium_c.FPDFText_GetCharIndexFromTextIndex
_BOX_OF = PYFUNCTYPE(c_int, c_void_p, c_int, c_void_p)(
    cast(pdfium_c.FPDFText_GetLooseCharBox, c_void_p).value or 0
)
"""By addresses: to check pointers of types takes as long as the call itself."""
_FIELDS = Struct("4f").unpack_from
"""Of an FS_RECTF: left, top, right, bottom."""
_QUARTER = math.pi / 2
_SLANTED = 0.1
"""Of a quarter of a turn; a scan that was put straight is less crooked."""


class _Gap(NamedTuple):
    """The space between two words of a line, in points."""

    at: int
    """Its place in the text."""
    left: float
    right: float
    width: float
    """From one word to the next."""


class PageText:
    """The text of one page, with the place of every character."""

    def __init__(
        self, text_page: pdfium.PdfTextPage, paper: Box, strokes: Strokes
    ) -> None:
        """Read the text of a page.

        Args:
            text_page: open for as long as this is asked.
            paper: the page.
            strokes: the straight lines on it.
        """
        self._page = text_page
        self._paper = paper
        self._strokes = strokes
        self._turned = strokes
        self.struck = 0
        """How many texts of lines that were read are struck out."""
        self._text = with_signs(text_page.get_text_range())
        is_whole = text_page.count_chars() == len(self._text)
        self._boxes = _Boxes(text_page, paper, is_whole=is_whole)

    def lines(self) -> dict[Turn, list[Line]]:
        """Return the lines, text on one baseline, by the way they are turned.

        Each is measured as if the page were turned so that it is upright.
        """
        lines: dict[Turn, list[Line]] = {}
        turned: dict[int, Strokes] = {0: self._strokes}
        start = 0
        ends = [(found.start(), found.end()) for found in self._breaks()]
        for end, after in ends:
            first, last = self._stripped(start, end)
            start = after
            if first == last:
                continue
            turn = self._turn_of(first)
            held = self._boxes.turn = turn or 0
            if held not in turned:
                turned[held] = self._strokes.turned(held, self._paper)
            self._turned = turned[held]
            lines.setdefault(turn, []).extend(self._lines_between(first, last))
        return {turn: _with_marks(some) for turn, some in lines.items()}

    def _breaks(self) -> Iterator[re.Match[str]]:
        """Yield the line breaks, and the end of the text."""
        yield from _LINE_BREAK.finditer(self._text)
        yield from _END.finditer(self._text)

    def _turn_of(self, at: int) -> Turn:
        """Return how the text at a character runs."""
        index = pdfium_c.FPDFText_GetCharIndexFromTextIndex(self._page.raw, at)
        angle = float(pdfium_c.FPDFText_GetCharAngle(self._page.raw, max(index, 0)))
        quarters = angle / _QUARTER
        if abs(quarters - round(quarters)) > _SLANTED:
            return None
        return round(quarters) % 4

    def _lines_between(self, start: int, end: int) -> list[Line]:
        """Return the line between two breaks.

        There are several where PDFium missed a break on the way up to a table's next
        cell.
        """
        lines: list[Line] = []
        spans = [(start, end)]
        while spans:
            start, end = self._stripped(*spans.pop())
            if start == end:
                continue
            at = self._missed_break(start, end)
            if at is None:
                self._raise_digits(start, end)
                if not self._strike_out(start, end):
                    lines.append(self._line(start, end))
            else:
                spans += [(at, end), (start, at)]
        return lines

    def _stripped(self, start: int, end: int) -> tuple[int, int]:
        """Return a span without the white space at its ends."""
        while start < end and self._text[start].isspace():
            start += 1
        while end > start and self._text[end - 1].isspace():
            end -= 1
        return start, end

    def _missed_break(self, start: int, end: int) -> int | None:
        """Return the first space with words at different heights around it, or None."""
        most = ANOTHER_HEIGHT_EM * self._size(start, end)
        boxes = self._boxes
        for at in self._spaces(start, end):
            if abs(boxes[at - 1].bottom - boxes[at + 1].bottom) > most:
                return at
        return None

    def _raise_digits(self, start: int, end: int) -> None:
        """Write the raised digits of a line as raised characters."""
        for found in _DIGITS.finditer(self._text, start, end):
            first, last = found.start(), found.end() - 1
            if not self._is_raised(last, first):
                first -= 1
                if first < start or not self._is_raised(last, first):
                    continue
            while not self._is_raised(first, last - 1) and self._is_raised(
                last, first + 1
            ):
                first += 1
            self._put(first + 1, raised(self._text[first + 1 : last + 1]))

    def _is_raised(self, at: int, beside: int) -> bool:
        """Return whether a character is smaller than another one and stands higher."""
        if at == beside or self._text[beside].isspace():
            return False
        one, other = self._boxes[at], self._boxes[beside]
        height = other.top - other.bottom
        if one.top - one.bottom > _RAISED * height:
            return False
        return one.bottom - other.bottom > _RAISED_BY * height

    def _strike_out(self, start: int, end: int) -> bool:
        """Take out what a line runs through; say whether that is all of a line."""
        for stroke in self._near(start, self._turned.across):
            struck = [
                at
                for at in range(start, end)
                if not self._is_blank(at) and self._is_through(stroke, at)
            ]
            if not struck:
                continue
            first, last = struck[0], struck[-1]
            most = _STICKS_OUT_EM * self._size(start, end)
            left, right = self._boxes[first].left - most, self._boxes[last].right + most
            if first - start > 1:
                left = min(left, self._boxes[first - 2].right)
            if end - last > 2:
                right = max(right, self._boxes[last + 2].left + 1)
            if last == first or stroke.left < left or stroke.right > right:
                continue
            self.struck += 1
            self._put(first, _STRUCK * (last + 1 - first))
        return not self._text[start:end].replace(_STRUCK, "").strip()

    def _is_blank(self, at: int) -> bool:
        """Return whether a character is white space, or struck out already."""
        return self._text[at].isspace() or self._text[at] == _STRUCK

    def _near(self, at: int, strokes: Sequence[Box]) -> list[Box]:
        """Return the lines at the height of a character."""
        if not strokes:
            return []
        box = self._boxes[at]
        return [
            stroke
            for stroke in strokes
            if stroke.top > box.bottom and stroke.bottom < box.top
        ]

    def _is_through(self, stroke: Box, at: int) -> bool:
        box = self._boxes[at]
        low, high = (box.bottom + part * (box.top - box.bottom) for part in _MIDDLE)
        middle = (box.left + box.right) / 2
        is_in_the_middle = low < (stroke.bottom + stroke.top) / 2 < high
        return is_in_the_middle and stroke.left < middle < stroke.right

    def _put(self, at: int, text: str) -> None:
        """Write a text over as many characters."""
        self._text = f"{self._text[:at]}{text}{self._text[at + len(text) :]}"

    def _line(self, start: int, end: int) -> Line:
        """Return the text of a span as one line."""
        text = self._text[start:end]
        size = self._size(start, end)
        middle = self._middle(start, end)
        wide, maybe = self._cuts(start, end)
        parts: tuple[Cell, ...] = ()
        if maybe and not ITEM.match(text):
            parts = self._cells(start, end, sorted([*wide, *maybe]))
        return Line(
            cells=_with_marker(self._cells(start, end, wide)),
            left=self._boxes[start].left,
            right=self._boxes[end - 1].right,
            top=middle.top,
            bottom=middle.bottom,
            size=size,
            bold=self._weight((start + end) // 2) >= _BOLD_WEIGHT,
            parts=parts,
        )

    def _cuts(self, start: int, end: int) -> tuple[list[int], list[int]]:
        """Return the places of the gaps that separate cells, and of those that may."""
        size = self._size(start, end)
        gaps = [self._gap(at) for at in self._spaces(start, end)]
        walls = [
            wall
            for wall in self._near(start, self._turned.upright)
            if wall.top - wall.bottom > _WALL_EM * size
        ]
        tight = max(TIGHT_GAP_EM * size, STANDS_OUT * _usual_width(gaps, size))
        wide: list[int] = []
        maybe: list[int] = []
        for gap in gaps:
            least = CELL_GAP_EM * size
            is_near = gap.at - start < _LONGEST_NUMBER
            if is_near and self._text[start : gap.at].isdigit():
                least = MARKER_GAP_EM * size
            if gap.width > least or (walls and _has_wall(gap, walls)):
                wide.append(gap.at)
            elif gap.width > tight and not self._is_drawn(gap.at):
                maybe.append(gap.at)
        return wide, maybe

    def _spaces(self, start: int, end: int) -> list[int]:
        """Return the places of the spaces between the words of a span."""
        return [at for at in range(start + 1, end - 1) if self._text[at] == " "]

    def _gap(self, at: int) -> _Gap:
        left = self._boxes[at - 1].right
        right = self._boxes[at + 1].left
        return _Gap(at, left, right, right - left)

    def _is_drawn(self, at: int) -> bool:
        """Return whether the page has a space at a gap.

        Else PDFium saw that the words stand apart.
        """
        space = self._boxes[at]
        return space.right > space.left

    def _cells(self, start: int, end: int, cuts: Sequence[int]) -> tuple[Cell, ...]:
        """Return a span as cells, cut at some places."""
        cells: list[Cell] = []
        for cut in (*cuts, end):
            text = self._text[start:cut].strip()
            if _STRUCK in text:
                text = " ".join(text.replace(_STRUCK, "").split())
            text = _BEFORE_STOP.sub("", text)
            left = self._boxes[start].left
            if text:
                cells.append(Cell(text, left, self._boxes[cut - 1].right))
            start = cut + 1
        return tuple(cells)

    def _size(self, start: int, end: int) -> float:
        """Return the font size of a span, in points."""
        middle = self._middle(start, end)
        return round(max(middle.top - middle.bottom, 0.1), 1)

    def _middle(self, start: int, end: int) -> Box:
        """Return the box of the middle character, or of the last if that is a space.

        Raised digits say nothing about their line.
        """
        at = (start + end) // 2
        if not self._text[at].isspace():
            return self._boxes[at]
        at = end - 1
        while at > start and self._text[at] in _RAISED_DIGITS:
            at -= 1
        return self._boxes[at]

    def _weight(self, at: int) -> int:
        """Return the font weight of a character: 400 is regular, 700 bold."""
        index = pdfium_c.FPDFText_GetCharIndexFromTextIndex(self._page.raw, at)
        return int(pdfium_c.FPDFText_GetFontWeight(self._page.raw, index))


class _Boxes(dict[int, Box]):
    """The boxes of a page's characters by their place in its text.

    PDFium is asked for each once; that takes most of the time of a page.
    """

    def __init__(
        self, text_page: pdfium.PdfTextPage, paper: Box, *, is_whole: bool
    ) -> None:
        """Ask for none yet.

        Args:
            is_whole: the text leaves out no character of the page, so the place of one
                is its index.
        """
        super().__init__()
        self._page = text_page.raw
        self._handle = cast(self._page, c_void_p).value
        self._paper = paper
        self._is_whole = is_whole
        self._rect = pdfium_c.FS_RECTF()
        self._place = addressof(self._rect)
        self.turn = 0
        """How the text is turned that is asked for."""

    def __missing__(self, at: int) -> Box:
        index = at
        if not self._is_whole:
            index = max(_INDEX_OF(self._page, at), 0)
        if not _BOX_OF(self._handle, index, self._place):
            raise pdfium.PdfiumError(f"no place of character {at}")
        left, top, right, bottom = _FIELDS(self._rect)
        box = Box(left, bottom, right, top)
        if self.turn:
            box = box.turned(self.turn, self._paper)
        self[at] = box
        return box


def _with_marks(lines: Sequence[Line]) -> list[Line]:
    """Return the lines, raised digits that PDFium took for one with the line they touch."""
    joined: list[Line] = []
    for line in lines:
        before = joined[-1] if joined else None
        if before is not None and _is_mark_of(before, line):
            first, *others = line.cells
            text = f"{raised(before.text)} {first.text}"
            cells = (first._replace(text=text), *others)
            joined[-1] = replace(line, cells=cells, parts=())
        elif before is not None and _is_mark_of(line, before):
            *others, last = before.cells
            last = last._replace(text=last.text + raised(line.text), right=line.right)
            joined[-1] = replace(
                before, cells=(*others, last), parts=(), right=line.right
            )
        elif before is not None and _goes_on(before, line):
            joined[-1] = _together(before, line)
        else:
            joined.append(line)
    return joined


def _is_mark_of(mark: Line, line: Line) -> bool:
    """Return whether a line is only raised digits that touch another one."""
    if len(mark.text) > 2 or not mark.text.isdecimal():
        return False
    if mark.size > _RAISED * line.size or not line.bottom < mark.bottom < line.top:
        return False
    gap = max(mark.left - line.right, line.left - mark.right)
    return -1 < gap < TIGHT_GAP_EM * line.size


def _goes_on(before: Line, line: Line) -> bool:
    """Return whether PDFium broke a line behind raised digits."""
    if _ENDS_RAISED.search(before.text) is None:
        return False
    gap = line.left - before.right
    is_level = abs(line.bottom - before.bottom) < 0.1 * line.size
    return is_level and -1 < gap < CELL_GAP_EM * line.size


def _together(before: Line, line: Line) -> Line:
    """Return two lines that PDFium broke as one."""
    *cells, last = before.cells
    first, *others = line.cells
    joint = " " if line.left - before.right > 0.1 * line.size else ""
    cells.append(Cell(f"{last.text}{joint}{first.text}", last.left, first.right))
    return replace(before, cells=(*cells, *others), parts=(), right=line.right)


def _usual_width(gaps: Sequence[_Gap], size: float) -> float:
    """Return the line's gap between two words of one cell.

    It is a space, or what a justified line was stretched to.
    """
    widths = [gap.width for gap in gaps]
    if len(widths) > 1 and max(widths) < 1.15 * min(widths):
        return min(widths)
    return min([*widths, SPACE_EM * size])


def _has_wall(gap: _Gap, walls: Sequence[Box]) -> bool:
    """Return whether an upright line stands in a gap."""
    return any(gap.left - 1 < wall.left < gap.right + 1 for wall in walls)


def _with_marker(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """Return the cells of a line, those of a list item as one: `1.` and its text."""
    if len(cells) != 2 or not MARKER.fullmatch(cells[0].text):
        return cells
    first, second = cells
    marker = first.text
    if marker.isdigit():
        marker += "."
    return (Cell(f"{marker} {second.text}", first.left, second.right),)
