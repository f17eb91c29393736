"""Pieces of text found on a picture to lines in reading order. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean, median

from kbserver.ingest.formats.ocr.found import Found
from kbserver.ingest.formats.pdf.line import Cell, Line

UNSURE = "\ufffc"
"""Marks a word that may have been recognised wrongly, until `without_unsure`."""

_CELL_GAP = 0.9
"""Times the usual height of a piece; a wider gap separates two cells."""
_TEXT_HEIGHT = 0.75
"""Of the height of a piece: the box of an engine has some white around the letters."""
_LARGER = 1.5
"""Times the usual height: a heading. Boxes of one size differ by a third."""
_ON_LINE = 0.5
"""Of the height of a piece: the middles of two pieces of one line differ by less."""
_LEAST_PIECES = 4
"""Of a column of text."""
_LEAST_WORDS = 3.5
"""In a piece of a column of text, on average."""
_FEW_CROSS = 0.2
"""Of the pieces, at most, cross the white between two columns: titles."""
_TRIED = 24
"""Places at which the white between columns is looked for."""


def sureness(found: Sequence[Found]) -> float:
    """Return the mean confidence of all characters; 0 if there are none."""
    confidences = [sure for one in found for sure in one.confidences]
    if not confidences:
        return 0.0
    return fmean(confidences)


def lines_of(found: Sequence[Found], *, floor: float, points: float) -> list[Line]:
    """Return the lines in reading order; words that are not sure enough hold `UNSURE`.

    A word with a digit is as sure as its least sure character: one digit that is wrong
    is a wrong price. All other words are as sure as the characters of their piece on
    average.

    Args:
        found: in any order.
        floor: the least confidence of a word that may be spoken.
        points: of one pixel.
    """
    if not found:
        return []
    height = median(one.bottom - one.top for one in found)
    level = [one for one in _straight(found) if one.is_upright]
    rows = (row for group in _columns(level, height) for row in _rows(group))
    return [_line(row, height, points, floor) for row in rows]


def _straight(found: Sequence[Found]) -> list[Found]:
    """Return the pieces as on a page that was not laid askew on the scanner."""
    wide = sorted(found, key=lambda one: one.left - one.right)[: 1 + len(found) // 2]
    tilt = median(one.slope / max(one.right - one.left, 1.0) for one in wide)
    straight: list[Found] = []
    for one in found:
        # the box of a piece that sinks is taller than its text
        half = abs(one.slope) / 2
        down = tilt * (one.left + one.right) / 2
        straight.append(
            one._replace(top=one.top + half - down, bottom=one.bottom - half - down)
        )
    return straight


def _columns(found: Sequence[Found], height: float) -> Iterator[list[Found]]:
    """Yield the pieces of each column of text, as they are read.

    Cells of a table are short, and stay beside each other.
    """
    cut = _white(found)
    if cut is None:
        yield list(found)
        return
    band: list[Found] = []
    for one in sorted(found, key=lambda one: one.top):
        if one.left < cut < one.right:
            yield from _side_by_side(band, cut, height)
            band = []
            yield [one]
        else:
            band.append(one)
    yield from _side_by_side(band, cut, height)


def _side_by_side(
    band: Sequence[Found], cut: float, height: float
) -> Iterator[list[Found]]:
    left = [one for one in band if one.right <= cut]
    right = [one for one in band if one.right > cut]
    for side in (left, right):
        if side:
            yield from _columns(side, height)


def _white(found: Sequence[Found]) -> float | None:
    """Return where the white between two columns of text is, or None."""
    if len(found) < 2 * _LEAST_PIECES:
        return None
    start = min(one.left for one in found)
    end = max(one.right for one in found)
    best: tuple[int, float] | None = None
    for step in range(_TRIED // 5, _TRIED - _TRIED // 5):
        cut = start + (end - start) * step / _TRIED
        crossing = sum(one.left < cut < one.right for one in found)
        if crossing > _FEW_CROSS * len(found):
            continue
        left = [one for one in found if one.right <= cut]
        right = [one for one in found if one.left >= cut]
        if _is_text(left) and _is_text(right):
            best = min(best or (crossing, cut), (crossing, cut))
    if best is None:
        return None
    return best[1]


def _is_text(column: Sequence[Found]) -> bool:
    """Return whether pieces are lines of a text, and no cells."""
    if len(column) < _LEAST_PIECES:
        return False
    words = fmean(len(one.text.split()) for one in column)
    goes_on = sum(one.text[:1].islower() for one in column)
    return words >= _LEAST_WORDS and goes_on >= len(column) // 4


def _rows(found: Sequence[Found]) -> Iterator[list[Found]]:
    """Yield the pieces of each line, from top to bottom and left to right."""
    row: list[Found] = []
    for one in sorted(found, key=_middle):
        if row:
            middle = fmean(map(_middle, row))
            if _middle(one) - middle > _ON_LINE * min(map(_height, (*row, one))):
                yield sorted(row, key=lambda piece: piece.left)
                row = []
        row.append(one)
    if row:
        yield sorted(row, key=lambda piece: piece.left)


def _middle(one: Found) -> float:
    return (one.top + one.bottom) / 2


def _height(one: Found) -> float:
    return one.bottom - one.top


def _line(row: Sequence[Found], usual: float, points: float, floor: float) -> Line:
    """Put the pieces of a line together; those close to each other are one cell."""
    cells: list[Cell] = []
    right = 0.0
    least = 1.0
    for one in row:
        text, sure = _marked(one, floor)
        least = min(least, sure)
        if cells and one.left - right < _CELL_GAP * usual:
            before = cells[-1]
            cells[-1] = before._replace(
                text=f"{before.text} {text}", right=one.right * points
            )
        else:
            cells.append(Cell(text, one.left * points, one.right * points))
        right = one.right
    height = median(map(_height, row))
    size = usual
    if height > _LARGER * usual:
        size = round(height / usual) * usual
    middle = fmean(map(_middle, row))
    return Line(
        cells=tuple(cells),
        left=cells[0].left,
        right=cells[-1].right,
        top=-(middle - usual / 2) * points,
        bottom=-(middle + usual / 2) * points,
        size=round(size * _TEXT_HEIGHT * points, 1),
        confidence=least,
    )


def _marked(one: Found, floor: float) -> tuple[str, float]:
    """Return a piece's text, its unsure words marked, and the confidence of the rest."""
    usual = fmean(one.confidences)
    words: list[str] = []
    least = 1.0
    start = 0
    for word in one.text.split(" "):
        end = start + len(word)
        sure = usual
        if any(sign.isdigit() for sign in word):
            sure = min(one.confidences[start:end])
        if word and sure < floor:
            # behind the first sign: how a word begins and ends tells what it is
            word = word[:1] + UNSURE + word[1:]
        elif word:
            least = min(least, sure)
        words.append(word)
        start = end + 1
    return " ".join(" ".join(words).split()), round(least, 3)
