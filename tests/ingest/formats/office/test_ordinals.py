import pytest

from kbserver.ingest.formats.office.ordinals import letters, roman


@pytest.mark.parametrize(
    ("number", "said"),
    [(1, "a"), (26, "z"), (27, "aa"), (53, "aaa"), (0, "0"), (-2, "-2")],
)
def test_letters_are_repeated_behind_the_last(number, said):
    assert letters(number) == said


def test_letters_of_a_huge_number_stay_short():
    assert len(letters(10**9)) == 30


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (1, "i"),
        (4, "iv"),
        (9, "ix"),
        (49, "xlix"),
        (2026, "mmxxvi"),
        (0, "0"),
        (5000, "5000"),
    ],
)
def test_roman_numerals(number, said):
    assert roman(number) == said
