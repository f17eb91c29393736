"""reStructuredText, EPUB and mail."""

import zipfile
from email.message import EmailMessage
from pathlib import Path

import pytest

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block
from kbserver.ingest.load import load

RST = """\
:valid_until: 2027-01-01

Handbook
========

See :ref:`the prices <prices>`, ``code`` and `a link <https://x.example>`_.

.. versionadded:: 3.2
   New *thing* here.

.. toctree::
   :maxdepth: 2

   chapter-one

Prices
------

.. list-table:: From May
   :header-rows: 1

   * - Plan
     - Price
   * - A
     - $5

You need:

#. a passport
#. a form

.. code-block:: python
   :linenos:

   print(1)

term
   What it means.

.. include:: /etc/passwd

.. raw:: html

   <b>raw</b>
"""


def test_restructuredtext_is_read_with_sphinxs_directives_and_roles(read, capfd):
    [document] = read("a.rst", RST)
    assert document.title == "Handbook"
    assert document.metadata == {"valid_until": "2027-01-01", "folder": ""}
    assert document.blocks == (
        Block("paragraph", "See the prices, code and a link."),
        Block("paragraph", "3.2 New thing here."),
        Block("heading", "Prices", 2),
        Block("paragraph", "From May"),
        Block("table_row", "Plan: A; Price: $5.", lead_in="From May"),
        Block("paragraph", "You need:"),
        Block("list_item", "1. a passport", 1, "You need:"),
        Block("list_item", "2. a form", 1, "You need:"),
        Block("code", "print(1)"),
        Block("list_item", "term: What it means.", 1),
    )
    assert capfd.readouterr() == ("", "")


def test_text_that_is_not_quite_restructuredtext_is_kept(read):
    [document] = read(
        "a.rst",
        "Title\n===\n\nText with *unclosed emphasis and |nothing|.\n\n.. wrong\n  Indent\n",
    )
    assert "unclosed emphasis" in " ".join(block.text for block in document.blocks)


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
            '<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
        )
        archive.writestr(
            "OEBPS/book.opf",
            '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf"><metadata '
            'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The book</dc:title></metadata><manifest>'
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


def mail(subject: str, text: str, subtype: str = "plain") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = (
        "desk@example.com",
        "all@example.com",
        subject,
    )
    message.set_content(text, subtype=subtype)
    return message


def test_a_mail_is_its_subject_and_what_its_writer_wrote(read):
    message = mail(
        "Re: Fwd: Router für zu Hause",
        "Hello,\n\nrestart the router.\n> not this\n\nOn Mon, 1 Jan 2026 at 9:00, the desk wrote:\n> older\n\nolder too\n",
    )
    message.add_attachment(
        b"x", maintype="application", subtype="octet-stream", filename="x.bin"
    )
    [document] = read("m.eml", bytes(message))
    assert document.title == "Router für zu Hause"
    assert document.blocks == (
        Block("paragraph", "Hello,"),
        Block("paragraph", "restart the router."),
    )
    assert document.notes == ("left out 1 attachment",)


def test_a_signature_is_left_out(read):
    [document] = read(
        "m.eml", bytes(mail("Hours", "Nine to five.\n-- \nThe desk\n0800 555\n"))
    )
    assert document.blocks == (Block("paragraph", "Nine to five."),)


def test_a_mail_in_html_is_read_without_its_quotes(read):
    markup = "<p>New.</p><div class='gmail_quote'>old</div><blockquote type=cite>older</blockquote><ul><li>one</ul>"
    [document] = read("m.eml", bytes(mail("Hours", markup, "html")))
    assert [block.text for block in document.blocks] == ["New.", "- one"]


def test_a_note_carries_its_name_in_its_sentence(read):
    [document] = read(
        "a.rst",
        "Guide\n=====\n\n.. warning:: Switch it off first.\n\n.. note::\n\n   Keep the key.\n",
    )
    assert [block.text for block in document.blocks] == [
        "Warning: Switch it off first.",
        "Note: Keep the key.",
    ]
