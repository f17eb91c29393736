"""PDF: PDFium reads the lines of each page, `layout` makes blocks of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Document, title_from
from kbserver.ingest.formats.markdown import title_of
from kbserver.ingest.formats.ocr.lines import UNSURE
from kbserver.ingest.formats.ocr.recognised import (
    DPI,
    POINTS,
    Recognised,
    recognised,
)
from kbserver.ingest.formats.ocr.unsure import without_unsure
from kbserver.ingest.formats.office.running import fact_blocks, said_at_the_end
from kbserver.ingest.formats.pdf.fields import fields_of, with_values
from kbserver.ingest.formats.pdf.layout import page_blocks
from kbserver.ingest.formats.pdf.line import Box, Line, Turn
from kbserver.ingest.formats.pdf.page_text import PageText
from kbserver.ingest.formats.pdf.ruled import with_ruled_tables
from kbserver.ingest.formats.pdf.running_lines import facts_in, without_running_lines
from kbserver.ingest.formats.pdf.streams import MAX_STREAM_BYTES, unpacks_to_too_much
from kbserver.ingest.formats.pdf.strokes import Strokes, strokes_of
from kbserver.ingest.formats.pdf.unread import (
    PageUnread,
    attachments,
    page_unread,
    reason_of_no_text,
    unread_notes,
)
from kbserver.ingest.formats.shared.source import Ocr, SourceFile

MAX_PAGES = 5_000

_LONGEST_SIDE = 3_400
"""Pixels of a page that is recognised; a larger one is read smaller."""
_UPSIDE_DOWN = 180
_BESIDE_EM = 3
"""Text that is turned another way than most of its page comes this far below it."""
_JUNK_TITLE = re.compile(
    r"^(?:microsoft |\(?untitled|\(?(?:anonymous|unspecified)\)?$|do[ck]ument\d*$)"
    r"|\.(?:docx?|indd|pptx?|xlsx?|qxd|pdf|tex)$",
    re.I,
)


def convert(file: SourceFile) -> list[Document]:
    """Return one document in reading order, without running headers and page numbers.

    PDFium is not thread-safe: convert PDFs in one thread of a process at a time.

    Raises:
        DocumentUnreadable: protected by a password, corrupt, a bomb, over 5,000 pages,
            or only pictures.
    """
    if unpacks_to_too_much(file):
        limit = f"{MAX_STREAM_BYTES // 1024**2} MiB"
        reason = f"a bomb: a stream of it unpacks to over {limit}"
        raise DocumentUnreadable(file.source, reason)
    pdf = _open(file)
    try:
        if len(pdf) > MAX_PAGES:
            reason = f"has {len(pdf):,} pages; at most {MAX_PAGES:,} are read: split it"
            raise DocumentUnreadable(file.source, reason)
        pages: list[list[Line]] = []
        unread: list[PageUnread] = []
        for lines, missing in read_pages(pdf, file):
            pages.append(lines)
            unread.append(missing)
        attached = attachments(pdf)
        given_title = " ".join(str(pdf.get_metadata_dict().get("Title", "")).split())
    finally:
        pdf.close()
    if not any(pages):
        raise DocumentUnreadable(file.source, reason_of_no_text(unread))
    kept, removed = without_running_lines(pages)
    notes = [*unread_notes(unread), *attached]
    if removed:
        notes.append(f"removed {removed} running headers, footers and page numbers")
    shown = facts_in(pages, kept)
    facts = [text for text in shown if UNSURE not in text]
    notes += said_at_the_end("running line", facts)
    in_doubt = fact_blocks([text for text in shown if UNSURE in text])
    sure, unsure = without_unsure((*page_blocks(kept), *in_doubt))
    notes += unsure
    title, blocks = title_of(sure)
    if not title and not _JUNK_TITLE.search(given_title):
        title = given_title
    title = title or title_from(file.source)
    whole = (*blocks, *fact_blocks(facts))
    return [Document(file.source, title, whole, {}, tuple(notes))]


def _open(file: SourceFile) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(file.content or file.path)
    except pdfium.PdfiumError as exc:
        reason = "corrupt or not a PDF file"
        if getattr(exc, "err_code", None) == pdfium_c.FPDF_ERR_PASSWORD:
            reason = "protected by a password"
        raise DocumentUnreadable(file.source, reason) from exc


def read_pages(
    pdf: pdfium.PdfDocument, file: SourceFile
) -> Iterator[tuple[list[Line], PageUnread]]:
    """Yield the lines of each page, as it draws them, and what cannot be read on it.

    A page that lies on its side is turned upright, a scanned one is recognised. The
    values of a form stand behind the lines that name them.

    Raises:
        DocumentUnreadable: a page is corrupt.
    """
    pdf.init_forms()
    for number in range(len(pdf)):
        try:
            page = pdf[number]
        except pdfium.PdfiumError as exc:
            reason = f"page {number + 1} is corrupt"
            raise DocumentUnreadable(file.source, reason) from exc
        try:
            lines, unread = _read(page)
            if unread.is_scan and file.ocr is not None:
                scan = _recognised(page, file, file.ocr)
                lines = list(scan.lines) or lines
                unread = replace(unread, recognised=scan)
            yield lines, unread
        finally:
            page.close()


def _read(page: pdfium.PdfPage) -> tuple[list[Line], PageUnread]:
    """Return the lines of a page, and what cannot be read on it."""
    paper = Box(*page.get_mediabox())
    strokes = strokes_of(page)
    by_turn, struck = _lines_of(page, paper, strokes)
    turn = _main_turn(by_turn)
    rotation = page.get_rotation()
    if (90 * turn + rotation) % 360 == _UPSIDE_DOWN:
        # PDFium takes the words of a line that is shown upside down from its end
        page.set_rotation((rotation + _UPSIDE_DOWN) % 360)
        by_turn, struck = _lines_of(page, paper, strokes)
    slanted = by_turn.pop(None, [])
    fields, comments = fields_of(page)
    if turn:
        fields = [field.turned(turn, paper) for field in fields]
    lines = with_values(_upright(by_turn, turn), fields)
    lines = with_ruled_tables(lines, strokes.turned(turn, paper))
    unread = page_unread(
        page,
        paper,
        characters=sum(len(line.text) for line in lines),
        slanted=[line.text for line in slanted],
        comments=comments,
    )
    return lines, replace(unread, struck=struck)


def _recognised(page: pdfium.PdfPage, file: SourceFile, ocr: Ocr) -> Recognised:
    """Recognise what a page shows."""
    longest = max(page.get_size())
    scale = min(DPI / POINTS, _LONGEST_SIDE / max(longest, 1.0))
    bitmap = page.render(scale=scale, rev_byteorder=True, prefer_bgrx=False)
    pixels = bitmap.to_numpy()[:, :, :3]
    return recognised(pixels, file, ocr, dpi=scale * POINTS)


def _lines_of(
    page: pdfium.PdfPage, paper: Box, strokes: Strokes
) -> tuple[dict[Turn, list[Line]], int]:
    """Return the lines of a page by the way they are turned, and its struck-out texts."""
    text_page = page.get_textpage()
    try:
        text = PageText(text_page, paper, strokes)
        return text.lines(), text.struck
    finally:
        text_page.close()


def _main_turn(by_turn: dict[Turn, list[Line]]) -> int:
    """Return how most of a page's text is turned."""
    characters = {
        turn: sum(len(line.text) for line in lines)
        for turn, lines in by_turn.items()
        if turn is not None
    }
    return max(characters, key=characters.__getitem__, default=0) or 0


def _upright(by_turn: dict[Turn, list[Line]], main: int) -> list[Line]:
    """Return the lines turned as most are, and below them those that are not."""
    lines = list(by_turn.get(main, ()))
    for turn, others in by_turn.items():
        if turn == main:
            continue
        floor = min(line.bottom for line in lines) - _BESIDE_EM * others[0].size
        down = max(line.top for line in others) - floor
        lines += [line.lowered(down) for line in others]
    return lines
