"""OpenDocument texts, as LibreOffice 7.4 writes them: what is said, left out and named."""

import pytest

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block
from tests.ingest.formats.odf.files import flat, packed, style, text_style

MARKS = (
    text_style("Raised", 'style:text-position="super 58%"')
    + text_style("Struck", 'style:text-line-through-style="solid"')
    + text_style("Hidden", 'text:display="none"')
    + text_style("Bold", 'fo:font-weight="bold"')
)


def texts(document) -> list[str]:
    return [block.text for block in document.blocks]


@pytest.fixture
def odt(read):
    def read_text(body: str, **parts: str):
        parts.setdefault("automatic", MARKS)
        return read("a.odt", packed("text", body, **parts))[0]

    return read_text


def test_headings_paragraphs_and_the_title(odt):
    document = odt(
        '<text:p text:style-name="Title">Prices</text:p>'
        '<text:h text:outline-level="2">Rooms</text:h>'
        "<text:p>One<text:s text:c='2'/>two<text:tab/>three<text:line-break/>four\n five.</text:p>",
        styles=style("Title", "paragraph"),
    )
    assert document.title == "Prices"
    assert document.blocks == (
        Block("heading", "Rooms", 2),
        Block("paragraph", "One two three\nfour five."),
    )


def test_a_paragraph_is_a_heading_by_its_style(odt):
    document = odt(
        '<text:p>x</text:p><text:p text:style-name="P1">Rooms</text:p>'
        '<text:p text:style-name="Mine">Beds</text:p>',
        automatic=style("P1", "paragraph", parent_style_name="Heading_20_2")
        + style("Mine", "paragraph", default_outline_level="3"),
        styles=style("Heading_20_2", "paragraph"),
    )
    assert document.blocks[1:] == (
        Block("heading", "Rooms", 2),
        Block("heading", "Beds", 3),
    )


def test_raised_cents_stay_cents_and_struck_out_prices_go(odt):
    document = odt(
        '<text:p>It costs $39<text:span text:style-name="Raised">99</text:span>, '
        'not <text:span text:style-name="Struck">$99</text:span>.</text:p>'
    )
    assert texts(document) == ["It costs $39.99, not."]
    assert document.notes == ("left out 1 struck-out text",)


def test_marks_come_from_parents_and_from_the_paragraph(odt):
    document = odt(
        '<text:p text:style-name="Old">Was $99.</text:p>'
        '<text:p>Now <text:span text:style-name="Child">$5</text:span>$4.</text:p>',
        automatic=text_style(
            "Old", 'style:text-line-through-style="solid"', "paragraph"
        )
        + style("Child", "text", parent_style_name="Struck")
        + MARKS,
    )
    assert texts(document) == ["Now $4."]


def test_a_style_that_is_its_own_parent_is_no_harm(odt):
    ring = style("A", "text", parent_style_name="B") + style(
        "B", "text", parent_style_name="A"
    )
    document = odt(
        '<text:p><text:span text:style-name="A">x</text:span></text:p>', automatic=ring
    )
    assert texts(document) == ["x"]


def test_hidden_text_sections_and_paragraphs_are_left_out(odt):
    document = odt(
        '<text:p>Shown<text:span text:style-name="Hidden">secret</text:span>.</text:p>'
        '<text:section text:display="none"><text:p>secret section</text:p></text:section>'
        '<text:section text:name="s"><text:p>Shown too.</text:p></text:section>'
        '<text:p><text:hidden-paragraph text:is-hidden="true"/>secret</text:p>'
        '<text:p>Now <text:hidden-text text:is-hidden="true">secret</text:hidden-text>on.</text:p>'
    )
    assert texts(document) == ["Shown.", "Shown too.", "Now on."]
    assert document.notes == (
        "removed 18 hidden characters",
        "left out 1 hidden section",
    )


def test_deleted_text_and_comments_are_left_out_and_named(odt):
    document = odt(
        "<text:tracked-changes><text:changed-region><text:deletion>"
        "<text:p>Old price $99.</text:p></text:deletion></text:changed-region>"
        "<text:changed-region><text:insertion/></text:changed-region></text:tracked-changes>"
        '<text:p>It costs <text:change text:change-id="c"/>$39.<office:annotation>'
        "<dc:creator>Ann</dc:creator><text:p>too dear?</text:p></office:annotation></text:p>"
    )
    assert texts(document) == ["It costs $39."]
    assert document.notes == ("left out 1 comment", "left out 1 deleted text")


def test_a_footnote_is_said_at_the_end_of_its_clause(odt):
    document = odt(
        "<text:p>It costs $39<text:note text:note-class='footnote'><text:note-citation>1"
        "</text:note-citation><text:note-body><text:p>At night only.</text:p>"
        "</text:note-body></text:note> a month, all in.</text:p>"
    )
    assert texts(document) == ["It costs $39 a month (At night only), all in."]


def test_headers_and_footers_are_named(odt):
    document = odt(
        "<text:p>Text.</text:p>",
        masters=(
            '<style:master-page style:name="Standard"><style:header><text:p>Valid until '
            "May</text:p></style:header><style:footer><text:p>Page <text:page-number>1"
            '</text:page-number></text:p></style:footer><style:footer-left style:display="false">'
            "<text:p>never shown</text:p></style:footer-left></style:master-page>"
        ),
    )
    assert document.notes == (
        "not spoken: the header “Valid until May”; say in the text what callers need",
    )


def test_a_phone_number_in_a_footer_is_said_at_the_end(odt):
    document = odt(
        "<text:p>Text.</text:p>",
        masters="<style:master-page><style:footer><text:p>Call 0800 555 0187</text:p>"
        "</style:footer></style:master-page>",
    )
    assert texts(document) == ["Text.", "", "Call 0800 555 0187"]


NUMBERS = (
    '<text:list-style style:name="L1">'
    '<text:list-level-style-number text:level="1" style:num-format="1" style:num-suffix="."/>'
    '<text:list-level-style-number text:level="2" style:num-format="a" '
    'style:num-prefix="(" style:num-suffix=")"/></text:list-style>'
    '<text:list-style style:name="L2"><text:list-level-style-bullet text:level="1" '
    'text:bullet-char="•"/></text:list-style>'
)


def test_items_keep_the_numbers_and_letters_that_stand_before_them(odt):
    document = odt(
        "<text:p>Do this:</text:p>"
        '<text:list text:style-name="L1"><text:list-item><text:p>Open.</text:p><text:list>'
        "<text:list-item><text:p>Gently.</text:p></text:list-item><text:list-item>"
        "<text:p>Slowly.</text:p></text:list-item></text:list></text:list-item>"
        "<text:list-item><text:p>Wait.</text:p></text:list-item></text:list>"
        "<text:p>Then:</text:p>"
        '<text:list text:continue-numbering="true" text:style-name="L1"><text:list-item>'
        "<text:p>Close.</text:p></text:list-item></text:list>"
        '<text:list text:style-name="L2"><text:list-item><text:p>Done.</text:p>'
        "</text:list-item></text:list>",
        automatic=NUMBERS,
    )
    assert texts(document) == [
        "Do this:", "1. Open.", "(a) Gently.", "(b) Slowly.", "2. Wait.", "Then:",
        "3. Close.", "- Done.",
    ]  # fmt: skip
    assert document.blocks[2].level == 2
    assert document.blocks[1].lead_in == "Do this:"


def test_a_bullet_that_says_no_is_heard(odt):
    bullets = "".join(
        f'<text:list-style style:name="{name}"><text:list-level-style-bullet '
        f'text:level="1" text:bullet-char="{sign}"><style:text-properties '
        'fo:font-family="Wingdings"/></text:list-level-style-bullet></text:list-style>'
        for name, sign in (("Yes", "\uf0fc"), ("No", "\uf0fb"))
    )
    item = "<text:list-item><text:p>{}</text:p></text:list-item></text:list>"
    document = odt(
        f'<text:list text:style-name="Yes">{item.format("Breakfast")}'
        f'<text:list text:style-name="No">{item.format("Parking")}',
        automatic=bullets,
    )
    assert texts(document) == ["- Breakfast", "Parking: no"]


def test_headings_keep_their_numbers(odt):
    outline = (
        '<text:outline-style style:name="Outline"><text:outline-level-style text:level="1" '
        'style:num-format="1"/><text:outline-level-style text:level="2" '
        'style:num-format="1" text:display-levels="2"/></text:outline-style>'
    )
    document = odt(
        "<text:p>About.</text:p>"
        '<text:h text:outline-level="1">Rooms</text:h><text:h text:outline-level="2">Beds'
        '</text:h><text:h text:outline-level="2">Desks</text:h><text:p>x</text:p>'
        '<text:h text:outline-level="1" text:is-list-header="true">Notes</text:h>',
        styles=outline,
    )
    assert texts(document) == [
        "About.",
        "1 Rooms",
        "1.1 Beds",
        "1.2 Desks",
        "x",
        "Notes",
    ]


def table(*rows: str, header: str = "") -> str:
    head = (
        f"<table:table-header-rows>{header}</table:table-header-rows>" if header else ""
    )
    return f"<table:table>{head}{''.join(rows)}</table:table>"


def row(*cells: str, **attributes: str) -> str:
    more = " ".join(f'table:{key}="{value}"' for key, value in attributes.items())
    inner = "".join(
        cell
        if cell.startswith("<table:")
        else f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>"
        for cell in cells
    )
    return f"<table:table-row {more}>{inner}</table:table-row>"


def test_a_table_is_said_with_the_names_of_its_columns(odt):
    document = odt(
        table(row("A 1", "$5"), row("A 2", "$9"), header=row("Plan 2026", "Price 2"))
    )
    assert texts(document) == [
        "Plan 2026: A 1; Price 2: $5.",
        "Plan 2026: A 2; Price 2: $9.",
    ]


def test_cells_that_are_styled_as_headings_name_the_columns(odt):
    head = (
        '<table:table-cell><text:p text:style-name="P1">{}</text:p></table:table-cell>'
    )
    document = odt(
        table(row(head.format("Name 1"), head.format("Age 2")), row("Ann", "Bob")),
        automatic=style("P1", "paragraph", parent_style_name="Table_20_Heading"),
        styles=style("Table_20_Heading", "paragraph"),
    )
    assert texts(document) == ["Name 1: Ann; Age 2: Bob."]


def test_a_merged_cell_counts_in_each_place_it_covers(odt):
    document = odt(
        table(
            row(
                '<table:table-cell table:number-rows-spanned="2"><text:p>Adult</text:p>'
                "</table:table-cell>",
                "Day",
                "$5",
            ),
            row("<table:covered-table-cell/>", "Week", "$9"),
            header=row("Who", "Term", "Price"),
        )
    )
    assert texts(document) == [
        "Who: Adult; Term: Day; Price: $5.",
        "Who: Adult; Term: Week; Price: $9.",
    ]


def test_a_table_in_a_cell_is_said_with_its_row(odt):
    inner = table(row("Adult", "$24"), row("Child", "$12"))
    document = odt(
        table(
            row("Zoo", f"<table:table-cell>{inner}</table:table-cell>"),
            header=row("Place", "Fees"),
        )
    )
    assert texts(document) == ["Place: Zoo; Fees: Adult: $24; Child: $12."]


def test_text_boxes_are_read_and_what_is_drawn_is_named(odt):
    frame = "<draw:frame>{}</draw:frame>"
    document = odt(
        "<text:p>Before"
        + frame.format("<draw:text-box><text:p>In a box.</text:p></draw:text-box>")
        + "<draw:custom-shape><text:p>In a shape.</text:p></draw:custom-shape>"
        + frame.format('<draw:image xlink:href="a.png"/><svg:desc>A map</svg:desc>')
        + frame.format('<draw:object xlink:href="./Object 1"/><draw:image/>')
        + frame.format(
            "<draw:object><math:math><math:mi>x</math:mi></math:math></draw:object>"
        )
        + frame.format("<draw:object-ole/>")
        + ".</text:p>",
        manifest=(
            '<manifest:file-entry manifest:full-path="Object 1/" '
            'manifest:media-type="application/vnd.oasis.opendocument.chart"/>'
        ),
    )
    assert texts(document) == ["Before.", "In a box.", "In a shape."]
    assert document.notes == tuple(
        f"not spoken: 1 {thing}; say in the text what callers need"
        for thing in ("chart", "embedded object", "equation", "picture")
    )


def test_the_words_of_a_picture_in_a_table_are_said(odt):
    picture = "<draw:frame><draw:image/><svg:title>yes</svg:title></draw:frame>"
    document = odt(
        table(
            row("Lift", f"{picture}"), row("Pool", "no"), header=row("What", "Is there")
        )
    )
    assert texts(document) == [
        "What: Lift; Is there: yes.",
        "What: Pool; Is there: no.",
    ]


def test_a_form_is_read_with_its_values(odt):
    document = odt(
        "<office:forms><form:form>"
        '<form:checkbox form:id="c1" form:label="Kitchen" form:current-state="checked"/>'
        '<form:checkbox form:id="c2" form:label="Pool"/>'
        '<form:text form:id="c3" form:value="old" form:current-value="12 euros"/>'
        '<form:listbox form:id="c4"><form:option form:label="Mon"/>'
        '<form:option form:label="Tue" form:current-selected="true"/></form:listbox>'
        "</form:form></office:forms>"
        '<text:p><draw:control draw:control="c1"/></text:p>'
        '<text:p><draw:control draw:control="c2"/></text:p>'
        '<text:p>Fee: <draw:control draw:control="c3"/>, on <draw:control '
        'draw:control="c4"/></text:p>'
    )
    assert texts(document) == ["Kitchen: yes", "Pool: no", "Fee: 12 euros, on Tue"]


def test_a_table_of_contents_is_left_out(odt):
    document = odt(
        "<text:table-of-content><text:index-body><text:p>Rooms 7</text:p></text:index-body>"
        "</text:table-of-content><text:p>Text.</text:p>"
    )
    assert texts(document) == ["Text."]


def test_signs_of_a_font_of_signs_are_said(odt):
    document = odt(
        '<text:p><text:span text:style-name="W">þ</text:span> Kitchen</text:p>',
        automatic='<style:font-face style:name="F" svg:font-family="Wingdings"/>'
        + text_style("W", 'style:font-name="F"'),
    )
    assert texts(document) == ["Kitchen: yes"]


def test_flat_files_are_read_as_packed_ones(read):
    [document] = read("a.fodt", flat("text", "<text:p>Open daily.</text:p>"))
    assert texts(document) == ["Open daily."]


def test_another_kind_of_file_is_named(read):
    with pytest.raises(DocumentUnreadable, match="text: it holds spreadsheet"):
        read("a.odt", packed("spreadsheet", ""))


def test_a_deep_nest_is_named(read):
    deep = "<text:section>" * 1500 + "<text:p>x</text:p>" + "</text:section>" * 1500
    with pytest.raises(DocumentUnreadable, match="nested too deeply"):
        read("a.odt", packed("text", deep))


def test_a_row_that_claims_to_come_a_million_times_is_written_a_thousand_times(odt):
    document = odt(
        table(
            row("x", "y", **{"number-rows-repeated": "1000000"}), header=row("a", "b")
        )
    )
    assert len(document.blocks) == 1000


def test_boxes_to_tick_of_a_former_word_document_are_read(odt):
    field = "urn:openoffice:names:experimental:ooo-ms-interop:xmlns:field:1.0"
    kind = 'field:type="vnd.oasis.opendocument.field.FORMCHECKBOX"'
    ticked = '<field:param field:name="Checkbox_Checked" field:value="true"/>'
    document = odt(
        f'<text:p xmlns:field="{field}"><field:fieldmark {kind}>{ticked}'
        "</field:fieldmark><text:s/>Allergies</text:p>"
        f'<text:p xmlns:field="{field}"><field:fieldmark {kind}/><text:s/>Consent</text:p>'
    )
    assert texts(document) == ["Allergies: yes", "Consent: no"]
