import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block
from kbserver.ingest.formats.markdown import title_of


def blocks(read, text: str) -> list[Block]:
    return list(read("page.md", text)[0].blocks)


def test_the_only_top_heading_is_the_title(read):
    [document] = read("a.md", "# Refunds\n\nWithin 14 days.\n\n## How\n\nWrite.")
    assert document.title == "Refunds"
    assert document.blocks == (
        Block("paragraph", "Within 14 days."),
        Block("heading", "How", 2),
        Block("paragraph", "Write."),
    )


def test_one_of_several_top_headings_is_no_title(read):
    [document] = read("two-parts.md", "# One\n\nText.\n\n# Two\n\nText.")
    assert document.title == "Two parts"
    assert [block.text for block in document.blocks if block.kind == "heading"] == [
        "One",
        "Two",
    ]


def test_marks_links_and_comments_leave_only_what_is_said(read):
    assert blocks(
        read,
        "See **our** [prices](https://x.example/p) and `code` ~~old~~.\n\n"
        "<!-- not this -->\n\n![logo](a.png)",
    ) == [Block("paragraph", "See our prices and code.")]


def test_a_list_keeps_its_numbers_depth_and_what_introduces_it(read):
    text = (
        "You need:\n\n1. a passport\n2. one of\n   - a bill\n   - a letter\n\n"
        "     not older than a year\n3. a photo\n"
    )
    assert blocks(read, text) == [
        Block("paragraph", "You need:"),
        Block("list_item", "1. a passport", 1, "You need:"),
        Block("list_item", "2. one of", 1, "You need:"),
        Block("list_item", "- a bill", 2, "one of"),
        Block("list_item", "- a letter\nnot older than a year", 2, "one of"),
        Block("list_item", "3. a photo", 1, "You need:"),
    ]


def test_a_table_row_is_a_sentence_with_its_column_names(read):
    text = (
        "Prices in May:\n\n| Plan | Price | Note |\n|---|---|---|\n"
        "| Fibre 100 | $30 a month | |\n| Fibre 500 | $50 | new |\n"
    )
    assert blocks(read, text)[1:] == [
        Block(
            "table_row",
            "Plan: Fibre 100; Price: $30 a month.",
            lead_in="Prices in May:",
        ),
        Block(
            "table_row",
            "Plan: Fibre 500; Price: $50; Note: new.",
            lead_in="Prices in May:",
        ),
    ]


def test_a_code_fence_is_one_block_with_its_line_breaks(read):
    assert blocks(read, "```python\ndef f():\n\n    return 1\n```\n") == [
        Block("code", "def f():\n\n    return 1")
    ]


def test_html_inside_is_read_and_hidden_html_is_not(read):
    [document] = read(
        "a.md",
        'Open<br>daily.\n\n<div style="display:none">\n\nIgnore all that.\n\n</div>\n\n'
        "<details><summary>Why?</summary>So.</details>",
    )
    assert document.blocks == (
        Block("paragraph", "Open\ndaily."),
        Block("heading", "Why?", 6),
        Block("paragraph", "So."),
        Block("heading", "", 6),
    )
    assert document.notes == ("removed 16 hidden characters",)


def test_a_bold_line_alone_is_a_heading_and_a_bold_sentence_is_not(read):
    assert blocks(read, "**Opening hours:**\n\n9 to 5.\n\n**Never on Sundays.**") == [
        Block("heading", "Opening hours", 6),
        Block("paragraph", "9 to 5."),
        Block("paragraph", "Never on Sundays."),
    ]


def test_a_short_footnote_stands_where_it_belongs(read):
    long = "word " * 60
    [document] = read(
        "a.md",
        "Open from 9 to 5[^hours]. See[^far], [^none].\n\n[^hours]: Not on\n"
        f"  holidays.\n[^far]: {long}\n",
    )
    assert [block.text for block in document.blocks] == [
        "Open from 9 to 5 (Not on holidays). See, [^none].",
        long.strip(),
    ]


def test_a_heading_that_repeats_the_title_is_not_said_twice(read):
    [document] = read(
        "a.md",
        "---\ntitle: Summer prices\n---\n# Summer Prices\n\n## Tickets\n\nA day is $12.\n",
    )
    assert document.title == "Summer prices"
    assert [block.text for block in document.blocks] == ["Tickets", "A day is $12."]


def test_a_heading_followed_at_once_by_one_as_high_is_the_title(read):
    [document] = read("a.md", "# Handbook\n\n# Hours\n\nOpen.\n\n# Prices\n\nFree.\n")
    assert (
        document.title,
        [block.text for block in document.blocks if block.kind == "heading"],
    ) == (
        "Handbook",
        ["Hours", "Prices"],
    )


def heading(text: str, level: int) -> Block:
    return Block("heading", text, level)


TEXT = Block("paragraph", "Text.")


@pytest.mark.parametrize(
    ("blocks", "title"),
    [
        ([], ""),
        ([TEXT], ""),
        ([heading("A", 2), TEXT], "A"),
        ([heading("A", 4), TEXT], ""),
        ([heading("", 1), TEXT], ""),
        ([heading("A", 2), TEXT, heading("B", 1)], ""),
        ([heading("A", 2), TEXT, heading("B", 2)], ""),
        ([heading("A", 2), heading("B", 2), TEXT], "A"),
        ([heading("A", 2), heading("B", 3), heading("C", 2), TEXT], ""),
        ([heading("A", 2), heading("", 1), TEXT], "A"),
    ],
)
def test_the_heading_that_titles_a_document(blocks, title):
    found, rest = title_of(blocks)
    assert found == title
    assert rest == (blocks[1:] if title else blocks)


@pytest.mark.parametrize(
    ("blocks", "kept"),
    [
        ([], []),
        ([TEXT], [TEXT]),
        ([heading("SALE", 5), TEXT], [TEXT]),
        ([heading("Prices", 1), TEXT], [heading("Prices", 1), TEXT]),
    ],
)
def test_a_title_given_elsewhere_wins(blocks, kept):
    assert title_of(blocks, "Sale") == ("Sale", kept)


lines = st.sampled_from(
    (
        "",
        "# Title",
        "Some *words* and **more**.",
        "- item",
        "  - inner",
        "1. one",
        "> quote",
        "| a | b |\n|---|---|\n| c | d |\n",
        "    code",
        "**bold line**",
        "Setext",
        "---",
        "***",
    )
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(lines, min_size=1, max_size=15).map("\n".join))
def test_no_word_of_a_page_is_lost(read, text):
    try:
        [document] = read("a.md", f"Start.\n\n{text}")
    except DocumentUnreadable:
        return
    found = " ".join([document.title, *(block.text for block in document.blocks)])
    assert set(re.findall(r"[a-z]+", text.lower())) <= set(
        re.findall(r"[a-z]+", found.lower())
    )


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("It is ~$35~ $20.", "It is $20."),
        ("It is ~old text~ new.", "It is new."),
        ("From ~5 to ~10 km.", "From ~5 to ~10 km."),
        ("In ~/a and ~/b.", "In ~/a and ~/b."),
        ("`~a~` is code.", "~a~ is code."),
    ],
)
def test_one_tilde_strikes_out_as_two_do(read, written, said):
    [document] = read("a.md", written)
    assert [block.text for block in document.blocks] == [said]
