"""Pieces of text become lines as a reader sees them."""

from kbserver.ingest.formats.ocr.found import Found
from kbserver.ingest.formats.ocr.lines import UNSURE, lines_of, sureness


def piece(left, top, text, *, sure=0.99, wrong=None, slope=0.0) -> Found:
    confidences = [sure] * len(text)
    if wrong is not None:
        confidences[text.index(wrong)] = 0.3
    right = left + 10 * len(text)
    return Found(text, tuple(confidences), left, top, right, top + 20 + slope, slope)


def texts(found) -> list[str]:
    return [line.text for line in lines_of(found, floor=0.8, points=1.0)]


def test_pieces_beside_each_other_are_cells_of_one_line():
    [line] = lines_of(
        [piece(400, 12, "£84.50"), piece(0, 10, "Single room")], floor=0.8, points=0.5
    )
    assert [cell.text for cell in line.cells] == ["Single room", "£84.50"]
    assert (line.left, line.right) == (0.0, 230.0)


def test_lines_of_a_page_laid_askew_are_found():
    found = [
        piece(40 * n, 30 * row + 4 * n, "a b", slope=3.0)
        for row in range(3)
        for n in range(10)
    ]
    assert len(lines_of(found, floor=0.8, points=1.0)) == 3


def test_columns_of_text_are_read_one_after_the_other():
    left = [piece(0, 30 * n, f"and this is left {n}") for n in range(6)]
    right = [piece(400, 30 * n + 14, f"and this is right {n}") for n in range(6)]
    title = piece(0, -40, "A title that goes across both of the columns here")
    assert texts([*right, *left, title]) == [
        title.text,
        *(one.text for one in left),
        *(one.text for one in right),
    ]


def test_a_number_is_as_sure_as_its_least_sure_digit():
    [line] = lines_of([piece(0, 0, "costs £12.80", wrong="8")], floor=0.8, points=1.0)
    assert line.text == f"costs £{UNSURE}12.80"
    assert line.confidence == 0.932


def test_a_word_is_as_sure_as_its_piece():
    assert texts([piece(0, 0, "costs nothing", wrong="g")]) == ["costs nothing"]
    assert UNSURE in texts([piece(0, 0, "costs nothing", sure=0.6)])[0]


def test_nothing_is_as_sure_as_nothing():
    assert sureness([]) == 0.0
    assert lines_of([], floor=0.8, points=1.0) == []
