import re
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from kbserver.ingest.blocks import Block
from kbserver.ingest.formats.pdf.layout import page_blocks
from kbserver.ingest.formats.pdf.line import HYPHEN
from tests.ingest.formats.pdf.lines import cell, paragraph, row, text_line

LONG = (
    "Customers who move house can take their connection along",
    "if the new address is covered by the network, which is checked",
    "within two working days.",
)
WHOLE = Block("paragraph", " ".join(LONG))


def test_no_lines_give_no_blocks():
    assert page_blocks([[], []]) == []


def test_lines_of_a_paragraph_are_joined_and_a_gap_begins_another():
    page = [*paragraph(700, *LONG), *paragraph(630, *LONG)]
    assert page_blocks([page]) == [WHOLE, WHOLE]


def test_a_short_line_before_a_new_sentence_ends_a_paragraph():
    page = [*paragraph(700, *LONG), *paragraph(658, *LONG)]
    assert page_blocks([page]) == [WHOLE, WHOLE]


def test_a_larger_line_is_a_heading_and_a_wrapped_one_is_whole():
    title = [
        text_line("A handbook for all", 780, size=20),
        text_line("of our customers", 756, size=20),
    ]
    assert page_blocks([[*title, *paragraph(700, *LONG)]]) == [
        Block("heading", "A handbook for all of our customers", 1),
        WHOLE,
    ]


def test_a_sentence_goes_on_in_the_next_column_and_page():
    pages = [paragraph(100, LONG[0]), paragraph(800, LONG[1]), paragraph(800, LONG[2])]
    assert page_blocks(pages) == [WHOLE]


def test_a_finished_sentence_ends_at_the_page():
    pages = [paragraph(100, *LONG), paragraph(800, *LONG)]
    assert page_blocks(pages) == [WHOLE, WHOLE]


def test_a_page_drawn_from_the_bottom_is_read_from_the_top():
    page = [*paragraph(600, *LONG), text_line("Read this first of all here.", 700)]
    assert [block.text for block in page_blocks([page])][
        0
    ] == "Read this first of all here."


def test_items_have_the_sentence_before_them_as_their_lead_in():
    page = [
        *paragraph(700, *LONG),
        text_line("Bring with you:", 630),
        text_line("• a passport", 616),
        text_line("2) a photo", 602),
    ]
    assert page_blocks([page])[1:] == [
        Block("paragraph", "Bring with you:"),
        Block("list_item", "- a passport", 1, "Bring with you:"),
        Block("list_item", "2) a photo", 1, "Bring with you:"),
    ]


def test_a_table_has_the_announcement_before_it_as_its_lead_in():
    page = [
        text_line("Prices:", 714),
        row(700, cell("Plan", 72), cell("Price", 300)),
        row(686, cell("Small", 72), cell("$30", 300)),
    ]
    assert page_blocks([page])[1:] == [
        Block("table_row", "Plan: Small; Price: $30.", lead_in="Prices:")
    ]


def test_hyphenation_is_undone_unless_the_compound_is_written_elsewhere():
    text = f"the connec{HYPHEN} tion of self{HYPHEN} service and E{HYPHEN} Mail"
    page = [text_line(text, 700), text_line("Use self-service.", 600)]
    assert page_blocks([page])[0].text == "the connection of self-service and E-Mail"


places = st.builds(
    text_line,
    st.text("abc ABC.:-", min_size=1, max_size=30).filter(str.strip).map(str.strip),
    st.integers(20, 800).map(float),
    left=st.sampled_from((72.0, 90.0, 300.0)),
    size=st.sampled_from((9.0, 11.0, 18.0)),
    bold=st.booleans(),
)


@given(st.lists(st.lists(places, max_size=8), max_size=3))
def test_no_letter_of_a_page_is_lost(pages):
    wanted = "".join(line.text for page in pages for line in page)
    found = "".join(block.text for block in page_blocks(pages))

    def letters(text: str) -> Counter[str]:
        return Counter(re.findall(r"[a-zA-Z]", text))

    assert letters(wanted) <= letters(found)  # a table repeats its column names


def test_a_word_without_end_beside_a_hyphen_is_read_at_once():
    # begun at each of its letters, the search for the hyphen would take minutes
    word = "a" * 200_000
    page = [
        text_line(word, 700),
        text_line(f"con{HYPHEN}", 686),
        text_line("nect", 672),
    ]
    [block] = page_blocks([page])
    assert block.text == f"{word} connect"
