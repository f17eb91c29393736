"""Workbooks written by openpyxl."""

import datetime as dt
import re
import string
import zipfile
from pathlib import Path

import openpyxl
import pytest

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block, Document
from kbserver.ingest.formats import xlsx
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
            "Plan: Fibre 500; Price: $50; Since: 2026-02-01 09:30; Unlimited: no.",
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
        (20.0, '"$"#,##0.00', "$20"),
        (1234, "€#,##0", "€1234"),
        (0.1 + 0.2, "General", "0.3"),
        (7, "General", "7"),
        (True, "General", "yes"),
        (dt.time(9, 5), "h:mm", "09:05"),
        (dt.datetime(2026, 2, 1), "yyyy", "2026-02-01"),
        (dt.datetime(2026, 2, 1, 9, 30), "yyyy", "2026-02-01 09:30"),
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


def test_of_a_million_empty_rows_one_is_kept(tmp_path):
    rows = cell("A1", 1) + cell(f"A{xlsx.MAX_ROWS}", 2)
    path = with_rows(tmp_path / "a.xlsx", rows)
    workbook = openpyxl.load_workbook(path, read_only=True)
    assert list(xlsx._rows(workbook.active, "a.xlsx")) == [["1"], [], ["2"]]
    workbook.close()


@pytest.mark.parametrize("place", [f"A{xlsx.MAX_ROWS + 1}", "A999999999", "XFE1"])
def test_a_sheet_larger_than_a_sheet_can_be_is_refused(tmp_path, place):
    path = with_rows(tmp_path / "a.xlsx", cell(place, 2))
    wanted = "a sheet of over 1,048,576 rows and 16,384 columns: damaged"
    with pytest.raises(DocumentUnreadable, match=wanted):
        load(path, "a.xlsx")


def test_the_last_column_is_read(tmp_path):
    path = with_rows(tmp_path / "a.xlsx", cell("XFD1", 2))
    [document] = load(path, "a.xlsx")
    assert [block.text for block in document.blocks] == ["2."]
