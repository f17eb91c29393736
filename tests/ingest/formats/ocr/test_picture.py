"""Pictures are documents; one too large is refused before it is decoded."""

import struct
import zlib

import pytest

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.load import load
from tests.ingest.formats.ocr.scans import OCR, needs_engine, saved, scan

pytestmark = needs_engine

LINES = [(60, 60, "Breakfast costs $12.80.")]


@pytest.mark.parametrize("suffix", ["png", "jpg", "tiff", "webp"])
def test_what_is_written_on_a_picture_is_spoken(tmp_path, suffix):
    path = saved(scan(LINES), tmp_path / f"a.{suffix}")
    [document] = load(path, path.name, OCR)
    assert [block.text for block in document.blocks] == ["Breakfast costs $12.80."]


def test_what_shines_through_is_white(tmp_path):
    image = scan(LINES).convert("RGBA")
    image.putalpha(scan(LINES).point(lambda grey: 255 if grey < 128 else 0))
    [document] = load(saved(image, tmp_path / "a.png"), "a.png", OCR)
    assert document.blocks[0].text == "Breakfast costs $12.80."


def test_a_picture_without_text_is_named(tmp_path):
    path = saved(scan([]), tmp_path / "a.png")
    with pytest.raises(DocumentUnreadable, match="a picture without text"):
        load(path, "a.png", OCR)


def test_without_recognition_it_is_named(tmp_path):
    path = saved(scan(LINES), tmp_path / "a.png")
    with pytest.raises(DocumentUnreadable, match="ingest with --ocr"):
        load(path, "a.png")


@pytest.mark.parametrize("side", [11_000, 40_000])
def test_a_picture_of_too_many_pixels_is_refused_by_its_head(tmp_path, side):
    def chunk(kind: bytes, content: bytes) -> bytes:
        head = struct.pack(">I", len(content)) + kind + content
        return head + struct.pack(">I", zlib.crc32(kind + content))

    size = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IEND", b""))
    with pytest.raises(DocumentUnreadable, match="over 100 million pixels"):
        load(path, "a.png", OCR)
