from kbserver.ingest.formats.rtf.body import Body, Cell, Paragraph, RowLayout
from kbserver.ingest.formats.shared.structure import LABEL_END


def test_items_stand_in_lists_and_another_list_is_another():
    body = Body()
    body.paragraph(Paragraph("a", "li", "1.", 1, 4))
    body.paragraph(Paragraph("b", "li", "", 2, 4))
    body.paragraph(Paragraph("c", "li", "", 1, 5))
    body.paragraph(Paragraph("d"))
    assert body.html() == (
        f"<ul><li>1.{LABEL_END} a<ul><li>b</li></ul></li></ul>"
        "<ul><li>c</li></ul><p>d</p>"
    )


def test_a_table_ends_where_the_text_leaves_it():
    body = Body()
    layout = RowLayout([Cell(1000), Cell(2000)])
    for text in "ab":
        body.paragraph(Paragraph(text), 1)
        body.end_cell(1)
    body.end_row(1, layout)
    body.paragraph(Paragraph("c"))
    assert body.html() == (
        "<table><tr><td colspan='1' rowspan='1'><p>a</p></td>"
        "<td colspan='1' rowspan='1'><p>b</p></td></tr></table><p>c</p>"
    )


def test_cells_of_a_row_that_never_ends_are_kept():
    body = Body()
    body.paragraph(Paragraph("a"), 1)
    body.end_cell(1)
    body.paragraph(Paragraph("b"), 1)
    assert body.html() == "<table></table><p>a</p><p>b</p>"


def test_a_row_of_fewer_cells_spans_the_columns_that_it_covers():
    body = Body()
    for edges in ((1000, 2000), (2020,)):
        layout = RowLayout()
        for edge in edges:
            body.end_cell(1)
            layout.end_cell(edge)
        body.end_row(1, layout)
    assert body.html().endswith("<tr><td colspan='2' rowspan='1'></td></tr></table>")


def test_rows_may_claim_only_so_many_cells():
    layout = RowLayout()
    for edge in range(500):
        layout.end_cell(edge)
    assert len(layout.cells) == 200


def test_tables_are_followed_ten_deep():
    body = Body()
    body.paragraph(Paragraph("a"), 99)
    assert body.html().count("<table>") == 10
