"""PDF files written by hand, object by object."""

import math
from collections.abc import Sequence
from pathlib import Path


def write_objects(path: Path, *objects: bytes, trailer: bytes = b"") -> Path:
    """A PDF of the objects given, numbered from 1; the first is the catalog."""
    body, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj%s endobj\n" % (number, content)
    size = len(objects) + 1
    table = b"xref\n0 %d\n0000000000 65535 f \n" % size + b"".join(
        b"%010d 00000 n \n" % at for at in offsets
    )
    end = b"trailer<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF" % (
        size,
        trailer,
        len(body),
    )
    path.write_bytes(body + table + end)
    return path


CATALOG = (b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>")


def drawn(
    x: float, y: float, text: str, *, angle: float = 0, bold: bool = False
) -> bytes:
    """Return the drawing of a text, 11 points high, turned to the left by some degrees."""
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    matrix = f"{cosine:.4f} {sine:.4f} {-sine:.4f} {cosine:.4f} {x} {y}"
    font = "B" if bold else "F"
    return f"BT /{font} 11 Tf {matrix} Tm ({text}) Tj ET\n".encode("latin-1")


def drawn_cells(
    rows: Sequence[Sequence[Sequence[str]]],
    lefts: Sequence[float],
    *,
    top: float = 700,
    gap: float = 0,
) -> bytes:
    """Return the drawing of a table, cell by cell; a cell is its lines."""
    content = b""
    for row in rows:
        for left, cell in zip(lefts, row, strict=True):
            for number, text in enumerate(cell):
                content += drawn(left, top - 14 * number, text)
        top -= 14 * max(map(len, row)) + gap
    return content


def drawn_lines(
    columns: Sequence[tuple[float, Sequence[str]]], top: float = 700
) -> bytes:
    """Return the drawing of columns, line by line across them; "" leaves a line out."""
    content = b""
    for number in range(max(len(lines) for _, lines in columns)):
        for left, lines in columns:
            if number < len(lines) and lines[number]:
                content += drawn(left, top - 14 * number, lines[number])
    return content


def write_page(
    path: Path,
    content: bytes,
    *more: bytes,
    page: bytes = b"",
    catalog: bytes = b"",
) -> Path:
    """Write a file of one page in fonts F and B.

    Args:
        content: drawings.
        more: objects, from number 7 on.
        page: entries of the page: `/Rotate 90`.
        catalog: entries of the catalog: `/AcroForm 7 0 R`.
    """
    return write_objects(
        path,
        b"<</Type/Catalog/Pages 2 0 R%s>>" % catalog,
        CATALOG[1],
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
        b"/Resources<</Font<</F 5 0 R/B 6 0 R>>>>%s>>" % page,
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold>>",
        *more,
    )
