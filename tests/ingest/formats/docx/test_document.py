"""Word files written by python-docx."""

import zlib
from pathlib import Path

import docx
import pytest
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn

from kbserver.ingest.blocks import Block, Document
from kbserver.ingest.load import load

WORD = nsdecls("w")


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


def numbering_part(document):
    return document.part.numbering_part.element


def add_list(document, *levels: tuple[str, str]) -> int:
    """Add a numbering whose levels have a number format and a text; return its id."""
    number = 90 + len(numbering_part(document))
    made = "".join(
        f'<w:lvl w:ilvl="{at}"><w:start w:val="1"/><w:numFmt w:val="{form}"/>'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
        for at, (form, text) in enumerate(levels)
    )
    numbering = numbering_part(document)
    numbering.insert(
        0,
        parse_xml(
            f'<w:abstractNum {WORD} w:abstractNumId="{number}">{made}</w:abstractNum>'
        ),
    )
    numbering.append(
        parse_xml(
            f'<w:num {WORD} w:numId="{number}"><w:abstractNumId w:val="{number}"/></w:num>'
        )
    )
    return number


def numbered(paragraph, number: int, level: int = 0):
    properties = paragraph._p.get_or_add_pPr()
    properties.append(
        parse_xml(
            f'<w:numPr {WORD}><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'
        )
    )


def texts(document, path: Path) -> list[str]:
    return [block.text for block in load_saved(document, path).blocks]


def test_clauses_keep_the_numbers_that_word_writes(tmp_path):
    document = docx.Document()
    number = add_list(document, ("decimal", "%1."), ("decimal", "%1.%2"))
    for level, text in (
        (0, "Deposit"),
        (1, "Two weeks."),
        (0, "Pets"),
        (1, "Cats."),
        (1, "Dogs."),
    ):
        style = "Heading 1" if level == 0 else None
        numbered(document.add_paragraph(text, style=style), number, level)
    assert texts(document, tmp_path / "a.docx") == [
        "1. Deposit",
        "1.1 Two weeks.",
        "2. Pets",
        "2.1 Cats.",
        "2.2 Dogs.",
    ]


@pytest.mark.parametrize(
    ("form", "text", "labels"),
    [
        ("lowerLetter", "(%1)", ["(a)", "(b)"]),
        ("upperRoman", "%1.", ["I.", "II."]),
        ("decimal", "Step %1:", ["Step 1:", "Step 2:"]),
        ("decimalZero", "%1)", ["01)", "02)"]),
    ],
)
def test_a_list_goes_on_behind_a_paragraph(tmp_path, form, text, labels):
    document = docx.Document()
    document.add_paragraph("Tenants must:")
    number = add_list(document, (form, text))
    numbered(document.add_paragraph("air the rooms"), number)
    document.add_paragraph("Each day.")
    numbered(document.add_paragraph("keep quiet"), number)
    read = load_saved(document, tmp_path / "a.docx")
    items = [block for block in read.blocks if block.kind == "list_item"]
    assert [item.text for item in items] == [
        f"{labels[0]} air the rooms",
        f"{labels[1]} keep quiet",
    ]
    assert items[0].lead_in == "Tenants must:"


@pytest.mark.parametrize("mark", ["strike", "double_strike"])
def test_struck_out_words_are_left_out_and_named(tmp_path, mark):
    document = docx.Document()
    paragraph = document.add_paragraph("The fee is ")
    setattr(paragraph.add_run("$80").font, mark, True)
    paragraph.add_run(" $20.")
    read = load_saved(document, tmp_path / "a.docx")
    assert [block.text for block in read.blocks] == ["The fee is $20."]
    assert read.notes == ("left out 1 struck-out text",)


def test_what_a_style_strikes_or_hides_is_left_out(tmp_path):
    document = docx.Document()
    for name in ("strike", "hidden"):
        style = document.styles.add_style(name, WD_STYLE_TYPE.CHARACTER)
        setattr(style.font, name, True)
    paragraph = document.add_paragraph("The fee is ")
    paragraph.add_run("$80", style="strike")
    paragraph.add_run("secret", style="hidden")
    paragraph.add_run(" $20.")
    assert texts(document, tmp_path / "a.docx") == ["The fee is $20."]


def test_raised_cents_are_cents(tmp_path):
    document = docx.Document()
    paragraph = document.add_paragraph("It costs $19")
    paragraph.add_run("99").font.superscript = True
    paragraph.add_run(" a month.")
    assert texts(document, tmp_path / "a.docx") == ["It costs $19.99 a month."]


def test_comments_are_left_out_and_named(tmp_path):
    document = docx.Document()
    run = document.add_paragraph().add_run("Returns take 30 days.")
    document.add_comment(run, text="should we say 14?", author="Kim")
    read = load_saved(document, tmp_path / "a.docx")
    assert [block.text for block in read.blocks] == ["Returns take 30 days."]
    assert read.notes == ("left out 1 comment",)


def test_facts_of_headers_and_footers_are_said_at_the_end(tmp_path):
    document = docx.Document()
    document.add_heading("Complaints", 1)
    document.add_paragraph("Write to us.")
    section = document.sections[0]
    section.different_first_page_header_footer = True
    section.footer.paragraphs[0].text = "Emergencies: 0800 555 0187"
    section.first_page_footer.paragraphs[0].text = "Emergencies: 0800 555 0187"
    section.header.paragraphs[0].text = "Page 1 of 3"
    section.first_page_header.paragraphs[0].text = "Acme"
    read = load_saved(document, tmp_path / "a.docx")
    assert [(block.kind, block.text) for block in read.blocks] == [
        ("paragraph", "Write to us."),
        ("heading", ""),
        ("paragraph", "Emergencies: 0800 555 0187"),
    ]
    assert read.notes == (
        "said once, at the end: the header or footer “Emergencies: 0800 555 0187”",
        "not spoken: the header “Acme”; say in the text what callers need",
    )


def test_a_header_says_no_more_than_its_reader_sees(tmp_path):
    document = docx.Document()
    document.add_paragraph("Text.")
    header = document.sections[0].header
    paragraph = header.paragraphs[0]
    paragraph.add_run("Valid until ")
    paragraph.add_run("30.11.").font.strike = True
    paragraph.add_run(" 31.12.").bold = True
    paragraph.add_run("ask Kim 0800 555 0187").font.hidden = True
    content = f"<w:txbxContent>{paragraph._p.xml}</w:txbxContent>"
    header._element.append(
        parse_xml(
            f'<w:p {WORD} xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
            'xmlns:v="urn:schemas-microsoft-com:vml">'
            f"<w:r><mc:AlternateContent><mc:Choice>{content}</mc:Choice>"
            f"<mc:Fallback>{content}</mc:Fallback></mc:AlternateContent></w:r>"
            '<w:r><w:pict><v:shape><v:textpath string="DRAFT"/></v:shape></w:pict></w:r></w:p>'
        )
    )
    read = load_saved(document, tmp_path / "a.docx")
    said = "Valid until 31.12. Valid until 31.12."
    assert [block.text for block in read.blocks] == ["Text.", "", said]
    assert read.notes == (
        "removed 42 hidden characters",
        f"said once, at the end: the header or footer “{said}”",
        "not spoken: the watermark “DRAFT”; say in the text what callers need",
    )


def test_boxes_say_whether_they_are_ticked(tmp_path):
    document = docx.Document()
    for checked, text in (("1", " Lift"), ("0", " Kitchen")):
        paragraph = document.add_paragraph()
        paragraph._p.append(
            parse_xml(
                f'<w:sdt {WORD} xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml">'
                f'<w:sdtPr><w14:checkbox><w14:checked w14:val="{checked}"/></w14:checkbox>'
                "</w:sdtPr><w:sdtContent><w:r><w:t>☐</w:t></w:r></w:sdtContent></w:sdt>"
            )
        )
        paragraph.add_run(text)
    assert texts(document, tmp_path / "a.docx") == ["Lift: yes", "Kitchen: no"]


def test_simple_fields_and_text_boxes_are_read(tmp_path):
    document = docx.Document()
    document.add_paragraph()._p.append(
        parse_xml(
            f'<w:fldSimple {WORD} w:instr=" DATE "><w:r><w:t>It moved on 3 May.</w:t></w:r>'
            "</w:fldSimple>"
        )
    )
    host = document.add_paragraph("Park behind. ")
    host.add_run()._r.append(
        parse_xml(
            f"<w:drawing {WORD}><w:txbxContent><w:p><w:r><w:t>The fine is $60.</w:t></w:r>"
            "</w:p></w:txbxContent></w:drawing>"
        )
    )
    assert texts(document, tmp_path / "a.docx") == [
        "It moved on 3 May.",
        "Park behind.",
        "The fine is $60.",
    ]


def test_a_table_of_contents_is_left_out(tmp_path):
    document = docx.Document()
    document.styles.add_style("toc 1", WD_STYLE_TYPE.PARAGRAPH)
    document.add_paragraph("Prices 3", style="toc 1")
    document.add_paragraph("Text.")
    assert texts(document, tmp_path / "a.docx") == ["Text."]


def filled(document, rows, style=None):
    table = document.add_table(rows=0, cols=len(rows[0]), style=style)
    for row in rows:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    return table


@pytest.mark.parametrize(
    ("style", "first"),
    [("Light Grid", "Size: S; 36: 3; 37: 4."), ("Table Grid", "Size: 36; 37.")],
)
def test_a_table_s_style_says_whether_its_first_row_names_columns(
    tmp_path, style, first
):
    document = docx.Document()
    filled(document, [["Size", "36", "37"], ["S", "3", "4"]], style)
    assert texts(document, tmp_path / "a.docx")[0] == first


def test_a_bold_first_row_names_the_columns(tmp_path):
    document = docx.Document()
    table = filled(document, [["Size", "36", "37"], ["S", "3", "4"]])
    for cell in table.rows[0].cells:
        cell.paragraphs[0].runs[0].bold = True
    assert texts(document, tmp_path / "a.docx") == ["Size: S; 36: 3; 37: 4."]


def test_a_table_in_a_cell_stays_with_its_row(tmp_path):
    document = docx.Document()
    table = filled(document, [["Weekday", ""], ["Weekend", ""]])
    for row, price in zip(table.rows, ("$9", "$12"), strict=True):
        inner = row.cells[1].add_table(rows=1, cols=2)
        inner.rows[0].cells[0].text, inner.rows[0].cells[1].text = "Child", price
    assert texts(document, tmp_path / "a.docx") == [
        "Weekday: Child: $9.",
        "Weekend: Child: $12.",
    ]


def test_pictures_are_named(tmp_path):
    picture = tmp_path / "dot.png"
    picture.write_bytes(ONE_PIXEL)
    document = docx.Document()
    document.add_picture(str(picture))
    document.add_paragraph("Text.")
    assert load_saved(document, tmp_path / "a.docx").notes == (
        "not spoken: 1 picture; say in the text what callers need",
    )


def test_a_digit_that_is_set_higher_is_the_mark_of_a_footnote(tmp_path):
    document = docx.Document()
    paragraph = document.add_paragraph("It costs $39")
    run = paragraph.add_run("1")
    run._r.append(
        parse_xml(f'<w:rPr {WORD}><w:position w:val="8"/><w:sz w:val="14"/></w:rPr>')
    )
    run._r.insert(0, run._r[-1])
    paragraph.add_run(" a month.")
    assert texts(document, tmp_path / "a.docx") == ["It costs $39 a month."]
