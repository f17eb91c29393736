"""Lines of a page, as PDFium would give them."""

from kbserver.ingest.formats.pdf.line import Cell, Line

CHARACTER = 5.5
"""Points."""


def cell(text: str, left: float) -> Cell:
    return Cell(text, left, left + CHARACTER * len(text))


def row(bottom: float, *cells: Cell, size: float = 11.0, bold: bool = False) -> Line:
    """Return a line of some cells, from left to right."""
    left, right = cells[0].left, cells[-1].right
    return Line(cells, left, right, bottom + size, bottom, size, bold)


def text_line(
    text: str,
    bottom: float,
    *,
    left: float = 72.0,
    size: float = 11.0,
    bold: bool = False,
) -> Line:
    return row(bottom, cell(text, left), size=size, bold=bold)


def paragraph(bottom: float, *texts: str, left: float = 72.0) -> list[Line]:
    """Return lines of one paragraph, 14 points apart."""
    return [
        text_line(text, bottom - 14 * number, left=left)
        for number, text in enumerate(texts)
    ]
