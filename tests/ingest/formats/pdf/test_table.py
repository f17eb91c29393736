from hypothesis import given
from hypothesis import strategies as st

from kbserver.ingest.formats.pdf.line import Line, Style
from kbserver.ingest.formats.pdf.table import Region, with_tables
from tests.ingest.formats.pdf.lines import cell, paragraph, row, text_line

SPACING = 14.0
STYLE = Style.of(paragraph(100, "A line that is as long as most of them.", "Another."))
HEADER = row(700, cell("Plan", 72), cell("Speed", 200), cell("Price", 300))
SMALL = row(686, cell("Small", 72), cell("100", 200), cell("$30", 300))
LARGE = row(672, cell("Large", 72), cell("500", 200), cell("$50", 300))


def test_the_bounds_lie_in_the_white_gaps():
    region = Region.of([HEADER, SMALL])
    [first, second] = region.bounds
    assert HEADER.cells[0].right < first < 200 < second < 300
    assert [region.column(one) for one in SMALL.cells] == [0, 1, 2]


def test_rows_are_read_from_top_to_bottom():
    rows = Region.of([HEADER, SMALL, LARGE]).rows(SPACING)
    assert rows == [
        ["Plan", "Speed", "Price"],
        ["Small", "100", "$30"],
        ["Large", "500", "$50"],
    ]


def test_a_wrapped_cell_is_whole_again():
    wrapped = row(672, cell("with a garden", 72))
    after = row(640, cell("Large", 72), cell("500", 200), cell("$50", 300))
    above = row(720, *HEADER.cells)
    rows = Region.of([above, SMALL, wrapped, after]).rows(SPACING)
    assert rows[1:] == [["Small with a garden", "100", "$30"], ["Large", "500", "$50"]]


def test_without_gaps_a_row_begins_in_the_first_column():
    wrapped = row(672, cell("a month", 300))
    rows = Region.of([HEADER, SMALL, wrapped]).rows(SPACING)
    assert rows[1:] == [["Small", "100", "$30 a month"]]


def test_a_line_across_the_columns_does_not_join_the_table():
    region = Region.of([HEADER, SMALL])
    across = row(672, cell("Prices of all plans " * 3, 72), cell("x", 500))
    assert region.with_line(LARGE) is not None
    assert region.with_line(across) is None


def test_a_line_alone_far_below_at_the_left_is_no_row():
    below = row(650, cell("Call us.", 72))
    assert Region.of([HEADER, SMALL, below]).ends_below_itself(SPACING)
    assert not Region.of([HEADER, SMALL, LARGE]).ends_below_itself(SPACING)
    assert not Region.of([HEADER]).ends_below_itself(SPACING)


def test_lines_with_several_cells_at_two_heights_are_a_table():
    before = text_line("Our prices are these.", 730)
    pieces = list(with_tables([before, HEADER, SMALL, LARGE], STYLE))
    assert pieces == [before, Region.of([HEADER, SMALL, LARGE])]


def test_one_line_with_several_cells_is_no_table():
    after = text_line("Nine to five on every day of the week.", 686)
    assert list(with_tables([HEADER, after], STYLE)) == [HEADER, after]


def test_a_line_that_announces_what_follows_ends_the_table():
    announcement = text_line("Also:", 658)
    pieces = list(with_tables([HEADER, SMALL, LARGE, announcement], STYLE))
    assert pieces[-1] == announcement


def test_text_in_columns_is_read_column_by_column():
    left = [
        "the club meets on the",
        "first day of the month",
        "in the old village hall",
    ]
    left += ["and its members bring a", "plant to exchange with"]
    lines = [
        row(700 - 14 * at, cell(text, 72), cell(f"and {text}"[:22], 330))
        for at, text in enumerate(left)
    ]
    pieces = list(with_tables(lines, STYLE))
    assert [piece.text for piece in pieces if isinstance(piece, Line)][:5] == left
    assert len(pieces) == 10


def test_a_hyphen_at_the_end_of_a_columns_line_is_marked():
    texts = [
        "the club meets on Tues-",
        "day of each month in the",
        "hall and brings its own",
    ]
    texts += ["plants to exchange with", "others for a small fee"]
    lines = [
        row(700 - 14 * at, cell(text, 72), cell(text, 330))
        for at, text in enumerate(texts)
    ]
    [first, *_] = with_tables(lines, STYLE)
    assert isinstance(first, Line) and first.text == "the club meets on Tues\ufffe"


cells = st.lists(
    st.sampled_from((72, 200, 300, 420)), min_size=1, max_size=4, unique=True
)
heights = st.integers(20, 800)


@given(st.lists(st.tuples(heights, cells), max_size=10))
def test_every_cell_of_a_page_is_in_one_piece(places):
    page = [
        row(height, *(cell(f"{number}-{left}", left) for left in sorted(lefts)))
        for number, (height, lefts) in enumerate(places)
    ]
    found: list[str] = []
    for piece in with_tables(page, STYLE):
        if isinstance(piece, Region):
            found += " ".join(
                text for cells in piece.rows(SPACING) for text in cells
            ).split()
        else:
            found += piece.text.split()
    wanted = [one.text for line in page for one in line.cells]
    assert sorted(found) == sorted(wanted)
