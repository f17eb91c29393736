from kbserver.ingest.blocks import Block
from kbserver.ingest.formats.office.prose import prose_document


def test_a_title_stands_before_a_heading():
    [document] = prose_document(
        "<h1>Rooms</h1><h1 class='title'>Prices</h1><p>Text.</p>", "a.odt", ("note",)
    )
    assert document.title == "Prices"
    assert document.blocks == (
        Block("heading", "Rooms", 1),
        Block("paragraph", "Text."),
    )
    assert document.notes == ("note",)


def test_a_heading_at_the_top_is_the_title_else_the_name_is():
    assert prose_document("<h1>Rooms</h1><p>a</p>", "b.rtf")[0].title == "Rooms"
    assert prose_document("<p>a</p>", "price-list.rtf")[0].title == "Price list"


def test_nothing_is_no_document():
    assert prose_document("", "a.odt") == []


def test_a_box_is_ticked_in_the_file():
    [document] = prose_document("<p><input type=checkbox checked> Lift</p>", "a.odt")
    assert document.blocks == (Block("paragraph", "☑ Lift"),)
