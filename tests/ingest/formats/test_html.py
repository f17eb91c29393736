import pytest

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block

MENU = "<nav><ul><li><a href=/a>Home</a></li><li><a href=/b>Plans</a></li></ul></nav>"
COOKIES = '<div id="cookie-banner" class="cc-window">We use cookies. <button>Accept</button></div>'
FOOTER = "<footer><p>Copyright, all rights reserved.</p></footer>"
BODY = """<h1>Roaming</h1><p>Calls abroad cost extra, as the table tells for each of the zones.</p>
<h2>Prices</h2><table><caption>From March</caption><thead><tr><th>Zone<th>Price</thead>
<tr><td>Europe<td>10 cents<tr><td>World<td>90 cents</table>
<p>To switch it off:</p><ol><li>Open the app<li>Tap Settings</ol>"""
EXPECTED = (
    Block(
        "paragraph",
        "Calls abroad cost extra, as the table tells for each of the zones.",
    ),
    Block("heading", "Prices", 2),
    Block("paragraph", "From March"),
    Block("table_row", "Zone: Europe; Price: 10 cents.", lead_in="From March"),
    Block("table_row", "Zone: World; Price: 90 cents.", lead_in="From March"),
    Block("paragraph", "To switch it off:"),
    Block("list_item", "1. Open the app", 1, "To switch it off:"),
    Block("list_item", "2. Tap Settings", 1, "To switch it off:"),
)


@pytest.mark.parametrize(
    "page",
    [
        f"<body><header>{MENU}</header>{COOKIES}<main>{BODY}</main><aside>Related</aside>{FOOTER}",
        f"<body>{MENU}{COOKIES}<div role=main>{BODY}</div>{FOOTER}",
        f"<body>{MENU}{COOKIES}<article>{BODY}</article>{FOOTER}",
        f'<body><div class="site-nav menu"><a href=/a>Home</a></div>{COOKIES}'
        f"<div class=content>{BODY}</div><div class=footer>Imprint</div>",
        f"<body><main><nav><a href=#p>Prices</a></nav>{BODY}<div class=share-links>Share</div>{COOKIES}</main>",
        f"<body>{BODY}",
        BODY,
        f'<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml"><body>{BODY}</body></html>',
    ],
)
def test_the_main_content_is_kept_whole_and_what_surrounds_it_left_out(read, page):
    [document] = read("a.html", page)
    assert document.title == "Roaming"
    assert document.blocks == EXPECTED


def test_a_page_without_heading_is_called_by_its_title(read):
    [document] = read(
        "a.html", "<title>Opening hours</title><p>We are open from nine to five.</p>"
    )
    assert (document.title, document.blocks) == (
        "Opening hours",
        (Block("paragraph", "We are open from nine to five."),),
    )


def test_hidden_text_is_left_out_and_counted(read):
    [document] = read(
        "a.html",
        "<p>Open daily.</p><p hidden>one</p><p style='Display : NONE'>two</p><p aria-hidden=true>three</p>"
        "<p style='font-size:0px'>four</p><p style='font-size:0.9em'>Small print.</p>",
    )
    assert [block.text for block in document.blocks] == ["Open daily.", "Small print."]
    assert document.notes == ("removed 15 hidden characters",)


def test_the_closed_panel_of_an_accordion_is_content(read):
    [document] = read(
        "a.html",
        '<h2><button aria-controls="p1">Can I pause?</button><a href="#p2">Can I stop?</a></h2>'
        '<div id="p1" hidden>Yes, for a month.</div><div id="p2" style="display:none">At any time.</div>',
    )
    assert [block.text for block in document.blocks if block.kind == "paragraph"] == [
        "Yes, for a month.",
        "At any time.",
    ]


def test_a_button_that_opens_a_panel_is_its_heading(read):
    page = "<p>Intro.</p><button aria-expanded=false>Can I pause?</button><div>Yes.</div><button>Send</button>"
    assert read("a.html", page)[0].blocks[1:] == (
        Block("heading", "Can I pause?", 6),
        Block("paragraph", "Yes."),
    )


@pytest.mark.parametrize(
    "page",
    [
        "<form id=aspnetForm><h1>Fees</h1><p>Five pounds.</p><p>Seven on Sundays.</p></form>",
        "<main><h1>Fees</h1><section id=consent><p>Five pounds.</p></section><div class=menu><p>Seven on Sundays.</p></div>",
        "<h1>Fees</h1><div class='sidebar'><p>Five pounds.</p><p>Seven on Sundays.</p></div>",
    ],
)
def test_content_in_a_place_with_the_name_of_a_menu_or_form_is_kept(read, page):
    assert [block.text for block in read("a.html", page)[0].blocks] == [
        "Five pounds.",
        "Seven on Sundays.",
    ]


def test_the_declared_encoding_is_used(read):
    page = '<meta charset="iso-8859-2"><p>Žluťoučký kůň</p>'.encode("iso-8859-2")
    assert read("a.html", page)[0].blocks == (Block("paragraph", "Žluťoučký kůň"),)


def test_metadata_can_stand_in_meta_tags(read):
    [document] = read(
        "a.html",
        '<meta name="valid-until" content="2026-12-31"><meta name=description content=Sale><p>Text.',
    )
    assert document.metadata == {
        "valid_until": "2026-12-31",
        "description": "Sale",
        "folder": "",
    }


def test_merged_cells_belong_to_each_row_and_column_they_cover(read):
    table = "<table><tr><th>Plan<th colspan=2>Speed</tr><tr><td rowspan=2>Fibre<td>100<td>200</tr><tr><td>300<td>300</tr></table>"
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
    page = "<table><tr><td><h2>Prices</h2><p>It is free.</p></td><td><ul><li>one</ul></td></tr></table>"
    [document] = read("a.html", page)
    assert document.title == "Prices"
    assert [(block.kind, block.text) for block in document.blocks] == [
        ("paragraph", "It is free."),
        ("list_item", "- one"),
    ]


def test_terms_and_their_definitions_stay_together(read):
    page = "<dl><dt>Zone 1</dt><dd>Europe</dd><dt>Is it free?</dt><dd><p>Yes.</p></dd></dl><p>End.</p>"
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
