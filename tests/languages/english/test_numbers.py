"""Numbers, times and codes meet the other ways a document may write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.languages.english import numbers
from kbserver.languages.english.numbers import is_code, say, written_forms

DIGIT_WORDS = "zero one two three four five six seven eight nine".split()


@pytest.mark.parametrize(
    ("spoken", "forms"),
    [
        ("open twenty four seven", {"24", "7", "247"}),
        ("in nineteen ninety nine", {"1999", "19", "99"}),
        ("half past nine", {"9", "30"}),
        ("quarter to one", {"12", "45"}),
        ("at three p m", {"3", "3pm", "pm"}),
        ("five gigahertz", {"5", "5ghz", "ghz"}),
        ("paper size a as in apple four", {"4", "a4"}),
        ("double u p a two", {"2", "wpa2", "wpa"}),
        ("alpha bravo one two", {"12", "ab12", "ab"}),
        ("is there a v p n", {"avpn", "vpn"}),
        ("office three sixty five", {"365", "3", "65"}),
        ("one hundred and five dollars", {"105"}),
        ("four one five double seven", {"41577"}),
        ("the twenty first floor", {"21st"}),
        ("in the nineteenth century", {"19th"}),
        ("open 24/7", {"twenty", "four", "seven"}),
        ("the 2nd floor", {"second"}),
        ("no one is there", set()),
        ("what is a router", set()),
    ],
)
def test_numbers_and_codes_get_their_other_spelling(
    spoken: str, forms: set[str]
) -> None:
    assert set(written_forms(spoken.split())) == forms


@given(st.integers(min_value=2, max_value=9999))
def test_every_number_that_is_said_is_found_in_digits(number: int) -> None:
    assert str(number) in written_forms(say(number).split())


_PARTS_OF_FORMS = """
    a i o a. i. w u you as in apple ice for double triple like and is the zero one two twenty
    first second oh hundred thousand half quarter past to nine p m am alpha golf dot zed v 24 9:30
    21st wpa2 é
""".split()


@given(st.lists(st.sampled_from(_PARTS_OF_FORMS), max_size=8))
def test_words_without_a_hint_of_a_form_have_none(words: list[str]) -> None:
    readers = (
        numbers._numbers,
        numbers._clock,
        numbers._codes,
        numbers._digits,
    )
    forms = {form for reader in readers for form in reader(words)}
    assert set(written_forms(words)) == forms - set(words)


@given(st.lists(st.integers(0, 9), min_size=2, max_size=12))
def test_digits_said_one_by_one_are_found_as_one_number(digits: list[int]) -> None:
    spoken = [DIGIT_WORDS[digit] for digit in digits]
    assert "".join(map(str, digits)) in written_forms(spoken)


@given(st.lists(st.integers(2, 9), min_size=1, max_size=4), st.sampled_from([2, 3]))
def test_a_repeated_digit_is_said_as_often_as_it_stands(
    digits: list[int], times: int
) -> None:
    word = {2: "double", 3: "triple"}[times]
    spoken = [part for digit in digits for part in (word, DIGIT_WORDS[digit])]
    assert "".join(str(digit) * times for digit in digits) in written_forms(spoken)


@given(st.lists(st.sampled_from("bcdfgklmnrstvwxz"), min_size=2, max_size=6))
def test_letters_said_one_by_one_are_found_as_one_code(letters: list[str]) -> None:
    assert "".join(letters) in written_forms(letters)


@given(st.integers(1, 99))
def test_an_ordinal_in_digits_is_found_in_words(number: int) -> None:
    (digits,) = [
        form
        for form in (f"{number}{end}" for end in ("st", "nd", "rd", "th"))
        if form == numbers.as_ordinal(number)
    ]
    words = written_forms([digits])
    assert " ".join(words) == numbers.say_ordinal(number)


@given(st.lists(st.sampled_from(_PARTS_OF_FORMS), max_size=8))
def test_every_form_is_one_word_that_was_not_said(words: list[str]) -> None:
    forms = written_forms(words)
    assert all(form == "".join(form.split()) != "" for form in forms)
    assert len(set(forms)) == len(forms) and not set(forms) & set(words)


@pytest.mark.parametrize("word", ["seven", "hundred", "42", "w"])
def test_a_code_may_be_said_twice(word: str) -> None:
    assert is_code(word)


@pytest.mark.parametrize("word", ["a", "i", "the", "24/7"])
def test_other_words_said_twice_are_a_stumble(word: str) -> None:
    assert not is_code(word)
