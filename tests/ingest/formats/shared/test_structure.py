import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block
from kbserver.ingest.formats.shared.markup import parse_html
from kbserver.ingest.formats.shared.structure import html_blocks, inline_text


def blocks(markup: str) -> list[Block]:
    root = parse_html(markup)
    return html_blocks(root)


def test_merged_cells_belong_to_each_row_and_column_they_cover(read):
    table = (
        "<table><tr><th>Plan<th colspan=2>Speed</tr>"
        "<tr><td rowspan=2>Fibre<td>100<td>200</tr><tr><td>300<td>300</tr></table>"
    )
    assert [block.text for block in read("a.html", table)[0].blocks] == [
        "Plan: Fibre; Speed: 100; Speed: 200.",
        "Plan: Fibre; Speed: 300.",
    ]


def test_a_table_without_column_names_says_first_cell_first(read):
    table = "<table><tr><th>Monday<td>9 to 5</tr><tr><th>Sunday<td>closed</tr></table>"
    assert [block.text for block in read("a.html", table)[0].blocks] == [
        "Monday: 9 to 5.",
        "Sunday: closed.",
    ]


def test_a_table_for_the_layout_is_ordinary_content(read):
    page = (
        "<table><tr><td><h2>Prices</h2><p>It is free.</p></td>"
        "<td><ul><li>one</ul></td></tr></table>"
    )
    [document] = read("a.html", page)
    assert document.title == "Prices"
    assert [(block.kind, block.text) for block in document.blocks] == [
        ("paragraph", "It is free."),
        ("list_item", "- one"),
    ]


def test_terms_and_their_definitions_stay_together(read):
    page = (
        "<dl><dt>Zone 1</dt><dd>Europe</dd><dt>Is it free?</dt><dd><p>Yes.</p></dd></dl>"
        "<p>End.</p>"
    )
    assert read("a.html", page)[0].blocks == (
        Block("list_item", "Zone 1: Europe", 1),
        Block("heading", "Is it free?", 6),
        Block("paragraph", "Yes."),
        Block("heading", "", 6),
        Block("paragraph", "End."),
    )


def test_a_page_nested_deeply_is_read_and_one_nested_without_end_is_named(read):
    assert read("a.html", "<div>" * 300 + "deep down" + "</div>" * 300)[0].blocks == (
        Block("paragraph", "deep down"),
    )
    with pytest.raises(DocumentUnreadable, match="nested too deeply"):
        read("b.html", "<div>" * 5000 + "deep down" + "</div>" * 5000)


def test_text_is_one_line_and_breaks_are_kept():
    assert blocks("<p>one\n two<br>three<br><br>four</p>") == [
        Block("paragraph", "one two\nthree"),
        Block("paragraph", "four"),
    ]


def test_an_item_holds_its_paragraphs_and_goes_on_behind_a_nested_list():
    assert blocks("<ul><li><p>a</p><p>b</p><ul><li>c</ul>d</ul>") == [
        Block("list_item", "- a\nb", 1),
        Block("list_item", "- c", 2, "a\nb"),
        Block("list_item", "d", 1),
    ]


def test_numbers_follow_start_and_value():
    texts = [block.text for block in blocks("<ol start=3><li>a<li value=7>b<li>c</ol>")]
    assert texts == ["3. a", "7. b", "8. c"]


def test_numbers_that_are_none_are_passed_over():
    assert blocks("<ol start=x><li value=''>a</ol>")[0].text == "1. a"


def test_a_nested_list_without_its_item_is_read():
    texts = [block.text for block in blocks("<ul><ul><li>a</ul><li>b</ul>")]
    assert texts == ["- a", "- b"]


@pytest.mark.parametrize(
    ("before", "lead_in"),
    [
        ("<p>You need:</p>", "You need:"),
        (f"<p>{'word ' * 50}end. You need:</p>", "You need:"),
        (f"<p>{'word ' * 50}end.</p>", ""),
        ("<h2>You need</h2>", ""),
    ],
)
def test_the_sentence_before_a_list_introduces_it(before, lead_in):
    assert blocks(f"{before}<ul><li>a</ul>")[-1].lead_in == lead_in


def test_only_an_announcement_introduces_a_table():
    table = "<table><tr><th>A<th>B<tr><td>1<td>2</table>"
    assert blocks(f"<p>Prices:</p>{table}")[-1].lead_in == "Prices:"
    assert blocks(f"<p>Prices.</p>{table}")[-1].lead_in == ""


def test_code_keeps_its_line_breaks_and_drops_scripts():
    [block] = blocks("<pre>a<br>b<script>x</script>\n  c\n</pre>")
    assert block == Block("code", "a\nb\n  c")


def test_a_merged_cell_reaches_no_further_than_its_numbers_say():
    [first, second] = blocks(
        "<table><tr><th>A<th>B<tr><td rowspan=99999 colspan=0>1<td>2<tr><td>3</table>"
    )
    assert (first.text, second.text) == ("A: 1; B: 2.", "A: 1; B: 3.")


words = st.sampled_from("one two three. You need: Why? 9–5".split())


def element(*tags: str, inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return markup of one of the tags around some of the inner markup."""
    contents = st.lists(inner, max_size=3).map(" ".join)
    return st.builds("<{0}>{1}</{0}>".format, st.sampled_from(tags), contents)


def elements(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    terms = element("dt", inner=words)
    items = element("li", inner=inner)
    cells = st.builds("<td>{} {}</td>".format, words, inner)
    rows = st.builds("<tr>{}{}</tr>".format, cells, cells)
    return st.one_of(
        element("p", "div", "b", "h2", "pre", "blockquote", inner=inner),
        element("ul", "ol", inner=items),
        element("dl", inner=st.one_of(terms, element("dd", inner=inner))),
        element("table", inner=rows),
        element("details", inner=element("summary", inner=words)),
        st.just("<br>"),
    )


@given(st.recursive(words, elements, max_leaves=12))
def test_no_word_of_a_page_is_lost(markup):
    root = parse_html(markup)
    assert root is not None
    wanted = set(re.findall(r"\w+", inline_text(root)))
    texts = " ".join(block.text for block in html_blocks(root))
    assert wanted <= set(re.findall(r"\w+", texts))


def test_a_further_paragraph_of_a_nested_item_keeps_its_depth_and_lead_in():
    markup = "<ul><li>one of<ul><li><p>a</p><p>b</p></ul></ul>"
    assert blocks(markup)[-1] == Block("list_item", "- a\nb", 2, "one of")


def test_text_of_a_definition_list_outside_its_terms_is_read():
    markup = "<dl>Intro<dt>Zone<dd>Europe</dd>loose<p>para</p><div><dt>A<dd>b</div><dt>last</dl>"
    assert [block.text for block in blocks(markup)] == [
        "Intro",
        "Zone: Europe",
        "loose",
        "para",
        "A: b",
        "last",
    ]


def test_a_bold_first_row_names_columns_and_a_bold_table_has_none():
    bold = "<tr><td><b>Size</b><td><b>36</b></tr>"
    plain = "<tr><td>S<td>3</tr>"
    assert blocks(f"<table>{bold}{plain}</table>")[0].text == "Size: S; 36: 3."
    assert blocks(f"<table>{bold}{bold}</table>")[0].text == "Size: 36."


def test_an_empty_corner_belongs_to_the_header():
    markup = "<table><tr><td><th>1 night<th>2 nights<tr><td>Oak<td>$5<td>$9</table>"
    assert blocks(markup)[0].text == "Oak; 1 night: $5; 2 nights: $9."


def test_a_row_of_one_merged_cell_above_the_header_is_the_caption():
    markup = (
        "<table><tr><td colspan=2>From May<tr><th>Room<th>2026<tr><td>Oak<td>5</table>"
    )
    assert blocks(markup) == [
        Block("paragraph", "From May"),
        Block("table_row", "Room: Oak; 2026: 5.", lead_in="From May"),
    ]


def test_a_table_in_a_cell_of_data_stays_with_its_row():
    inner = "<table><tr><td>Adult<td>$24<tr><td>Child<td>$12</table>"
    markup = f"<table><tr><th>Day<th>Prices<tr><td>Weekend<td>{inner}</table>"
    assert [block.text for block in blocks(markup)] == [
        "Day: Weekend; Prices: Adult: $24; Child: $12."
    ]


@pytest.mark.parametrize(
    ("attributes", "marks"),
    [
        ("", "1. 2."),
        ("type=a", "a. b."),
        ("type=A start=3", "C. D."),
        ("type=i start=4", "iv. v."),
        ("type=I", "I. II."),
        ("style='list-style-type: lower-alpha'", "a. b."),
        ("style='list-style: upper-roman inside'", "I. II."),
        ("class='upperalpha simple'", "A. B."),
        ("type=disc", "1. 2."),
    ],
)
def test_an_ordered_list_counts_as_its_page_shows_it(attributes, marks):
    items = blocks(f"<ol {attributes}><li>No pets<li>No smoking</ol>")
    said = [
        f"{mark} No {word}"
        for mark, word in zip(marks.split(), ("pets", "smoking"), strict=True)
    ]
    assert [item.text for item in items] == said


def test_a_list_behind_another_is_introduced_by_what_introduced_that():
    items = blocks(
        "<p>Open:</p><ul><li>Monday<ul><li>at nine</ul><li>Friday</ul><ol><li>Ring</ol>"
        "<ul><li>In<ul><li>deep</ul></ul><ul><li>Last</ul>"
    )
    assert [(item.text, item.lead_in) for item in items[1:]] == [
        ("- Monday", "Open:"), ("- at nine", "Monday"), ("- Friday", "Open:"),
        ("1. Ring", "Open:"), ("- In", "Open:"), ("- deep", "In"), ("- Last", ""),
    ]  # fmt: skip
