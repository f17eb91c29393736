"""What charts draw, as LibreOffice keeps it beside them."""

import pytest
from lxml import etree

from kbserver.ingest.formats.odf.chart import chart_blocks
from tests.ingest.formats.odf.files import flat, packed, style

PERCENT = (
    '<number:percentage-style style:name="N9"><number:number number:decimal-places="0" '
    'number:min-integer-digits="1"/><number:text>%</number:text></number:percentage-style>'
)
ODD = '<number:date-style style:name="N9"><number:quarter/></number:date-style>'


def row(*cells: str) -> str:
    inner = "".join(
        f'<table:table-cell office:value="{cell[1:]}"/>'
        if cell.startswith("=")
        else f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>"
        for cell in cells
    )
    return f"<table:table-row>{inner}</table:table-row>"


def chart(*rows: str) -> str:
    return (
        "<chart:chart><chart:title><text:p>Occupancy</text:p></chart:title>"
        '<chart:plot-area><chart:axis chart:dimension="y" chart:style-name="ch5"/>'
        '<chart:series chart:style-name="ch7"/><chart:series/></chart:plot-area>'
        f"<table:table>{''.join(rows)}</table:table></chart:chart>"
    )


def said(*rows: str, styles: str = "") -> list[str]:
    blocks = chart_blocks(etree.fromstring(flat("chart", chart(*rows), styles)))
    assert all(block.lead_in == "Occupancy" for block in blocks)
    return [block.text for block in blocks]


HEAD = row("", "North", "South")


def test_a_row_for_each_category_says_what_each_series_draws():
    assert said(HEAD, row("May", "=40", "=0.5"), row("June", "=nan", "text")) == [
        "May: North 40; South 0.5.",
        "June: South text.",
    ]


@pytest.mark.parametrize("name", ["ch7", "ch5"])
def test_numbers_are_as_a_series_or_else_its_axis_shows_them(name):
    styles = PERCENT + style(name, "chart", data_style_name="N9")
    second = "50%" if name == "ch5" else "0.5"
    written = said(HEAD, row("May", "=0.4", "=0.5"), styles=styles)
    assert written == [f"May: North 40%; South {second}."]


def test_a_format_that_is_not_known_leaves_the_chart_unread():
    styles = ODD + style("ch7", "chart", data_style_name="N9")
    assert said(HEAD, row("May", "=0.4", "=0.5"), styles=styles) == []


@pytest.mark.parametrize("rows", [[], [HEAD], [HEAD, *[row("x", "=1")] * 2000]])
def test_nothing_and_a_curve_are_left_unread(rows):
    assert said(*rows) == []
    assert chart_blocks(None) == []


def test_a_chart_of_a_slide_is_said(read):
    content = flat("chart", chart(row("", "Guests"), row("May", "=40")))
    entry = (
        '<manifest:file-entry manifest:full-path="Object 1/" '
        'manifest:media-type="application/vnd.oasis.opendocument.chart"/>'
    )
    body = (
        '<draw:page><draw:frame><draw:object xlink:href="./Object 1"/></draw:frame>'
        "</draw:page>"
    )
    [document] = read(
        "a.odp",
        packed(
            "presentation", body, manifest=entry, more={"Object 1/content.xml": content}
        ),
    )
    assert [block.text for block in document.blocks] == ["", "May: Guests 40."]
    assert document.notes == ()


def test_a_chart_of_a_text_is_said_where_it_stands(read):
    content = flat("chart", chart(row("", "Guests"), row("May", "=40")))
    entry = (
        '<manifest:file-entry manifest:full-path="Object 1/" '
        'manifest:media-type="application/vnd.oasis.opendocument.chart"/>'
    )
    body = (
        "<text:p>Our guests:<draw:frame>"
        '<draw:object xlink:href="./Object 1"/></draw:frame></text:p><text:p>End.</text:p>'
    )
    [document] = read(
        "a.odt",
        packed("text", body, manifest=entry, more={"Object 1/content.xml": content}),
    )
    texts = [block.text for block in document.blocks]
    assert texts == ["Our guests:", "May: Guests 40.", "End."]
    assert document.notes == ()
