"""What a reader sees in a PDF and its text does not say: scans, pictures, attachments."""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from kbserver.ingest.blocks import counted, not_spoken
from kbserver.ingest.formats.ocr.recognised import Recognised
from kbserver.ingest.formats.pdf.line import Box

_MOST_OBJECTS = 20_000
"""Of a page, looked at: a map has more, and they are lines."""
_DEEPEST = 3
_SCAN_SHARE = 0.5
"""Of a page that a scan covers."""
_FEW_CHARACTERS = 200
"""A scan has a page number or a stamp; one with more was recognised already."""
_PICTURE_SHARE = 0.02
"""Of a page; smaller pictures are signs and ornaments."""
_MOST_QUOTED = 3
WITH_OCR = "recognise the text: pip install 'kbserver[ocr]', and ingest with --ocr"
_NOT_TRIED = "no text, only a picture of it (scanned?)"
_NOTHING = "a picture on which no text was found"
_UNSURE = "a picture of text, recognised too unsurely"
_INSTEAD = {
    _NOT_TRIED: WITH_OCR,
    _NOTHING: "write in the text what callers need of it",
    _UNSURE: "scan it anew, or write its text",
}
_OUTLINES = 20
"""Shapes on a page without text: its letters may be drawn as outlines."""


@dataclass(frozen=True, slots=True)
class PageUnread:
    """What cannot be read on one page."""

    is_scan: bool = False
    """Whether next to nothing on it is text, and something is seen."""
    pictures: tuple[tuple[int, ...], ...] = ()
    """Where pictures stand, in whole points: left, bottom, right, top."""
    slanted: tuple[str, ...] = ()
    """Text that runs neither across nor along the page."""
    comments: int = 0
    struck: int = 0
    """Texts that a line runs through."""
    recognised: Recognised | None = None
    """What was recognised of a scan; None if that was not tried."""


def page_unread(
    page: pdfium.PdfPage,
    paper: Box,
    *,
    characters: int,
    slanted: Sequence[str],
    comments: int,
) -> PageUnread:
    """Look for what cannot be read on a page.

    Args:
        paper: its place and size.
        characters: of the text that is read on it.
        slanted: lines of it that are not read.
        comments: on it, which are not read.
    """
    whole = max(_area(paper), 1.0)
    boxes: list[Box] = []
    shapes = 0
    for kind, box in _objects(
        page.raw, pdfium_c.FPDFPage_CountObjects, pdfium_c.FPDFPage_GetObject
    ):
        shapes += kind == pdfium_c.FPDF_PAGEOBJ_PATH
        if kind == pdfium_c.FPDF_PAGEOBJ_IMAGE:
            boxes.append(_common(box, paper))
    covered = sum(map(_area, boxes)) / whole
    is_outlines = not characters and shapes >= _OUTLINES
    is_covered = characters < _FEW_CHARACTERS and covered > _SCAN_SHARE
    is_scan = is_covered or is_outlines or (not characters and covered > _PICTURE_SHARE)
    pictures = tuple(
        tuple(map(round, box))
        for box in boxes
        if not is_scan and _PICTURE_SHARE < _area(box) / whole <= _SCAN_SHARE
    )
    return PageUnread(is_scan, pictures, tuple(slanted), comments)


def _objects(
    parent: Any, count: Any, get: Any, depth: int = 0
) -> Iterator[tuple[int, Box]]:
    """Yield kind and place of what a page draws, what is inside of others too."""
    for at in range(min(count(parent), _MOST_OBJECTS)):
        drawn = get(parent, at)
        kind = pdfium_c.FPDFPageObj_GetType(drawn)
        if kind == pdfium_c.FPDF_PAGEOBJ_FORM and depth < _DEEPEST:
            yield from _objects(
                drawn,
                pdfium_c.FPDFFormObj_CountObjects,
                pdfium_c.FPDFFormObj_GetObject,
                depth + 1,
            )
        elif kind == pdfium_c.FPDF_PAGEOBJ_IMAGE:
            yield kind, _bounds(drawn)
        elif kind == pdfium_c.FPDF_PAGEOBJ_PATH:
            yield kind, Box(0, 0, 0, 0)


def _bounds(drawn: Any) -> Box:
    sides = [ctypes.c_float() for _ in range(4)]
    pdfium_c.FPDFPageObj_GetBounds(drawn, *sides)
    return Box(*(side.value for side in sides))


def _common(box: Box, paper: Box) -> Box:
    return Box(
        max(box.left, paper.left),
        max(box.bottom, paper.bottom),
        min(box.right, paper.right),
        min(box.top, paper.top),
    )


def _area(box: Box) -> float:
    return max(box.right - box.left, 0.0) * max(box.top - box.bottom, 0.0)


def attachments(pdf: pdfium.PdfDocument) -> list[str]:
    """Return notes on the files that a document carries."""
    number = pdf.count_attachments()
    names = [
        pdf.get_attachment(at).get_name() for at in range(min(number, _MOST_QUOTED))
    ]
    if not names:
        return []
    quoted = ", ".join(" ".join(name.split()) for name in names)
    if number > len(names):
        quoted += ", …"
    what = f"{counted(number, 'attached file')} ({quoted})"
    return [not_spoken(what, "save beside this file what callers need")]


def unread_notes(pages: Sequence[PageUnread]) -> list[str]:
    """Return notes on what cannot be read, with its pages and what to do about it.

    A picture at the same place on most pages is a logo and not named.
    """
    notes: list[str] = []
    notes += _scan_notes(pages)
    seen = Counter(box for page in pages for box in set(page.pictures))
    often = max(2, len(pages) / 2)
    pictured: Counter[int] = Counter()
    for number, page in enumerate(pages, 1):
        pictured[number] = sum(seen[box] < often for box in page.pictures)
    if total := pictured.total():
        where = _pages([number for number, count in pictured.items() if count])
        what = f"{counted(total, 'picture')} on {where}"
        notes.append(not_spoken(what, "write in the text what callers need of it"))
    slanted = dict.fromkeys(text for page in pages for text in page.slanted)
    if slanted:
        quoted = ", ".join(f"“{text}”" for text in list(slanted)[:_MOST_QUOTED])
        notes.append(
            not_spoken(f"slanted text {quoted}", "set it straight if it matters")
        )
    if struck := sum(page.struck for page in pages):
        notes.append(f"left out {counted(struck, 'struck-out text')}")
    if comments := sum(page.comments for page in pages):
        notes.append(f"left out {counted(comments, 'comment')}")
    return notes


def _scan_notes(pages: Sequence[PageUnread]) -> list[str]:
    """Return notes on scans that were not recognised, or too unsurely."""
    by_reason: dict[str, list[int]] = {}
    for number, page in enumerate(pages, 1):
        if page.is_scan and (reason := _why_unread(page.recognised)):
            by_reason.setdefault(reason, []).append(number)
    return [
        not_spoken(f"{_pages(numbers)}: {reason}", _INSTEAD[reason])
        for reason, numbers in by_reason.items()
    ]


def _why_unread(scan: Recognised | None) -> str:
    """Return why nothing of a scan is spoken; "" if something is."""
    if scan is None:
        return _NOT_TRIED
    if not scan.confidence:
        return _NOTHING
    if not scan.is_sure:
        return _UNSURE
    return ""


def reason_of_no_text(pages: Sequence[PageUnread]) -> str:
    """Return why a document has no text at all."""
    scans = [page.recognised for page in pages if page.recognised is not None]
    if not scans:
        return f"no text in it, only pictures: scanned? {WITH_OCR}"
    best = max(scan.confidence for scan in scans)
    if not best:
        return "no text in it, only pictures without text"
    return (
        f"only pictures, recognised too unsurely (confidence {best:.2f} at best): "
        "scan it anew, or write its text"
    )


def _pages(numbers: Sequence[int]) -> str:
    """Return `page 2`, `pages 2 and 3` or `pages 2 to 9 and 12`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    texts: list[str] = []
    for run in runs:
        if len(run) > 2:
            texts.append(f"{run[0]} to {run[-1]}")
        else:
            texts += map(str, run)
    if numbers[1:] == []:
        return f"page {numbers[0]}"
    *first, last = texts
    if not first:
        return f"pages {last}"
    return f"pages {', '.join(first)} and {last}"
