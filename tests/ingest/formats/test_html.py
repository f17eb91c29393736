import pytest

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
        f"<body><main><nav><a href=#p>Prices</a></nav>{BODY}<div "
        f"class=share-links>Share</div>{COOKIES}</main>",
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


@pytest.mark.parametrize(
    "page",
    [
        "<form id=aspnetForm><h1>Fees</h1><p>Five pounds.</p><p>Seven on Sundays.</p></form>",
        "<main><h1>Fees</h1><section id=consent><p>Five pounds.</p></section>"
        "<div class=menu><p>Seven on Sundays.</p></div>",
        "<h1>Fees</h1><div class='sidebar'><p>Five pounds.</p><p>Seven on Sundays.</p></div>",
    ],
)
def test_content_in_a_place_with_the_name_of_a_menu_or_form_is_kept(read, page):
    assert [block.text for block in read("a.html", page)[0].blocks] == [
        "Five pounds.",
        "Seven on Sundays.",
    ]


def test_a_short_page_of_mere_spans_keeps_its_prices(read):
    card = "<div><h3>{}</h3><span class=price><i>$</i><b>{}</b><b>99</b></span></div>"
    page = card.format("Alder", 9) + card.format("Birch", 19)
    [document] = read("a.html", f"<title>Shop</title><body>{page}")
    assert [block.text for block in document.blocks] == [
        "Alder",
        "$9.99",
        "Birch",
        "$19.99",
    ]


def test_the_declared_encoding_is_used(read):
    page = '<meta charset="iso-8859-2"><p>Žluťoučký kůň</p>'.encode("iso-8859-2")
    assert read("a.html", page)[0].blocks == (Block("paragraph", "Žluťoučký kůň"),)


def test_metadata_can_stand_in_meta_tags(read):
    [document] = read(
        "a.html",
        '<meta name="valid-until" content="2026-12-31"><meta name=description '
        "content=Sale><p>Text.",
    )
    assert document.metadata == {
        "valid_until": "2026-12-31",
        "description": "Sale",
        "folder": "",
    }


@pytest.mark.parametrize("space", ["&#13;", "&#x0D;", "&#012;", "&#xC;", "\r", "\f"])
def test_references_of_white_space_part_words(read, space):
    [document] = read("a.html", f"<p>Open{space}daily&#1;.</p>")
    assert [block.text for block in document.blocks] == ["Open daily."]
