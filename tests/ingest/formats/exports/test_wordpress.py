import pytest

from kbserver.errors import DocumentUnreadable


def site(*items):
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"'
        ' xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"'
        ' xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        ' xmlns:wp="http://wordpress.org/export/1.2/"><channel><title>Hotel</title>'
        f"<wp:wxr_version>1.2</wp:wxr_version>{''.join(items)}</channel></rss>"
    )


def item(title, content, *, number=1, kind="page", status="publish", **more):
    """Return an item; `more` are further fields of WordPress or, by `meta`, of plugins."""
    meta = more.pop("meta", {})
    fields = {"post_id": number, "status": status, "post_type": kind, **more}
    wp = "".join(
        f"<wp:{key}><![CDATA[{value}]]></wp:{key}>" for key, value in fields.items()
    )
    wp += "".join(
        f"<wp:postmeta><wp:meta_key>{key}</wp:meta_key>"
        f"<wp:meta_value><![CDATA[{value}]]></wp:meta_value></wp:postmeta>"
        for key, value in meta.items()
    )
    return (
        f"<item><title><![CDATA[{title}]]></title>"
        f"<link>https://h.example/{number}/</link>"
        f"<content:encoded><![CDATA[{content}]]></content:encoded>{wp}</item>"
    )


def lines(document):
    return [
        ("# " if block.kind == "heading" else "") + block.text
        for block in document.blocks
        if block.text
    ]


def test_a_published_post_is_a_document_with_its_address(read):
    post = item(
        "Prices &amp; Fees",
        "<!-- wp:paragraph -->\n<p>A room is <s>€120</s> €99.</p>\n<!-- /wp:paragraph -->",
        post_name="prices",
        post_date="2026-02-01 10:00:00",
    ).replace(
        "</item>",
        '<category domain="category" nicename="rooms"><![CDATA[Rooms &amp; Suites]]></category>'
        '<category domain="post_tag" nicename="fee">fee</category>'
        '<category domain="nav_menu" nicename="main">Main</category></item>',
    )
    [document] = read("h.xml", site(post))
    assert (document.source, document.title) == ("h.xml#prices", "Prices & Fees")
    assert lines(document) == ["A room is €99."]
    assert document.metadata == {
        "url": "https://h.example/1/",
        "id": "1",
        "date": "2026-02-01",
        "type": "page",
        "tags": ["Rooms & Suites", "fee"],
        "folder": "",
    }
    assert document.notes == ("left out 1 struck-out text",)


def test_what_no_visitor_reads_is_left_out_and_named(read):
    comment = (
        "<wp:comment><wp:comment_content>It was 30!</wp:comment_content></wp:comment>"
    )
    documents = read(
        "h.xml",
        site(
            item("Fees", "Nine.").replace("</item>", f"{comment}</item>"),
            item("Autumn", "Ten.", number=2, status="draft"),
            item("Codes", "1234", number=3, status="private"),
            item("Club", "Five.", number=4, post_password="sesame"),
            item("May", "Six.", number=5, status="future"),
            item("Team", "Four.", number=6, meta={"_members_access_role": "staff"}),
            item("logo.png", "", number=7, kind="attachment", status="inherit"),
            item("", "", number=8, kind="nav_menu_item"),
            item("Fees", "Eight.", number=9, kind="revision", status="inherit"),
            item("Order 5", "Kim Poe", number=10, kind="shop_order"),
        ),
    )
    assert [lines(document) for document in documents] == [["Nine."]]
    assert documents[0].notes == (
        "withheld 5 records not meant for callers: Autumn (status: draft); "
        "Codes (status: private); Club (protected by a password); May (status: future); "
        "Team (for members only, by _members_access_role)",
        "left out 1 comment of visitors",
        "left out 1 attachment",
        "left out 1 menu item",
        "left out 1 revision",
        "left out 1 shop order item",
    )
    assert "sesame" not in repr(documents)


CONTENTS = {
    "paragraphs of the old editor": (
        "First <b>one</b>.\n\nAddress:\nAm Hof 1\nBonn\n<ul>\n<li>A</li>\n\n<li>B</li>\n</ul>",
        ["First one.", "Address:\nAm Hof 1\nBonn", "- A", "- B"],
        (),
    ),
    "a table of the old editor": (
        "<table>\n<tr>\n<th>Day</th>\n<th>Open</th>\n</tr>\n<tr>\n<td>Monday</td>\n"
        "<td>9 to 5</td>\n</tr>\n</table>",
        ["Day: Monday; Open: 9 to 5."],
        (),
    ),
    "a block that its program fills in": (
        '<!-- wp:paragraph --><p>Open.</p><!-- /wp:paragraph -->\n<!-- wp:spacer /-->'
        '<!-- wp:acf/rates {"data":{"fee":"9"}} /-->',
        ["Open."],
        ("not spoken: 1 block (acf/rates); write in the text what callers need",),
    ),
    "a block that the editor switched off": (
        '<!-- wp:group {"metadata":{"blockVisibility":false}} --><div>'
        "<!-- wp:group --><div>Staff pay 4.</div><!-- /wp:group --></div><!-- /wp:group -->"
        "<!-- wp:paragraph --><p>Open.</p><!-- /wp:paragraph -->",
        ["Open."],
        ("left out 1 switched-off block (group)",),
    ),
    "shortcodes with titles": (
        '[tabs][tab title="Card &amp; cash"]Two days.[/tab][tab title="Bank"]Five.[/tab][/tabs]',
        ["# Card & cash", "Two days.", "# Bank", "Five."],
        (),
    ),
    "shortcodes that show something": (
        'Open [daily].\n\n[table id=3 /] [price_list] [gallery ids="1"] [embed]https://a.example[/embed]',
        ["Open [daily]."],
        (
            "not spoken: 4 shortcodes (embed, table, price_list, …); "
            "write in the text what callers need",
        ),
    ),
    "a part for members": (
        "Open.[members_only level=1]Code 1234[/members_only]",
        ["Open."],
        ("left out 1 members-only part (members_only)",),
    ),
    "a caption": (
        '[caption id="a" width="3"]<img src="a.png"> The gate[/caption]',
        ["The gate"],
        ("not spoken: 1 picture (a.png); write in the text what callers need of it",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTENTS)
def test_content_is_said_as_a_visitor_sees_it(read, name):
    content, expected, notes = CONTENTS[name]
    [document] = read("h.xml", site(item("A", content)))
    assert (lines(document), document.notes) == (expected, notes)


def test_a_pattern_is_said_where_a_post_shows_it(read):
    pattern = "<!-- wp:paragraph --><p>Check-in from 3.</p><!-- /wp:paragraph -->"
    post = '<p>A room is €99.</p><!-- wp:block {"ref":9} /-->'
    documents = read(
        "h.xml",
        site(
            item("Rooms", post),
            item("Check-in", pattern, number=9, kind="wp_block"),
            item("Ring", '<p>A.</p><!-- wp:block {"ref":3} /-->', number=2),
            item("Ring", '<!-- wp:block {"ref":3} /-->', number=3, kind="wp_block"),
        ),
    )
    assert [lines(document) for document in documents] == [
        ["A room is €99.", "Check-in from 3."],
        ["A."],
    ]


def test_a_footnote_is_said_at_its_clause(read):
    content = (
        '<!-- wp:paragraph --><p>A room is €99<sup data-fn="f" class="fn"><a href="#f"'
        ' id="f-link">1</a></sup> a night.</p><!-- /wp:paragraph --><!-- wp:footnotes /-->'
    )
    meta = {"footnotes": '[{"content":"until Thursday","id":"f"}]'}
    [document] = read("h.xml", site(item("A", content, meta=meta)))
    assert lines(document) == ["A room is €99 a night (until Thursday)."]


def test_fields_that_a_theme_may_show_are_named(read):
    meta = {
        "opening_hours": "9 to 5",
        "_opening_hours": "field_12",
        "_edit_last": "1",
        "rank_math_title": "Best fees",
        "gallery": 'a:1:{i:0;s:1:"3";}',
    }
    product = item("Bike", "Blue.", number=2, kind="product", meta={"_price": "99"})
    [document, _] = read("h.xml", site(item("A", "Open.", meta=meta), product))
    assert document.notes == (
        "not spoken: the fields opening_hours of 1 post, price of 1 post; "
        "write in the text what callers need",
    )


def test_a_page_stands_below_the_published_page_above_it(read):
    documents = read(
        "h.xml",
        site(
            item("Hotel Adler", "In Bonn."),
            item("Prices", "Nine.", number=2, post_parent=1),
            item("Secret", "x", number=3, status="draft"),
            item("Bus", "Line 4.", number=4, post_parent=3),
        ),
    )
    assert [lines(document) for document in documents] == [
        ["In Bonn."],
        ["# Hotel Adler", "Nine."],
        ["Line 4."],
    ]


def test_an_export_without_a_published_post_is_unreadable(read):
    with pytest.raises(
        DocumentUnreadable, match=r"withheld 1 record .* A \(status: draft"
    ):
        read("h.xml", site(item("A", "x", status="draft")))
