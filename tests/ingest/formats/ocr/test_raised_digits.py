"""Raised digits are told by where their ink stands."""

import numpy as np

from kbserver.ingest.formats.ocr.raised_digits import raised_digits


def drawn(*signs: tuple[int, int]):
    """A picture of bars 6 wide and 10 apart, each from a row to a row, and their places."""
    picture = np.full((40, 10 * len(signs), 3), 250, np.uint8)
    for at, (top, bottom) in enumerate(signs):
        picture[top:bottom, 10 * at + 2 : 10 * at + 8] = 10
    return picture, [10 * at + 4.5 for at in range(len(signs))]


FULL, RAISED, BETWEEN = (8, 32), (8, 22), (10, 28)


def test_smaller_digits_that_stand_higher_are_raised():
    picture, places = drawn(FULL, FULL, FULL, RAISED, RAISED)
    assert raised_digits(picture, "66999", places).sure == {3, 4}


def test_digits_of_one_size_are_not():
    picture, places = drawn(FULL, FULL, FULL)
    found = raised_digits(picture, "123", places)
    assert not found.sure and not found.unsure


def test_a_digit_that_may_be_raised_or_not_is_not_sure():
    picture, places = drawn(FULL, FULL, BETWEEN)
    found = raised_digits(picture, "123", places)
    assert not found.sure and found.unsure == {2}


def test_what_is_raised_ends_a_number():
    picture, places = drawn(FULL, RAISED, FULL)
    assert raised_digits(picture, "193", places).unsure == {1}


def test_a_digit_that_was_not_recognised_makes_its_number_unsure():
    picture, places = drawn(FULL, FULL, FULL, FULL, RAISED)
    assert 2 in raised_digits(picture, "123", places[:3]).unsure


def test_a_line_below_the_text_is_no_ink():
    picture, places = drawn(FULL, FULL, RAISED)
    picture[36:38] = 10
    assert raised_digits(picture, "129", places).sure == {2}
