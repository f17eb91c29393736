import string
import zlib
from pathlib import Path

import pypdfium2 as pdfium
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block, Document
from kbserver.ingest.formats.pdf.pages import read_pages
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.load import load
from tests.ingest.formats.pdf.written import CATALOG, write_objects


def read_pdf(path: Path) -> Document:
    [document] = load(path, path.name)
    return document


def prose(x: float, y: float, *lines: str) -> list[tuple[float, float, float, str]]:
    return [(x, y - 14 * number, 11, line) for number, line in enumerate(lines)]


LINES = (
    "Customers who move house can take their connection along if the new address is covered",
    "by the network, which is checked within two working days of the customer giving notice",
    "in writing or on the telephone.",
)


def test_lines_are_joined_to_paragraphs_under_headings_set_larger(write_pdf):
    document = read_pdf(
        write_pdf(
            [
                [
                    (72, 780, 20, "Handbook"),
                    (72, 740, 14, "1. Moving"),
                    *prose(72, 715, *LINES),
                    *prose(72, 650, *LINES),
                ]
            ]
        )
    )
    assert document.title == "Handbook"
    assert document.blocks == (
        Block("heading", "1. Moving", 2),
        Block("paragraph", " ".join(LINES)),
        Block("paragraph", " ".join(LINES)),
    )


def test_columns_are_read_one_after_the_other(write_pdf):
    left = ["The left column is", "read from its top to", "its bottom, and then"]
    right = ["the right one, from", "its own top to the", "very end of it."]
    document = read_pdf(write_pdf([[*prose(72, 700, *left), *prose(320, 700, *right)]]))
    assert [block.text for block in document.blocks] == [" ".join(left + right)]


def test_a_page_drawn_from_bottom_to_top_is_read_from_top_to_bottom(write_pdf):
    document = read_pdf(
        write_pdf(
            [[*prose(72, 600, *LINES), *prose(72, 700, "This comes first of all.")]]
        )
    )
    assert [block.text for block in document.blocks] == [
        "This comes first of all.",
        " ".join(LINES),
    ]


def test_running_headers_footers_and_page_numbers_are_taken_out(write_pdf):
    pages = [
        [
            (72, 810, 9, "Northline handbook 2026"),
            (72, 780, 15, f"Chapter {number}"),
            *prose(72, 750, *LINES),
            (72, 40, 9, "Internal use"),
            (280, 25, 9, f"Page {number} of 4"),
        ]
        for number in range(1, 5)
    ]
    document = read_pdf(write_pdf(pages))
    assert [block.text for block in document.blocks] == [
        text
        for number in range(1, 5)
        for text in (f"Chapter {number}", " ".join(LINES))
    ]
    assert document.notes == ("removed 12 running headers, footers and page numbers",)


def test_a_single_page_keeps_its_first_and_last_line(write_pdf):
    document = read_pdf(
        write_pdf(
            [
                [
                    *prose(72, 800, "First line."),
                    *prose(72, 400, *LINES),
                    *prose(72, 30, "Page 1"),
                ]
            ]
        )
    )
    assert [block.text for block in document.blocks] == [
        "First line.",
        " ".join(LINES),
        "Page 1",
    ]


def test_a_paragraph_goes_on_over_the_page_break(write_pdf):
    document = read_pdf(
        write_pdf([prose(72, 100, *LINES[:2]), prose(72, 780, *LINES[2:])])
    )
    assert [block.text for block in document.blocks] == [" ".join(LINES)]


def test_hyphenation_is_undone_but_compounds_keep_their_hyphen(write_pdf):
    document = read_pdf(
        write_pdf(
            [
                prose(
                    72,
                    700,
                    "Those who move house can take their connec-",
                    "tion along, with self-",
                    "service or not. Use self-service.",
                )
            ]
        )
    )
    assert [block.text for block in document.blocks] == [
        "Those who move house can take their connection along, with self-service "
        "or not. Use self-service."
    ]


LONG_ITEM = "- a bill that is not older than three months and that shows your full"


def test_lists_keep_their_items_apart(write_pdf):
    document = read_pdf(
        write_pdf(
            [
                [
                    *prose(72, 760, *LINES),
                    *prose(
                        72,
                        700,
                        "Bring with you:",
                        "- a passport",
                        LONG_ITEM,
                    ),
                    *prose(80, 658, "name and address", "- a photo"),
                ]
            ]
        )
    )
    assert [block.text for block in document.blocks[1:]] == [
        "Bring with you:",
        "- a passport",
        f"{LONG_ITEM} name and address",
        "- a photo",
    ]


def test_the_rows_of_a_table_are_sentences_and_wrapped_cells_whole(write_pdf):
    def row(y: float, *cells: str) -> list[tuple[float, float, float, str]]:
        return [
            (x, y, 11, text)
            for x, text in zip((72, 300, 420), cells, strict=True)
            if text
        ]

    document = read_pdf(
        write_pdf(
            [
                [
                    *prose(72, 760, *LINES),
                    *row(700, "Plan", "Speed", "Price"),
                    *row(680, "Fibre for homes with", "100 Mbit", "$30 a month"),
                    *row(666, "a garden", "", ""),
                    *row(646, "Fibre 500", "500 Mbit", "$50 a month"),
                    *prose(72, 600, *LINES),
                ]
            ]
        )
    )
    assert document.blocks[1:3] == (
        Block(
            "table_row",
            "Plan: Fibre for homes with a garden; Speed: 100 Mbit; Price: $30 a month.",
        ),
        Block("table_row", "Plan: Fibre 500; Speed: 500 Mbit; Price: $50 a month."),
    )
    assert document.blocks[3].text == " ".join(LINES)


def cells(
    y: float, *placed: tuple[float, str]
) -> list[tuple[float, float, float, str]]:
    return [(x, y, 11, text) for x, text in placed]


def test_a_table_whose_cells_are_close_together_is_a_table(write_pdf):
    rows = [
        cells(700, (72, "Tariff"), (142, "Price for a unit"), (224, "Standing charge")),
        cells(682, (72, "Day"), (142, "31.5 cents"), (224, "9.90 a month")),
        cells(664, (72, "Green Flex 20"), (150, "35.0 cents"), (224, "8.00 a month")),
    ]
    document = read_pdf(
        write_pdf(
            [[*prose(72, 760, *LINES), *(piece for row in rows for piece in row)]]
        )
    )
    assert [block.text for block in document.blocks[1:]] == [
        "Tariff: Day; Price for a unit: 31.5 cents; Standing charge: 9.90 a month.",
        "Tariff: Green Flex 20; Price for a unit: 35.0 cents; Standing charge: 8.00 a month.",
    ]


def test_a_table_drawn_cell_by_cell_below_centred_names_is_a_table(write_pdf):
    document = read_pdf(
        write_pdf(
            [
                [
                    *prose(72, 760, *LINES),
                    *cells(690, (110, "Problem"), (330, "What to do")),
                    *prose(
                        60, 670, "The light of the router stays", "red for ten minutes"
                    ),
                    *prose(
                        250,
                        670,
                        "Unplug it, wait for thirty seconds",
                        "and plug it in again",
                    ),
                    *prose(60, 632, "Pages take long to load"),
                    *prose(
                        250,
                        632,
                        "Move the router to a place where it",
                        "is seen from the sofa",
                    ),
                    *prose(60, 580, "Call us if nothing helps."),
                ]
            ]
        )
    )
    assert [block.text for block in document.blocks[1:]] == [
        "Problem: The light of the router stays red for ten minutes; "
        "What to do: Unplug it, wait for thirty seconds and plug it in again.",
        "Problem: Pages take long to load; What to do: Move the router to a "
        "place where it is seen from the sofa.",
        "Call us if nothing helps.",
    ]


def test_columns_drawn_line_by_line_across_the_page_are_no_table(write_pdf):
    left = [
        "The club meets on the first Tues-",
        "day of the month in the village",
        "hall. Members bring a plant to ex-",
    ]
    left += [
        "change and guests pay three pounds",
        "at the door, where a cash box stands",
    ]
    right = [
        "on the table. The shed is open on",
        "working days from nine to eleven",
        "and the tools are returned within",
    ]
    right += ["a week of the day on which they", "were taken. Nobody pays for them."]
    drawn = [
        (x, 700 - 14 * at, 11, text)
        for at in range(5)
        for x, text in ((72, left[at]), (330, right[at]))
    ]
    document = read_pdf(write_pdf([drawn]))
    assert [block.text for block in document.blocks] == [
        "The club meets on the first Tuesday of the month in the village hall. "
        "Members bring a plant to exchange and "
        "guests pay three pounds at the door, where a cash box stands on the "
        "table. The shed is open on working days "
        "from nine to eleven and the tools are returned within a week of the day "
        "on which they were taken. Nobody pays "
        "for them."
    ]


def test_a_list_whose_points_are_drawn_as_shapes_keeps_its_lines_apart(write_pdf):
    quoted = (
        "An indented quotation is wrapped at the right edge like the text",
        "above it and goes on as one sentence.",
    )
    document = read_pdf(
        write_pdf(
            [
                [
                    *prose(72, 760, *LINES),
                    *prose(72, 704, "You need:"),
                    *prose(
                        102,
                        690,
                        "the contract number",
                        "the date of the letter",
                        "a photo",
                    ),
                    *prose(72, 620, *LINES),
                    *prose(102, 564, *quoted),
                ]
            ]
        )
    )
    assert [block.text for block in document.blocks[1:]] == [
        "You need:",
        "the contract number",
        "the date of the letter",
        "a photo",
        " ".join(LINES),
        " ".join(quoted),
    ]


def test_a_sentence_close_below_a_list_is_not_part_of_its_last_item(write_pdf):
    document = read_pdf(
        write_pdf(
            [
                [
                    *prose(72, 760, *LINES),
                    *prose(
                        72,
                        700,
                        "You need:",
                        "- a passport",
                        "- the name on the contract.",
                        "Then call us.",
                    ),
                ]
            ]
        )
    )
    assert [block.text for block in document.blocks[2:]] == [
        "- a passport",
        "- the name on the contract.",
        "Then call us.",
    ]


def test_a_title_and_a_heading_of_one_size_are_two(write_pdf):
    lines = [
        (220, 790, 18, "Handbook"),
        (72, 764, 18, "Reading the meter"),
        *prose(72, 730, *LINES),
        (72, 660, 18, "2. A heading that is"),
        (90, 638, 18, "wrapped"),
        *prose(72, 610, *LINES),
    ]
    document = read_pdf(write_pdf([lines]))
    assert document.title == "Handbook"
    assert [block.text for block in document.blocks if block.kind == "heading"] == [
        "Reading the meter",
        "2. A heading that is wrapped",
    ]


def test_a_scanned_pdf_says_what_to_do(write_pdf):
    with pytest.raises(DocumentUnreadable, match="scanned"):
        read_pdf(write_pdf([[], []]))


def test_a_corrupt_pdf_is_named(write_pdf, tmp_path):
    path = tmp_path / "bad.pdf"
    path.write_bytes(b"%PDF-1.7\n" + b"garbage" * 100)
    with pytest.raises(DocumentUnreadable, match="corrupt or not a PDF file") as caught:
        read_pdf(path)
    assert isinstance(caught.value.__cause__, pdfium.PdfiumError)


def test_a_pdf_protected_by_a_password_is_named(tmp_path):
    path = write_objects(
        tmp_path / "locked.pdf",
        *CATALOG,
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>",
        b"<</Filter/Standard/V 1/R 2/P -4/O<"
        + b"ab" * 32
        + b">/U<"
        + b"cd" * 32
        + b">>>",
        trailer=b"/Encrypt 4 0 R/ID[<00><00>]",
    )
    with pytest.raises(DocumentUnreadable) as caught:
        read_pdf(path)
    assert caught.value.reason == "protected by a password"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (b"", "a bomb: a stream of it unpacks to over 64 MiB"),
        (b"/Subtype/Image", "no text in it"),
    ],
)
def test_a_stream_that_unpacks_to_far_too_much_is_left_alone(tmp_path, kind, reason):
    packed = zlib.compress(b" " * 65 * 1024**2, 9)
    stream = b"<</Length %d/Filter/FlateDecode%s>>stream\n%s\nendstream" % (
        len(packed),
        kind,
        packed,
    )
    contents = b"/Contents 4 0 R" if not kind else b""
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]%s>>" % contents
    with pytest.raises(DocumentUnreadable) as caught:
        read_pdf(write_objects(tmp_path / "bomb.pdf", *CATALOG, page, stream))
    assert caught.value.reason.startswith(reason)


def test_a_superscript_is_part_of_its_line(write_pdf):
    line = [(72, 700, 11, "See the note"), (138, 703, 7, "1"), (146, 700, 11, "below.")]
    document = read_pdf(write_pdf([[*line, *prose(72, 660, *LINES)]]))
    assert document.blocks[0].text.startswith("See the note")
    assert document.blocks[0].text.endswith("below.")


def test_the_title_that_the_file_gives_is_used_unless_it_is_junk(tmp_path):
    content = b"BT /F1 11 Tf 20 50 Td (We are open daily.) Tj ET"
    for info_title, wanted in (
        (b"Opening hours", "Opening hours"),
        (b"page.indd", "A"),
        (b"\\(anonymous\\)", "A"),
        (b"Anonymous reports", "Anonymous reports"),
    ):
        path = write_objects(
            tmp_path / "a.pdf",
            *CATALOG,
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 99]/Contents 4 0 R"
            b"/Resources<</Font<</F1 5 0 R>>>>>>",
            b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            b"<</Title(%s)>>" % info_title,
            trailer=b"/Info 6 0 R",
        )
        assert read_pdf(path).title == wanted


def test_an_item_whose_number_stands_apart_is_one_cell(write_pdf):
    path = write_pdf([[(72, 700, 11, "1."), (110, 700, 11, "Press it.")]])
    with pdfium.PdfDocument(path) as pdf:
        [([line], _)] = read_pages(pdf, SourceFile(Path("a.pdf"), "a.pdf"))
    assert [cell.text for cell in line.cells] == ["1. Press it."]


words = st.text(string.ascii_letters + string.digits + "-.,:•", min_size=1, max_size=12)
places = st.tuples(
    st.integers(10, 500),
    st.integers(10, 800),
    st.sampled_from((7, 11, 16)),
    st.lists(words, min_size=1, max_size=4).map(" ".join),
)


@settings(
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(places, min_size=1, max_size=12))
def test_every_letter_of_a_page_is_in_a_line_and_every_cell_has_text(write_pdf, page):
    with pdfium.PdfDocument(write_pdf([page])) as pdf:
        [(lines, _)] = read_pages(pdf, SourceFile(Path("a.pdf"), "a.pdf"))
    wanted = {letter for *_, text in page for letter in text if letter.isalpha()}
    assert wanted <= set("".join(line.text for line in lines))
    for line in lines:
        assert line.size > 0 and line.top > line.bottom
        assert line.text == line.text.strip() != ""
        assert all(cell.text for cell in (*line.cells, *line.parts))
