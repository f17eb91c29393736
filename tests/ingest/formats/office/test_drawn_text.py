"""Paragraphs of shapes, as PowerPoint writes them."""

from lxml import etree

from kbserver.ingest.formats.office.drawn_text import shown_paragraph, shown_text

A = "http://schemas.openxmlformats.org/drawingml/2006/main"


def shape(markup: str):
    return etree.fromstring(f'<a:t xmlns:a="{A}">{markup}</a:t>')


def run(text: str, properties: str = "") -> str:
    return f"<a:r><a:rPr {properties}/><a:t>{text}</a:t></a:r>"


def paragraph(*runs: str):
    return shape(f"<a:p>{''.join(runs)}</a:p>")[0]


def test_raised_digits_stay_apart_from_the_price():
    cents = paragraph(run("$59"), run("90", 'baseline="30000"'), run(" a day"))
    assert shown_paragraph(cents) == ("$59⁹⁰ a day", 0)


def test_lowered_and_level_digits_are_plain():
    text = paragraph(
        run("H"), run("2", 'baseline="-25000"'), run("O 5", 'baseline="0"')
    )
    assert shown_paragraph(text) == ("H2O 5", 0)


def test_struck_out_text_is_left_out_and_counted():
    prices = paragraph(
        run("$40 ", 'strike="sngStrike"'), run("$35", 'strike="noStrike"')
    )
    assert shown_paragraph(prices) == ("$35", 1)


def test_letters_of_a_font_of_signs_are_what_they_look_like():
    tick = '<a:r><a:rPr><a:latin typeface="Wingdings"/></a:rPr><a:t>ü</a:t></a:r>'
    assert shown_paragraph(paragraph(tick, run(" Breakfast"))) == ("✓ Breakfast", 0)


def test_the_paragraphs_of_a_cell_are_one_text():
    old = run("old", 'strike="dblStrike"')
    cell = shape(
        f"<a:p>{run('Half')}<a:br/>{run('day')}</a:p><a:p/>"
        f"<a:p>{old}{run('from May')}</a:p>"
    )
    assert shown_text(cell) == ("Half day from May", 1)
