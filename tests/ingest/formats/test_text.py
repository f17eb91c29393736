import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.ingest.blocks import Block
from kbserver.ingest.formats.text import prose_blocks, text_blocks


def blocks(read, text: str | bytes) -> list[Block]:
    return list(read("page.txt", text)[0].blocks)


def test_a_hard_wrap_is_undone_and_short_lines_stay_apart(read):
    wrapped = (
        "We open at nine and close at five on every weekday, with a break at "
        "noon\nthat lasts about an hour."
    )
    assert blocks(read, f"{wrapped}\r\n\r\nMain Street 1\r\n53111 Bonn\r\n") == [
        Block("paragraph", wrapped.replace("\n", " ")),
        Block("paragraph", "Main Street 1\n53111 Bonn"),
    ]


def test_underlined_and_capital_lines_are_headings(read):
    [document] = read(
        "a.txt",
        "OPENING HOURS\n\nNine to five.\n\nParking\n-------\nBehind the house.\n"
        "\nA FAQ: WHY? BECAUSE.\n",
    )
    assert document.title == "OPENING HOURS"
    assert document.blocks == (
        Block("paragraph", "Nine to five."),
        Block("heading", "Parking", 2),
        Block("paragraph", "Behind the house."),
        Block("paragraph", "A FAQ: WHY? BECAUSE."),
    )


def test_a_list_keeps_its_lead_in_and_its_wrapped_lines(read):
    assert blocks(
        read, "Call us:\n- by day 555 1\n- by night\n  555 2\n1) or write"
    ) == [
        Block("paragraph", "Call us:"),
        Block("list_item", "- by day 555 1", 1, "Call us:"),
        Block("list_item", "- by night 555 2", 1, "Call us:"),
        Block("list_item", "1) or write", 1, "Call us:"),
    ]


def test_columns_of_blanks_or_dots_are_a_table(read):
    assert blocks(
        read, "Charges:\n\nHub ....... 40 pounds\nMesh Pod .. 30 pounds\n"
    ) == [
        Block("paragraph", "Charges:"),
        Block("paragraph", "Hub: 40 pounds\nMesh Pod .. 30 pounds"),
    ]
    assert blocks(read, "Charges:\n\nHub ....... 40 pounds\nMesh Pod ... 30 pounds\n")[
        1:
    ] == [
        Block("table_row", "Hub: 40 pounds.", lead_in="Charges:"),
        Block("table_row", "Mesh Pod: 30 pounds.", lead_in="Charges:"),
    ]
    assert blocks(read, "Day        Open\nMonday     9 to 5\n") == [
        Block("table_row", "Day: Monday; Open: 9 to 5.")
    ]


def test_a_text_with_tags_is_read_as_html_and_any_other_as_it_is():
    assert prose_blocks("Open<br>daily.<p hidden>no</p>") == [
        Block("paragraph", "Open\ndaily.")
    ]
    assert prose_blocks("a < b\n\nTITLE") == [
        Block("paragraph", "a < b"),
        Block("paragraph", "TITLE"),
    ]


def test_only_the_first_capital_line_is_of_the_first_level():
    levels = [block.level for block in text_blocks("HOURS\n\nFEES:\n\nText.")]
    assert levels == [1, 2, 0]


lines = st.sampled_from(
    (
        "",
        "  ",
        "A line of prose that goes on and on until it is long enough to be wrapped",
        "short",
        "TITLE",
        "=====",
        "- item",
        "  more",
        "12) item",
        "a    b",
        "a\tb",
        "You need:",
        "\f",
    )
)


@given(st.lists(lines, max_size=15).map("\n".join), st.booleans())
def test_no_word_of_a_text_is_lost(text, headings):
    found = " ".join(block.text for block in text_blocks(text, headings=headings))
    assert set(re.findall(r"[A-Za-z]+", found)) == set(re.findall(r"[A-Za-z]+", text))


def test_further_lines_belong_to_their_item():
    blocks = text_blocks("- one\n  two\n  three\n- four\nfive\nsix")
    assert [block.text for block in blocks] == [
        "- one two three",
        "- four",
        "five\nsix",
    ]


def test_a_footnote_is_said_where_its_star_stands(read):
    text = "It costs $39* a month and $9\u2020.\n\n* only at night\n\u2020 in May\n"
    assert blocks(read, text) == [
        Block("paragraph", "It costs $39 a month (only at night) and $9 (in May).")
    ]


@pytest.mark.parametrize("text", ["$39* now\n\n* a\n* b\n", "5 * 6\n\n* a\n", "* a\n"])
def test_stars_of_a_list_are_no_footnotes(read, text):
    assert blocks(read, text)[-1].kind == "list_item"
