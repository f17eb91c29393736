"""Workbooks written by openpyxl."""

import datetime as dt
import re
import string
import zipfile
from pathlib import Path

import openpyxl
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.styles import Font
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet.table import Table

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block, Document
from kbserver.ingest.formats import xlsx
from kbserver.ingest.formats.office.grid import MAX_ROWS
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.load import load


def load_saved(workbook: openpyxl.Workbook, path: Path) -> list[Document]:
    workbook.save(path)
    return load(path, path.name)


def test_a_workbook_gives_sentences_and_questions(tmp_path):
    workbook = openpyxl.Workbook()
    plans = workbook.active
    plans.title = "Plans"
    for row in (
        [None, "Our plans 2026"],
        [],
        [None, "Plan", "Price", "Discount", "Since", "Unlimited"],
        [None, "Fibre 100", 29.5, 0.25, dt.date(2026, 1, 1), True],
        [None, "Fibre 500", 50, None, dt.datetime(2026, 2, 1, 9, 30), False],
    ):
        plans.append(row)
    plans["C4"].number_format = plans["C5"].number_format = '"$"#,##0.00'
    plans["D4"].number_format = "0%"
    faq = workbook.create_sheet("FAQ")
    faq.append(["Question", "Answer"])
    faq.append(["Can I pause?", "Yes."])
    hidden = workbook.create_sheet("Margins")
    hidden.append(["secret", "numbers"])
    hidden.sheet_state = "hidden"
    question, sheet = load_saved(workbook, tmp_path / "plans.xlsx")
    assert (question.source, question.title, question.blocks) == (
        "plans.xlsx#can-i-pause",
        "Can I pause?",
        (Block("record", "Yes."),),
    )
    assert sheet.blocks == (
        Block("heading", "Plans", 2),
        Block("paragraph", "Our plans 2026"),
        Block(
            "table_row",
            "Plan: Fibre 100; Price: $29.50; Discount: 25%; Since: 2026-01-01; Unlimited: yes.",
            lead_in="Our plans 2026",
        ),
        Block(
            "table_row",
            "Plan: Fibre 500; Price: $50.00; Since: 2026-02-01 09:30; Unlimited: no.",
            lead_in="Our plans 2026",
        ),
    )
    assert (question.notes, sheet.notes) == (("left out 1 hidden sheet",), ())


def one_sheet(*rows: list[object]) -> openpyxl.Workbook:
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)
    return workbook


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        (0.125, "0.0%", "12.5%"),
        (1, "0%", "100%"),
        (19.5, '"$"#,##0.00', "$19.50"),
        (20.0, '"$"#,##0.00', "$20.00"),
        (1234, "€#,##0", "€1,234"),
        (84, "[$£-809]#,##0.00", "£84.00"),
        (240, "#,##0.00\\ [$€-1]", "240.00 €"),
        (1900, "_-[$kr-41D] * #,##0_-", "kr 1,900"),
        (75, "[$CHF-807] #,##0.00", "CHF 75.00"),
        (420, '"KL-"0000', "KL-0420"),
        (1907, "00000", "01907"),
        (4917312345678, "General", "4917312345678"),
        ("12", '"Room "@', "Room 12"),
        (0.1 + 0.2, "General", "0.3"),
        (7, "General", "7"),
        (True, "General", "yes"),
        (dt.time(9, 5), "h:mm", "9:05"),
        (dt.datetime(2026, 2, 1), "yyyy", "2026"),
        (dt.datetime(2026, 2, 1, 9, 30), "d/m/yy h:mm", "2026-02-01 09:30"),
        (dt.timedelta(hours=26, minutes=5), "[h]:mm", "26:05"),
        ("  text ", "General", "text"),
    ],
)
def test_a_cell_is_read_as_a_person_reads_it_out(tmp_path, value, number_format, shown):
    workbook = one_sheet(["Name", value])
    workbook.active["B1"].number_format = number_format
    [document] = load_saved(workbook, tmp_path / "a.xlsx")
    assert document.blocks == (Block("table_row", f"Name: {shown}."),)


def test_blank_rows_separate_tables(tmp_path):
    workbook = one_sheet(["A", "B"], ["1", "2"], [], ["C", "D"], ["3", "4"])
    [document] = load_saved(workbook, tmp_path / "a.xlsx")
    assert [block.text for block in document.blocks] == ["A: 1; B: 2.", "C: 3; D: 4."]


def test_a_name_stands_above_the_first_table_of_its_sheet_only(tmp_path):
    workbook = one_sheet(["A", "B"], ["1", "2"], [], ["C", "D"], ["3", "4"])
    workbook.active.title = "Prices"
    workbook.create_sheet("Other").append(["E", "F"])
    [document] = load_saved(workbook, tmp_path / "a.xlsx")
    headings = [block.text for block in document.blocks if block.kind == "heading"]
    assert headings == ["Prices", "Other"]


def test_a_workbook_with_too_many_cells_is_refused(tmp_path):
    path = tmp_path / "a.xlsx"
    one_sheet(["a", "b", "c"], [], ["d", "e"]).save(path)
    file = SourceFile(path, "a.xlsx")
    assert len(xlsx.convert(file, max_cells=5)) == 1
    with pytest.raises(DocumentUnreadable, match="over 4 cells; split it"):
        xlsx.convert(file, max_cells=4)


def with_rows(path: Path, rows: str) -> Path:
    """Write a workbook whose sheet holds these `<row>` elements."""
    one_sheet(["a"]).save(path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = re.sub(
        rb"<sheetData>.*</sheetData>",
        f"<sheetData>{rows}</sheetData>".encode(),
        parts[sheet],
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def cell(place: str, value: int) -> str:
    row = place.lstrip(string.ascii_uppercase)
    return f'<row r="{row}"><c r="{place}"><v>{value}</v></c></row>'


def test_a_million_empty_rows_take_no_place(tmp_path):
    rows = cell("A1", 1) + cell(f"A{MAX_ROWS}", 2)
    [document] = load(with_rows(tmp_path / "a.xlsx", rows), "a.xlsx")
    assert [block.text for block in document.blocks] == ["1.", "2."]


@pytest.mark.parametrize("place", [f"A{MAX_ROWS + 1}", "A999999999", "XFE1"])
def test_a_sheet_larger_than_a_sheet_can_be_is_refused(tmp_path, place):
    path = with_rows(tmp_path / "a.xlsx", cell(place, 2))
    wanted = "a sheet of over 1,048,576 rows and 16,384 columns: damaged"
    with pytest.raises(DocumentUnreadable, match=wanted):
        load(path, "a.xlsx")


def test_the_last_column_is_read(tmp_path):
    path = with_rows(tmp_path / "a.xlsx", cell("XFD1", 2))
    [document] = load(path, "a.xlsx")
    assert [block.text for block in document.blocks] == ["2."]


def texts(workbook: openpyxl.Workbook, path: Path) -> list[str]:
    [document] = load_saved(workbook, path)
    return [block.text for block in document.blocks]


def test_hidden_rows_and_columns_are_left_out_and_named(tmp_path):
    workbook = one_sheet(
        ["Product", "Price", "Purchase"], ["Kettle", 39, 11], ["Blender", 19, 5]
    )
    workbook.active.column_dimensions["C"].hidden = True
    workbook.active.row_dimensions[3].hidden = True
    [document] = load_saved(workbook, tmp_path / "a.xlsx")
    assert [block.text for block in document.blocks] == ["Product: Kettle; Price: 39."]
    assert document.notes == ("left out 1 hidden column", "left out 1 hidden row")


def test_struck_out_cells_and_parts_of_cells_are_left_out_and_named(tmp_path):
    struck = InlineFont(strike=True)
    raised = InlineFont(vertAlign="superscript")
    workbook = one_sheet(
        ["Plan", "Price"],
        ["A", CellRichText(TextBlock(struck, "$9"), " $7")],
        ["B", CellRichText("$5", TextBlock(raised, "50"))],
        ["C", "$3"],
    )
    workbook.active["B4"].font = Font(strike=True)
    [document] = load_saved(workbook, tmp_path / "a.xlsx")
    assert [block.text for block in document.blocks] == [
        "Plan: A; Price: $7.",
        "Plan: B; Price: $5.50.",
        "Plan: C.",
    ]
    assert document.notes == ("left out 2 struck-out texts",)


def test_formulas_without_values_and_errors_are_named(tmp_path):
    workbook = one_sheet(
        ["Plan", "Net", "Gross"], ["A", 20, "=B2*1.19"], ["B", "#N/A", 1]
    )
    [document] = load_saved(workbook, tmp_path / "a.xlsx")
    assert [block.text for block in document.blocks] == [
        "Plan: A; Net: 20.",
        "Plan: B; Gross: 1.",
    ]
    assert document.notes == (
        "not spoken: 1 formula without a value; open the file in a spreadsheet program "
        "and save it",
        "left out 1 cell with an error (#N/A)",
    )


def test_merged_cells_count_for_all_places_they_cover(tmp_path):
    workbook = one_sheet(
        ["Prices 2026", None, None, None, None],
        ["Activity", "Weekday", None, "Weekend", None],
        [None, "Adult", "Child", "Adult", "Child"],
        ["Pool", 6, 3, 8, 4],
    )
    for area in ("A1:E1", "A2:A3", "B2:C2", "D2:E2"):
        workbook.active.merge_cells(area)
    assert texts(workbook, tmp_path / "a.xlsx") == [
        "Prices 2026",
        "Activity: Pool; Weekday Adult: 6; Weekday Child: 3; Weekend Adult: 8; "
        "Weekend Child: 4.",
    ]


@pytest.mark.parametrize("mark", ["bold", "filter", "table"])
def test_a_row_that_looks_like_a_header_is_one(tmp_path, mark):
    workbook = one_sheet(["Size", "36", "37"], ["S", 3, 4], ["M", 5, 6])
    sheet = workbook.active
    if mark == "bold":
        for cell in sheet[1]:
            cell.font = Font(bold=True)
    elif mark == "filter":
        sheet.auto_filter.ref = "A1:C3"
    else:
        sheet.add_table(Table(displayName="Sizes", ref="A1:C3"))
    assert texts(workbook, tmp_path / "a.xlsx") == [
        "Size: S; 36: 3; 37: 4.",
        "Size: M; 36: 5; 37: 6.",
    ]


def test_a_sign_of_a_font_of_signs_is_read(tmp_path):
    workbook = one_sheet(["Feature", "Free", "Pro"], ["Export", "û", "ü"])
    for place in ("B2", "C2"):
        workbook.active[place].font = Font(name="Wingdings")
    assert texts(workbook, tmp_path / "a.xlsx") == [
        "Feature: Export; Free: no; Pro: yes."
    ]


def test_a_number_format_that_is_not_understood_is_named(tmp_path):
    workbook = one_sheet(["Since", 46086])
    workbook.active["B1"].number_format = "[$-404]e/m/d"
    [document] = load_saved(workbook, tmp_path / "a.xlsx")
    assert document.blocks[0].text == "Since: 46086."
    assert "not understood" in document.notes[0]


def test_dates_of_a_workbook_that_counts_from_1904_are_right(tmp_path):
    workbook = one_sheet(["Since", dt.date(2026, 3, 5)])
    workbook.epoch = CALENDAR_MAC_1904
    assert texts(workbook, tmp_path / "a.xlsx") == ["Since: 2026-03-05."]


DRAWING = (
    '<xdr:wsDr xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/'
    'spreadsheetDrawing" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">'
    "<xdr:sp><xdr:txBody><a:p><a:r><a:rPr strike='sngStrike'/><a:t>Guard </a:t></a:r>"
    "<a:r><a:t>Lifeguard</a:t></a:r></a:p><a:p><a:r><a:t>from May to August</a:t></a:r>"
    "</a:p></xdr:txBody></xdr:sp>{more}</xdr:wsDr>"
)
RELATION = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Target="../drawings/drawing1.xml" Type="http://schemas.'
    'openxmlformats.org/officeDocument/2006/relationships/drawing"/></Relationships>'
)


def test_text_boxes_and_facts_of_printed_margins_are_said(tmp_path):
    path = tmp_path / "a.xlsx"
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.append(["Month", "Visitors"])
    sheet.append(["May", 120])
    sheet.oddHeader.center.text = "Price list"
    sheet.oddFooter.left.text = "Prices incl. 19% VAT"
    sheet.oddFooter.right.text = "Page &P of &N"
    workbook.save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/drawings/drawing1.xml", DRAWING.format(more=""))
        archive.writestr("xl/worksheets/_rels/sheet1.xml.rels", RELATION)
    [document] = load(path, path.name)
    assert [block.text for block in document.blocks] == [
        "Month: May; Visitors: 120.",
        "Lifeguard from May to August.",
        "Prices incl. 19% VAT.",
    ]
    assert document.notes == (
        "left out 1 struck-out text",
        "left out the header or footer “Price list”",
        "said once, at the end: the header or footer “Prices incl. 19% VAT”",
    )


def test_boxes_that_are_hidden_or_for_older_programs_are_not_said(tmp_path):
    def box(text: str, hidden: str = "") -> str:
        return (
            f"<xdr:sp><xdr:nvSpPr><xdr:cNvPr id='2' name='b' {hidden}/></xdr:nvSpPr>"
            f"<xdr:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></xdr:txBody></xdr:sp>"
        )

    hidden = "hidden='1'"
    more = (
        f"{box('Our margin is 40 %', hidden)}"
        f"<xdr:grpSp><xdr:nvGrpSpPr><xdr:cNvPr id='3' name='g' {hidden}/></xdr:nvGrpSpPr>"
        f"{box('Ask the boss')}</xdr:grpSp>"
        "<mc:AlternateContent xmlns:mc='http://schemas.openxmlformats.org/"
        "markup-compatibility/2006'><mc:Fallback>"
        f"{box('This shape represents a slicer')}</mc:Fallback></mc:AlternateContent>"
        f"{box('Closed in winter')}"
    )
    path = tmp_path / "a.xlsx"
    one_sheet(["Month", "May"]).save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/drawings/drawing1.xml", DRAWING.format(more=more))
        archive.writestr("xl/worksheets/_rels/sheet1.xml.rels", RELATION)
    [document] = load(path, path.name)
    assert [block.text for block in document.blocks] == [
        "Month: May.",
        "Lifeguard from May to August.",
        "Closed in winter.",
    ]
