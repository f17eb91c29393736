"""Word, Excel and PowerPoint files written by their usual libraries."""

import datetime as dt
from pathlib import Path

import docx
import openpyxl
from pptx import Presentation
from pptx.util import Inches

from kbserver.ingest.blocks import Block
from kbserver.ingest.load import load


def load_saved(document, path: Path):
    document.save(str(path))
    return load(path, path.name)


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
    [read] = load_saved(document, tmp_path / "guide.docx")
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
    document = load_saved(written, tmp_path / "a.docx")[0]
    assert [block.text for block in document.blocks] == ["Call us at noon."]
    assert document.notes == ("removed 21 hidden characters",)


def test_a_word_file_without_title_is_called_by_its_first_heading(tmp_path):
    document = docx.Document()
    document.add_heading("Refunds", 1)
    document.add_paragraph("Within 14 days.")
    [read] = load_saved(document, tmp_path / "x.docx")
    assert (read.title, read.blocks) == (
        "Refunds",
        (Block("paragraph", "Within 14 days."),),
    )


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


def test_a_first_slide_full_of_content_is_no_title_of_the_others(tmp_path):
    show = Presentation()
    for title, lines in (
        ("Opening hours", "Monday: 9 to 5\nSunday: closed"),
        ("Prices", "Small: $30\nLarge: $50"),
    ):
        slide = show.slides.add_slide(show.slide_layouts[1])
        slide.shapes.title.text, slide.placeholders[1].text_frame.text = title, lines
    show.save(str(tmp_path / "sales-deck.pptx"))
    [document] = load(tmp_path / "sales-deck.pptx", "sales-deck.pptx")
    assert document.title == "Sales deck"
    assert [block.text for block in document.blocks if block.kind == "heading"] == [
        "Opening hours",
        "Prices",
    ]


def test_slides_become_sections_and_what_was_never_shown_is_left_out(tmp_path):
    show = Presentation()
    first = show.slides.add_slide(show.slide_layouts[0])
    first.shapes.title.text, first.placeholders[1].text = (
        "Welcome kit",
        "For new customers",
    )
    second = show.slides.add_slide(show.slide_layouts[1])
    second.shapes.title.text = "Benefits"
    frame = second.placeholders[1].text_frame
    frame.text = "You get:"
    for text in ("free router", "no set-up fee"):
        paragraph = frame.add_paragraph()
        paragraph.text, paragraph.level = text, 1
    second.notes_slide.notes_text_frame.text = "internal"
    table = second.shapes.add_table(
        2, 2, Inches(1), Inches(6), Inches(4), Inches(1)
    ).table
    for row, texts in enumerate((("Plan", "Price"), ("A", "$5"))):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    hidden = show.slides.add_slide(show.slide_layouts[1])
    hidden.shapes.title.text = "Not shown"
    hidden._element.set("show", "0")
    [read] = load_saved(show, tmp_path / "kit.pptx")
    assert read.title == "Welcome kit"
    assert read.blocks == (
        Block("paragraph", "For new customers"),
        Block("heading", "Benefits", 2),
        Block("paragraph", "You get:"),
        Block("list_item", "- free router", 2, "You get:"),
        Block("list_item", "- no set-up fee", 2, "You get:"),
        Block("table_row", "Plan: A; Price: $5."),
    )
    assert read.notes == (
        "left out 1 hidden slide",
        "left out the speaker notes of 1 slide",
    )
