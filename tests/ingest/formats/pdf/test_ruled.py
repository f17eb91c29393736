"""Tables with lines around their cells."""

from kbserver.ingest.formats.pdf.line import Box
from kbserver.ingest.formats.pdf.ruled import RuledTable, with_ruled_tables
from kbserver.ingest.formats.pdf.strokes import Strokes
from kbserver.ingest.load import load
from tests.ingest.formats.pdf.lines import cell, row
from tests.ingest.formats.pdf.written import drawn, write_page


def grid(xs, ys, *, without_across=(), without_upright=()) -> Strokes:
    """The borders of all cells, but for some given by column and row from below."""
    across = [
        Box(left, y, right, y)
        for level, y in enumerate(ys)
        for column, (left, right) in enumerate(zip(xs, xs[1:], strict=False))
        if (column, level) not in without_across
    ]
    upright = [
        Box(x, bottom, x, top)
        for at, x in enumerate(xs)
        for level, (bottom, top) in enumerate(zip(ys, ys[1:], strict=False))
        if (at, level) not in without_upright
    ]
    return Strokes(across, upright)


XS = (70, 150, 220, 290)
YS = (640, 660, 680, 700)


def test_a_cell_holds_what_stands_inside_of_its_lines():
    lines = [
        row(720, cell("Parcels", 72)),
        row(685, cell("Zone", 72), cell("Size", 152), cell("Price", 222)),
        row(665, cell("Coast", 72), cell("small", 152), cell("$7", 222)),
        row(645, cell("large", 152), cell("$13", 222)),
        row(600, cell("Ask us.", 72)),
    ]
    merged = grid(XS, YS, without_across=[(0, 1)])
    before, table, after = with_ruled_tables(lines, merged)
    assert (before, after) == (lines[0], lines[-1])
    assert isinstance(table, RuledTable)
    assert table.table == (
        ("Zone", "Size", "Price"),
        ("Coast", "small", "$7"),
        ("", "large", "$13"),
    )
    assert (table.top, table.bottom, table.left) == (696, 645, 72)


def test_the_lines_of_a_wrapped_cell_are_one_text_and_bold_rows_are_a_header():
    lines = [
        row(685, cell("Plan", 72), cell("What it is", 152), bold=True),
        row(669, cell("Basic", 72), cell("Damage by", 152)),
        row(661, cell("hail", 152)),
        row(645, cell("Full", 72), cell("All", 152)),
    ]
    [table] = with_ruled_tables(lines, grid(XS[:3], YS))
    assert isinstance(table, RuledTable)
    assert table.table == (
        ("Plan", "What it is"),
        ("Basic", "Damage by hail"),
        ("Full", "All"),
    )
    assert table.header_rows == 1


def test_rows_that_only_their_header_is_parted_from_stay_rows():
    lines = [row(685, cell("Key", 72), cell("Package", 152))]
    lines += [
        row(668 - 10 * at, cell(key, 72), cell("Base", 152))
        for at, key in enumerate(("page", "title", "name"))
    ]
    [table] = with_ruled_tables(lines, grid(XS[:3], (640, 680, 700)))
    assert isinstance(table, RuledTable)
    assert table.table == (
        ("Key", "Package"),
        ("page", "Base"),
        ("title", "Base"),
        ("name", "Base"),
    )


def test_a_frame_around_parts_of_a_page_is_no_table():
    lines = [row(690 - 3 * at, cell(f"Line {at}", 72)) for at in range(14)]
    lines += [row(655, cell("Right", 160)), row(645, cell("Below", 160))]
    frames = grid((70, 150, 220), (600, 650, 700))
    assert with_ruled_tables(lines, frames) == lines


def test_text_that_runs_over_a_border_shows_that_it_is_none():
    lines = [
        row(685, cell("A sentence across it", 72)),
        row(665, cell("a", 72), cell("b", 152)),
        row(645, cell("c", 72), cell("d", 152)),
    ]
    assert with_ruled_tables(lines, grid(XS[:3], YS)) == lines


def test_groups_of_columns_and_narrow_cells_keep_their_place(tmp_path):
    texts = (
        (76, 685, "Peak"),
        (156, 685, "Off-peak"),
        (72, 665, "Single"),
        (108, 665, "Return"),
        (148, 665, "Single"),
        (184, 665, "Return"),
        (72, 645, "$10"),
        (108, 645, "$18"),
        (148, 645, "$8"),
        (184, 645, "$14"),
    )
    content = b"".join(drawn(x, y, text) for x, y, text in texts)
    strokes = grid((70, 106, 146, 182, 222), YS, without_upright=[(1, 2), (3, 2)])
    for left, bottom, right, top in (*strokes.across, *strokes.upright):
        content += f"{left} {bottom} m {right} {top} l S ".encode()
    [document] = load(write_page(tmp_path / "a.pdf", content), "a.pdf")
    assert [block.text for block in document.blocks] == [
        "Peak Single: $10; Peak Return: $18; Off-peak Single: $8; Off-peak Return: $14."
    ]
