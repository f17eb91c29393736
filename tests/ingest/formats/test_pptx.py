"""Presentations written by python-pptx."""

from pathlib import Path

from pptx import Presentation
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
