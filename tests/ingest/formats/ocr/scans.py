"""Pages that look scanned."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from kbserver.extras import is_installed
from kbserver.ingest.formats.shared.source import Ocr

OCR = Ocr(threads=2)
PRICES = [
    (60, 60, "Room"),
    (500, 60, "Price"),
    (60, 150, "Single room"),
    (500, 150, "$84.50"),
    (60, 240, "Family suite"),
    (500, 240, "$669^99"),
]
"""A table with a header, whose last price has raised cents; for `scan`."""

needs_engine = pytest.mark.skipif(
    not is_installed("ocr"), reason="needs rapidocr: pip install 'kbserver[ocr]'"
)


def scan(
    lines: Sequence[tuple[int, int, str]], *, size=(1000, 500), blur=0.0
) -> Image.Image:
    """Draw texts at their left and top, 40 pixels high; `^` begins raised digits."""
    image = Image.new("L", size, 245)
    draw = ImageDraw.Draw(image)
    large, small = (ImageFont.load_default(height) for height in (40, 24))
    for left, top, text in lines:
        plain, _, raised = text.partition("^")
        draw.text((left, top), plain, fill=20, font=large)
        draw.text((left + large.getlength(plain), top + 2), raised, fill=20, font=small)
    noise = np.random.default_rng(1).normal(0, 6, (size[1], size[0]))
    noisy = np.clip(np.asarray(image, np.float64) + noise, 0, 255)
    return Image.fromarray(noisy.astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(blur)
    )


def saved(image: Image.Image, path: Path) -> Path:
    """Save a picture, or a PDF of 100 pixels an inch that shows it."""
    image.save(path, resolution=100)
    return path
