"""PDF: PDFium gives the lines of each page, `page_layout` makes paragraphs, headings and tables of them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Document, title_from
from kbserver.ingest.formats.markdown import title_of
from kbserver.ingest.formats.pdf.layout import page_blocks
from kbserver.ingest.formats.pdf.line import HYPHEN, ITEM, MARKER, Cell, Line
from kbserver.ingest.formats.pdf.running_lines import without_running_lines
from kbserver.ingest.formats.pdf.streams import MAX_STREAM_BYTES, unpacks_to_too_much
from kbserver.ingest.formats.shared.source import SourceFile

MAX_PAGES = 5_000
MAX_SECONDS = 120.0  # a page takes about 5 ms; a file built to be slow is given up between two pages
CELL_GAP_EM = (
    1.2  # a wider gap inside a line separates cells; justified text stays below
)
TIGHT_GAP_EM = 0.6  # so does one this wide that no space was drawn into, if it stands out in its line (Word: 0.8)
STANDS_OUT = 2.5  # times the line's usual gap between two words
SPACE_EM = 0.35  # the widest space of a font
ANOTHER_HEIGHT_EM = 0.45  # words this far above each other are on two lines; a superscript is raised by less
MARKER_GAP_EM = 0.5  # after a number at the beginning of a line: that of a list item; a space is about 0.25

_LINE_BREAK = re.compile(
    rf"\r\n|\r|\n|(?<={HYPHEN})"
)  # a hyphenated word has PDFium leave out the break
_JUNK_TITLE = re.compile(
    r"^(?:microsoft |untitled|document\d*$|dokument\d*$)|\.(?:docx?|indd|pptx?|xlsx?|qxd|pdf|tex)$",
    re.I,
)


def convert(file: SourceFile) -> list[Document]:
    """Return one document in reading order, running headers and footers and page numbers taken out.

    PDFium is not thread-safe: convert PDFs in one thread of a process at a time.

    Raises:
        DocumentUnreadable: protected by a password, corrupt, a bomb, over 5,000 pages or two minutes, or only pictures.
    """
    if unpacks_to_too_much(file.path):
        raise DocumentUnreadable(
            file.source,
            f"a bomb: a stream of it unpacks to over {MAX_STREAM_BYTES // 1024**2} MiB",
        )
    try:
        pdf = pdfium.PdfDocument(file.path)
    except pdfium.PdfiumError as exc:
        reason = (
            "protected by a password"
            if getattr(exc, "err_code", None) == pdfium_c.FPDF_ERR_PASSWORD
            else "corrupt or not a PDF file"
        )
        raise DocumentUnreadable(file.source, reason) from exc
    try:
        if len(pdf) > MAX_PAGES:
            raise DocumentUnreadable(
                file.source,
                f"has {len(pdf):,} pages; at most {MAX_PAGES:,} are read: split it",
            )
        pages = list(_pages(pdf, file.source))
        given_title = " ".join(str(pdf.get_metadata_dict().get("Title", "")).split())
    finally:
        pdf.close()
    if not any(pages):
        raise DocumentUnreadable(
            file.source,
            "no text in it, only pictures: scanned? recognise its text first (OCR)",
        )
    kept, removed = without_running_lines(pages)
    blocks = page_blocks(kept)
    notes = (
        (f"removed {removed} running headers, footers and page numbers",)
        if removed
        else ()
    )
    title, rest = title_of(blocks)
    if title:
        blocks = rest
    elif given_title and not _JUNK_TITLE.search(given_title):
        title = given_title
    return [
        Document(
            file.source, title or title_from(file.source), tuple(blocks), {}, notes
        )
    ]


def _pages(pdf: pdfium.PdfDocument, source: str) -> Iterator[list[Line]]:
    give_up = time.monotonic() + MAX_SECONDS
    for number in range(len(pdf)):
        if time.monotonic() > give_up:
            raise DocumentUnreadable(
                source,
                f"page {number + 1} not reached in {MAX_SECONDS:.0f} s: split it",
            )
        try:
            page = pdf[number]
        except pdfium.PdfiumError as exc:
            raise DocumentUnreadable(source, f"page {number + 1} is corrupt") from exc
        text_page = page.get_textpage()
        try:
            yield list(_lines(text_page))
        finally:
            text_page.close()
            page.close()


def _lines(text_page: pdfium.PdfTextPage) -> Iterator[Line]:
    """PDFium's lines: text on one baseline, in the order in which the page draws it."""
    text = text_page.get_text_range()
    start = 0
    for found in [*_LINE_BREAK.finditer(text), None]:
        end = found.start() if found else len(text)
        yield from _lines_between(text_page, text, start, end)
        if found:
            start = found.end()


class _Gap(NamedTuple):
    """The space between two words of a line, in points."""

    at: int
    """Its place in the text."""
    left: float
    right: float
    drawn: bool
    """Whether the page has a space there; else PDFium saw that the words stand apart."""

    @property
    def width(self) -> float:
        return self.right - self.left


def _usual_width(gaps: Sequence[_Gap], size: float) -> float:
    """The line's gap between two words of one cell: a space, or what a justified line was stretched to."""
    widths = [gap.width for gap in gaps]
    if len(widths) > 1 and max(widths) < 1.15 * min(widths):
        return min(widths)
    return min([*widths, SPACE_EM * size])


def _lines_between(
    text_page: pdfium.PdfTextPage, text: str, start: int, end: int
) -> Iterator[Line]:
    """The line between two breaks; more than one where PDFium missed a break on the way up to a table's next cell."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start == end:
        return

    def box(at: int) -> tuple[float, float, float, float]:
        """(left, bottom, right, top) of one character, in points from the page's lower left corner."""
        index = pdfium_c.FPDFText_GetCharIndexFromTextIndex(text_page.raw, at)
        left, bottom, right, top = text_page.get_charbox(max(index, 0), loose=True)
        return left, bottom, right, top

    first, last = box(start), box(end - 1)
    middle = box((start + end) // 2) if not text[(start + end) // 2].isspace() else last
    size = round(max(middle[3] - middle[1], 0.1), 1)
    gaps = []
    for space in range(start + 1, end - 1):
        if text[space] == " ":
            before, at, after = box(space - 1), box(space), box(space + 1)
            if abs(before[1] - after[1]) > ANOTHER_HEIGHT_EM * size:
                yield from _lines_between(text_page, text, start, space)
                yield from _lines_between(text_page, text, space, end)
                return
            gaps.append(_Gap(space, before[2], after[0], drawn=at[2] > at[0]))
    usual = _usual_width(gaps, size)
    wide, maybe = [], []
    for gap in gaps:
        number = gap.at - start < 3 and text[start : gap.at].isdigit()
        if gap.width > (MARKER_GAP_EM if number else CELL_GAP_EM) * size:
            wide.append(gap.at)
        elif not gap.drawn and gap.width > max(TIGHT_GAP_EM * size, STANDS_OUT * usual):
            maybe.append(gap.at)

    def cells(cuts: Sequence[int]) -> tuple[Cell, ...]:
        spans = zip([start, *(cut + 1 for cut in cuts)], [*cuts, end], strict=True)
        return tuple(
            Cell(text[a:b].strip(), box(a)[0], box(b - 1)[2]) for a, b in spans
        )

    whole = cells(wide)
    if len(whole) == 2 and MARKER.fullmatch(whole[0].text):
        marker = whole[0].text + "." * whole[0].text.isdigit()
        whole = (Cell(f"{marker} {whole[1].text}", whole[0].left, whole[1].right),)
    index = pdfium_c.FPDFText_GetCharIndexFromTextIndex(
        text_page.raw, (start + end) // 2
    )
    yield Line(
        cells=whole,
        left=first[0],
        right=last[2],
        top=middle[3],
        bottom=middle[1],
        size=size,
        bold=pdfium_c.FPDFText_GetFontWeight(text_page.raw, index) >= 600,
        parts=cells(sorted([*wide, *maybe]))
        if maybe and not ITEM.match(text[start:end])
        else (),
    )
