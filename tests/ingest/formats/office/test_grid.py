import pytest

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.formats.office.grid import (
    CellAllowance,
    Grid,
    SheetLosses,
    drawing_notes,
)


def grid(rows: dict[int, list[str]], most: int = 1000) -> Grid:
    filled = Grid(CellAllowance("a.ods", most))
    for number, row in rows.items():
        filled.add(number, row, [])
    return filled


def test_blank_rows_part_tables_and_a_lone_cell_above_one_stays_with_it():
    sheet = grid({1: ["Prices"], 3: ["", "a", "b"], 4: ["", "1", "2"], 7: ["c", "d"]})
    assert [table.rows for table in sheet.tables()] == [
        [["Prices"], ["", "a", "b"], ["", "1", "2"]],
        [["c", "d"]],
    ]


def test_blank_columns_at_the_left_are_cut_off():
    assert [table.rows for table in grid({1: ["", "a"], 2: ["", "b"]}).tables()] == [
        [["a"], ["b"]]
    ]


def test_a_bold_row_at_the_top_names_the_columns():
    sheet = grid({2: ["1", "2"]})
    sheet.add(1, ["a", "b"], [True, True])
    [table] = sheet.tables()
    assert table.header_rows == 1


def test_a_merged_cell_is_written_into_every_place_it_covers():
    sheet = grid({1: ["a", "", "x"], 2: ["", "", "y"]})
    sheet.fill_merged([(1, 1, 2, 2)])
    assert sheet.rows == {1: ["a", "a", "x"], 2: ["a", "a", "y"]}


def test_a_merged_title_covers_the_whole_table():
    sheet = grid({1: ["Prices"], 2: ["a", "b", "c"]})
    sheet.fill_merged([(1, 1, 2, 1)])
    assert sheet.rows[1] == ["Prices"] * 3


def test_columns_are_removed_by_their_numbers():
    sheet = grid({1: ["a", "b", "c"]})
    sheet.remove_columns({2})
    assert sheet.rows == {1: ["a", "c"]}


def test_a_file_may_have_so_many_cells_and_no_more():
    with pytest.raises(DocumentUnreadable, match="over 3 cells; split it"):
        grid({1: ["a", "b"], 2: ["c", "d"]}, most=3)


def test_merged_cells_count():
    with pytest.raises(DocumentUnreadable, match="over 4 cells"):
        grid({1: ["a"], 2: ["b", "c", "d"]}, most=4).fill_merged([(1, 1, 3, 1)])


def test_losses_are_named():
    losses = SheetLosses(struck=1, formulas=2, hidden_rows=3, formats={"e"})
    assert losses.notes() == (
        "left out 3 hidden rows",
        "left out 1 struck-out text",
        "not spoken: 2 formulas without a value; "
        "open the file in a spreadsheet program and save it",
        "the number format 'e' is not understood: values are raw",
    )


def test_pictures_are_a_loss_and_charts_draw_what_cells_say():
    assert list(drawing_notes({"chart": 1, "picture": 2, "sheet's comment": 0})) == [
        "left out 1 chart; say in cells what callers need",
        "not spoken: 2 pictures; say in cells what callers need",
    ]
