"""Marks of a page as text, through the blocks that they end in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.ingest.formats.shared.marks import settle
from kbserver.ingest.formats.shared.markup import parse_html
from kbserver.ingest.formats.shared.structure import html_blocks, inline_text


def texts(markup: str) -> list[str]:
    root = parse_html(markup)
    settle(root)
    return [block.text for block in html_blocks(root)]


@pytest.mark.parametrize(
    ("markup", "said"),
    [
        ("<p>Now $9<sup>99</sup>!", "Now $9⁹⁹!"),
        ("<p>Now $9<sub>99</sub>!", "Now $9⁹⁹!"),
        ("<p>CO<sub>2</sub>, 1<sup>st</sup>, 5<sup>®</sup>", "CO2, 1st, 5®"),
        (
            "<p>20 m<sup>3</sup>, x<sup>2</sup>, E = mc<sup>2</sup>",
            "20 m³, x², E = mc²",
        ),
        ("<p>10<sup>-3</sup>", "10⁻³"),
        ("<p>1<sup>1</sup>/<sub>2</sub> cups", "1 1/2 cups"),
        (
            "<p>per kWh<sup>2</sup>, Word<sup>1,2</sup>, so.<sup>[3]</sup>",
            "per kWh, Word, so.",
        ),
        (
            "<div class=price><span>€</span><span>119</span><span>95</span></div>",
            "€119⁹⁵",
        ),
        ("<div class=price>139<small>50</small> €</div>", "139⁵⁰ €"),
        ("<div class=price><div>£</div><div>12</div><div>95</div></div>", "£12⁹⁵"),
        ("<p>£12<b>.95</b> and 20<b>26</b>", "£12.95 and 2026"),
    ],
)
def test_raised_digits_become_raised_characters(markup, said):
    assert texts(markup) == [said]


@pytest.mark.parametrize(
    "struck",
    [
        "<del>$189</del>",
        "<s>$189</s>",
        "<strike>$189</strike>",
        '<span style="text-decoration: line-through">$189</span>',
        '<span style="text-decoration-line:line-through">$189</span>',
    ],
)
def test_struck_out_text_is_left_out_and_counted(struck):
    root = parse_html(f"<p>Boots: {struck} <ins>$129</ins>. Was {struck}.")
    assert settle(root) == ("left out 2 struck-out texts",)
    assert inline_text(root) == "Boots: $129. Was."


def test_a_class_that_the_page_s_style_strikes_out_is_left_out():
    page = "<style>.c2{color:red;text-decoration:line-through}</style>"
    assert texts(f"{page}<p>It costs <span class=c2>$11</span> $13.") == [
        "It costs $13."
    ]


def test_an_old_price_goes_only_where_a_new_one_stands_beside_it():
    old = "<span class=old-price>$12</span>"
    assert texts(f"<p>{old} <span class=new-price>$9</span>") == ["$9"]
    assert texts(f"<p>{old}") == ["$12"]
    was = "<span class=was-price>$12</span>"
    assert texts(f"<p>{was} <span class=now>$9</span>") == ["$9"]
    assert texts(f"<p>{was} <span class=note>in May</span>") == ["$12 in May"]
    usual = "<span class=regular-price>$12</span>"
    assert texts(f"<p>{usual} <span class=member>$9</span>") == ["$12 $9"]


def test_what_a_shop_says_of_prices_to_screen_readers_is_not_said_again():
    page = (
        "<p><del aria-hidden=true>$120</del>"
        "<span class=screen-reader-text>Original price was: $120.</span>"
        "<ins>$95</ins><span class=screen-reader-text>Current price is: $95.</span>"
    )
    assert texts(page) == ["$95"]


@pytest.mark.parametrize(
    ("style", "more", "said"),
    [
        (".a{display:none}", "", ["The lamp."]),
        (".a{display:none} .on .a{display:block}", "", ["The lamp.", "It was 17."]),
        (".a{display:none}", "<script>open('a')</script>", ["The lamp.", "It was 17."]),
        (".a{display:none}", "<script src=a.js></script>", ["The lamp.", "It was 17."]),
        ("@media print{.a{display:none}}", "", ["The lamp.", "It was 17."]),
    ],
)
def test_what_a_style_sheet_hides_for_good_is_left_out(style, more, said):
    page = f"<style>{style}</style>{more}<p>The lamp.</p><p class=a>It was 17.</p>"
    assert texts(page) == said


@pytest.mark.parametrize(
    "page",
    [
        "<p>It is $39<sup>1</sup> a month.</p><p><sup>1</sup> In May.</p>",
        "<p>It is $39<sup>*</sup> a month.</p><p><small><sup>*</sup> In May.</small></p>",
        "<p>It is $39* a month.</p><p>* In May.</p>",
        '<p>It is $39<sup><a href="#fn1" id=r1>1</a></sup> a month.</p>'
        '<div class=footnotes><hr><ol><li id=fn1><p>In May. <a href="#r1">↩</a></ol></div>',
        '<p>It is $39<a href="#n1" role=doc-noteref>[1]</a> a month.</p>'
        '<aside id=n1><a href="#r">[1]</a> In May.</aside>',
        '<p>It is $39<a href="#n1" epub:type=noteref>1</a> a month.</p>'
        "<aside epub:type=footnote id=n1><p>In May.</p></aside>",
        "<p>It is $39<sup>1</sup> a month.</p><ol class=footnotes><li>In May.</ol>",
    ],
)
def test_a_footnote_is_said_with_its_sentence_and_its_mark_is_not(page):
    assert texts(page) == ["It is $39 a month (In May)."]


def test_each_price_of_a_table_has_its_footnote():
    page = (
        "<table><tr><th>Plan<th>Price<tr><td>A<td>$5<sup>1</sup><tr><td>B<td>$6<sup>2"
        "</sup></table><p><sup>1</sup> At night.</p><p><sup>2</sup> By day.</p>"
    )
    assert texts(page) == [
        "Plan: A; Price: $5 (At night).",
        "Plan: B; Price: $6 (By day).",
    ]


def test_a_long_footnote_follows_its_paragraph():
    note = "word " * 60
    page = f"<p>A<sup>1</sup> b.</p><p>Next.</p><p><sup>1</sup> {note}</p>"
    assert texts(page) == ["A b.", note.strip(), "Next."]


@pytest.mark.parametrize(
    "page",
    [
        "<p>A $5<sup>1</sup></p><p hidden><sup>1</sup> Secret.</p>",
        '<p>A $5<sup><a href="#n">1</a></sup></p><div style="display:none"><p id=n>Secret.</div>',
        "<p>A $5*</p><p hidden>* Secret.</p>",
    ],
)
def test_a_hidden_footnote_is_not_brought_to_light(page):
    assert "Secret" not in " ".join(texts(page))


def test_comments_of_google_docs_are_left_out():
    page = (
        '<p>It is $13.<sup><a href="#cmnt1" id="cmnt_ref1">[a]</a></sup></p>'
        '<div><p><a href="#cmnt_ref1" id="cmnt1">[a]</a><span>Ask Kim</span></p></div>'
    )
    assert texts(page) == ["It is $13."]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ('<img src=a.svg alt="Not included">', "no"),
        ('<img src=a.svg alt="Up to 5">', "Up to 5"),
        ("<span class=x aria-label=Yes></span>", "yes"),
        ('<i class="fa fa-times" aria-hidden=true></i>', "no"),
        ('<i class="bi bi-check-circle"></i>', "yes"),
        ("<svg><title>Yes</title><path/></svg>", "yes"),
        ("<input type=checkbox checked disabled>", "yes"),
        ("<input type=checkbox>", "no"),
        ("<span class=material-icons>close</span>", "no"),
        ("<span role=checkbox aria-checked=true></span>", "yes"),
        ('<svg><use href="#icon-check"/></svg>', "yes"),
        ("<img src=/signs/cross.svg alt=''>", "no"),
    ],
)
def test_an_icon_in_a_cell_says_what_it_shows(cell, said):
    page = f"<table><tr><th>Feature<th>Pro<tr><td>Export<td>{cell}</table>"
    assert texts(page) == [f"Feature: Export; Pro: {said}."]


def test_a_box_that_the_reader_of_a_page_may_tick_says_nothing():
    assert texts("<p><input type=checkbox> Remember me") == ["Remember me"]
    assert texts("<p><input type=checkbox disabled> Open") == ["☐ Open"]


def test_a_field_that_nothing_can_be_written_into_says_its_value():
    assert texts("<p>Deposit: <input readonly value='$40'>") == ["Deposit: $40"]
    assert texts("<p>Name: <input value='Kim'>") == ["Name:"]
    assert texts("<p>Deposit: <input type=hidden readonly value='$40'>") == ["Deposit:"]


words = st.sampled_from(["one", "$9", "99", "two.", "*", "1", "m"])
tags = st.sampled_from(
    ["p", "sup", "sub", "span", "small", "td", "li", "a", "div", "i"]
)


@given(
    st.recursive(
        words,
        lambda inner: st.builds(
            lambda tag, parts: f"<{tag}>{' '.join(parts)}</{tag}>",
            tags,
            st.lists(inner, max_size=3),
        ),
        max_leaves=12,
    )
)
def test_no_word_without_a_mark_is_lost(markup):
    root = parse_html(markup)
    before = inline_text(root)
    settle(root)
    after = " ".join(block.text for block in html_blocks(root))
    for word in ("one", "two"):
        assert before.count(word) == after.count(word)
