import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.formats.shared.header_lines import split_fields, split_header_lines


@pytest.mark.parametrize(
    ("text", "given", "body"),
    [
        (
            "Title: Fees: in May\nDate: 2026-05-01 10:20\nTags: a,\n    b\n\nNine.",
            {"title": "Fees: in May", "date": "2026-05-01 10:20", "tags": "a, b"},
            "\nNine.",
        ),
        (
            "\nTitle: Fees\nSave_as: f.html\n\nNine.",
            {"title": "Fees", "save_as": "f.html"},
            "\nNine.",
        ),
        (
            ".. title: Fees\n.. slug: fees\n\nNine.",
            {"title": "Fees", "slug": "fees"},
            "\nNine.",
        ),
        (
            "<!--\n.. title: Fees\n.. status: draft\n-->\nNine.",
            {"title": "Fees", "status": "draft"},
            "Nine.",
        ),
        ("Title: Fees", {"title": "Fees"}, ""),
    ],
)
def test_lines_at_the_top_are_read(text, given, body):
    assert split_header_lines(text) == (given, body)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Nine dollars.",
        "Title: Fees\nAdults: 9 dollars\n\nMore.",
        "Title: Fees\nNine dollars.",
        "Date: 2026-05-01\n\nNine.",
        "Address: Am Hof 1\nContact: Kim\n\nNine.",
        "<!--\nTitle: Fees\n-->\nNine.",
        ".. note: x\n\nNine.",
    ],
)
def test_prose_stays(text):
    assert split_header_lines(text) == (None, text)


@pytest.mark.parametrize(
    ("text", "given", "body"),
    [
        (
            ":status: draft\n:date: 2026\n\nNine.",
            {"status": "draft", "date": "2026"},
            "\nNine.",
        ),
        (
            "Fees\n####\n\n:slug: fees\n:valid until: 2026-12-31\n\nNine.",
            {"slug": "fees", "valid_until": "2026-12-31"},
            "Fees\n####\n\n\nNine.",
        ),
        (
            "====\nFees\n====\n:status: draft\n\nNine.",
            {"status": "draft"},
            "====\nFees\n====\n\nNine.",
        ),
        (":Version: 1\n\nNine.", {}, ":Version: 1\n\nNine."),
        (":Fee: 9\n:status: draft\n\nNine.", {}, ":Fee: 9\n:status: draft\n\nNine."),
        ("Nine.\n\n:status: draft", {}, "Nine.\n\n:status: draft"),
    ],
)
def test_fields_are_read_at_the_top_and_below_the_title(text, given, body):
    assert split_fields(text) == (given, body)


@given(
    st.lists(
        st.sampled_from(
            (
                "Title: a",
                ":status: b",
                ".. title: c",
                "<!--",
                "-->",
                "",
                " d",
                "====",
                "e",
            )
        ),
        max_size=12,
    ).map("\n".join)
)
def test_no_line_of_prose_is_lost(text):
    _, body = split_header_lines(text)
    assert body == text or text.endswith(body)
    _, body = split_fields(text)
    assert [line for line in text.split("\n") if line == "e"] == [
        line for line in body.split("\n") if line == "e"
    ]


@pytest.mark.parametrize("name", ["a.md", "a.txt", "a.rst"])
@pytest.mark.parametrize(
    "header", ["Title: Fees\nStatus: draft", ".. title: Fees\n.. status: private"]
)
def test_a_draft_is_withheld_by_its_lines(read, name, header):
    with pytest.raises(DocumentUnreadable, match="not meant for callers: status: "):
        read(name, f"{header}\n\nNine.")


def test_a_draft_of_restructuredtext_is_withheld_by_its_field(read):
    with pytest.raises(
        DocumentUnreadable, match="not meant for callers: status: hidden"
    ):
        read("a.rst", "Fees\n####\n\n:date: 2026-05-01\n:status: hidden\n\nNine.")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.md", "Title: Fees\nDate: 2026-05-01\nAuthor: Kim\n\nNine."),
        ("a.rst", "Fees\n####\n\n:date: 2026-05-01\n:author: Kim\n\nNine."),
    ],
)
def test_what_the_lines_say_is_not_spoken(read, name, text):
    [document] = read(name, text)
    assert document.title == "Fees"
    assert [block.text for block in document.blocks] == ["Nine."]
    assert document.metadata["author"] == "Kim"
