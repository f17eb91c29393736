"""PNG, JPEG, TIFF and WebP: a photograph of a page, a poster, a scan of several pages."""

from __future__ import annotations

from collections.abc import Iterator

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Document, not_spoken, title_from
from kbserver.ingest.formats.markdown import title_of
from kbserver.ingest.formats.ocr import engine  # noqa: F401  the format needs it
from kbserver.ingest.formats.ocr.found import Pixels
from kbserver.ingest.formats.ocr.pixels import (
    MOST_PIXELS,
    TooManyPixels,
    pixels_in,
)
from kbserver.ingest.formats.ocr.recognised import recognised
from kbserver.ingest.formats.ocr.unsure import without_unsure
from kbserver.ingest.formats.pdf.layout import page_blocks
from kbserver.ingest.formats.shared.source import SourceFile

MOST_PAGES = 1_000
"""Of one TIFF file."""
_TOO_LARGE = f"a picture of over {MOST_PIXELS // 10**6} million pixels: make it smaller"


def convert(file: SourceFile) -> list[Document]:
    """Return one document of what is written on the pictures of a file.

    Raises:
        DocumentUnreadable: text on pictures is not recognised in this ingest, the file
            is damaged or has too many pixels, or no text was found that is sure enough.
    """
    if file.ocr is None:
        reason = "a picture, whose text is not recognised: ingest with --ocr"
        raise DocumentUnreadable(file.source, reason)
    pages = [recognised(pixels, file, file.ocr) for pixels in _pictures(file)]
    lines = [page.lines for page in pages]
    if not any(lines):
        best = max(page.confidence for page in pages)
        reason = "a picture without text"
        if best:
            reason = (
                f"a picture, recognised too unsurely ({best:.2f}, at least "
                f"{file.ocr.floor:g} is spoken): take it anew, or write its text"
            )
        raise DocumentUnreadable(file.source, reason)
    sure, notes = without_unsure(page_blocks(lines))
    if unsure := sum(not page.is_sure and page.confidence > 0 for page in pages):
        what = f"{unsure} of {len(pages)} pages recognised too unsurely"
        notes.append(not_spoken(what, "scan them anew, or write their text"))
    title, blocks = title_of(sure)
    title = title or title_from(file.source)
    return [Document(file.source, title, tuple(blocks), {}, tuple(notes))]


def _pictures(file: SourceFile) -> Iterator[Pixels]:
    """Yield the pictures of a file.

    Raises:
        DocumentUnreadable: one has too many pixels, or there are too many.
    """
    content = file.path if file.content is None else file.content
    try:
        for number, pixels in enumerate(pixels_in(content)):
            if number == MOST_PAGES:
                reason = f"has over {MOST_PAGES:,} pages: split it"
                raise DocumentUnreadable(file.source, reason)
            yield pixels
    except TooManyPixels as exc:
        raise DocumentUnreadable(file.source, _TOO_LARGE) from exc
