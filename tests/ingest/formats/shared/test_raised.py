import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.ingest.formats.shared.raised import raised, settle_raised


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("$9⁹⁹", "$9.99"),
        ("€ 119⁹⁵.", "€ 119.95."),
        ("€119 ⁹⁵", "€119.95"),
        ("139⁵⁰ €", "139.50 €"),
        ("1.299⁹⁹ €", "1.299,99 €"),
        ("5,⁹⁹ €", "5,99 €"),
        ("$1,299⁰⁰ now", "$1,299.00 now"),
        ("CHF 12⁵⁰", "CHF 12.50"),
        ("kr 199⁰⁰", "kr 199.00"),
        ("costs $39¹ a month", "costs $39 a month"),
        ("costs $39¹a month", "costs $39 a month"),
        ("costs $9<sup>99</sup>.", "costs $9.99."),
        ("$19.99¹", "$19.99"),
        ("39 €¹", "39 €"),
        ("a bonus of 50³ dollars", "a bonus of 50 dollars"),
        ("24 cents² per kWh", "24 cents per kWh"),
        ("3.5%²", "3.5%"),
        ("¹ In the first year.", "In the first year."),
        ("to the main archive.¹ Then", "to the main archive. Then"),
        ("“for how long?”²", "“for how long?”"),
        ("20 m³", "20 m³"),
        ("10⁶ dollars", "10⁶ dollars"),
        ("x² + y²", "x² + y²"),
        ("12⁹⁹", "12⁹⁹"),
    ],
)
def test_raised_digits_are_cents_a_footnote_s_mark_or_a_power(written, said):
    assert settle_raised(written) == said


def test_digits_are_raised():
    assert raised("-32") == "⁻³²"


@given(st.text("$€ 0123456789.,⁰¹²³⁴⁹m%\n", max_size=30))
def test_no_plain_digit_is_lost_or_changed(text):
    plain = re.sub(r"[⁰¹²³⁴⁹]", "", text)
    said = iter(re.findall(r"\d", settle_raised(text)))
    assert all(digit in said for digit in re.findall(r"\d", plain) if digit.isascii())
