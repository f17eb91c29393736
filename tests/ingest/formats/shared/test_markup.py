import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.ingest.blocks import Block
from kbserver.ingest.formats.shared.markup import (
    name_admonitions,
    parse_html,
    remove_hidden,
    without_declaration,
)
from kbserver.ingest.formats.shared.structure import inline_text


def test_hidden_text_is_left_out_and_counted(read):
    [document] = read(
        "a.html",
        "<p>Open daily.</p><p hidden>one</p><p style='Display : NONE'>two</p>"
        "<p aria-hidden=true>three</p>"
        "<p style='font-size:0px'>four</p><p style='font-size:0.9em'>Small print.</p>",
    )
    assert [block.text for block in document.blocks] == ["Open daily.", "Small print."]
    assert document.notes == ("removed 15 hidden characters",)


def test_the_closed_panel_of_an_accordion_is_content(read):
    [document] = read(
        "a.html",
        '<h2><button aria-controls="p1">Can I pause?</button><a href="#p2">Can I stop?</a></h2>'
        '<div id="p1" hidden>Yes, for a month.</div>'
        '<div id="p2" style="display:none">At any time.</div>',
    )
    assert [block.text for block in document.blocks if block.kind == "paragraph"] == [
        "Yes, for a month.",
        "At any time.",
    ]


def test_a_button_that_opens_a_panel_is_its_heading(read):
    page = (
        "<p>Intro.</p><button aria-expanded=false>Can I pause?</button><div>Yes.</div>"
        "<button>Send</button>"
    )
    assert read("a.html", page)[0].blocks[1:] == (
        Block("heading", "Can I pause?", 6),
        Block("paragraph", "Yes."),
    )


@pytest.mark.parametrize(
    "hidden",
    [
        "<p hidden>secret</p>",
        "<p aria-hidden=true>secret</p>",
        "<p style='display:none'>secret</p>",
        "<p style='visibility : hidden'>secret</p>",
        "<p style='opacity:0'>secret</p>",
        "<p style='font-size: 0.0em !important'>secret</p>",
        "<div hidden><p>sec</p><p>ret</p></div>",
    ],
)
def test_hidden_elements_are_removed(hidden):
    root = parse_html(f"<main><p>Open.</p>{hidden}</main>")
    assert remove_hidden(root) == 6
    assert inline_text(root).strip() == "Open."


@pytest.mark.parametrize(
    "shown",
    [
        "<p style='opacity:0.5'>shown</p>",
        "<p style='font-size:0.9em'>shown</p>",
        "<p hidden=until-found>shown</p>",
        "<a href='#x'>shown</a><p id=x hidden></p>",
    ],
)
def test_what_a_reader_sees_stays(shown):
    root = parse_html(f"<main>{shown}</main>")
    assert remove_hidden(root) == 0
    assert inline_text(root).strip() == "shown"


def test_a_button_in_a_heading_does_not_become_another_heading():
    root = parse_html("<h2><button aria-controls=p>Why?</button></h2><p id=p>So.</p>")
    remove_hidden(root)
    assert [element.tag for element in root.iter("h2", "h6", "span", "button")] == [
        "h2",
        "span",
    ]


def test_an_admonition_carries_its_name():
    root = parse_html("<p class=admonition-title>Note:</p><p> Keep <b>the</b> key.</p>")
    name_admonitions(root)
    assert inline_text(root).strip() == "Note: Keep the key."


def test_an_admonition_without_text_is_left_as_it_is():
    root = parse_html("<div><p class=admonition-title>Note</p></div>")
    name_admonitions(root)
    assert inline_text(root).strip() == "Note"


def test_an_xml_declaration_is_removed_once():
    markup = '<?xml version="1.0" encoding="x"?><p>a</p>'
    assert without_declaration(markup) == "<p>a</p>"
    assert parse_html(without_declaration(markup)) is not None


@pytest.mark.parametrize("markup", ["", " \n", "<!-- x -->"])
def test_nothing_is_parsed_to_nothing(markup):
    root = parse_html(markup)
    assert root is None or inline_text(root).strip() == ""


tags = st.sampled_from(
    "<p> </p> <div hidden> </div> <b> <button aria-expanded=true> </button> <!-- --> "
    "<p style=display:none> <script> </script> <li> <ul> text & &amp; &#0; <br>".split()
)


@given(st.lists(tags, max_size=20).map("".join))
def test_hidden_text_is_gone_after_one_pass(markup):
    root = parse_html(markup)
    if root is not None:
        remove_hidden(root)
        assert remove_hidden(root) == 0


def test_control_characters_and_their_references_do_not_stop_a_page(read):
    markup = "<p>Fuel\x01 dock&#1; \ufffeopen&#xB; [now] &#x9;&#33;</p>"
    [document] = read("a.html", markup)
    assert document.blocks[0].text == "Fuel dock open [now] !"


def test_letters_of_wingdings_without_their_font_are_signs(read):
    [document] = read("a.html", "<p>Pets allowed: \uf0fc</p><p>Cards: \uf0fb</p>")
    assert [block.text for block in document.blocks] == [
        "Pets allowed: ✓",
        "Cards: ✗",
    ]
