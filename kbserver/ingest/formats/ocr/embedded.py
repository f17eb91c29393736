"""Pictures inside of a document: recognised as scanned pages are, to stand at their place."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import NamedTuple

from kbserver.ingest.blocks import Block, counted, not_spoken
from kbserver.ingest.formats.ocr.found import Pixels
from kbserver.ingest.formats.ocr.recognised import recognised
from kbserver.ingest.formats.ocr.shown import MOST_BYTES
from kbserver.ingest.formats.ocr.unsure import sure_blocks, unsure_notes
from kbserver.ingest.formats.pdf.layout import page_blocks
from kbserver.ingest.formats.shared.source import Ocr, SourceFile

MOST_PICTURES = 200
"""Of one document, looked at; each may take as long as a file."""
SMALL_PIXELS = 64
"""A picture whose shorter side is no longer is an icon or an ornament."""

_MOST_NAMED = 3
_NAME_CHARACTERS = 60


class Crop(NamedTuple):
    """What of a picture its document does not show, as shares of its sides."""

    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0


WHOLE = Crop()


class Embedded:
    """The pictures of one document; what stands twice on it is said once."""

    def __init__(self, file: SourceFile) -> None:
        """Begin with none.

        Args:
            file: the document.
        """
        self._file = file
        # whether a picture was read, or is named here
        self._is_settled: dict[tuple[bytes, Crop], bool] = {}
        self._gone: list[str] = []
        self._unsure: list[str] = []

    def blocks(
        self,
        content: Callable[[], bytes | None],
        name: str,
        *,
        crop: Crop = WHOLE,
        lead_in: str = "",
    ) -> list[Block] | None:
        """Return what is written on a picture.

        Args:
            content: returns its file; called only if pictures are recognised.
            name: of the picture, or its place, for the report.
            crop: what of it is not shown.
            lead_in: what introduces its rows where no line of it does.

        Returns:
            Its blocks, no heading among them; [] if it was said before or is named by
            `notes`; None if it is not read and its format shall name it.
        """
        ocr = self._file.ocr
        if ocr is None or len(self._is_settled) >= MOST_PICTURES:
            return None
        data = content()
        if not data or len(data) > MOST_BYTES:
            return None
        key = (hashlib.sha256(data).digest(), crop)
        if key in self._is_settled:
            return [] if self._is_settled[key] else None
        self._is_settled[key] = False
        pixels = _pixels(data, crop)
        if pixels is None:
            return None
        blocks = self._recognised(pixels, name, ocr)
        if blocks is None:
            return None
        self._is_settled[key] = True
        return _without_headings(blocks, lead_in)

    def notes(self) -> tuple[str, ...]:
        """Return notes on what was recognised too unsurely."""
        notes = unsure_notes(self._gone)
        if self._unsure:
            known = list(dict.fromkeys(filter(None, self._unsure)))
            what = counted(len(self._unsure), "picture")
            if known:
                more = ", …" if len(known) > _MOST_NAMED else ""
                what = f"{what} ({', '.join(known[:_MOST_NAMED])}{more})"
            what = f"{what} recognised too unsurely"
            notes.append(not_spoken(what, "take it anew, or write its text"))
        return tuple(notes)

    def _recognised(self, pixels: Pixels, name: str, ocr: Ocr) -> list[Block] | None:
        """Return what is written on a picture, None if it has no text."""
        page = recognised(pixels, self._file, ocr)
        if not page.confidence:
            return None
        if not page.is_sure:
            self._unsure.append(" ".join(name.split())[:_NAME_CHARACTERS])
            return []
        return sure_blocks(page_blocks([page.lines]), self._gone)


def _pixels(data: bytes, crop: Crop) -> Pixels | None:
    """Return the part of a picture that is shown; None if that is not to be read."""
    module = import_module("kbserver.ingest.formats.ocr.pixels")
    try:
        if min(module.size_of(data)) <= SMALL_PIXELS:
            return None
        shown = _shown(next(module.pixels_in(data)), crop)
    except Exception:  # of a decoder: it would lose the document for a damaged picture
        return None
    if min(shown.shape[:2]) <= SMALL_PIXELS:
        return None
    return shown


def _shown(pixels: Pixels, crop: Crop) -> Pixels:
    height, width, _ = pixels.shape
    return pixels[
        _pixel(crop.top, height) : height - _pixel(crop.bottom, height),
        _pixel(crop.left, width) : width - _pixel(crop.right, width),
    ]


def _pixel(share: float, side: int) -> int:
    """Return how much of a side a share is; a picture that is extended loses nothing."""
    return min(max(round(share * side), 0), side)


def _without_headings(blocks: list[Block], lead_in: str) -> list[Block]:
    """Return blocks that leave the sections of their document as they are.

    A heading on a picture becomes a text that introduces the rows below it.
    """
    settled: list[Block] = []
    for block in blocks:
        if block.kind == "heading":
            lead_in = block.text
            block = replace(block, kind="paragraph", level=0)
        elif block.kind in ("table_row", "list_item") and not block.lead_in:
            block = replace(block, lead_in=lead_in)
        if block.text:
            settled.append(block)
    return settled
