from hypothesis import given
from hypothesis import strategies as st

from kbserver.ingest.formats.pdf.line import Line, Style
from kbserver.ingest.formats.pdf.table import Region, with_tables
from kbserver.ingest.load import load
from tests.ingest.formats.pdf.lines import cell, paragraph, row, text_line
from tests.ingest.formats.pdf.written import (
    drawn,
    drawn_cells,
    drawn_lines,
    write_page,
)

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


def texts_of(path) -> list[str]:
    [document] = load(path, path.name)
    return [block.text for block in document.blocks]


def test_questions_beside_their_answers_stay_together(tmp_path):
    rows = [
        [
            ["Is breakfast", "included?"],
            ["Yes, from seven to ten, and", "on Sundays until eleven."],
        ],
        [["Is there a gym?"], ["On the fourth floor, open", "day and night."]],
        [["Can I check out", "late?"], ["Until two for 20 dollars."]],
    ]
    for gap in (0, 8):
        content = drawn_cells(rows, (60, 220), gap=gap)
        assert texts_of(write_page(tmp_path / "a.pdf", content)) == [
            "Is breakfast included? Yes, from seven to ten, and on Sundays until eleven.",
            "Is there a gym? On the fourth floor, open day and night.",
            "Can I check out late? Until two for 20 dollars.",
        ]


WRAPPED = [
    "Service: Deep cleaning of the teeth; What is done: We remove all plaque and polish "
    "the surface of each tooth; Price: $80.",
    "Service: First visit; What is done: We look at all teeth; Price: $40.",
    "Service: Crown of ceramics; What is done: Made in our house in one day; Price: $900 a tooth.",
]


def test_cells_that_were_wrapped_are_whole_however_they_are_drawn(tmp_path):
    rows = [
        [["Service"], ["What is done"], ["Price"]],
        [
            ["Deep cleaning", "of the teeth"],
            ["We remove all plaque", "and polish the surface", "of each tooth"],
            ["$80"],
        ],
        [["First visit"], ["We look at all teeth"], ["$40"]],
        [
            ["Crown of", "ceramics"],
            ["Made in our house", "in one day"],
            ["$900", "a tooth"],
        ],
    ]
    lefts = (60, 200, 400)
    path = write_page(tmp_path / "a.pdf", drawn_cells(rows, lefts))
    assert texts_of(path) == WRAPPED
    columns = []
    for at, left in enumerate(lefts):
        lines: list[str] = []
        for cells in rows:
            height = max(map(len, cells))
            lines += [*cells[at], *[""] * (height - len(cells[at]))]
        columns.append((left, lines))
    path = write_page(tmp_path / "b.pdf", drawn_lines(columns))
    assert texts_of(path) == WRAPPED


def test_a_label_in_the_middle_of_its_row_is_in_that_row(tmp_path):
    content = drawn(60, 693, "Dogs") + drawn(
        200, 700, "Allowed on the north field only"
    )
    content += drawn(200, 686, "for three dollars a night")
    content += drawn(60, 665, "Cats") + drawn(200, 672, "Allowed everywhere but in the")
    content += drawn(200, 658, "kitchen and the pool") + drawn(60, 640, "Birds")
    content += drawn(200, 640, "Not allowed")
    assert texts_of(write_page(tmp_path / "a.pdf", content)) == [
        "Dogs: Allowed on the north field only for three dollars a night.",
        "Cats: Allowed everywhere but in the kitchen and the pool.",
        "Birds: Not allowed.",
    ]


def test_short_columns_of_sentences_drawn_across_are_no_table(tmp_path):
    columns = [
        (
            60,
            [
                "Pets must be kept on a lead in",
                "the whole house and pay ten",
                "dollars a night.",
            ],
        ),
        (
            320,
            [
                "Smoking is allowed only on the",
                "terrace behind the kitchen, and",
                "not after ten.",
            ],
        ),
    ]
    assert texts_of(write_page(tmp_path / "a.pdf", drawn_lines(columns))) == [
        "Pets must be kept on a lead in the whole house and pay ten dollars a night.",
        "Smoking is allowed only on the terrace behind the kitchen, and not after ten.",
    ]


def test_columns_in_which_each_line_goes_on_or_begins_a_sentence_are_no_table(tmp_path):
    left = ["The camp opens in May.", "Cats stay in the south", "house and cost four"]
    right = ["Check out is at ten.", "Late guests pay seven", "dollars for each hour."]
    columns = [
        (60, [*left, "dollars a night."]),
        (310, [*right, "Bread is sold at six."]),
    ]
    assert texts_of(write_page(tmp_path / "a.pdf", drawn_lines(columns))) == [
        "The camp opens in May. Cats stay in the south house and cost four dollars a night.",
        "Check out is at ten.",
        "Late guests pay seven dollars for each hour. Bread is sold at six.",
    ]


def test_paragraphs_of_columns_need_not_end_side_by_side(tmp_path):
    columns = [
        (
            60,
            [
                "The pool opens at seven in the",
                "morning and closes at nine.",
                "",
                "Towels are lent at the desk for",
                "two dollars each and are given",
                "back on the same day.",
            ],
        ),
        (
            320,
            [
                "Parking costs twelve dollars for",
                "a day. Guests with a badge park",
                "for nothing, and leave it where",
                "it can be read from outside.",
            ],
        ),
    ]
    assert texts_of(write_page(tmp_path / "a.pdf", drawn_lines(columns))) == [
        "The pool opens at seven in the morning and closes at nine.",
        "Towels are lent at the desk for two dollars each and are given back on the same day.",
        "Parking costs twelve dollars for a day. Guests with a badge park for nothing, and "
        "leave it where it can be read from outside.",
    ]


def test_a_table_of_sentences_is_still_one(tmp_path):
    columns = [
        (60, ["Item", "Swimming pool", "Sauna for guests", "Gym on floor four", "Bar"]),
        (
            300,
            [
                "When it is open",
                "Every day from seven to nine.",
                "Only on weekends.",
                "Day and night.",
                "Until two in the morning.",
            ],
        ),
    ]
    assert texts_of(write_page(tmp_path / "a.pdf", drawn_lines(columns)))[-1] == (
        "Item: Bar; When it is open: Until two in the morning."
    )
