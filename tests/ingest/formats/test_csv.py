import csv
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block
from kbserver.ingest.formats.csv import _delimiter, convert
from kbserver.ingest.formats.shared.signs import is_sign
from kbserver.ingest.formats.shared.source import SourceFile

PLANS = "Plan,Price\nFibre 100,$30 a month\nFibre 500,\n"


def test_a_row_is_a_sentence_under_the_files_title(read):
    [document] = read("our-plans.csv", PLANS)
    assert (document.source, document.title) == ("our-plans.csv", "Our plans")
    assert document.blocks == (
        Block("table_row", "Plan: Fibre 100; Price: $30 a month."),
        Block("table_row", "Plan: Fibre 500."),
    )


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_separator_and_encoding_are_found_out(read, separator, encoding):
    rows = (
        ("Tarif", "Gebühr"),
        ("Faser 100", '"30 €, 24 Monate; dann 40 €"'),
        ("Faser 500", "50 €"),
    )
    [document] = read("t.csv", "\n".join(map(separator.join, rows)).encode(encoding))
    assert [block.text for block in document.blocks] == [
        "Tarif: Faser 100; Gebühr: 30 €, 24 Monate; dann 40 €.",
        "Tarif: Faser 500; Gebühr: 50 €.",
    ]


def test_a_caption_above_the_columns_goes_with_every_row(read):
    [document] = read("t.csv", "Prices from May,\n,\n" + PLANS)
    assert document.blocks[0] == Block("paragraph", "Prices from May")
    assert {block.lead_in for block in document.blocks[1:]} == {"Prices from May"}


def test_a_table_without_column_names_keeps_its_first_row(read):
    assert [
        block.text
        for block in read("t.csv", "Monday,9 to 5\nSunday,closed 24\n")[0].blocks
    ] == [
        "Monday: 9 to 5.",
        "Sunday: closed 24.",
    ]


def test_a_single_line_or_column_is_not_lost(read):
    assert [block.text for block in read("t.csv", "Plan,Price\n")[0].blocks] == [
        "Plan: Price."
    ]
    assert [block.text for block in read("t.csv", "one\ntwo\n")[0].blocks] == [
        "one.",
        "two.",
    ]


FAQ = (
    "Question,Answer,Category,Valid until,Alternatives\n"
    'How do I reset my PIN?,"Dial *22#\nand follow.",account,2027-01-01,"i '
    'forgot my pin | new pin please"\n'
    "How do I reset my PIN?,In the app.,,,\n"
    "Is it free?,<p>Mostly:</p><ul><li>calls</li></ul>,,,\n"
    "No answer yet?,,,,\n"
)


def test_a_faq_sheet_gives_a_document_for_each_question(read):
    documents = read("faq.csv", FAQ)
    assert [(document.source, document.title) for document in documents] == [
        ("faq.csv#how-do-i-reset-my-pin", "How do I reset my PIN?"),
        ("faq.csv#how-do-i-reset-my-pin-2", "How do I reset my PIN?"),
        ("faq.csv#is-it-free", "Is it free?"),
    ]
    assert documents[0].blocks == (Block("record", "Dial *22#\nand follow."),)
    assert documents[0].metadata == {
        "category": "account",
        "valid_until": "2027-01-01",
        "questions": ["i forgot my pin", "new pin please"],
        "folder": "",
    }
    assert documents[2].blocks == (
        Block("paragraph", "Mostly:"),
        Block("list_item", "- calls", 1, "Mostly:"),
    )


@pytest.mark.parametrize("header", ["Q,A", "frage,antwort", "Response,Question"])
def test_a_faq_sheet_is_known_by_its_columns(read, header):
    assert len(read("faq.csv", f"{header}\nx one,y one\nx two,y two\n")) == 2


def test_an_id_column_names_the_record(read):
    assert (
        read("faq.csv", "id,question,answer\nX7,Why?,So.\n")[0].source == "faq.csv#x7"
    )


def test_a_question_keeps_its_name_when_others_come_before_it(read):
    before = read("faq.csv", FAQ)[2].source
    assert (
        read("faq.csv", FAQ.replace("\n", "\nAnything new?,Yes.,,,\n", 1))[3].source
        == before
    )


def test_a_wrong_date_in_a_row_names_the_row(read):
    with pytest.raises(
        DocumentUnreadable, match=r"faq\.csv#why: valid_until is 'soon'"
    ):
        read("faq.csv", "question,answer,valid_until\nWhy?,So.,soon\n")


def test_a_quote_never_closed_is_named(read):
    with pytest.raises(DocumentUnreadable, match="line"):
        read("t.csv", 'a,b\n1,"' + "x" * 1_100_000)


def test_decimal_commas_below_a_caption_do_not_separate(read):
    sheet = (
        "Fees 2026\nService;Fee;Remarks\nCard;15,00 €;free after theft\n"
        "Transfer;0,5 %;at least 5 €\nPaper;2,00 €;\n"
    )
    [document] = read("fees.csv", sheet)
    assert [block.text for block in document.blocks] == [
        "Fees 2026",
        "Service: Card; Fee: 15,00 €; Remarks: free after theft.",
        "Service: Transfer; Fee: 0,5 %; Remarks: at least 5 €.",
        "Service: Paper; Fee: 2,00 €.",
    ]


fields = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cf")), max_size=8
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(fields, min_size=2, max_size=2), min_size=1, max_size=6),
    delimiter=st.sampled_from(",;\t|"),
)
def test_whatever_a_spreadsheet_writes_is_read_cell_by_cell(tmp_path, rows, delimiter):
    path = tmp_path / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, delimiter=delimiter).writerows(
            [["Name one", "Name two"], *rows]
        )
    documents = convert(SourceFile(path, "t.csv"))
    texts = " ".join(block.text for document in documents for block in document.blocks)
    found = delimiter_of(path)
    if found == delimiter:  # cells full of other delimiters may outvote it
        for row in rows:
            for cell in row:
                # x marks, and TRUE and FALSE, become words
                if not is_sign(cell) and cell.strip() not in _WORDS_FOR:
                    assert " ".join(cell.split()) in texts


_WORDS_FOR = ("Y", "N", "TRUE", "FALSE")


def delimiter_of(path: Path) -> str:
    return _delimiter(path.read_text(encoding="utf-8"), ",")


@pytest.mark.parametrize(
    ("sample", "delimiter"),
    [
        ("a,b\nc,d\n", ","),
        ("a;b\n1,5;2,5\n", ";"),
        ("one\ntwo\n", ","),
        ("", ","),
        ('"a\nb",c\n"d;e",f\n', ","),
    ],
)
def test_the_delimiter_that_gives_rows_of_one_width_wins(sample, delimiter):
    assert _delimiter(sample, ",") == delimiter


def test_rows_of_a_faq_that_are_no_caller_s_are_withheld_and_named(read):
    sheet = "Question,Answer,Status\nOpen?,Yes.,Published\nPrice?,500 dollars.,Draft\n"
    [document] = read("faq.csv", sheet)
    assert document.title == "Open?"
    assert document.notes == (
        "withheld 1 record not meant for callers: Price? (status: Draft)",
    )
    with pytest.raises(DocumentUnreadable, match=r"Price\? \(status: Draft\)"):
        read("b.csv", "Question,Answer,Status\nPrice?,500 dollars.,Draft\n")


def test_rows_that_are_no_longer_in_use_are_withheld(read):
    [document] = read(
        "a.csv",
        "plan,status,price\nSmall,Active,$9\nOld,archived,$8\nLarge,active,$12\n",
    )
    assert [block.text for block in document.blocks] == [
        "plan: Small; price: $9.",
        "plan: Large; price: $12.",
    ]
    assert document.notes == (
        "withheld 1 record not meant for callers: Old (status: archived)",
    )
    [document] = read("a.csv", "plan,draft\nSmall,no\nOld,yes\nLarge,no\n")
    assert "Old" not in " ".join(block.text for block in document.blocks)


def test_a_state_of_what_a_table_is_about_stays(read):
    [document] = read("a.csv", "name,status\nKim,retired\nSam,on leave\nAl,active\n")
    assert [block.text for block in document.blocks] == [
        "name: Kim; status: retired.",
        "name: Sam; status: on leave.",
        "name: Al; status: active.",
    ]


def test_a_footnote_below_a_table_is_said_in_the_cells_with_its_star(read):
    [document] = read("a.csv", "plan,price\nA,$39*\nB,$49\n* only at night,\n")
    assert [block.text for block in document.blocks] == [
        "plan: A; price: $39 (only at night).",
        "plan: B; price: $49.",
    ]
    [document] = read("a.csv", "plan,price\nA,$39\nB,$49\n* only at night,\n")
    assert "* only at night" in " ".join(block.text for block in document.blocks)


def test_a_sheet_whose_rows_are_all_withdrawn_is_unreadable(read):
    with pytest.raises(DocumentUnreadable, match=r"Old \(status: archived\)"):
        read("a.csv", "plan,status,price\nOld,archived,$8\nOlder,draft,$7\n")
