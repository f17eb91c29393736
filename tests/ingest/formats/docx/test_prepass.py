import io
import zipfile
from pathlib import Path

import pytest
from docx.oxml.ns import nsdecls
from lxml import etree

from kbserver.ingest.formats.docx.prepass import ready
from kbserver.ingest.formats.docx.styles import W
from kbserver.ingest.formats.ocr.embedded import Embedded
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.structure import LABEL_END

WORD = nsdecls("w")
COMPATIBLE = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'


def part(root: str, content: str) -> str:
    return f"<w:{root} {WORD} {COMPATIBLE}>{content}</w:{root}>"


def prepared(body: str, **parts: str) -> tuple[zipfile.ZipFile, tuple[str, ...]]:
    """Return the copy of a file with this body and these parts, and the notes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("word/document.xml", part("document", body))
        archive.writestr("word/media/dot.png", b"no part")
        for name, content in parts.items():
            archive.writestr(f"word/{name}.xml", content)
    with zipfile.ZipFile(file) as archive:
        made = ready(archive, Embedded(SourceFile(Path("a.docx"), "a.docx")))
    return zipfile.ZipFile(made.docx), made.notes


def body_of(copy: zipfile.ZipFile):
    return etree.fromstring(copy.read("word/document.xml"))


def lines(copy: zipfile.ZipFile) -> list[str]:
    """Return the text of each paragraph, those in it left out."""
    return [
        "".join(paragraph.xpath("w:r/w:t/text()", namespaces=paragraph.nsmap))
        for paragraph in body_of(copy).iter(f"{W}p")
    ]


def said(text: str, properties: str = "") -> str:
    return f"<w:r>{properties}<w:t>{text}</w:t></w:r>"


def box(*texts: str) -> str:
    paragraphs = "".join(f"<w:p>{said(text)}</w:p>" for text in texts)
    content = f"<w:pict><w:txbxContent>{paragraphs}</w:txbxContent></w:pict>"
    return (
        f"<w:r><mc:AlternateContent><mc:Choice>{content}</mc:Choice>"
        f"<mc:Fallback>{content}</mc:Fallback></mc:AlternateContent></w:r>"
    )


def test_the_copy_has_the_parts_that_are_read_and_no_pictures():
    settings = part("settings", "<w:zoom/>")
    copy, notes = prepared("<w:p/>", settings=settings)
    assert copy.namelist() == ["word/document.xml", "word/settings.xml"]
    assert copy.read("word/settings.xml").decode() == settings
    assert notes == ()


def test_a_style_s_marks_become_those_of_the_run():
    struck = '<w:style w:styleId="old"><w:rPr><w:dstrike/></w:rPr></w:style>'
    styles = part("styles", struck)
    body = f'<w:p><w:pPr><w:pStyle w:val="old"/></w:pPr>{said("30 days")}</w:p>'
    copy, _ = prepared(body, styles=styles)
    [run] = body_of(copy).iter(f"{W}r")
    assert [child.tag for child in run] == [f"{W}rPr", f"{W}t"]
    assert [mark.tag for mark in run[0]] == [f"{W}strike"]


def test_hidden_characters_of_all_stories_are_counted():
    hidden = said("psst", "<w:rPr><w:vanish/></w:rPr>")
    copy, notes = prepared(
        f"<w:p>{said('Open.')}<w:hyperlink>{hidden}</w:hyperlink></w:p>",
        footnotes=part("footnotes", f"<w:p>{hidden}</w:p>"),
    )
    assert lines(copy) == ["Open."]
    assert b"psst" not in copy.read("word/footnotes.xml")
    assert notes == ("removed 8 hidden characters",)


def test_a_number_stands_before_its_text_and_behind_the_properties():
    numbering = part(
        "numbering",
        '<w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0">'
        '<w:lvlText w:val="Step %1:"/></w:lvl></w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>',
    )
    number = '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>'
    copy, _ = prepared(f"<w:p>{number}{said('Knock')}</w:p>", numbering=numbering)
    assert lines(copy) == [f"Step 1:{LABEL_END} Knock"]
    assert next(body_of(copy).iter(f"{W}p"))[0].tag == f"{W}pPr"


def test_boxes_stand_once_and_in_their_order_behind_their_paragraph():
    first, second = box("Rooms", "From 90"), box("Parking")
    body = f"<w:p>{said('Hotel')}{first}{second}</w:p><w:p>{said('Bye')}</w:p>"
    copy, _ = prepared(body)
    assert lines(copy) == ["Hotel", "Rooms", "From 90", "Parking", "Bye"]


def test_simple_fields_and_turned_text_stay_in_their_place():
    turned = f"<w:bdo><w:dir>{said('b')}</w:dir>{said('c')}</w:bdo>"
    field = f"<w:fldSimple>{turned}</w:fldSimple>"
    copy, _ = prepared(f"<w:p>{said('a')}{field}{said('d')}</w:p>")
    assert lines(copy) == ["abcd"]


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("Page 3 of 12", ()),
        ("", ()),
        ("Ring 5", ("the header “Ring 5”",)),
        ("a" * 200_000, (f"the header “{'a' * 80}…”",)),
    ],
)
def test_a_header_is_named_unless_it_counts_pages(text, notes):
    header = part("hdr", f"<w:p>{said(text)}</w:p>")
    _, found = prepared("<w:p/>", header1=header, header2=header)
    assert found == tuple(
        f"not spoken: {note}; say in the text what callers need" for note in notes
    )


@pytest.mark.parametrize(
    ("look", "is_header"),
    [
        ("", True),
        ('<w:tblLook w:firstRow="0" w:val="0020"/>', False),
        ('<w:tblLook w:val="0020"/>', True),
        ('<w:tblLook w:val="0400"/>', False),
        ('<w:tblLook w:val="?"/>', True),
    ],
)
def test_a_table_s_look_says_whether_its_style_marks_the_first_row(look, is_header):
    grid = '<w:tblStylePr w:type="firstRow"><w:rPr/></w:tblStylePr>'
    copy, _ = prepared(
        f'<w:tbl><w:tblPr><w:tblStyle w:val="grid"/>{look}</w:tblPr><w:tr/><w:tr/></w:tbl>',
        styles=part("styles", f'<w:style w:styleId="grid">{grid}</w:style>'),
    )
    rows = list(body_of(copy).iter(f"{W}tr"))
    marked = [row.find(f"{W}trPr/{W}tblHeader") is not None for row in rows]
    assert marked == [is_header, False]
