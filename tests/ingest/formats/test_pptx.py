"""Presentations written by python-pptx."""

import io
from copy import deepcopy
from operator import attrgetter
from pathlib import Path

from lxml import etree
from PIL import Image
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.util import Inches

from kbserver.ingest.blocks import Block, Document
from kbserver.ingest.load import load


def load_saved(show, path: Path) -> Document:
    show.save(str(path))
    [read] = load(path, path.name)
    return read


def test_a_first_slide_full_of_content_is_no_title_of_the_others(tmp_path):
    show = Presentation()
    for title, lines in (
        ("Opening hours", "Monday: 9 to 5\nSunday: closed"),
        ("Prices", "Small: $30\nLarge: $50"),
    ):
        slide = show.slides.add_slide(show.slide_layouts[1])
        slide.shapes.title.text, slide.placeholders[1].text_frame.text = title, lines
    document = load_saved(show, tmp_path / "sales-deck.pptx")
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
    read = load_saved(show, tmp_path / "kit.pptx")
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


def blank_slide(show):
    return show.slides.add_slide(show.slide_layouts[6])


def add_text(shapes, text: str, *, left: float, top: float):
    box = shapes.add_textbox(Inches(left), Inches(top), Inches(2), Inches(0.4))
    box.text_frame.text = text
    return box


def test_shapes_are_read_row_by_row_and_groups_opened(tmp_path):
    show = Presentation()
    slide = blank_slide(show)
    add_text(slide.shapes, "below", left=0, top=3)
    add_text(slide.shapes, "right", left=5, top=1.1)
    add_text(slide.shapes, "left", left=1, top=1.2)
    group = slide.shapes.add_group_shape()
    add_text(group.shapes, "in a group", left=3, top=1.0)
    read = load_saved(show, tmp_path / "a.pptx")
    assert [block.text for block in read.blocks[1:]] == [
        "left",
        "in a group",
        "right",
        "below",
    ]


def test_a_table_without_any_text_does_not_refuse_the_file(tmp_path):
    show = Presentation()
    slide = blank_slide(show)
    slide.shapes.add_table(2, 2, Inches(1), Inches(1), Inches(4), Inches(1))
    add_text(slide.shapes, "Text.", left=1, top=5)
    read = load_saved(show, tmp_path / "a.pptx")
    assert [block.text for block in read.blocks if block.text] == ["Text."]


def test_a_table_without_rows_does_not_refuse_the_file(tmp_path):
    show = Presentation()
    slide = blank_slide(show)
    shape = slide.shapes.add_table(1, 1, Inches(1), Inches(1), Inches(4), Inches(1))
    for row in list(shape.table._tbl.tr_lst):
        shape.table._tbl.remove(row)
    add_text(slide.shapes, "Text.", left=1, top=5)
    read = load_saved(show, tmp_path / "a.pptx")
    assert [block.text for block in read.blocks if block.text] == ["Text."]


def test_a_table_whose_first_row_is_no_header_is_read_without_one(tmp_path):
    show = Presentation()
    slide = blank_slide(show)
    shape = slide.shapes.add_table(1, 2, Inches(1), Inches(1), Inches(4), Inches(1))
    shape.table.first_row = False
    for cell, text in zip(shape.table.rows[0].cells, ("Monday", "9 to 5"), strict=True):
        cell.text = text
    read = load_saved(show, tmp_path / "a.pptx")
    assert read.blocks[-1] == Block("table_row", "Monday: 9 to 5.")


def test_the_first_row_of_a_table_names_its_columns_if_the_slide_says_so(tmp_path):
    show = Presentation()
    slide = blank_slide(show)
    shape = slide.shapes.add_table(2, 2, Inches(1), Inches(1), Inches(4), Inches(1))
    texts = (("2025", "2026"), ("$5", "$6"))
    for row, cells in zip(shape.table.rows, texts, strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    read = load_saved(show, tmp_path / "a.pptx")
    assert read.blocks[-1] == Block("table_row", "2025: $5; 2026: $6.")


def picture(width: int) -> io.BytesIO:
    file = io.BytesIO()
    Image.new("RGB", (width, 10)).save(file, "PNG")
    file.seek(0)
    return file


def test_the_numbers_of_a_chart_are_said(tmp_path):
    show = Presentation()
    slide = show.slides.add_slide(show.slide_layouts[5])
    slide.shapes.title.text = "Snow"
    data = CategoryChartData()
    data.categories = ["December", "January"]
    data.add_series("Snow depth in cm", (40, 85))
    place = (Inches(1), Inches(2), Inches(5), Inches(4))
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *place, data)
    read = load_saved(show, tmp_path / "a.pptx")
    assert [block.text for block in read.blocks if block.kind == "table_row"] == [
        "December: Snow depth in cm 40.",
        "January: Snow depth in cm 85.",
    ]
    assert read.notes == ()


def test_pictures_and_films_are_named_and_logos_are_not(tmp_path):
    show = Presentation()
    for number in range(3):
        slide = show.slides.add_slide(show.slide_layouts[5])
        slide.shapes.title.text = f"Part {number}"
        box = slide.shapes.add_textbox(Inches(1), Inches(1), Inches(3), Inches(1))
        box.text_frame.text = "Some words."
        slide.shapes.add_picture(picture(10), 0, 0, Inches(2), Inches(2))
    slide.shapes.add_picture(picture(20), Inches(4), Inches(3), Inches(4), Inches(3))
    slide.shapes.add_picture(
        picture(30), Inches(4), Inches(1), Inches(0.3), Inches(0.3)
    )
    assert load_saved(show, tmp_path / "a.pptx").notes == (
        "not spoken: 1 picture (slide 3); write on the slide what callers need of it",
    )


def test_a_shape_written_for_several_versions_is_read(tmp_path):
    show = Presentation()
    slide = show.slides.add_slide(show.slide_layouts[5])
    slide.shapes.title.text = "Fines"
    box = slide.shapes.add_textbox(Inches(1), Inches(1), Inches(3), Inches(1))
    box.text_frame.text = "The fine is 60 dollars."
    choice = etree.fromstring(
        "<mc:AlternateContent xmlns:mc='http://schemas.openxmlformats.org/"
        "markup-compatibility/2006'><mc:Choice Requires='p14'/></mc:AlternateContent>"
    )
    slide.shapes._spTree.append(choice)
    choice[0].append(box._element)
    read = load_saved(show, tmp_path / "a.pptx")
    assert read.blocks[-1] == Block("paragraph", "The fine is 60 dollars.")


def test_numbers_and_dates_of_slides_are_not_said_and_a_footer_once(tmp_path):
    show = Presentation()
    layout = show.slide_layouts[5]
    for number in (1, 2):
        slide = show.slides.add_slide(layout)
        slide.shapes.title.text = f"Part {number}"
        add_text(slide.shapes, f"Text {number}.", left=1, top=2)
        for shape in filter(attrgetter("is_placeholder"), layout.shapes):
            kind = shape.placeholder_format.type
            text = {
                PP_PLACEHOLDER.FOOTER: "Prices valid until 31.12.2026",
                PP_PLACEHOLDER.SLIDE_NUMBER: str(number),
                PP_PLACEHOLDER.DATE: "5 May",
            }.get(kind)
            if text is not None:
                copied = deepcopy(shape._element)
                slide.shapes._spTree.append(copied)
                slide.shapes[-1].text_frame.text = text
    slide.shapes[-2].text_frame.text = "Acme sales"
    read = load_saved(show, tmp_path / "a.pptx")
    assert [block.text for block in read.blocks] == [
        "Text 1.", "Part 2", "Text 2.", "", "Prices valid until 31.12.2026",
    ]  # fmt: skip
    assert read.notes == (
        "said once, at the end: the footer “Prices valid until 31.12.2026”",
        "left out the footer “Acme sales”",
    )


def test_raised_and_struck_out_text_of_slides_and_groups_of_columns(tmp_path):
    show = Presentation()
    slide = show.slides.add_slide(show.slide_layouts[5])
    slide.shapes.title.text = "Ferry"
    rows = (
        ("Class", "Peak", "", "Off-peak", ""),
        ("", "Single", "Return", "Single", "Return"),
        ("Foot", "$10", "$18", "$8", "$14"),
    )
    table = slide.shapes.add_table(3, 5, 0, Inches(2), Inches(7), Inches(2)).table
    for row, texts in enumerate(rows):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    table.cell(0, 1).merge(table.cell(0, 2))
    table.cell(0, 3).merge(table.cell(0, 4))
    [paragraph] = table.cell(2, 1).text_frame.paragraphs
    cents = paragraph.add_run()
    cents.text = "50"
    cents.font._element.set("baseline", "30000")
    box = slide.shapes.add_textbox(0, Inches(5), Inches(4), Inches(1)).text_frame
    for text, strike in (("$40 ", "sngStrike"), ("$35 for dogs", "noStrike")):
        run = box.paragraphs[0].add_run()
        run.text = text
        run.font._element.set("strike", strike)
    read = load_saved(show, tmp_path / "ferry.pptx")
    assert [block.text for block in read.blocks if block.kind != "heading"] == [
        "Class: Foot; Peak Single: $10.50; Peak Return: $18; Off-peak Single: $8; "
        "Off-peak Return: $14.",
        "$35 for dogs",
    ]
    assert read.notes == ("left out 1 struck-out text",)
