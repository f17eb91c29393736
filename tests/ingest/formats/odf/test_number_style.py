"""Styles of values as format codes, and as the spreadsheet shows them."""

import pytest
from lxml import etree

from kbserver.ingest.formats.odf.number_style import code_of
from kbserver.ingest.formats.shared.number_format import shown_number
from tests.ingest.formats.odf.files import flat


def styles(*inner: str) -> dict:
    root = etree.fromstring(flat("text", "", "".join(inner)))
    key = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}name"
    return {
        one.get(key): one for one in root.iter("{*}*") if one.tag.endswith("-style")
    }


def number(inner: str, kind: str = "number", name: str = "N") -> str:
    return f'<number:{kind}-style style:name="{name}">{inner}</number:{kind}-style>'


def digits(**attributes: str) -> str:
    written = " ".join(
        f'number:{key.replace("_", "-")}="{value}"' for key, value in attributes.items()
    )
    return f"<number:number {written}/>"


@pytest.mark.parametrize(
    ("style", "code"),
    [
        (number(digits(min_integer_digits="1")), "General"),
        (number(digits(min_integer_digits="3")), "000"),
        (number(digits(min_integer_digits="1", decimal_places="2")), "0.00"),
        (
            number(digits(min_integer_digits="1", decimal_places="3", min_decimal_places="1")),
            "0.0##",
        ),
        (
            number(digits(min_integer_digits="1", decimal_places="0", grouping="true")),
            "#,##0",
        ),
        (
            number(digits(min_integer_digits="1", decimal_places="1", display_factor="1000000")),
            "0.0,,",
        ),
        (
            number(
                digits(decimal_places="0", min_integer_digits="1")
                + "<number:text> %</number:text>",
                "percentage",
            ),
            "0\\ %",
        ),
        (number("<number:scientific-number/>"), "0.00E+00"),
        (
            number('<number:fraction number:min-integer-digits="0" number:denominator-value="4"/>'),
            "# ?/4",
        ),
        (
            number(
                '<number:month number:style="long" number:textual="true"/>'
                '<number:text> </number:text><number:year number:style="long"/>',
                "date",
            ),
            "mmmm\\ yyyy",
        ),
        (number("<number:text-content/>", "text"), "@"),
        (number("<number:quarter/>", "date"), None),
        (number(digits(decimal_places="2", decimal_replacement="--")), None),
    ],
)  # fmt: skip
def test_a_style_is_a_code(style, code):
    found = styles(style)
    assert code_of(found["N"], found) == code


def test_hours_beyond_a_day_are_elapsed_ones():
    minutes = '<number:minutes number:style="long"/>'
    style = number(f"<number:hours/><number:text>:</number:text>{minutes}", "time")
    style = style.replace(
        'style:name="N"', 'style:name="N" number:truncate-on-overflow="false"'
    )
    found = styles(style)
    assert code_of(found["N"], found) == "[h]\\:mm"


def test_a_number_with_a_text_between_its_digits_keeps_it():
    inner = (
        '<number:number number:decimal-places="0" number:min-integer-digits="7">'
        '<number:embedded-text number:position="4">-</number:embedded-text></number:number>'
    )
    found = styles(number(inner))
    assert shown_number(5551234.0, code_of(found["N"], found)) == "555-1234"


def choice(condition: str, name: str) -> str:
    return f'<style:map style:condition="value(){condition}" style:apply-style-name="{name}"/>'


EURO = (
    '<number:number number:decimal-places="2" number:min-integer-digits="1"/>'
    "<number:text> </number:text><number:currency-symbol>€</number:currency-symbol>"
)


@pytest.mark.parametrize(
    ("value", "shown"), [(5.0, "5.00 €"), (-5.0, "-5.00 €"), (0.0, "0.00 €")]
)
def test_a_style_with_another_for_negative_numbers(value, shown):
    found = styles(
        number(EURO, "currency", "P"),
        number(
            f"<number:text>-</number:text>{EURO}{choice('&gt;=0', 'P')}", "currency"
        ),
    )
    assert shown_number(value, code_of(found["N"], found)) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(7.0, "few"), (70.0, "many"), (100.0, "many")]
)
def test_a_style_with_others_on_conditions(value, shown):
    found = styles(
        number("<number:text>few</number:text>", name="A"),
        number(f"<number:text>many</number:text>{choice('&lt;10', 'A')}"),
    )
    assert shown_number(value, code_of(found["N"], found)) == shown


@pytest.mark.parametrize("broken", ["!!", "&gt;=x"])
def test_a_condition_that_is_none_makes_no_code(broken):
    found = styles(number("", name="A"), number(choice(broken, "A")))
    assert code_of(found["N"], found) is None
