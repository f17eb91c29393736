import pytest

from kbserver.ingest.formats.pdf.line import ITEM, MARKER, Style, usual_size
from tests.ingest.formats.pdf.lines import cell, paragraph, row, text_line

LONG = "A line of the body that is as long as most of the others are."
BODY = paragraph(700, LONG, LONG, LONG, "A short one.")


def test_a_line_is_the_text_of_its_cells():
    line = row(700, cell("Plan", 72), cell("Price", 300))
    assert line.text == "Plan Price"
    assert line.table_cells == line.cells


def test_the_usual_size_is_that_of_most_of_the_text():
    lines = [text_line("T", 800, size=20), text_line("A longer line.", 700, size=11)]
    assert usual_size(lines) == 11


def test_a_style_measures_what_is_usual():
    title = text_line("Handbook", 780, size=20)
    heading = text_line("Moving", 740, size=14)
    style = Style.of([title, heading, *BODY])
    assert (style.size, style.bold, style.spacing) == (11, False, 14)
    assert style.heading_sizes == (20, 14)
    assert style.margins == {72: BODY[0].right}


def test_without_a_wrapped_line_the_spacing_follows_from_the_size():
    assert Style.of([text_line("One.", 700)]).spacing == pytest.approx(1.2 * 11)


def test_levels_follow_the_sizes_and_a_bold_line_is_the_lowest_heading():
    title = text_line("Handbook", 780, size=20)
    heading = text_line("Moving", 740, size=14)
    bold = text_line("Notice", 720, bold=True)
    style = Style.of([title, heading, bold, *BODY])
    levels = [style.heading_level(line) for line in (title, heading, bold, BODY[0])]
    assert levels == [1, 2, 3, 0]


@pytest.mark.parametrize(
    ("text", "bold"),
    [
        ("A bold sentence.", True),
        ("- a bold item", True),
        ("2026", True),
        ("word " * 31, True),
        ("Plain", False),
    ],
)
def test_what_is_no_heading(text, bold):
    line = text_line(text, 720, bold=bold)
    assert Style.of([line, *BODY]).heading_level(line) == 0


def test_in_a_bold_document_a_bold_line_is_no_heading():
    lines = [text_line(LONG, 700 - 14 * number, bold=True) for number in range(3)]
    assert Style.of(lines).heading_level(text_line("Notice", 720, bold=True)) == 0


def test_an_indented_line_ended_early_leaves_room_for_the_next_word():
    style = Style.of(BODY)
    short = text_line("the contract number", 640, left=102)
    other = text_line("the date", 626, left=102)
    assert style.leaves_room(short, other)
    full = text_line(LONG[:58], 640, left=102)
    assert not style.leaves_room(full, other)
    assert not style.leaves_room(BODY[3], BODY[0])  # not indented


@pytest.mark.parametrize("text", ["-", "•", "1", "12.", "(3)", "–"])
def test_markers_of_lists(text):
    assert MARKER.fullmatch(text)


@pytest.mark.parametrize(
    ("text", "is_item"),
    [("- a", True), ("1) a", True), ("(2) a", True), ("1 a", False), ("-a", False)],
)
def test_items_of_lists(text, is_item):
    assert bool(ITEM.match(text)) is is_item
