"""Numbers that are dialled are dictated; numbers that count, name or cost are not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.languages.english.phone_numbers import spell_phone_numbers
from kbserver.languages.english.verbalise import verbalise

SAID = [
    ("(555) 010-0166 x12", "5 5 5, 0 1 0, 0 1 6 6, extension 12"),
    ("800-555-0100 x 305", "8 0 0, 5 5 5, 0 1 0 0, extension 305"),
    ("Call 0800 555 0100 now", "Call 0 8 0 0, 5 5 5, 0 1 0 0 now"),
    ("020 7946 0100", "0 2 0, 7 9 4 6, 0 1 0 0"),
    ("(020) 7946 0100", "0 2 0, 7 9 4 6, 0 1 0 0"),
    ("01632 960100", "0 1 6 3 2, 9 6 0 1 0 0"),
    ("07700-900-123", "0 7 7 0 0, 9 0 0, 1 2 3"),
    ("02079460100.", "0 2 0 7, 9 4 6, 0 1 0 0."),
    ("0345 60 50 40", "0 3 4 5, 6 0, 5 0, 4 0"),
    ("01 23 45 67 89", "0 1, 2 3, 4 5, 6 7, 8 9"),
    ("+44 20 7946 0100", "plus 4 4, 2 0, 7 9 4 6, 0 1 0 0"),
    ("+44 (0)20 7946 0100", "plus 4 4, 2 0, 7 9 4 6, 0 1 0 0"),
    ("+1-555-010-0199", "plus 1, 5 5 5, 0 1 0, 0 1 9 9"),
    ("+442079460100", "plus 4 4 2 0 7 9 4 6 0 1 0 0"),
    ("(555) 010-0199", "5 5 5, 0 1 0, 0 1 9 9"),
    ("555-010-0199, 24/7", "5 5 5, 0 1 0, 0 1 9 9, 24 hours a day, 7 days a week"),
    ("555.010.0199", "5 5 5, 0 1 0, 0 1 9 9"),
    ("555 010 0199", "5 5 5, 0 1 0, 0 1 9 9"),
    ("1-800-555-0199", "1, 8 0 0, 5 5 5, 0 1 9 9"),
    ("1 (800) 555-0199", "1, 8 0 0, 5 5 5, 0 1 9 9"),
    ("555-0199", "5 5 5, 0 1 9 9"),
    ("call 555-1234", "call 5 5 5, 1 2 3 4"),
    ("1800 555 010", "1 8 0 0, 5 5 5, 0 1 0"),
    ("Dial 999 at once", "Dial 9 9 9 at once"),
    ("Tel: 0800 555 0100", "Telephone: 0 8 0 0, 5 5 5, 0 1 0 0"),
]

LEFT_ALONE = [
    "1990 2000 2010",
    "1,000,000 and 1 000 000",
    "4111 1111 1111 1111",
    "ISBN 978-3-16-148410-0",
    "the 200-1000 series",
    "555-1234 is the part",
    "999 customers, call 100 people",
    "call 112 customers",
    "order 12345678, ref A0800 555 0100",
    "version 1.2.3, section 10.2.1",
    "007 and 0.5 and 00 1",
    "SW1A 1AA, 90210-1234",
    "+5 to +10 degrees",
    "10.0.0",
    "03/04/2026",
]


@pytest.mark.parametrize(("written", "said"), SAID)
def test_a_number_to_dial_is_dictated_in_its_groups(written: str, said: str) -> None:
    assert verbalise(written) == said


@pytest.mark.parametrize("written", LEFT_ALONE)
def test_any_other_number_stays(written: str) -> None:
    assert verbalise(written) == written


@given(st.text(st.sampled_from("0123456789 +-.()call"), max_size=60))
def test_no_digit_is_lost_added_or_moved(text: str) -> None:
    spoken = spell_phone_numbers(text)
    # "+44 (0)20": the trunk prefix is not dialled after a country code
    without_trunk_prefix = re.sub(r"\(0\)", "", text)
    assert (
        digits(spoken) in (digits(text), digits(without_trunk_prefix)) or "(0)" in text
    )


@given(st.from_regex(r"0[1-9][0-9]{2} [0-9]{3} [0-9]{4}", fullmatch=True))
def test_a_national_number_is_spelled_in_its_groups(number: str) -> None:
    spoken = spell_phone_numbers(f"Ring {number} today.")
    groups = ", ".join(" ".join(group) for group in number.split())
    assert spoken == f"Ring {groups} today."


@given(st.text(st.characters(exclude_categories=("Nd",)), max_size=60))
def test_text_without_digits_stays(text: str) -> None:
    assert spell_phone_numbers(text) == text


def digits(text: str) -> str:
    return "".join(re.findall(r"[0-9]", text))
