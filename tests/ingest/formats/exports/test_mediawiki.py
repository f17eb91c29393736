from html import escape

import pytest

from kbserver.errors import DocumentUnreadable

SITE = """<siteinfo><sitename>W</sitename><base>https://w.example/wiki/Main_Page</base>
<namespaces><namespace key="0" /><namespace key="1">Diskussion</namespace>
<namespace key="6">Datei</namespace><namespace key="10">Vorlage</namespace>
<namespace key="14">Kategorie</namespace><namespace key="100">Manual</namespace>
</namespaces></siteinfo>"""


def wiki(*pages):
    return (
        '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11">'
        f"{SITE}{''.join(pages)}</mediawiki>"
    )


def page(title, *texts, space=0, more="", model="wikitext"):
    """Return a page with a revision for each text, the oldest first."""
    revisions = "".join(
        f"<revision><timestamp>{2020 + at}-01-01T00:00:00Z</timestamp>"
        f"<model>{model}</model><text>{escape(text)}</text></revision>"
        for at, text in enumerate(texts)
    )
    return f"<page><title>{title}</title><ns>{space}</ns>{more}{revisions}</page>"


def said(documents):
    return {
        document.title: " ".join(block.text for block in document.blocks)
        for document in documents
    }


def test_each_article_is_a_document_with_its_address(read):
    text = "It costs [[Fee|$14]].\n[[Kategorie:Cars]][[Datei:a.png]]"
    [document] = read("w.xml", wiki(page("North gate", text)))
    assert document.source == "w.xml#north-gate"
    assert said([document]) == {"North gate": "It costs $14."}
    assert document.metadata == {
        "url": "https://w.example/wiki/North_gate",
        "updated": "2020-01-01T00:00:00Z",
        "tags": ["Cars"],
        "folder": "",
    }
    assert document.notes == (
        "not spoken: 1 picture (a.png); write in the text what callers need",
    )


def test_the_newest_revision_is_said(read):
    pages = page("Fee", "It is 9 dollars.", "It is 12 dollars.")
    assert said(read("w.xml", wiki(pages))) == {"Fee": "It is 12 dollars."}
    [old, new] = pages.split("</revision>")[:2]
    turned = old[: old.index("<revision>")] + new + "</revision>"
    turned += old[old.index("<revision>") :] + "</revision></page>"
    assert said(read("w.xml", wiki(turned))) == {"Fee": "It is 12 dollars."}


def test_what_is_no_article_is_left_out_and_named(read):
    documents = read(
        "w.xml",
        wiki(
            page("Fee", "Nine."),
            page("Fees", "#REDIRECT [[Fee]]", more='<redirect title="Fee" />'),
            page("Diskussion:Fee", "No, ten.", space=1),
            page("Vorlage:Box", "x", space=10),
            page("Vorlage:Tax", "y", space=10),
            page("Manual:Lift", "z", space=100),
            page("Data", "{}", model="json"),
            page("Prices/Archive", "Eight."),
            page("Codes", "{{Draft}} 1234"),
            page("Deleted"),
        ),
    )
    assert said(documents) == {"Fee": "Nine."}
    instead = "move to the main namespace what callers need"
    assert documents[0].notes == (
        "withheld 2 records not meant for callers: Prices/Archive (by its title); "
        "Codes ({{Draft}})",
        "left out 1 redirect",
        "left out 3 pages of other namespaces: Vorlage 2, Diskussion 1",
        f"not spoken: 1 page of “Manual”; {instead}",
        f"not spoken: 1 json page; {instead}",
    )


def test_an_export_without_an_article_is_unreadable(read):
    with pytest.raises(DocumentUnreadable, match=r"Diskussion 1"):
        read("w.xml", wiki(page("Diskussion:Fee", "No, ten.", space=1)))
    with pytest.raises(DocumentUnreadable, match=r"no page in it"):
        read("w.xml", wiki())
