"""Abbreviated days and months, and the days between two, are found by their names."""

from __future__ import annotations

import pytest

from kbserver.languages.english.days_said import days_said


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Mon–Wed 9–17, Fri closed.", {"Monday", "Tuesday", "Wednesday", "Friday"}),
        ("MON-FRI", {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday"}),
        ("Fri–Mon", {"Friday", "Saturday", "Sunday", "Monday"}),
        ("Monday to Thursday", {"Tuesday", "Wednesday"}),
        ("Sat + Sun 10–16", {"Saturday", "Sunday"}),
        ("Sep 3 – Nov 26", {"September", "November"}),
        ("due 2026-05-31", {"May"}),
        ("closed on Friday in May", set()),
        ("The Sun rose, he sat", set()),
        ("12 monkeys may march", set()),
        ("", set()),
    ],
)
def test_what_is_abbreviated_is_named(text: str, names: set[str]) -> None:
    assert set(days_said(text)) == names
