"""The model that texts, sheets and slides share; tests of each of these say the rest."""

import pytest

from kbserver.ingest.formats.odf.markup import Markup
from kbserver.ingest.formats.odf.package import TEXT, Package
from kbserver.ingest.formats.odf.styles import Look
from kbserver.ingest.formats.office.losses import Losses
from kbserver.ingest.formats.shared.source import SourceFile
from tests.ingest.formats.odf.files import packed, text_style


@pytest.fixture
def package(tmp_path):
    def read(body: str, **parts: str) -> Package:
        path = tmp_path / "a.odt"
        path.write_bytes(packed("text", body, **parts))
        return Package(SourceFile(path, "a.odt"))

    return read


def test_text_cannot_become_markup(package):
    found = package("<text:p>&lt;s&gt;1 &amp; 2</text:p>")
    markup = Markup(found, Losses()).blocks(found.body("text"))
    assert markup == "<p>&lt;s&gt;1 &amp; 2</p>"


def test_a_name_of_a_picture_cannot_become_markup(package):
    frame = "<draw:frame><draw:image/><svg:title>&quot;&gt;&lt;p&gt;x</svg:title></draw:frame>"
    found = package(frame)
    markup = Markup(found, Losses()).blocks(found.body("text"))
    assert markup == '<img alt="&quot;&gt;&lt;p&gt;x">'


def test_pictures_go_to_the_one_who_asks_for_them(package):
    seen: list[str] = []
    losses = Losses()
    found = package("<draw:frame><draw:image/></draw:frame>")
    Markup(found, losses, lambda kind, frame: seen.append(kind)).blocks(
        found.body("text")
    )
    assert seen == ["picture"] and losses.notes() == ()


def test_a_paragraph_as_plain_text_lies_over_the_look_of_its_cell(package):
    found = package(
        '<text:p>a<text:span text:style-name="on">b</text:span></text:p>',
        automatic=text_style("on", 'style:text-line-through-style="none"'),
    )
    markup = Markup(found, Losses())
    [paragraph] = found.body("text").iter(f"{TEXT}p")
    assert markup.shown(paragraph, Look(struck=True)) == ("b", 1)
    assert markup.shown(paragraph, Look()) == ("ab", 0)


def test_footnotes_are_given_once_at_the_end(package):
    note = "<text:note><text:note-body><text:p>In May.</text:p></text:note-body></text:note>"
    found = package(f"<text:p>$5{note}</text:p>")
    markup = Markup(found, Losses())
    assert "footnote-1" in markup.blocks(found.body("text"))
    assert markup.notes() == "<ol><li id='footnote-1'><p>In May.</p></li></ol>"
