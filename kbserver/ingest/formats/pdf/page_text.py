"""The lines of one page, with the place of every character, as PDFium reads them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
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

_LONGEST_NUMBER = 3
"""Characters of a list item's number."""
_BOLD_WEIGHT = 600

# PDFium leaves out the break after a hyphenated word.
_LINE_BREAK = re.compile(rf"\r\n|\r|\n|(?<={HYPHEN})")
_END = re.compile(r"\Z")
_INDEX_OF = pdfium_c.FPDFText_GetCharIndexFromTextIndex
_BOX_OF = pdfium_c.FPDFText_GetLooseCharBox
_QUARTER = math.pi / 2
_SLANTED = 0.1
"""Of a quarter of a turn; a scan that was put straight is less crooked."""


class _Gap(NamedTuple):
    """The space between two words of a line, in points."""

    at: int
    """Its place in the text."""
    left: float
    right: float
    is_drawn: bool
    """Whether the page has a space there; else PDFium saw that the words stand apart."""

    @property
    def width(self) -> float:
        """From one word to the next."""
        return self.right - self.left


class PageText:
    """The text of one page, with the place of every character."""

    def __init__(self, text_page: pdfium.PdfTextPage, paper: Box) -> None:
        self._page = text_page
        self._text = with_signs(text_page.get_text_range())
        is_whole = text_page.count_chars() == len(self._text)
        self._boxes = _Boxes(text_page, paper, is_whole=is_whole)

    def lines(self) -> dict[Turn, list[Line]]:
        """Return the lines, text on one baseline, by the way they are turned.

        Each is measured as if the page were turned so that it is upright.
        """
        lines: dict[Turn, list[Line]] = {}
        start = 0
        ends = [(found.start(), found.end()) for found in self._breaks()]
        for end, after in ends:
            first, last = self._stripped(start, end)
            start = after
            if first == last:
                continue
            turn = self._turn_of(first)
            self._boxes.turn = turn or 0
            lines.setdefault(turn, []).extend(self._lines_between(first, last))
        return lines

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
        for at in self._spaces(start, end):
            before = self._boxes[at - 1]
            after = self._boxes[at + 1]
            if abs(before.bottom - after.bottom) > most:
                return at
        return None

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
        tight = max(TIGHT_GAP_EM * size, STANDS_OUT * _usual_width(gaps, size))
        wide: list[int] = []
        maybe: list[int] = []
        for gap in gaps:
            least = CELL_GAP_EM * size
            is_near = gap.at - start < _LONGEST_NUMBER
            if is_near and self._text[start : gap.at].isdigit():
                least = MARKER_GAP_EM * size
            if gap.width > least:
                wide.append(gap.at)
            elif not gap.is_drawn and gap.width > tight:
                maybe.append(gap.at)
        return wide, maybe

    def _spaces(self, start: int, end: int) -> list[int]:
        """Return the places of the spaces between the words of a span."""
        return [at for at in range(start + 1, end - 1) if self._text[at] == " "]

    def _gap(self, at: int) -> _Gap:
        space = self._boxes[at]
        left = self._boxes[at - 1].right
        right = self._boxes[at + 1].left
        return _Gap(at, left, right, is_drawn=space.right > space.left)

    def _cells(self, start: int, end: int, cuts: Sequence[int]) -> tuple[Cell, ...]:
        """Return a span as cells, cut at some places."""
        cells: list[Cell] = []
        for cut in (*cuts, end):
            text = self._text[start:cut].strip()
            left = self._boxes[start].left
            cells.append(Cell(text, left, self._boxes[cut - 1].right))
            start = cut + 1
        return tuple(cells)

    def _size(self, start: int, end: int) -> float:
        """Return the font size of a span, in points."""
        middle = self._middle(start, end)
        return round(max(middle.top - middle.bottom, 0.1), 1)

    def _middle(self, start: int, end: int) -> Box:
        """Return the box of the middle character, or of the last if that is a space."""
        at = (start + end) // 2
        if self._text[at].isspace():
            at = end - 1
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
        self._paper = paper
        self._is_whole = is_whole
        self._rect = pdfium_c.FS_RECTF()
        self.turn = 0
        """How the text is turned that is asked for."""

    def __missing__(self, at: int) -> Box:
        index = at
        if not self._is_whole:
            index = max(_INDEX_OF(self._page, at), 0)
        rect = self._rect
        if not _BOX_OF(self._page, index, rect):
            raise pdfium.PdfiumError(f"no place of character {at}")
        box = Box(rect.left, rect.bottom, rect.right, rect.top)
        if self.turn:
            box = box.turned(self.turn, self._paper)
        self[at] = box
        return box


def _usual_width(gaps: Sequence[_Gap], size: float) -> float:
    """Return the line's gap between two words of one cell.

    It is a space, or what a justified line was stretched to.
    """
    widths = [gap.width for gap in gaps]
    if len(widths) > 1 and max(widths) < 1.15 * min(widths):
        return min(widths)
    return min([*widths, SPACE_EM * size])


def _with_marker(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """Return the cells of a line, those of a list item as one: `1.` and its text."""
    if len(cells) != 2 or not MARKER.fullmatch(cells[0].text):
        return cells
    first, second = cells
    marker = first.text
    if marker.isdigit():
        marker += "."
    return (Cell(f"{marker} {second.text}", first.left, second.right),)
