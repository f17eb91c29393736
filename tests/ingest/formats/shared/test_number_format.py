"""Numbers as a spreadsheet shows them; expectations were read off a spreadsheet."""

import datetime as dt
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.ingest.formats.shared.number_format import (
    is_moment,
    plain_number,
    shown_moment,
    shown_number,
    shown_text,
)

ACCOUNTING = '_($* #,##0.00_);_($* (#,##0.00);_($* "-"??_);_(@_)'


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (84, "[$£-809]#,##0.00", "£84.00"),
        (240, "#,##0.00\\ [$€-1]", "240.00 €"),
        (1900, "_-[$kr-41D] * #,##0_-", "kr 1,900"),
        (75, "[$CHF-807] #,##0.00", "CHF 75.00"),
        (99.5, "[$¥-411]#,##0", "¥100"),
        (12.5, "0.00 [$zł-415]", "12.50 zł"),
        (12, '"Fr. "#,##0.00', "Fr. 12.00"),
        (420, '"KL-"0000', "KL-0420"),
        (1907, "00000", "01907"),
        (7, '"Gate "0', "Gate 7"),
        (3, '0" kg"', "3 kg"),
        (0.125, "0.0%", "12.5%"),
        (0.5, "0\\ %", "50 %"),
        (1234567, "#,##0", "1,234,567"),
        (999, "#,##0.##", "999"),
        (1.5, "#,##0.##", "1.5"),
        (0.5, ".00", "0.50"),
        (1.005, "0.00", "1.01"),
        (1200000, '0.0,,"M"', "1.2M"),
        (1500, '#,##0,"k"', "2k"),
        (-45, "#,##0;[Red]#,##0", "-45"),
        (-45, ACCOUNTING, "-$45.00"),
        (0, ACCOUNTING, "$0"),
        (-2, "0.0_);[Red]\\(0.0\\)", "-2.0"),
        (-3, "0.00", "-3.00"),
        (-0.001, "0.00", "0.00"),
        (3, "+0;-0", "+3"),
        (0, '"$"#,##0;-"$"#,##0;"free"', "free"),
        (7, ";;;", ""),
        (1.5, "# ?/?", "1 1/2"),
        (0.75, "# ??/16", "12/16"),
        (5551234567, "(000) 000-0000", "(555) 123-4567"),
        (5551234, "[<=9999999]###-####;(###) ###-####", "555-1234"),
        (123456789, "000-00-0000", "123-45-6789"),
        (12345.678, "0.00E+00", "1.23E+04"),
        (5, 'General "pcs"', "5 pcs"),
    ],
)
def test_a_number_is_shown_by_its_code(value, code, shown):
    assert shown_number(value, code) == shown


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("yyyy-mm-dd", "2026-03-05"),
        ("d/m/yy", "2026-03-05"),
        ("mm-dd-yy", "2026-03-05"),
        ("d mmm yyyy", "5 March 2026"),
        ("[$-409]d-mmm-yy;@", "5 March 2026"),
        ("[$-F800]dddd, mmmm dd, yyyy", "Thursday, March 5, 2026"),
        ("ddd d mmm", "Thursday 5 March"),
        ("mm/yyyy", "March 2026"),
        ("d.m.", "March 5"),
        ("yyyy", "2026"),
        ("h:mm", "9:05"),
        ("hh:mm", "09:05"),
        ("h:mm AM/PM", "9:05 AM"),
        ("m/d/yy h:mm", "2026-03-05 09:05"),
        ("[h]:mm", "26:30"),
    ],
)
def test_a_moment_is_shown_by_its_code(code, shown):
    moment = dt.datetime(2026, 3, 5, 9, 5)
    assert is_moment(code)
    assert shown_moment(moment, 26.5 / 24, code) == shown


@pytest.mark.parametrize("code", ["", "x" * 300, "[$-404]e/m/d"])
def test_what_is_no_known_code_is_said_so(code):
    assert shown_moment(dt.datetime(2026, 3, 5), 1.0, code) is None
    assert shown_number(1.0, code) is None


def test_a_code_writes_words_around_a_text():
    assert shown_text("12", '"Room "@') == "Room 12"
    assert shown_text("12", "0.00") == "12"
    assert shown_text("x@y.example", "@") == "x@y.example"


@pytest.mark.parametrize(
    ("value", "plain"),
    [(0.1 + 0.2, "0.3"), (12345678901.5, "12345678901.5"), (1e15, "1" + "0" * 15)],
)
def test_a_number_without_a_code_is_never_written_with_a_power(value, plain):
    assert plain_number(value) == plain


codes = st.sampled_from(
    ["0", "0.00", "#,##0", "#,##0.00", '"$"#,##0.00', "[$€-407] 0.00", '0.000" kg"']
)


@given(st.decimals(-(10**9), 10**9, places=4), codes)
def test_no_digit_changes_its_value(number, code):
    shown = shown_number(float(number), code)
    assert shown is not None
    digits = re.sub(r"[^\d.-]", "", shown)
    places = len(digits.partition(".")[2])
    assert abs(Decimal(digits) - number) * 2 <= Decimal(10) ** -places


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.text("0#?.,%;E+/\"\\_*[]$-mdyhsAPGeneral@ '()", max_size=30),
)
def test_no_code_brings_the_renderer_down(value, code):
    shown_number(value, code)
    shown_moment(dt.datetime(2026, 3, 5), 46086.0, code)


def test_a_long_format_of_brackets_is_read_once():
    assert not is_moment("[" * 60_000)
