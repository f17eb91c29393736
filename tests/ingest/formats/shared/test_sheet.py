import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.ingest.blocks import Block
from kbserver.ingest.formats.shared.sheet import (
    RECORD_ID_CHARACTERS,
    RecordIds,
    answer_blocks,
    sheet_documents,
)
from kbserver.ingest.formats.shared.table import Table

PRICES = Table([["Plan", "Price"], ["A", "$5"]])


def test_sheets_become_sections_of_one_document():
    [document] = sheet_documents(
        "our-plans.xlsx", [("Fibre", PRICES), ("Sheet 2", PRICES)]
    )
    assert (document.source, document.title) == ("our-plans.xlsx", "Our plans")
    assert [(block.kind, block.text) for block in document.blocks] == [
        ("heading", "Fibre"),
        ("table_row", "Plan: A; Price: $5."),
        ("table_row", "Plan: A; Price: $5."),
    ]


def test_a_faq_sheet_beside_another_gives_documents_of_its_own():
    faq = Table([["Question", "Answer"], ["Why?", "So."], ["How?", ""]])
    documents = sheet_documents(
        "a.xlsx", [("FAQ", faq), ("Plans", PRICES)], notes=("n",)
    )
    assert [document.source for document in documents] == ["a.xlsx#why", "a.xlsx"]
    assert [document.notes for document in documents] == [("n",), ("n",)]


def test_phrasings_of_all_their_columns_are_kept_in_order():
    faq = Table(
        [
            ["Question", "Answer", "Variants", "Alternatives"],
            ["Why?", "So.", "what for; how come", "for what reason"],
        ]
    )
    [document] = sheet_documents("a.csv", [(None, faq)])
    assert document.metadata["questions"] == ["for what reason", "what for", "how come"]


def test_an_id_column_wins_over_a_key_column():
    faq = Table([["key", "Question", "Answer", "id"], ["k", "Why?", "So.", "7"]])
    [document] = sheet_documents("a.csv", [(None, faq)])
    assert document.source == "a.csv#7"


def test_a_row_shorter_than_the_columns_is_read():
    faq = Table([["Question", "Answer", "Category"], ["Why?", "So."]])
    [document] = sheet_documents("a.csv", [(None, faq)])
    assert document.metadata == {}


@pytest.mark.parametrize(
    ("answer", "kinds"),
    [
        ("Plain.\n\nTwo paragraphs.", ["record"]),
        ("You need:\n- a\n- b", ["paragraph", "list_item", "list_item"]),
        ("", []),
    ],
)
def test_a_plain_answer_stays_in_one_piece(answer, kinds):
    assert [block.kind for block in answer_blocks(answer)] == kinds


def test_the_paragraphs_of_a_plain_answer_are_lines():
    assert answer_blocks("One.\n\nTwo.") == (Block("record", "One.\nTwo."),)


@given(st.lists(st.text(max_size=90), max_size=8))
def test_ids_of_records_are_all_different_and_short(texts):
    ids = RecordIds()
    made = [ids.of(text) for text in texts]
    assert len(set(made)) == len(made)
    assert all(0 < len(one) <= RECORD_ID_CHARACTERS + 4 for one in made)


@given(st.text(max_size=90))
def test_an_id_does_not_depend_on_other_records(text):
    others = RecordIds()
    others.own("another")
    assert RecordIds().of(text) == others.of(text)


def test_a_number_that_is_taken_is_passed_over():
    ids = RecordIds()
    assert [ids.own("a-2"), ids.of("A"), ids.of("a!"), ids.own("a")] == [
        "a-2",
        "a",
        "a-3",
        "a-4",
    ]


class Counted(set[str]):
    """A set that counts how often it is asked."""

    asked = 0

    def __contains__(self, one: object) -> bool:
        self.asked += 1
        return super().__contains__(one)


def test_many_records_of_one_title_take_time_in_proportion():
    ids = RecordIds()
    ids._taken = taken = Counted()
    made = [ids.of("Printer jam") for _ in range(1000)]
    assert (made[0], made[1], made[-1]) == (
        "printer-jam",
        "printer-jam-2",
        "printer-jam-1000",
    )
    assert taken.asked < 3000


def test_a_wide_header_above_many_short_rows_does_not_widen_them():
    wide = ["Question", "Answer", *(f"c{number}" for number in range(5000))]
    [first, *_] = sheet_documents(
        "a.csv", [(None, Table([wide, *([["Why?", "So."]] * 5000)]))]
    )
    assert first.metadata == {}
