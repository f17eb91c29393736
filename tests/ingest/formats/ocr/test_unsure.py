"""What is not sure goes with its sentence or row, and is named."""

from kbserver.ingest.blocks import Block
from kbserver.ingest.formats.ocr.lines import UNSURE
from kbserver.ingest.formats.ocr.unsure import without_unsure


def test_a_sentence_goes_whole():
    text = f"Open daily. A cot costs £{UNSURE}1.20 a night. Call us."
    blocks, [note] = without_unsure([Block("paragraph", text)])
    assert blocks == [Block("paragraph", "Open daily. Call us.")]
    assert (
        "1 sentence or row recognised too unsurely (“A cot costs £1.20 a night.”)"
        in note
    )
    assert note.startswith("not spoken: ")


def test_a_row_goes_whole():
    text = f"Room: Suite. Price: £1{UNSURE}0"
    blocks, notes = without_unsure([Block("table_row", text), Block("table_row", "b")])
    assert blocks == [Block("table_row", "b")]
    assert len(notes) == 1


def test_a_heading_that_goes_closes_its_level():
    blocks, _ = without_unsure([Block("heading", f"P{UNSURE}rices", 1)])
    assert blocks == [Block("heading", "", 1)]


def test_nothing_is_noted_where_all_is_sure():
    block = Block("paragraph", "Open daily.")
    assert without_unsure([block]) == ([block], [])
