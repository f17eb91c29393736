"""Lines drawn on a page, and what they do to its text."""

import pypdfium2 as pdfium
import pytest

from kbserver.ingest.formats.pdf.line import Box
from kbserver.ingest.formats.pdf.strokes import (
    MOST_SEGMENTS_OF_PAGE,
    Strokes,
    strokes_of,
)
from kbserver.ingest.load import load
from tests.ingest.formats.pdf.written import drawn, write_page


def strokes_in(path) -> Strokes:
    pdf = pdfium.PdfDocument(path)
    try:
        return strokes_of(pdf[0])
    finally:
        pdf.close()


def rounded(boxes) -> list[tuple[int, ...]]:
    return [tuple(map(round, box)) for box in boxes]


def test_thin_paths_and_the_sides_of_stroked_boxes_are_lines(tmp_path):
    content = (
        b"72 700 m 172 700 l S 72 650 100 1 re f 300 600 1 90 re f "
        b"200 300 50 40 re S 400 400 50 40 re f"
    )
    found = strokes_in(write_page(tmp_path / "a.pdf", content))
    across, upright = rounded(found.across), rounded(found.upright)
    assert (72, 650, 172, 651) in across
    assert (300, 600, 301, 690) in upright
    assert [(200, 300, 250, 300), (200, 340, 250, 340)] == [
        box for box in sorted(across) if box[0] == 200
    ]
    assert len([box for box in upright if box[1] == 300]) == 2
    assert not [box for box in (*across, *upright) if box[1] >= 400 and box[0] >= 400]


def test_no_more_than_so_many_sides_of_drawings_are_looked_at(tmp_path):
    steps = b" ".join(
        b"%d %d l" % (100 + at // 2 * 4, at // 2 % 2) for at in range(200)
    )
    content = b"10 0 m " + steps + b" S "
    found = strokes_in(write_page(tmp_path / "a.pdf", content * 220))
    assert 0 < len(found.across) < MOST_SEGMENTS_OF_PAGE


def test_lines_turn_with_the_page():
    paper = Box(0, 0, 595, 842)
    turned = Strokes([Box(10, 100, 60, 100)], []).turned(1, paper)
    assert turned.across == []
    assert turned.upright == [Box(742, 10, 742, 60)]


@pytest.mark.parametrize(
    ("height", "right", "said"),
    [
        (703.5, 131, "The tent is $260."),  # through the middle of "$310 "
        (698.5, 131, "The tent is $310 $260."),  # below it
        (703.5, 400, "The tent is $310 $260."),  # a line of the page
    ],
)
def test_what_a_line_runs_through_is_struck_out(tmp_path, height, right, said):
    text = drawn(72, 700, "The tent is ") + drawn(131, 700, "$310 $260.")
    left = 131
    width = 24 if right == 131 else right - left
    line = f"{left} {height} m {left + width} {height} l S ".encode()
    [document] = load(write_page(tmp_path / "a.pdf", text + line * 2), "a.pdf")
    assert [block.text for block in document.blocks] == [said]
    is_struck = "$310" not in said
    assert ("left out 1 struck-out text" in document.notes) == is_struck


def test_what_a_reader_marked_as_struck_out_is_left_out(tmp_path):
    text = drawn(72, 700, "The tent is $310 $260.")
    mark = (
        b"<</Type/Annot/Subtype/StrikeOut/Rect[127 697 155 711]"
        b"/QuadPoints[127 709 152 709 127 698 152 698]>>"
    )
    path = write_page(tmp_path / "a.pdf", text, mark, page=b"/Annots[7 0 R]")
    [document] = load(path, "a.pdf")
    assert [block.text for block in document.blocks] == ["The tent is $260."]


@pytest.mark.parametrize(
    ("before", "rise", "digits", "behind", "said"),
    [
        ("A canoe costs $39", 5, "50", " a day.", "A canoe costs $39.50 a day."),
        ("The pedalo is $25", 5, "1", " a day.", "The pedalo is $25 a day."),
        ("The lake is 4 km", 5, "2", " large.", "The lake is 4 km² large."),
        ("Drink H", -3, "2", "O with it.", "Drink H2O with it."),
    ],
)
def test_small_digits_above_the_line_are_raised(
    tmp_path, before, rise, digits, behind, said
):
    content = (
        f"BT /F 11 Tf 72 700 Td ({before}) Tj /F 6 Tf {rise} Ts ({digits}) Tj "
        f"/F 11 Tf 0 Ts ({behind}) Tj ET"
    )
    [document] = load(write_page(tmp_path / "a.pdf", content.encode()), "a.pdf")
    assert [block.text for block in document.blocks] == [said]
