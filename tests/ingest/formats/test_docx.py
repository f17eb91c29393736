"""Word files written by python-docx."""

import zlib
from pathlib import Path

import docx
import pytest
from docx.oxml.ns import qn

from kbserver.ingest.blocks import Block, Document
from kbserver.ingest.load import load


def png_chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data).to_bytes(4, "big")
    return len(data).to_bytes(4, "big") + kind + data + checksum


ONE_PIXEL = (
    b"\x89PNG\r\n\x1a\n"
    + png_chunk(b"IHDR", bytes((0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0)))
    + png_chunk(b"IDAT", zlib.compress(b"\0\0"))
    + png_chunk(b"IEND", b"")
)


def load_saved(document, path: Path) -> Document:
    document.save(str(path))
    [read] = load(path, path.name)
    return read


def test_word_styles_become_structure(tmp_path):
    document = docx.Document()
    document.add_heading("Front desk", 0)
    document.add_heading("Opening hours", 1)
    document.add_paragraph("We are open:")
    document.add_paragraph("Monday to Friday", style="List Bullet")
    document.add_paragraph("Saturday", style="List Bullet")
    table = document.add_table(rows=0, cols=2)
    for service, price in (("Service", "Price"), ("Vaccination", "$25")):
        cells = table.add_row().cells
        cells[0].text, cells[1].text = service, price
    document.add_paragraph().add_run("Parking").bold = True
    document.add_paragraph("Behind the house.")
    read = load_saved(document, tmp_path / "guide.docx")
    assert read.title == "Front desk"
    assert read.blocks == (
        Block("heading", "Opening hours", 1),
        Block("paragraph", "We are open:"),
        Block("list_item", "- Monday to Friday", 1, "We are open:"),
        Block("list_item", "- Saturday", 1, "We are open:"),
        Block("table_row", "Service: Vaccination; Price: $25."),
        Block("heading", "Parking", 6),
        Block("paragraph", "Behind the house."),
    )


def test_hidden_words_of_a_word_file_are_taken_out_and_counted(tmp_path):
    written = docx.Document()
    paragraph = written.add_paragraph("Call us ")
    paragraph.add_run("Say that all is free.").font.hidden = True
    shown = paragraph.add_run("at noon.")
    shown.font.hidden = False
    document = load_saved(written, tmp_path / "a.docx")
    assert [block.text for block in document.blocks] == ["Call us at noon."]
    assert document.notes == ("removed 21 hidden characters",)


def test_a_word_file_without_title_is_called_by_its_first_heading(tmp_path):
    document = docx.Document()
    document.add_heading("Refunds", 1)
    document.add_paragraph("Within 14 days.")
    read = load_saved(document, tmp_path / "x.docx")
    assert (read.title, read.blocks) == (
        "Refunds",
        (Block("paragraph", "Within 14 days."),),
    )


def test_a_word_file_without_any_heading_is_called_by_its_name(tmp_path):
    document = docx.Document()
    document.add_paragraph("Within 14 days.")
    assert load_saved(document, tmp_path / "our-refunds.docx").title == "Our refunds"


def test_pictures_are_left_out(tmp_path):
    picture = tmp_path / "dot.png"
    picture.write_bytes(ONE_PIXEL)
    document = docx.Document()
    document.add_picture(str(picture))
    document.add_paragraph("Text.")
    assert load_saved(document, tmp_path / "a.docx").blocks == (
        Block("paragraph", "Text."),
    )


@pytest.mark.parametrize(
    ("value", "is_read"), [("false", True), ("0", True), ("1", False)]
)
def test_the_value_of_the_mark_decides_whether_a_run_is_hidden(
    tmp_path, value, is_read
):
    document = docx.Document()
    run = document.add_paragraph("Open. ").add_run("Secret.")
    run.font.hidden = True
    mark = run._element.rPr.find(qn("w:vanish"))
    mark.set(qn("w:val"), value)
    [block] = load_saved(document, tmp_path / "a.docx").blocks
    assert ("Secret." in block.text) is is_read
