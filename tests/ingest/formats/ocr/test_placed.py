"""What is placed stands where its mark was, and no mark stays."""

from kbserver.ingest.blocks import Block
from kbserver.ingest.formats.ocr.placed import Placed

ROWS = [
    Block("table_row", "Room: Single; Price: $84.50.", confidence=0.9),
    Block("list_item", "- Breakfast is free.", 1, confidence=0.8),
]


def test_blocks_stand_where_their_mark_was():
    placed = Placed()
    mark = placed.mark(ROWS)
    before, after = Block("paragraph", "Before."), Block("paragraph", "After.")
    blocks = placed.in_place([before, Block("paragraph", mark), after])
    assert blocks == [before, *ROWS, after]


def test_in_a_cell_they_are_sentences_as_sure_as_the_least_sure():
    placed = Placed()
    first, second = placed.mark(ROWS), placed.mark([Block("paragraph", "Now.")])
    row = Block("table_row", f"Prices: {first}; When: {second}.", lead_in="All:")
    text = "Prices: Room: Single; Price: $84.50; Breakfast is free; When: Now."
    assert placed.in_place([row]) == [
        Block("table_row", text, lead_in="All:", confidence=0.8)
    ]


def test_a_mark_introduces_nothing():
    placed = Placed()
    item = Block("list_item", "- Tea", 1, placed.mark(ROWS))
    assert placed.in_place([item]) == [Block("list_item", "- Tea", 1)]
