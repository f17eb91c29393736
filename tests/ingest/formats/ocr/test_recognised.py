"""A scanned page is spoken where it is sure; and is named where it is not."""

import pytest

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import is_not_spoken
from kbserver.ingest.formats.shared.source import Ocr
from kbserver.ingest.load import load
from kbserver.ingest.preview import preview
from tests.ingest.formats.ocr.scans import OCR, PRICES, needs_engine, saved, scan

pytestmark = needs_engine


def test_a_price_on_a_scanned_page_is_spoken_with_its_column(tmp_path):
    path = saved(scan(PRICES), tmp_path / "a.pdf")
    [document] = load(path, "a.pdf", OCR)
    assert [block.text for block in document.blocks] == [
        "Room: Single room; Price: $84.50.",
        "Room: Family suite; Price: $669.99.",
    ]
    assert all(0.8 <= block.confidence <= 1 for block in document.blocks)
    assert document.notes == ()


def test_an_ingest_speaks_it_and_says_how_sure_it_is(tmp_path):
    (tmp_path / "docs").mkdir()
    saved(scan(PRICES), tmp_path / "docs" / "a.pdf")
    [document] = preview([tmp_path / "docs"])
    assert any("84 dollars and 50 cents" in line for line in document.spoken)
    assert all(0.8 <= sure <= 1 for sure in document.recognised)


def test_a_page_held_upside_down_is_read(tmp_path):
    path = saved(scan(PRICES).rotate(180), tmp_path / "a.pdf")
    [document] = load(path, "a.pdf", OCR)
    assert "$84.50" in document.blocks[0].text


def test_a_page_below_the_floor_is_not_spoken(tmp_path):
    path = saved(scan(PRICES, blur=9.0), tmp_path / "a.pdf")
    with pytest.raises(DocumentUnreadable, match="only pictures"):
        load(path, "a.pdf", OCR)


def test_the_floor_is_the_ingests_own(tmp_path):
    path = saved(scan(PRICES), tmp_path / "a.pdf")
    with pytest.raises(DocumentUnreadable, match="too unsurely"):
        load(path, "a.pdf", Ocr(floor=1.0, threads=2))


def test_without_recognition_it_says_what_to_do(tmp_path):
    path = saved(scan(PRICES), tmp_path / "a.pdf")
    with pytest.raises(DocumentUnreadable, match=r"kbserver\[ocr\].*--ocr"):
        load(path, "a.pdf")


def test_what_was_found_is_looked_up(tmp_path):
    ocr = Ocr(cache=str(tmp_path / "kept"), threads=2)
    path = saved(scan(PRICES), tmp_path / "a.pdf")
    first = load(path, "a.pdf", ocr)
    [file] = (tmp_path / "kept").iterdir()
    file.write_text(file.read_text().replace("Single", "Double"))
    [again] = load(path, "a.pdf", ocr)
    assert "Double room" in again.blocks[0].text
    assert not any(map(is_not_spoken, first[0].notes))
