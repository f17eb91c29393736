import pytest

from kbserver.errors import DocumentUnreadable

WIKI = (
    "<mediawiki><page><title>A</title><ns>0</ns><revision>"
    "<text>{}</text></revision></page></mediawiki>"
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "<urlset><url/></urlset>",
            r"unknown XML \(<urlset>\): kbserver reads the XML",
        ),
        ("<rss version='2.0'><channel/></rss>", r"unknown XML \(<rss>\)"),
        (WIKI.format("A.")[:-20], "not valid XML: .*; export it again"),
        ("no XML", "not valid XML: "),
    ],
)
def test_what_is_no_export_says_what_is_read(read, text, reason):
    with pytest.raises(DocumentUnreadable, match=reason):
        read("a.xml", text)


def test_entities_of_a_file_are_not_followed(read, tmp_path):
    (tmp_path / "secret.txt").write_text("sesame")
    document_type = f'<!DOCTYPE a [<!ENTITY s SYSTEM "{tmp_path}/secret.txt">]>'
    [document] = read("a.xml", document_type + WIKI.format("Open. &s;"))
    assert "sesame" not in document.blocks[0].text
    assert document.blocks[0].text.startswith("Open.")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_control_characters_do_not_end_the_reading(read, encoding):
    text = WIKI.format("Nine \u20ac a day.")
    if encoding == "utf-8":
        text = text.replace("a day", "a\x0b day\x03")
    [document] = read("a.xml", text.encode(encoding))
    assert document.blocks[0].text == "Nine \u20ac a day."
