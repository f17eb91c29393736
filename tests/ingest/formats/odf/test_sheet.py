"""OpenDocument sheets: cells as LibreOffice shows them, and what it does not show."""

import pytest

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.formats.odf.sheet import convert
from kbserver.ingest.formats.shared.source import SourceFile
from tests.ingest.formats.odf.files import packed, style, text_style


def texts(document) -> list[str]:
    return [block.text for block in document.blocks]


def cell(text: str = "", kind: str = "string", **attributes: str) -> str:
    """Return a cell: `value`, `date-value` and the like are of its office attributes."""
    names = ("value", "date-value", "time-value", "boolean-value", "currency")
    written = ""
    for name, value in attributes.items():
        key = name.replace("_", "-")
        written += f' {"office" if key in names else "table"}:{key}="{value}"'
    if kind:
        written += f' office:value-type="{kind}"'
    inner = f"<text:p>{text}</text:p>" if text else ""
    return f"<table:table-cell{written}>{inner}</table:table-cell>"


def row(*cells: str, **attributes: str) -> str:
    more = "".join(
        f' table:{name.replace("_", "-")}="{value}"'
        for name, value in attributes.items()
    )
    inner = "".join(one if one.startswith("<") else cell(one) for one in cells)
    return f"<table:table-row{more}>{inner}</table:table-row>"


def sheet(*rows: str, name: str = "Prices", more: str = "", **attributes: str) -> str:
    written = "".join(f' table:{key}="{value}"' for key, value in attributes.items())
    return (
        f'<table:table table:name="{name}"{written}>{more}{"".join(rows)}</table:table>'
    )


@pytest.fixture
def ods(read):
    def read_sheets(*sheets: str, **parts: str):
        return read("a.ods", packed("spreadsheet", "".join(sheets), **parts))[0]

    return read_sheets


def number_style(name: str, inner: str, kind: str = "number") -> str:
    return f'<number:{kind}-style style:name="{name}">{inner}</number:{kind}-style>'


DIGITS = (
    '<number:number number:decimal-places="2" number:min-decimal-places="2" '
    'number:min-integer-digits="1" number:grouping="true"/>'
)
FORMATS = (
    number_style(
        "N1P0",
        f"<number:currency-symbol>£</number:currency-symbol>{DIGITS}",
        "currency",
    )
    + number_style(
        "N1",
        f"<number:text>-</number:text><number:currency-symbol>£</number:currency-symbol>{DIGITS}"
        '<style:map style:condition="value()&gt;=0" style:apply-style-name="N1P0"/>',
        "currency",
    )
    + number_style(
        "N2",
        '<number:number number:decimal-places="1" number:min-integer-digits="1"/>'
        "<number:text> %</number:text>",
        "percentage",
    )
    + number_style(
        "N3",
        '<number:day number:style="long"/><number:text>.</number:text>'
        '<number:month number:style="long"/><number:text>.</number:text><number:year/>',
        "date",
    )
    + number_style(
        "N4",
        '<number:text>AQ-</number:text><number:number number:min-integer-digits="4"/>',
    )
    + number_style(
        "N5",
        '<number:number number:decimal-places="0" number:min-integer-digits="1" '
        'number:display-factor="1000"/><number:text>k km</number:text>',
    )
    + number_style(
        "N6",
        '<number:hours/><number:text>:</number:text><number:minutes number:style="long"/>',
        "time",
    )
    + number_style("N7", "<number:quarter/><number:text>!</number:text>", "date")
    + "".join(
        style(f"ce{number}", "table-cell", data_style_name=f"N{number}")
        for number in range(1, 8)
    )
)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (cell("£1.234,50", "currency", value="1234.5", style_name="ce1"), "£1,234.50"),
        (cell("-£3,00", "currency", value="-3", style_name="ce1"), "-£3.00"),
        (cell("12,5 %", "percentage", value="0.125", style_name="ce2"), "12.5 %"),
        (
            cell("4.5.26", "date", date_value="2026-05-04", style_name="ce3"),
            "2026-05-04",
        ),
        (cell("AQ-0007", "float", value="7", style_name="ce4"), "AQ-0007"),
        (cell("12k km", "float", value="12345", style_name="ce5"), "12k km"),
        (cell("9:05", "time", time_value="PT09H05M00S", style_name="ce6"), "9:05"),
        (cell("Q2/26", "date", date_value="2026-05-04", style_name="ce7"), "Q2/26"),
        (cell("WAHR", "boolean", boolean_value="true"), "yes"),
        (cell("1,5", "float", value="1.5"), "1.5"),
        (cell("3 Kč", "currency", value="3"), "3 Kč"),
        (cell("", "float", value="1907"), "1907"),
        (cell("2026", "date", date_value="2026-05-04T10:30:00"), "2026-05-04 10:30:00"),
        (cell("x", "date", date_value="soon"), "x"),
        (cell("", "float", value="nan"), "nan"),
    ],
)
def test_a_cell_is_said_as_it_is_shown(ods, given, said):
    document = ods(sheet(row("Item", "Fact"), row("Bed", given)), automatic=FORMATS)
    assert texts(document) == [f"Item: Bed; Fact: {said}."]


def test_the_style_of_a_column_or_row_is_that_of_its_cells(ods):
    columns = (
        '<table:table-column/><table:table-column table:default-cell-style-name="ce1"/>'
    )
    document = ods(
        sheet(
            row("Item", "Price"),
            row("Bed", cell("x", "currency", value="5")),
            row(
                "Sofa", cell("x", "currency", value="7"), default_cell_style_name="ce2"
            ),
            more=columns,
        ),
        automatic=FORMATS,
    )
    assert texts(document) == [
        "Item: Bed; Price: £5.00.",
        "Item: Sofa; Price: 700.0 %.",
    ]


def test_what_is_hidden_is_left_out_and_named(ods):
    columns = (
        "<table:table-column table:number-columns-repeated='2'/>"
        "<table:table-column table:visibility='collapse'/>"
    )
    document = ods(
        sheet(
            row("Item", "Price", "Purchase"),
            row("Bed", "$9", "$4"),
            row("Sofa", "$8", "$3", visibility="collapse"),
            row("Desk", "$7", "$2", visibility="filter"),
            more=columns,
        ),
        sheet(row("secret"), name="Secret", **{"style-name": "ta2"}),
        automatic=style(
            "ta2", "table", '<style:table-properties table:display="false"/>'
        ),
    )
    assert texts(document) == ["Item: Bed; Price: $9."]
    assert document.notes == (
        "left out 1 hidden sheet",
        "left out 1 hidden column",
        "left out 2 hidden rows",
    )


def test_what_another_file_said_is_left_out(ods):
    document = ods(
        sheet(row("Bed", "$9")),
        sheet(row("stale"), name="'file:///b.ods'#x", more="<table:table-source/>"),
    )
    assert texts(document) == ["Bed: $9."]


def test_groups_of_rows_and_rows_that_repeat_are_read(ods):
    group = (
        "<table:table-row-group><table:table-rows>"
        f"{row('Sofa', '$8')}</table:table-rows></table:table-row-group>"
    )
    document = ods(
        sheet(
            f"<table:table-header-rows>{row('Item 1', 'Price 1')}</table:table-header-rows>",
            row("Bed", "$9", number_rows_repeated="2"),
            group,
            row(
                cell("", "", number_columns_repeated="16384"),
                number_rows_repeated="1048570",
            ),
        )
    )
    assert texts(document) == [
        "Item 1: Bed; Price 1: $9.",
        "Item 1: Bed; Price 1: $9.",
        "Item 1: Sofa; Price 1: $8.",
    ]


def test_a_merged_cell_counts_in_each_place_it_covers(ods):
    document = ods(
        sheet(
            row("Who", "Term", "Price"),
            row(cell("Adult", number_rows_spanned="2"), "Day", "$5"),
            row(
                "<table:covered-table-cell><text:p>old</text:p></table:covered-table-cell>",
                "Week",
                "$9",
            ),
        )
    )
    assert texts(document) == [
        "Who: Adult; Term: Day; Price: $5.",
        "Who: Adult; Term: Week; Price: $9.",
    ]


def test_struck_out_and_raised_text_in_cells(ods):
    document = ods(
        sheet(
            row("Item", "Price"),
            row(
                "Bed",
                cell(
                    '<text:span text:style-name="S">$99</text:span> '
                    '$39<text:span text:style-name="R">50</text:span>'
                ),
            ),
            row("Sofa", cell("$88", style_name="old")),
            row("Desk", cell("5", "float", value="5", style_name="old")),
            row("Lamp", cell("$7<text:line-break/>each")),
        ),
        automatic=text_style("S", 'style:text-line-through-style="solid"')
        + text_style("R", 'style:text-position="super 58%"')
        + text_style("old", 'style:text-line-through-style="solid"', "table-cell"),
    )
    assert texts(document) == [
        "Item: Bed; Price: $39.50.",
        "Item: Sofa.",
        "Item: Desk.",
        "Item: Lamp; Price: $7 each.",
    ]
    assert document.notes == ("left out 3 struck-out texts",)


def test_a_bold_row_and_a_row_with_filters_name_the_columns(ods):
    bold = text_style("b", 'fo:font-weight="bold"', "table-cell")
    document = ods(
        sheet(
            row(cell("Plan 1", style_name="b"), cell("Plan 2", style_name="b")),
            row("x", "y"),
        ),
        automatic=bold,
    )
    assert texts(document) == ["Plan 1: x; Plan 2: y."]
    ranges = (
        '<table:database-ranges><table:database-range table:display-filter-buttons="true" '
        "table:target-range-address=\"'Our Prices'.A1:'Our Prices'.B9\"/>"
        "</table:database-ranges>"
    )
    document = ods(
        sheet(row("Plan 1", "Plan 2"), row("x", "y"), name="Our Prices"), ranges
    )
    assert texts(document) == ["Plan 1: x; Plan 2: y."]


def test_errors_formulas_without_a_value_and_comments_are_named(ods):
    document = ods(
        sheet(
            row("Item", "Price", "Note"),
            row(
                "Bed",
                cell("Err:502", **{"value": "0"}).replace(
                    "office:value-type", 'calcext:value-type="error" office:value-type'
                ),
                "x",
            ),
            row(
                "Sofa",
                '<table:table-cell table:formula="of:=[.A1]"/>',
                "<table:table-cell office:value-type='string'><office:annotation>"
                "<text:p>secret</text:p></office:annotation><text:p>y</text:p></table:table-cell>",
            ),
        )
    )
    assert texts(document) == ["Item: Bed; Note: x.", "Item: Sofa; Note: y."]
    assert document.notes == (
        "not spoken: 1 formula without a value; "
        "open the file in a spreadsheet program and save it",
        "left out 1 sheet's comment; say in cells what callers need",
        "left out 1 cell with an error (#N/A)",
    )


def test_what_is_drawn_on_a_sheet_is_named(ods):
    shapes = (
        "<table:shapes><draw:frame><draw:image/></draw:frame><draw:custom-shape>"
        "<text:p>Only in May!</text:p></draw:custom-shape><draw:frame><draw:object>"
        "<office:document><office:body><office:chart><chart:chart/></office:chart>"
        "</office:body></office:document></draw:object></draw:frame></table:shapes>"
    )
    document = ods(sheet(row("Bed", "$9"), more=shapes))
    assert texts(document) == ["Bed: $9."]
    assert document.notes == tuple(
        f"{begin}; say in cells what callers need"
        for begin in (
            "not spoken: 1 picture",
            "not spoken: 1 text box",
            "left out 1 chart",
        )
    )


def test_a_faq_sheet_is_a_document_for_each_question(read):
    rows = row("Question", "Answer"), row("Open?", "Daily."), row("Free?", "Yes.")
    documents = read("faq.ods", packed("spreadsheet", sheet(*rows)))
    assert [one.source for one in documents] == ["faq.ods#open", "faq.ods#free"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (row("x", number_rows_repeated="1048577"), "over 1,048,576 rows"),
        (row("x", number_rows_repeated="99999999999999999999"), "over 1,048,576 rows"),
        (row(cell("x", number_columns_repeated="20000")), "and 16,384 columns"),
        (row(*"abcd", number_rows_repeated="30"), "over 100 cells; split it"),
    ],
)
def test_a_sheet_that_claims_too_much_is_refused(tmp_path, given, reason):
    path = tmp_path / "a.ods"
    first = row("x") if "rows" in reason else ""
    path.write_bytes(packed("spreadsheet", sheet(first, given)))
    with pytest.raises(DocumentUnreadable, match=reason):
        convert(SourceFile(path, "a.ods"), max_cells=100)
