import pytest

from kbserver.ingest.blocks import not_spoken
from kbserver.ingest.formats.exports.pictures import picture_notes
from kbserver.ingest.formats.shared.markup import parse_html

INSTEAD = "write in the text what callers need of it"


@pytest.mark.parametrize(
    ("markup", "what"),
    [
        ('<img src="img/fees%202026.png?v=3">', "1 picture (fees 2026.png)"),
        ('<img src="cid:12" alt="Price list">', "1 picture (Price list)"),
        ('<img src="data:image/png;base64,AA">', "1 picture"),
        (
            '<img src="a.png"><img src="a.png"><img data-src="b.png"><img src="c.png">'
            '<img src="d.png" width="400px" height="70.5">',
            "5 pictures (a.png, b.png, c.png, …)",
        ),
    ],
)
def test_pictures_are_named(markup, what):
    assert picture_notes(parse_html(markup)) == (not_spoken(what, INSTEAD),)


@pytest.mark.parametrize(
    "markup",
    [
        "<p>Text</p>",
        "<img>",
        '<img src="line.png" alt="">',
        '<img src="line.png" role="presentation">',
        '<img src="open.png" width="1" height="1">',
        '<img src="a.png" width="24px">',
        '<img src="https://img.shields.io/x/y.svg">',
        '<img src="/assets/logo.png">',
        '<img src="a.png" class="wp-smiley emoji">',
    ],
)
def test_ornaments_are_none(markup):
    assert picture_notes(parse_html(markup)) == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", '<nav><img src="b.png"></nav><main><h1>A</h1><p>T.</p><img src="a.png"></main>'),
        ("a.md", "T.\n\n![The plan](a.png)"),
        ("a.rst", "Text.\n\n.. image:: a.png\n"),
        ("a.eml", "From: a@b.c\nContent-Type: text/html\n\n<p>T.</p><img src='a.png'>"),
    ],
)  # fmt: skip
def test_every_format_names_them(read, name, text):
    [document] = read(name, text)
    assert document.notes == (not_spoken("1 picture (a.png)", INSTEAD),)
