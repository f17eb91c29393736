"""A line as it stands on a page, and what is usual in a document's lines. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from statistics import median
from typing import NamedTuple, TypeAlias

from kbserver.ingest.blocks import least

HEADING_RATIO = 1.12
"""A line set this much larger than the body is a heading."""
HEADING_CHARACTERS = 150

_DEEPEST_EM = 8
"""A list is indented by less than this."""
_NARROWER = 0.8
"""Of the column's right edge: a quotation may be set this much narrower."""
_WRAPPED = 0.8
"""Of the furthest line: a line that ends beyond it was wrapped."""
_SPACING_EM = 1.2
"""Of lines in a document without a wrapped line."""

_ROOMY_EM = 1.8
"""Of lines further apart, one that ends a sentence may end a paragraph."""
HYPHEN = "\ufffe"
"""Where PDFium undid a line break after a hyphen."""
MARKER = re.compile(r"[-*•‣◦▪●·–]|\(?\d{1,3}[.)]?")
"""Alone in the first cell of two: a list, no table."""
ITEM = re.compile(r"^(?P<marker>[-*•‣◦▪●·–]|\(?\d{1,3}[.)])\s+(?=\S)")


Turn: TypeAlias = int | None
"""Quarters of a turn, clockwise, by which text is turned; None if it is slanted."""


class Box(NamedTuple):
    """Where something stands, in points from the page's lower left corner."""

    left: float
    bottom: float
    right: float
    top: float

    def turned(self, turn: int, paper: Box) -> Box:
        """Return where it stands once a page with text turned so is held upright.

        Args:
            turn: 1 to 3 quarters.
            paper: the page.
        """
        left, bottom, right, top = self
        if turn == 1:
            return Box(
                paper.top - top,
                left - paper.left,
                paper.top - bottom,
                right - paper.left,
            )
        if turn == 2:
            return Box(
                paper.right - right,
                paper.top - top,
                paper.right - left,
                paper.top - bottom,
            )
        return Box(
            bottom - paper.bottom,
            paper.right - right,
            top - paper.bottom,
            paper.right - left,
        )


class Cell(NamedTuple):
    """Text between two wide gaps of a line."""

    text: str
    left: float
    right: float


@dataclass(frozen=True)
class Line:
    """One line of a page; lengths in points, y grows upwards."""

    cells: tuple[Cell, ...]
    """From left to right; ordinary lines have one."""
    left: float
    right: float
    top: float
    bottom: float
    size: float
    bold: bool = False
    parts: tuple[Cell, ...] = ()
    """The text cut where a gap only may separate two cells, for a table to confirm.

    () if that is `cells`.
    """
    confidence: float | None = None
    """With which it was recognised on a picture; None if the page says it as text."""

    def lowered(self, down: float) -> Line:
        """Return the line some points further down."""
        return replace(self, top=self.top - down, bottom=self.bottom - down)

    @cached_property
    def text(self) -> str:
        """The whole line."""
        return " ".join(cell.text for cell in self.cells)

    @property
    def table_cells(self) -> tuple[Cell, ...]:
        """Its cells if it is a row of a table."""
        return self.parts or self.cells


@dataclass(frozen=True)
class Style:
    """What is usual in a document."""

    size: float
    """Of most of the text, points."""
    bold: bool
    spacing: float
    """From one line of a paragraph to the next, points."""
    heading_sizes: tuple[float, ...]
    """Those clearly above the usual one, largest first."""
    margins: dict[int, float]
    """Where lines begin, in whole points, and the furthest that one of them ends."""

    @classmethod
    def of(cls, lines: Sequence[Line]) -> Style:
        """Measure a document's lines; there must be one."""
        size = usual_size(lines)
        weights: Counter[bool] = Counter()
        margins: dict[int, float] = {}
        for line in lines:
            weights[line.bold] += len(line.text)
            left = round(line.left)
            margins[left] = max(line.right, margins.get(left, 0.0))
        larger = {line.size for line in lines if line.size >= size * HEADING_RATIO}
        return cls(
            size=size,
            bold=weights[True] > weights[False],
            spacing=_usual_spacing(lines, size),
            heading_sizes=tuple(sorted(larger, reverse=True)),
            margins=margins,
        )

    def leaves_room(self, before: Line, line: Line) -> bool:
        """Return whether an indented line ended although the next word had fitted.

        Browsers draw the points of a list as shapes, so that short lines are all that
        tells its items apart.
        """
        nearest = round(line.left - self.size)
        furthest = round(line.left - _DEEPEST_EM * self.size)
        column = [
            right for left, right in self.margins.items() if furthest <= left < nearest
        ]
        if not column or before.left > line.left + 1:
            return False
        first = line.text.split(" ", 1)[0]
        needed = (line.right - line.left) * (len(first) + 1) / len(line.text)
        return before.right + needed < _NARROWER * max(column)

    def heading_level(self, line: Line) -> int:
        """Return 1 for the largest size to 4; 0 for a line that is no heading."""
        has_letters = any(character.isalpha() for character in line.text)
        if len(line.text) > HEADING_CHARACTERS or not has_letters:
            return 0
        if line.size in self.heading_sizes:
            return min(self.heading_sizes.index(line.size) + 1, 3)
        if not self._stands_out(line) or line.text.endswith((".", ",", ";")):
            return 0
        if ITEM.match(line.text):
            return 0
        return min(len(self.heading_sizes) + 1, 4)

    def _stands_out(self, line: Line) -> bool:
        """Return whether a line is bold in a document that is not."""
        if not line.bold or self.bold:
            return False
        return line.size >= self.size and len(line.cells) == 1


def least_confidence(lines: Iterable[Line]) -> float | None:
    """Return the lowest confidence of some lines; None if all are text."""
    return least(line.confidence for line in lines)


def usual_size(lines: Iterable[Line]) -> float:
    """Return the size in which most of the text is set; there must be a line."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    [(size, _)] = sizes.most_common(1)
    return size


def _usual_spacing(lines: Sequence[Line], size: float) -> float:
    """Return the distance from a wrapped line to the next, points."""
    margin = _WRAPPED * max(line.right for line in lines)
    gaps: list[float] = []
    for before, line in pairwise(lines):
        gap = before.bottom - line.bottom
        is_wrapped = before.right > margin and len(before.cells) == 1
        may_end = before.text.endswith((".", "!", "?")) and line.text[:1].isupper()
        if may_end and gap > _ROOMY_EM * size:
            continue  # perhaps the next paragraph
        if is_wrapped and 0 < gap < 3 * size:
            gaps.append(gap)
    if not gaps:
        return size * _SPACING_EM
    return median(gaps)
