"""A line as it stands on a page, and what is usual in a document's lines. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from statistics import median
from typing import NamedTuple

HEADING_RATIO = 1.12  # a line set this much larger than the body is a heading
HEADING_CHARACTERS = 150

_DEEPEST_EM = 8  # a list is indented by less than this
_NARROWER = 0.8  # of the column's right edge: a quotation may be set this much narrower

HYPHEN = "\ufffe"  # where PDFium undid a line break after a hyphen
MARKER = re.compile(
    r"[-*•‣◦▪●·–\uf0b7]|\(?\d{1,3}[.)]?"
)  # alone in the first cell of two: a list, no table
ITEM = re.compile(r"^(?P<marker>[-*•‣◦▪●·–\uf0b7]|\(?\d{1,3}[.)])\s+(?=\S)")


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
    """The same text cut where a gap only may part two cells, for a table to confirm; () if that is `cells`."""

    @cached_property
    def text(self) -> str:
        """The whole line."""
        return " ".join(cell.text for cell in self.cells)

    @property
    def table_cells(self) -> tuple[Cell, ...]:
        """What are its cells if it is a row of a table."""
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
    """Where lines begin, in whole points, and the furthest to the right that one of them ends."""

    @classmethod
    def of(cls, lines: Sequence[Line]) -> Style:
        """Measure a document's lines; there must be one."""
        weights: Counter[bool] = Counter()
        for line in lines:
            weights[line.bold] += len(line.text)
        size = usual_size(lines)
        margin = 0.8 * max(
            line.right for line in lines
        )  # a line that ends beyond it was wrapped
        gaps = [
            before.bottom - line.bottom
            for before, line in pairwise(lines)
            if before.right > margin
            and len(before.cells) == 1
            and 0 < before.bottom - line.bottom < 3 * size
        ]
        larger = sorted(
            {line.size for line in lines if line.size >= size * HEADING_RATIO},
            reverse=True,
        )
        margins: dict[int, float] = {}
        for line in lines:
            margins[round(line.left)] = max(
                line.right, margins.get(round(line.left), 0.0)
            )
        return cls(
            size,
            weights[True] > weights[False],
            median(gaps) if gaps else size * 1.2,
            tuple(larger),
            margins,
        )

    def leaves_room(self, before: Line, line: Line) -> bool:
        """Whether an indented line was ended on purpose: the first word of the next would have fitted behind it.

        Browsers draw the points of a list as shapes, so that its short lines are all there is of it.
        """
        reach = range(
            round(line.left - _DEEPEST_EM * self.size), round(line.left - self.size)
        )
        column = [right for left, right in self.margins.items() if left in reach]
        if not column or before.left > line.left + 1:
            return False
        first = line.text.split(" ", 1)[0]
        needed = (line.right - line.left) * (len(first) + 1) / len(line.text)
        return before.right + needed < _NARROWER * max(column)

    def heading_level(self, line: Line) -> int:
        """1 for the largest size to 4; 0 for a line that is no heading."""
        if len(line.text) > HEADING_CHARACTERS or not any(
            character.isalpha() for character in line.text
        ):
            return 0
        if line.size in self.heading_sizes:
            return min(self.heading_sizes.index(line.size) + 1, 3)
        stands_out = (
            line.bold
            and not self.bold
            and line.size >= self.size
            and len(line.cells) == 1
        )
        if (
            stands_out
            and not line.text.endswith((".", ",", ";"))
            and not ITEM.match(line.text)
        ):
            return min(len(self.heading_sizes) + 1, 4)
        return 0


def usual_size(lines: Iterable[Line]) -> float:
    """The size in which most of the text is set; there must be a line."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    return sizes.most_common(1)[0][0]
