"""A picture to lines of text: read, held upright, and kept only where it is sure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kbserver.ingest.formats.ocr.cache import FoundCache
from kbserver.ingest.formats.ocr.found import Found, Pixels
from kbserver.ingest.formats.ocr.lines import lines_of, sureness
from kbserver.ingest.formats.pdf.line import Line
from kbserver.ingest.formats.shared.source import Ocr, SourceFile

if TYPE_CHECKING:
    from kbserver.ingest.formats.ocr.engine import Engine

POINTS = 72
DPI = 200
"""At which a page is read; finer pages took longer and were read no better."""

_INCHES = 11.69
"""The longer side of a page of A4."""
_ON_ITS_SIDE = 0.5
"""Of its characters run up or down."""
_SURE = 0.8
"""A page less sure than this is looked at upside down, too."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """What was recognised on one page."""

    lines: tuple[Line, ...]
    """In reading order, in points; unsure words hold `lines.UNSURE`."""
    confidence: float
    """Of the page in [0, 1]; 0 if nothing was found on it."""
    is_sure: bool
    """Whether it reaches the floor; no line is kept of a page that does not."""


def recognised(
    pixels: Pixels, file: SourceFile, ocr: Ocr, *, dpi: float | None = None
) -> Recognised:
    """Recognise the text of a picture.

    Args:
        pixels: the picture.
        file: it belongs to; told that it goes on.
        dpi: pixels an inch; None if it does not say: it is as large as a page of A4.
    """
    file.going_on()
    found = _found(np.ascontiguousarray(pixels), ocr)
    confidence = sureness(found)
    if confidence < ocr.floor:
        return Recognised((), confidence, is_sure=False)
    dpi = dpi or max(pixels.shape) / _INCHES
    lines = lines_of(found, floor=ocr.floor, points=POINTS / dpi)
    return Recognised(tuple(lines), confidence, is_sure=True)


def _found(pixels: Pixels, ocr: Ocr) -> list[Found]:
    """Return what is written on a picture, looked up or read."""
    module = import_module("kbserver.ingest.formats.ocr.engine")
    engine: Engine = _engine(ocr.threads)
    if not ocr.cache:
        return _read_upright(engine, pixels)
    kept = FoundCache(Path(ocr.cache), module.NAME)
    found = kept.get(pixels)
    if found is None:
        found = _read_upright(engine, pixels)
        kept.put(pixels, found)
    return found


@cache
def _engine(threads: int) -> Engine:
    """Return the engine, made once a process: its models take 100 MB."""
    module = import_module("kbserver.ingest.formats.ocr.engine")
    engine: Engine = module.Engine(threads)
    return engine


def _read_upright(engine: Engine, pixels: Pixels) -> list[Found]:
    """Read a picture as it is or turned: as it is read most surely."""
    found = engine.read(pixels)
    characters = sum(len(one.text) for one in found)
    sideways = sum(len(one.text) for one in found if not one.is_upright)
    turns: tuple[int, ...] = ()
    if found and sideways > _ON_ITS_SIDE * characters:
        turns = (1, 3)
    elif found and sureness(found) < _SURE:
        turns = (2,)
    readings = [found]
    for turn in turns:
        readings.append(engine.read(np.ascontiguousarray(np.rot90(pixels, turn))))
    return max(readings, key=sureness)
