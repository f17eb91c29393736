"""Numbers that are dialled are dictated; numbers that count, name or cost are not."""

from __future__ import annotations

import pytest

from kbserver.retrieval.spoken.verbalise import verbalise

SAID = [
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
