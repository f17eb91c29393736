"""What is written but not said disappears, and prose that holds no marks comes back untouched."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.retrieval.spoken.plain_text import (
    _without_comments,
    _without_underscores,
    join_blocks,
    strip_markup,
)

SAID = [
    ("Soup ........ 6", "Soup: 6"),
    ("Chapter 1 . . . . . . 12", "Chapter 1: 12"),
    ("Name: ______________", "Name:"),
    ("Wait... what", "Wait... what"),
    # emphasis, code, escapes
    ("Tap **Reset** to go on", "Tap Reset to go on"),
    ("an *important* and _quiet_ word", "an important and quiet word"),
    ("***both*** and __strong__", "both and strong"),
    ("**a *b* c**", "a b c"),
    ("run `kbserver serve` now", "run kbserver serve now"),
    ("the `<div>` element", "the div element"),
    (
        "```bash\ngit checkout <branch>\nmake test\n```\nThen wait.",
        "git checkout branch. make test. Then wait.",
    ),
    (r"\*not emphasised\* and 1\. one", "not emphasised and 1. one"),
    ("**Note: the rest was cut", "Note: the rest was cut"),
    ("the end of it was bold**.", "the end of it was bold."),
    ("~~£40~~ £30 a month", "£30 a month"),
    # links, images, addresses
    ("see [our guide](https://example.com/a_(b)) first", "see our guide first"),
    ('see [our guide](/a.html "Guide") first', "see our guide first"),
    ("[![Logo](a.png)](https://example.com)", "Logo"),
    ("![The router's back](router.png) shows it", "The router's back shows it"),
    ("read [this][ref].\n\n[ref]: https://example.com/x 'X'", "read this."),
    ("[[Billing|your bill]] and [[Plans]]", "your bill and Plans"),
    ("See https://support.example.com/pin?x=1.", "See support.example.com."),
    ("(http://www.example.com:8080/a/b).", "(example.com)."),
    ("go to www.example.com/help, then", "go to example.com, then"),
    ("<https://example.com/a>", "example.com"),
    ("<help@example.com>", "help@example.com"),
    ("write to mailto:help@example.com", "write to help@example.com"),
    # lines
    ("# Reset your PIN\nHold the button.", "Reset your PIN. Hold the button."),
    ("## Closed ##\ntext", "Closed. text"),
    ("Title\n=====\nBody", "Title. Body"),
    ("You need:\n- a cable\n- a screwdriver", "You need: a cable. a screwdriver"),
    ("* one\n+ two\n• three", "one. two. three"),
    ("You need: * a cable. * a screwdriver", "You need: a cable. a screwdriver"),
    ("Fast • Safe · Simple", "Fast, Safe, Simple"),
    ("1. Unplug it\n2. Wait", "1. Unplug it. 2. Wait"),
    ("- [x] paid\n- [ ] sent", "paid. sent"),
    ("> quoted words\n> go on", "quoted words go on"),
    ("one\n\n---\n\ntwo", "one. two"),
    ("a line that\nwas wrapped here", "a line that was wrapped here"),
    (
        "These lines are filled up to a width, as mail programs and\n"
        "Editors do, and so they go on.",
        "These lines are filled up to a width, as mail programs and "
        "Editors do, and so they go on.",
    ),
    ("12 High Street\nLondon\nSW1A 1AA", "12 High Street, London, SW1A 1AA"),
    # tables
    (
        "| Plan | Price |\n|:--|--:|\n| Basic | 30 |\n| Plus | 40 |",
        "Plan: Basic, Price: 30. Plan: Plus, Price: 40",
    ),
    ("Plan | Price\n--- | ---\nBasic | 30", "Plan: Basic, Price: 30"),
    ("| Plan | Note |\n|---|---|\n| Basic | – |", "Plan: Basic"),
    ("| Basic | 30 |\n| Plus | 40 |", "Basic, 30. Plus, 40"),
    ("| Plan | Price |\n|---|---|", "Plan, Price"),
    (
        "Prices\n\n| Plan | Price |\n|---|---|\n| Basic | 30 |\n\nAll included.",
        "Prices. Plan: Basic, Price: 30. All included.",
    ),
    ("Home | Support | Contact", "Home, Support, Contact"),
    # HTML
    ("<p>Hello<br>World</p><p>Bye</p>", "Hello. World. Bye"),
    ("<ul><li>one</li><li>two</li></ul>", "one. two"),
    ('<a href="/x" class="y">more</a> &amp; more&nbsp;yet', "more & more yet"),
    ('<img src="x.png" alt="A red light"> means off', "A red light means off"),
    ("<script>alert(1)</script>text<!-- hidden -->", "text"),
    ("<table><tr><td>Basic</td><td>30</td></tr></table>", "Basic, 30"),
    ("was <del>40</del> 30", "was 30"),
    ("10<sup>6</sup> and m<sup>2</sup>", "10⁶ and m²"),
    ("use the &lt;b&gt; tag", "use the b tag"),
    ("checkout <branch name> now", "checkout branch name now"),
    ("&amp;amp;amp; done", "& done"),
    # footnotes, characters that are not there to be heard
    ("the text[^1] goes on.[2]\n\n[^1]: The note.", "the text goes on. The note."),
    ("It was the first.[citation needed] Then", "It was the first. Then"),
    ("price† and reference¹ too", "price and reference too"),
    ("## Fees {#fees}", "Fees"),
    ("zero\u200bwidth \u202eand\u202c con\x07trol\ufeff", "zerowidth and control"),
    ("a\tb  c\r\nd\u2028e", "a b c d e"),
    ("\ud800lone surrogate", "lone surrogate"),
]

UNTOUCHED = [
    "",
    "Hello, how are you? I'm fine.",
    "Set snake_case_name and __init__.py or _private here.",
    "5 * 3 is 15, 5*3*2 is 30 and 2**3**4 is large.",
    "We support C#, F# and C++.",
    "Delivery in <3 days, as 10 < 20 and 20 > 10.",
    "> 5 days",
    "£30* a month, $45.50 once, 20% off. *Terms apply.",
    "Write to help+uk@example.com or first.last@example.co.uk.",
    "Ring 0800 555 0100 – or +44 20 7946 0100 – before 5pm.",
    "AT&T, R&D & more; a[1][2] = b[3]; f(x)[0].",
    "It was ~5 km, ~10 minutes.",
    "In [brackets] and (parentheses) and {braces}.",
    "-5 °C to +30 °C",
    "+ 5 more",
    "Room 2. Then left; 1. is first.",
    "PIN: **** and name: ____",
    "me@example.com | ".rstrip(" |"),
    "https://",
    "if a <b and c> d",
    "नमस्ते क्\u200dष and می\u200cخواهم",
    "Look at C:\\_work and \\\\server\\share",
    "He said “yes” … and ‘no’ — twice.",
    "support.example.com/pin",
]

PIECES = st.sampled_from(
    [
        *"*_`~#[]()<>&|\\!-+=:.;,\n\n\n  \t1a€²",
        *"** ``` ~~~ --- |--| [^1] https:// www. a.b x_y word Word".split(),
        *"&amp; &lt; &gt; &#124; &#10; <b> </b> <br> <td> </td>".split(),
        *"<del> </del> <!-- --> ]( [[ ]] mailto: <sup> </sup>".split(),
        *("> ", "- ", "1. ", "[x]: /y", "\u200d"),
    ]
)


@pytest.mark.parametrize(("text", "said"), SAID)
def test_what_is_not_said_disappears(text: str, said: str) -> None:
    assert strip_markup(text) == said


@pytest.mark.parametrize("text", UNTOUCHED)
def test_prose_without_marks_comes_back_as_it_is(text: str) -> None:
    assert strip_markup(text) == text


@given(st.one_of(st.text(), st.lists(PIECES, max_size=25).map("".join)))
def test_a_second_time_changes_nothing_and_one_line_is_left(text: str) -> None:
    once = strip_markup(text)
    assert strip_markup(once) == once
    assert once == " ".join(once.split())
    assert "|" not in once and "`" not in once


@given(
    st.lists(
        st.lists(
            st.from_regex(r"[A-Za-z]{1,9}", fullmatch=True), min_size=1, max_size=9
        ),
        min_size=1,
        max_size=5,
    )
)
def test_every_word_of_marked_up_prose_is_kept_in_order(
    blocks: list[list[str]],
) -> None:
    marked = "\n\n".join(
        f"{mark}{' '.join(words[:-1])} {wrap}{words[-1]}{wrap}"
        for words, mark, wrap in zip(
            blocks,
            ["# ", "- ", "", "> ", "1. "],
            ["**", "_", "`", "*", "__"],
            strict=False,
        )
    )
    assert re.findall(r"[A-Za-z]+", strip_markup(marked)) == [
        word for words in blocks for word in words
    ]


@pytest.mark.parametrize(
    ("blocks", "joined"),
    [
        ([], ""),
        (["", "One"], "One"),
        (["One", "two"], "One. two"),
        (["One!", "", "two:", "three"], "One! two: three"),
    ],
)
def test_blocks_are_joined_by_a_full_stop_unless_they_end_in_a_mark(
    blocks: list[str], joined: str
) -> None:
    assert join_blocks(blocks) == joined


@given(
    st.lists(
        st.lists(st.from_regex(r"[a-z]{1,6}", fullmatch=True), min_size=2, max_size=2),
        min_size=1,
        max_size=5,
    )
)
def test_every_cell_of_a_table_is_said_with_the_name_of_its_column(
    rows: list[list[str]],
) -> None:
    lines = [
        "| Plan | Price |",
        "|---|---|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
    said = [f"Plan: {plan}, Price: {price}" for plan, price in rows]
    assert strip_markup("\n".join(lines)) == ". ".join(said)


# What underscores mean, in one pattern; it reads a line again for each opening.
UNDERSCORED = re.compile(r"(?<!\w)(_{1,3})(?=[^\s_])([^\n]*?[^\s_])\1(?!\w|\.\w)")


@given(st.text("_a .(é", max_size=16))
def test_underscores_are_left_out_in_pairs(line: str) -> None:
    assert _without_underscores(line) == UNDERSCORED.sub(r"\2", line)


def test_a_long_line_of_opening_underscores_is_read_once() -> None:
    line = "_a " * 30_000  # for a minute, if it is read again for each of them
    assert _without_underscores(line + "b_") == line[1:] + "b"


COMMENT = re.compile("<!--.*?-->", re.DOTALL)


@given(st.lists(st.sampled_from(["<!--", "-->", "a", " ", "\n", "-", ">"]), max_size=9))
def test_comments_are_left_out(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert _without_comments(text) == COMMENT.sub(" ", text)


@pytest.mark.parametrize(
    ("piece", "end", "said"),
    [
        ("<!--", "", "<!--" * 30_000),
        ("a\n\n", "", ". ".join("a" * 30_000)),
        ("\n", "a ..... b", "a: b"),
        ("~", "\na", "a"),
        ("\\", "a", "\\" * 30_000 + "a"),
    ],
    ids=["comments", "blocks", "line breaks", "tildes", "backslashes"],
)
def test_a_long_text_is_read_once(piece: str, end: str, said: str) -> None:
    # for a minute and more, if it is read again for each piece
    assert strip_markup(piece * 30_000 + end) == said
