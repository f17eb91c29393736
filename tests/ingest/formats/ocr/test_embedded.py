"""What is written on a picture inside of a document is spoken at its place there."""

import base64
import io
from collections.abc import Callable
from functools import partial
from pathlib import Path

import docx
import pptx
import pytest
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Inches

from kbserver.ingest.blocks import Block, Document
from kbserver.ingest.formats.ocr.embedded import (
    MOST_PICTURES,
    Embedded,
    _without_headings,
)
from kbserver.ingest.formats.shared.source import Ocr, SourceFile
from kbserver.ingest.load import load
from tests.ingest.formats.ocr.scans import PRICES, needs_engine, scan

pytestmark = needs_engine

ROWS = ["Room: Single room; Price: $84.50.", "Room: Family suite; Price: $669.99."]


@pytest.fixture(scope="module")
def ocr(tmp_path_factory) -> Ocr:
    """Keeps what was found, so that each picture is read once."""
    return Ocr(threads=2, cache=str(tmp_path_factory.mktemp("found")))


@pytest.fixture(scope="module")
def prices() -> bytes:
    """The file of a picture of a table."""
    return png(scan(PRICES, size=(900, 320)))


def png(image) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


def word(folder: Path, content: bytes) -> Path:
    document = docx.Document()
    document.add_paragraph("Before.")
    document.add_picture(io.BytesIO(content), width=Inches(5))
    document.add_paragraph("After.")
    document.save(str(folder / "a.docx"))
    return folder / "a.docx"


def slides(folder: Path, content: bytes) -> Path:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    side = pptx.util.Inches(1)
    slide.shapes.add_textbox(side, 0, side, side).text_frame.text = "Before."
    slide.shapes.add_picture(io.BytesIO(content), side, 2 * side, 5 * side)
    slide.shapes.add_textbox(side, 6 * side, side, side).text_frame.text = "After."
    deck.save(str(folder / "a.pptx"))
    return folder / "a.pptx"


def inline(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def page(folder: Path, content: bytes) -> Path:
    text = f'<p>Before.</p><p><img src="{inline(content)}"></p><p>After.</p>'
    (folder / "a.html").write_text(text)
    return folder / "a.html"


def page_with_file(folder: Path, content: bytes) -> Path:
    (folder / "price list.png").write_bytes(content)
    text = '<p>Before. <img src="price%20list.png?v=1"> After.</p>'
    (folder / "a.html").write_text(text)
    return folder / "a.html"


def markdown(folder: Path, content: bytes) -> Path:
    (folder / "a.md").write_text(f"Before.\n\n![]({inline(content)})\n\nAfter.\n")
    # an empty alternative text would call it an ornament
    text = (folder / "a.md").read_text().replace("![]", "![prices]")
    (folder / "a.md").write_text(text)
    return folder / "a.md"


FORMATS = [word, slides, page, page_with_file, markdown]
each_format = pytest.mark.parametrize("saved", FORMATS)
Saved = Callable[[Path, bytes], Path]


def read(path: Path, ocr: Ocr | None) -> Document:
    [document] = load(path, path.name, ocr)
    return document


def texts(document: Document) -> list[str]:
    return [block.text for block in document.blocks if block.text]


@each_format
def test_a_table_on_a_picture_is_spoken_where_it_stands(saved, tmp_path, prices, ocr):
    document = read(saved(tmp_path, prices), ocr)
    assert texts(document) == ["Before.", *ROWS, "After."]
    sure = [block.confidence for block in document.blocks if block.text in ROWS]
    assert all(one is not None and 0.8 <= one <= 1 for one in sure)
    assert document.notes == ()


@each_format
def test_without_recognition_it_is_named(saved, tmp_path, prices):
    document = read(saved(tmp_path, prices), None)
    assert texts(document) == ["Before.", "After."] or saved is page_with_file
    assert [note[:21] for note in document.notes] == ["not spoken: 1 picture"]
    assert document.shown == {}


@each_format
@pytest.mark.parametrize("content", ["icon", "empty", "damaged", "vector"])
def test_what_holds_no_text_is_named(saved, tmp_path, prices, ocr, content):
    contents = {
        "icon": png(scan([(0, 0, "5")], size=(300, 64))),
        "empty": png(scan([], size=(400, 300))),
        "damaged": prices[:500] + bytes(500) + prices[1000:],
        "vector": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    }
    if content == "vector" and saved in (word, slides):
        pytest.skip("the library that writes the file knows no such picture")
    document = read(saved(tmp_path, contents[content]), ocr)
    assert " ".join(texts(document)) == "Before. After."
    assert [note[:21] for note in document.notes] == ["not spoken: 1 picture"]


@each_format
def test_below_the_floor_it_is_named(saved, tmp_path, prices, ocr):
    strict = Ocr(floor=1.0, threads=2, cache=ocr.cache)
    document = read(saved(tmp_path, prices), strict)
    assert "84" not in " ".join(texts(document))
    [note] = document.notes
    assert note.endswith("recognised too unsurely; take it anew, or write its text")


def test_what_stands_twice_is_said_once(tmp_path, prices, ocr):
    image = f'<p><img src="{inline(prices)}"></p>'
    (tmp_path / "a.html").write_text(f"{image}<p>Between.</p>{image}")
    document = read(tmp_path / "a.html", ocr)
    assert texts(document) == [*ROWS, "Between."]
    assert document.notes == ()


def test_a_description_introduces_it(tmp_path, prices, ocr):
    text = f'<p>A</p><img alt="Prices of summer" src="{inline(prices)}"><p>B</p>'
    (tmp_path / "a.html").write_text(text)
    document = read(tmp_path / "a.html", ocr)
    assert texts(document) == ["A", "Prices of summer", *ROWS, "B"]
    assert document.blocks[2].lead_in == "Prices of summer"


def test_a_file_beside_is_remembered_even_if_it_is_missing(tmp_path, prices, ocr):
    path = page_with_file(tmp_path, prices)
    [digest] = read(path, ocr).shown.values()
    (tmp_path / "price list.png").unlink()
    assert (len(digest), read(path, ocr).shown) == (64, {"price list.png": ""})


def test_what_a_document_crops_is_not_spoken(tmp_path, prices, ocr):
    document = docx.Document(str(word(tmp_path, prices)))
    fill = document.element.body.find(f".//{qn('pic:blipFill')}")
    cut = OxmlElement("a:srcRect")
    cut.set("r", "50000")
    fill.insert(1, cut)
    document.save(str(tmp_path / "a.docx"))
    deck = pptx.Presentation(str(slides(tmp_path, prices)))
    deck.slides[0].shapes[1].crop_right = 0.5
    deck.save(str(tmp_path / "a.pptx"))
    for name in ("a.docx", "a.pptx"):
        said = " ".join(texts(read(tmp_path / name, ocr)))
        assert "Single room" in said
        assert "84" not in said


@pytest.mark.parametrize("share", ["half", "nan%", "1e999%", "100000"])
def test_a_picture_cropped_in_no_known_way_is_named(tmp_path, prices, ocr, share):
    document = docx.Document(str(word(tmp_path, prices)))
    cut = OxmlElement("a:srcRect")
    cut.set("r", share)
    document.element.body.find(f".//{qn('pic:blipFill')}").insert(1, cut)
    document.save(str(tmp_path / "a.docx"))
    result = read(tmp_path / "a.docx", ocr)
    assert texts(result) == ["Before.", "After."]
    assert [note[:21] for note in result.notes] == ["not spoken: 1 picture"]


@pytest.mark.parametrize("hides", ["deleted", "hidden"])
def test_what_word_does_not_show_is_not_spoken(tmp_path, prices, ocr, hides):
    document = docx.Document(str(word(tmp_path, prices)))
    run = document.paragraphs[1].runs[0]
    if hides == "hidden":
        run.font.hidden = True
    else:
        deleted = OxmlElement("w:del")
        run._r.addprevious(deleted)
        deleted.append(run._r)
    document.save(str(tmp_path / "a.docx"))
    assert texts(read(tmp_path / "a.docx", ocr)) == ["Before.", "After."]


def test_a_linked_picture_on_a_slide_is_named(tmp_path, prices, ocr):
    deck = pptx.Presentation(str(slides(tmp_path, prices)))
    blip = deck.slides[0].shapes[1]._element.find(f".//{qn('a:blip')}")
    del blip.attrib[qn("r:embed")]
    deck.save(str(tmp_path / "a.pptx"))
    document = read(tmp_path / "a.pptx", ocr)
    assert texts(document) == ["Before.", "After."]
    assert document.notes[0].startswith("not spoken: 1 picture (slide 1)")


def test_a_logo_is_not_spoken(tmp_path, prices, ocr):
    deck = pptx.Presentation()
    side = pptx.util.Inches(1)
    for number in range(3):
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.shapes.title.text = f"Slide {number}"
        slide.shapes.add_picture(io.BytesIO(prices), side, 2 * side, 5 * side)
    deck.save(str(tmp_path / "a.pptx"))
    document = read(tmp_path / "a.pptx", ocr)
    assert (document.title, *texts(document)) == ("Slide 0", "Slide 1", "Slide 2")


def test_so_many_pictures_are_looked_at(prices, ocr):
    pictures = Embedded(SourceFile(Path("a.html"), "a.html", ocr=ocr))
    for number in range(MOST_PICTURES):
        content = partial(bytes, f"no picture {number}", "ascii")
        assert pictures.blocks(content, "") is None
    assert pictures.blocks(lambda: prices, "") is None


def test_a_heading_on_a_picture_begins_no_section():
    row = Block("table_row", "Room: Suite.", confidence=0.9)
    heading = Block("heading", "Winter", 2, confidence=0.9)
    blocks = [row, heading, row, Block("heading", "", 2)]
    assert _without_headings(blocks, "Prices:") == [
        Block("table_row", "Room: Suite.", lead_in="Prices:", confidence=0.9),
        Block("paragraph", "Winter", confidence=0.9),
        Block("table_row", "Room: Suite.", lead_in="Winter", confidence=0.9),
    ]
