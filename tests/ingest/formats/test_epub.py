"""Books written as zip files."""

import zipfile
from pathlib import Path

import pytest

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.load import load


def write_epub(path: Path, chapters: dict[str, str], *, encryption: str = "") -> Path:
    manifest = "".join(
        f'<item id="i{number}" href="{name}" media-type="application/xhtml+xml"/>'
        for number, name in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="i{number}"/>' for number in range(len(chapters)))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr(
            "META-INF/container.xml",
            '<?xml version="1.0"?><container '
            'xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="OEBPS/book.opf" '
            'media-type="application/oebps-package+xml"/></rootfiles></container>',
        )
        archive.writestr(
            "OEBPS/book.opf",
            '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf"><metadata '
            'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The '
            "book</dc:title></metadata><manifest>"
            '<item id="n" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>'
            f'{manifest}</manifest><spine><itemref idref="n"/>{spine}</spine></package>',
        )
        archive.writestr("OEBPS/nav.xhtml", "<html><body>Contents</body></html>")
        for name, body in chapters.items():
            archive.writestr(
                f"OEBPS/{name.replace('%20', ' ')}",
                f'<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml"><body>{body}</body></html>',
            )
        if encryption:
            archive.writestr("META-INF/encryption.xml", encryption)
    return path


def test_a_book_is_read_in_the_order_of_its_spine(tmp_path):
    path = write_epub(
        tmp_path / "b.epub",
        {
            "z%20one.xhtml": "<h1>One</h1><p>First.</p>",
            "a.xhtml": "<h1>Two</h1><p>Last.</p>",
        },
    )
    [document] = load(path, path.name)
    assert document.title == "The book"
    assert [block.text for block in document.blocks] == [
        "One",
        "First.",
        "Two",
        "Last.",
    ]


def test_an_encrypted_book_is_named(tmp_path):
    path = write_epub(
        tmp_path / "b.epub",
        {"a.xhtml": "x"},
        encryption="<EncryptedData URI='OEBPS/a.xhtml'/>",
    )
    with pytest.raises(DocumentUnreadable, match="DRM"):
        load(path, path.name)


def test_a_zip_that_is_no_book_is_named(tmp_path):
    path = tmp_path / "b.epub"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(
        DocumentUnreadable,
        match=r"not a whole EPUB: META-INF/container\.xml is missing",
    ):
        load(path, path.name)


def test_fonts_may_be_encrypted(tmp_path):
    path = write_epub(
        tmp_path / "b.epub",
        {"a.xhtml": "<p>Text.</p>"},
        encryption="<EncryptedData URI='OEBPS/font.otf'/>",
    )
    [document] = load(path, path.name)
    assert [block.text for block in document.blocks] == ["Text."]


def test_a_chapter_that_is_missing_is_named(tmp_path):
    path = write_epub(tmp_path / "b.epub", {"a.xhtml": "x"})
    without = tmp_path / "c.epub"
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(without, "w") as part:
        for name in whole.namelist():
            if name != "OEBPS/a.xhtml":
                part.writestr(name, whole.read(name))
    with pytest.raises(DocumentUnreadable, match=r"OEBPS/a\.xhtml is missing"):
        load(without, without.name)


def test_hidden_text_is_counted(tmp_path):
    path = write_epub(
        tmp_path / "b.epub", {"a.xhtml": "<p>Text.</p><p hidden=''>no</p>"}
    )
    [document] = load(path, path.name)
    assert document.notes == ("removed 2 hidden characters",)


def test_the_style_sheets_of_a_book_say_what_is_struck_out_and_raised(tmp_path):
    path = write_epub(
        tmp_path / "b.epub",
        {
            "a.xhtml": "<p>Oars cost <span class='x'>$9 </span>$7<span class='y'>50"
            "</span> each.</p>"
        },
    )
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    sheet = b'<manifest><item id="c" href="a.css" media-type="text/css"/>'
    files["OEBPS/book.opf"] = files["OEBPS/book.opf"].replace(b"<manifest>", sheet)
    files["OEBPS/a.css"] = (
        b".x { text-decoration: line-through }"
        b".y { font-size: .58em; position: relative; top: -0.33em }"
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    [document] = load(path, path.name)
    assert document.blocks[0].text == "Oars cost $7.50 each."
    assert "left out 1 struck-out text" in document.notes


def test_a_title_that_a_program_gave_is_none(tmp_path):
    path = write_epub(tmp_path / "b.epub", {"a.xhtml": "<h1>Boats</h1><p>Oars.</p>"})
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    book = files["OEBPS/book.opf"]
    files["OEBPS/book.opf"] = book.replace(b"The book", b"Unknown Title")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    [document] = load(path, path.name)
    assert document.title == "Boats"
