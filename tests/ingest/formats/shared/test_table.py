import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.ingest.blocks import Block
from kbserver.ingest.formats.shared.table import (
    Table,
    column_key,
    question_and_answer,
    row_sentence,
    split_caption,
    split_header,
    table_blocks,
)


def test_a_row_is_a_sentence_with_its_column_names():
    table = Table([["Plan", "Price"], ["Fibre", "$30"]], caption="May")
    assert table_blocks(table) == [
        Block("table_row", "Plan: Fibre; Price: $30.", lead_in="May")
    ]


def test_a_table_that_is_only_a_header_keeps_its_words():
    assert table_blocks(Table([["Plan", "Price"]], header_rows=1)) == [
        Block("table_row", "Plan: Price.")
    ]


@pytest.mark.parametrize(
    ("names", "row", "sentence"),
    [
        ([], ["Monday", "9 to 5"], "Monday: 9 to 5."),
        ([], ["Monday:", "9", "5"], "Monday: 9; 5."),
        ([], ["Closed!"], "Closed!"),
        (["Plan", "Price"], ["A", ""], "Plan: A."),
        (["Plan:", ""], ["A", "new"], "Plan: A; new."),
        (["A", "A"], ["x", "x"], "A: x."),
        (["A", "B"], ["x", "x"], "A: x; B: x."),
        (["A"], ["x", "y"], "A: x; y."),
        (["A"], [" ", ""], ""),
    ],
)
def test_sentences_of_rows(names, row, sentence):
    assert row_sentence(names, row) == sentence


def test_two_header_rows_are_joined_without_repeats():
    rows = [["Speed", "Speed"], ["up", "Speed"], ["1", "2"]]
    assert split_header(Table(rows, header_rows=2)) == (
        ["Speed up", "Speed"],
        [["1", "2"]],
    )


def said(rows, **given):
    return [block.text for block in table_blocks(Table(rows, **given))]


def test_a_group_s_name_stands_before_the_names_of_its_columns():
    rows = [
        ["Activity", "Weekday", "", "Weekend", ""],
        ["", "Adult", "Child", "Adult", "Child"],
        ["Sauna", "11", "7", "14", "9"],
    ]
    assert said(rows) == [
        "Activity: Sauna; Weekday Adult: 11; Weekday Child: 7; Weekend Adult: 14; "
        "Weekend Child: 9."
    ]


def test_a_row_of_units_gives_each_number_its_unit():
    rows = [["Pipe", "Length", "Price"], ["", "(m)", "€"], ["P2", "12", "31"]]
    assert said(rows) == ["Pipe: P2; Length: 12 m; Price: 31 €."]


def test_a_row_s_name_counts_for_the_rows_below_it():
    rows = [
        ["Region", "Weight", "Price"],
        ["Islands", "up to 5", "14"],
        ["", "up to 20", "31"],
        ["", "Total", "45"],
    ]
    assert said(rows) == [
        "Region: Islands; Weight: up to 5; Price: 14.",
        "Region: Islands; Weight: up to 20; Price: 31.",
        "Weight: Total; Price: 45.",
    ]


@pytest.mark.parametrize("label", [["Citrus", "", ""], ["Citrus"] * 3])
def test_a_row_that_only_names_those_below_stands_in_each_of_them(label):
    stone = [label[0].replace("Citrus", "Stone"), *label[1:]]
    stone = [cell.replace("Citrus", "Stone") for cell in stone]
    rows = [["Fruit", "Price", "Kind"], label, ["Lemon", "1", "a"], stone]
    rows += [["Plum", "3", "c"]]
    assert said(rows) == [
        "Citrus; Fruit: Lemon; Price: 1; Kind: a.",
        "Stone; Fruit: Plum; Price: 3; Kind: c.",
    ]


def test_rows_of_a_price_list_stand_under_the_names_of_its_parts():
    rows = [["Item", "Price"], ["Breads", ""], ["Rye", "4"], ["Spelt", "5"]]
    rows += [["Cakes", ""], ["Plum", "21"]]
    assert said(rows) == [
        "Breads; Item: Rye; Price: 4.",
        "Breads; Item: Spelt; Price: 5.",
        "Cakes; Item: Plum; Price: 21.",
    ]
    assert said(rows[:4])[0] == "Item: Breads."


def test_a_row_with_nothing_but_its_name_names_no_other_row():
    rows = [["Fruit", "Price", "Kind"], ["Fig", "2", "b"], ["Kiwi", "", ""]]
    rows += [["Plum", "3", "c"]]
    assert said(rows)[1:] == ["Fruit: Kiwi.", "Fruit: Plum; Price: 3; Kind: c."]


def test_tables_side_by_side_are_two():
    rows = [
        ["Bread", "Price", "", "Cake", "Price"],
        ["Rye", "$5", "", "Carrot", "$26"],
        ["Spelt", "$6", "", "", ""],
    ]
    assert said(rows) == [
        "Bread: Rye; Price: $5.",
        "Bread: Spelt; Price: $6.",
        "Cake: Carrot; Price: $26.",
    ]


def test_names_that_come_again_from_the_first_on_begin_another_table():
    rows = [
        ["Item", "Price", "Item", "Price"],
        ["Rye", "$5", "Carrot", "$26"],
        ["Spelt", "$6", "", ""],
    ]
    assert said(rows) == [
        "Item: Rye; Price: $5.",
        "Item: Spelt; Price: $6.",
        "Item: Carrot; Price: $26.",
    ]
    times = [["Open", "Close", "Open", "Close"], ["9", "12", "14", "18"]]
    assert len(said(times)) == 1


def test_a_blank_column_within_a_table_separates_nothing():
    rows = [["Plan", "Net", "", "Gross", "Tax"], ["A", "5", "", "6", "1"]]
    assert said(rows) == ["Plan: A; Net: 5; Gross: 6; Tax: 1."]


def test_marks_are_words():
    rows = [["Feature", "Free", "Pro"], ["Export", "", "x"], ["Logs", "-", "✓"]]
    assert said(rows) == [
        "Feature: Export; Free: no; Pro: yes.",
        "Feature: Logs; Free: no; Pro: yes.",
    ]


def test_a_merged_cell_above_the_columns_is_the_caption():
    table = split_caption(Table([["Prices"] * 2, ["Net", "Gross"], ["a", "b"]]))
    assert (table.rows[0], table.caption) == (["Net", "Gross"], "Prices")


def test_single_cells_above_the_columns_are_the_caption():
    table = split_caption(
        Table([["", "From  May"], [""], ["Net"], ["a", "b"]], caption="T")
    )
    assert (table.rows, table.caption) == ([["a", "b"]], "T\nFrom May\nNet")


def test_a_table_of_one_column_has_no_caption():
    table = split_caption(Table([["a"], ["b"]]))
    assert (table.rows, table.caption) == ([["a"], ["b"]], "")


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (["Question", "Answer"], (0, 1)),
        (["Antwort", "x", "Frage"], (2, 0)),
        (["Question", "Reply to"], None),
        ([], None),
    ],
)
def test_a_faq_sheet_is_known_by_its_columns(names, columns):
    assert question_and_answer(names) == columns


def test_a_column_name_becomes_a_key():
    assert column_key(" Valid until (date) ") == "valid_until_date"


def test_a_table_without_cells_gives_nothing_whatever_it_says_of_a_header():
    assert table_blocks(Table([["", " "]], header_rows=1)) == []
    assert table_blocks(Table([])) == []


cells = st.lists(st.text("ab 1.:;", max_size=6), max_size=4)
words = re.compile(r"\w+")


@given(st.lists(cells, max_size=5))
def test_no_word_of_a_table_without_a_header_is_lost(rows):
    table = split_caption(Table(rows, header_rows=0))
    texts = " ".join([table.caption, *(block.text for block in table_blocks(table))])
    wanted = " ".join(cell for row in rows for cell in row)
    assert set(words.findall(wanted)) <= set(words.findall(texts))


@given(st.lists(cells, max_size=5), st.one_of(st.none(), st.integers(0, 2)))
def test_every_row_is_one_sentence_on_one_line(rows, header_rows):
    for block in table_blocks(Table(rows, header_rows)):
        assert block.kind == "table_row"
        assert block.text[-1] in ".!?" and "\n" not in block.text


def test_a_merged_first_row_that_others_follow_names_the_rows_below_it():
    rows = [
        ["Starters", "Starters"],
        ["Soup", "6"],
        ["Bread", "3"],
        ["Mains", "Mains"],
        ["Soup", "11"],
    ]
    table = split_caption(Table(rows))
    assert table.caption == ""
    assert [block.text for block in table_blocks(table)] == [
        "Starters; Soup: 6.",
        "Starters; Bread: 3.",
        "Mains; Soup: 11.",
    ]


def test_amounts_in_brackets_are_below_zero_beside_others_that_are_not():
    rows = [["Item", "Change"], ["Fee", "(2.50)"], ["Rent", "$9"], ["Tax", "($4)"]]
    assert [block.text for block in table_blocks(Table(rows, 1))] == [
        "Item: Fee; Change: -2.50.",
        "Item: Rent; Change: $9.",
        "Item: Tax; Change: -$4.",
    ]
    reviews = [["Shop", "Reviews"], ["North", "(3)"], ["South", "(12)"]]
    assert table_blocks(Table(reviews, 1))[0].text == "Shop: North; Reviews: (3)."
