"""The pictures of a PNG, JPEG, TIFF or WebP file, looked at before they are decoded."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, ImageSequence

from kbserver.ingest.formats.ocr.found import Pixels

MOST_PIXELS = 100_000_000
"""Of one picture: a page of A3 at 600 dots an inch has 70 million."""
_LONGEST_SIDE = 3_400
"""Pixels; a larger picture is read smaller."""
_KINDS = ("PNG", "JPEG", "TIFF", "WEBP")


class TooManyPixels(ValueError):
    """A picture has over `MOST_PIXELS`."""


def pixels_in(content: bytes | Path) -> Iterator[Pixels]:
    """Yield the pictures of a file, upright as its camera says, what shines through white.

    Args:
        content: of the file, or where it is.

    Raises:
        TooManyPixels: one has too many.
        OSError: it is no picture of these kinds, or damaged; what a decoder finds amiss
            may be any other exception.
    """
    with _opened(content) as picture:
        for frame in ImageSequence.Iterator(picture):
            if frame.width * frame.height > MOST_PIXELS:
                raise TooManyPixels
            frame.draft("RGB", (_LONGEST_SIDE, _LONGEST_SIDE))
            upright = ImageOps.exif_transpose(frame)
            upright.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE), Image.Resampling.LANCZOS)
            yield np.asarray(_on_white(upright))


def size_of(content: bytes) -> tuple[int, int]:
    """Return width and height of a picture as its head says.

    Raises:
        TooManyPixels: it has too many.
        OSError: it is no picture of these kinds.
    """
    with _opened(content) as picture:
        return picture.size


def _opened(content: bytes | Path) -> Image.Image:
    opened = io.BytesIO(content) if isinstance(content, bytes) else content
    try:
        return Image.open(opened, formats=_KINDS)
    except Image.DecompressionBombError as exc:
        raise TooManyPixels from exc


def _on_white(picture: Image.Image) -> Image.Image:
    """Return a picture in colours, what shines through as white."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    whole = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(whole, picture.convert("RGBA")).convert("RGB")
