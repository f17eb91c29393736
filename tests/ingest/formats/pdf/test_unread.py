"""What is seen in a PDF and cannot be read is named, with its pages."""

import zlib

import pypdfium2 as pdfium

from kbserver.ingest.formats.pdf.unread import PageUnread, unread_notes
from kbserver.ingest.load import load
from tests.ingest.formats.pdf.written import drawn, drawn_lines, write_page

READ = PageUnread()
SCAN = PageUnread(is_scan=True)
LOGO, PHOTO = (10, 10, 90, 90), (100, 100, 400, 300)


def picture() -> bytes:
    packed = zlib.compress(b"\0" * 4)
    head = b"<</Type/XObject/Subtype/Image/Width 2/Height 2/ColorSpace/DeviceGray"
    return (
        b"%s/BitsPerComponent 8/Filter/FlateDecode/Length %d>>stream\n%s\nendstream"
        % (
            head,
            len(packed),
            packed,
        )
    )


def write_picture(path, width: int, height: int, text: bytes = b""):
    page = b"/Resources<</Font<</F 5 0 R>>/XObject<</I 7 0 R>>>>"
    content = text + b"q %d 0 0 %d 50 50 cm /I Do Q" % (width, height)
    return write_page(path, content, picture(), page=page)


def test_pages_that_are_only_pictures_are_named_among_others():
    assert unread_notes([READ, SCAN, SCAN, SCAN, READ, SCAN]) == [
        "not spoken: pages 2 to 4 and 6: no text, only a picture of it (scanned?); "
        "recognise the text: pip install 'kbserver[ocr]', and ingest with --ocr"
    ]
    [note] = unread_notes([READ, SCAN])
    assert note.startswith("not spoken: page 2: ")
    [note] = unread_notes([SCAN, SCAN])
    assert note.startswith("not spoken: pages 1 and 2: ")


def test_pictures_are_counted_without_what_is_on_every_page():
    pages = [PageUnread(pictures=(LOGO,)) for _ in range(3)]
    assert unread_notes(pages) == []
    pages[1] = PageUnread(pictures=(LOGO, PHOTO))
    [note] = unread_notes(pages)
    assert note.startswith("not spoken: 1 picture on page 2; write in the text")


def test_a_picture_on_a_page_of_text_is_named(tmp_path):
    text = drawn(60, 700, "The pool is open from seven to nine on every day.")
    [document] = load(write_picture(tmp_path / "a.pdf", 200, 100, text), "a.pdf")
    [note] = document.notes
    assert note.startswith("not spoken: 1 picture on page 1;")
    [document] = load(write_picture(tmp_path / "b.pdf", 20, 20, text), "b.pdf")
    assert document.notes == ()


def test_a_scan_with_a_stamp_of_text_is_one_and_a_recognised_scan_is_none(tmp_path):
    stamp = drawn(60, 20, "Page 3")
    [document] = load(write_picture(tmp_path / "a.pdf", 500, 750, stamp), "a.pdf")
    assert document.notes[0].startswith("not spoken: page 1: no text")
    lines = ["A line of words that was recognised."] * 9
    [document] = load(
        write_picture(tmp_path / "b.pdf", 500, 750, drawn_lines([(60, lines)])), "b.pdf"
    )
    assert document.notes == ()


def test_attached_files_are_named(tmp_path):
    path = write_page(tmp_path / "a.pdf", drawn(60, 700, "See the attached prices."))
    with pdfium.PdfDocument(path) as pdf:
        pdf.new_attachment("prices.xlsx").set_data(b"x")
        pdf.save(tmp_path / "b.pdf")
    [document] = load(tmp_path / "b.pdf", "b.pdf")
    assert document.notes == (
        "not spoken: 1 attached file (prices.xlsx); save beside this file what callers need",
    )
