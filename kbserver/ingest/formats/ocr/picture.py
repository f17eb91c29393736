"""PNG, JPEG, TIFF and WebP: a photograph of a page, a poster, a scan of several pages."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageOps, ImageSequence

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Document, not_spoken, title_from
from kbserver.ingest.formats.markdown import title_of
from kbserver.ingest.formats.ocr import engine  # noqa: F401  the format needs it
from kbserver.ingest.formats.ocr.found import Pixels
from kbserver.ingest.formats.ocr.recognised import recognised
from kbserver.ingest.formats.ocr.unsure import without_unsure
from kbserver.ingest.formats.pdf.layout import page_blocks
from kbserver.ingest.formats.shared.source import SourceFile

MOST_PIXELS = 100_000_000
"""Of one picture: a page of A3 at 600 dots an inch has 70 million."""
MOST_PAGES = 1_000
"""Of one TIFF file."""
_INCHES = 11.69
"""The longer side of a page of A4, for pictures that do not say how large they are."""
_LONGEST_SIDE = 3_400
"""Pixels; a larger picture is read smaller."""
_TOO_LARGE = f"a picture of over {MOST_PIXELS // 10**6} million pixels: make it smaller"
_KINDS = ("PNG", "JPEG", "TIFF", "WEBP")


def convert(file: SourceFile) -> list[Document]:
    """Return one document of what is written on the pictures of a file.

    Raises:
        DocumentUnreadable: text on pictures is not recognised in this ingest, the file
            is damaged or has too many pixels, or no text was found that is sure enough.
    """
    if file.ocr is None:
        reason = "a picture, whose text is not recognised: ingest with --ocr"
        raise DocumentUnreadable(file.source, reason)
    pages = [
        recognised(pixels, file, file.ocr, dpi=max(pixels.shape) / _INCHES)
        for pixels in _pictures(file)
    ]
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
    """Yield the pictures of a file, upright as its camera says.

    Each is looked at before it is decoded.

    Raises:
        DocumentUnreadable: one has too many pixels, or there are too many.
    """
    with _opened(file) as picture:
        for number, frame in enumerate(ImageSequence.Iterator(picture)):
            if number == MOST_PAGES:
                reason = f"has over {MOST_PAGES:,} pages: split it"
                raise DocumentUnreadable(file.source, reason)
            if frame.width * frame.height > MOST_PIXELS:
                raise DocumentUnreadable(file.source, _TOO_LARGE)
            frame.draft("RGB", (_LONGEST_SIDE, _LONGEST_SIDE))
            upright = ImageOps.exif_transpose(frame)
            upright.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE), Image.Resampling.LANCZOS)
            yield np.asarray(_on_white(upright))


def _opened(file: SourceFile) -> Image.Image:
    opened = file.path if file.content is None else io.BytesIO(file.content)
    try:
        return Image.open(opened, formats=_KINDS)
    except Image.DecompressionBombError as exc:
        raise DocumentUnreadable(file.source, _TOO_LARGE) from exc


def _on_white(picture: Image.Image) -> Image.Image:
    """Return a picture in colours, what shines through as white."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    whole = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(whole, picture.convert("RGBA")).convert("RGB")
