"""What is taken out of words: addresses, numbers, and digits in whatever way they are said."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbserver.errors import SettingsError
from kbserver.languages.english.numbers import say
from kbserver.record.masking import MASKS, digits, masker

ALL = masker(MASKS)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("my number is four one one one two three", "my number is ‹digits›"),
        ("call oh seven seven double four five please", "call ‹digits› please"),
        ("forty one thousand one hundred and eleven", "‹digits›"),
        ("twenty four seven nine nine, thanks", "‹digits› thanks"),
        ("it is four uh five then six seven eight ok", "it is ‹digits› ok"),
        ("account 1 2 3 4 5", "account ‹digits›"),
        ("meine nummer ist vier eins eins zwo drei", "meine nummer ist ‹digits›"),
        ("mon code est quatre deux huit neuf sept", "mon code est ‹digits›"),
        ("mi clave es uno dos tres cuatro cinco", "mi clave es ‹digits›"),
        ("मेरा नंबर एक दो तीन चार पाँच है", "मेरा नंबर ‹digits› है"),
        ("my card is 4111 1111 1111 1111 thanks", "my card is ‹card› thanks"),
        ("+44 20 7946 0958 is mine", "‹phone› is mine"),
        ("write to j.doe@example.org please", "write to ‹email› please"),
        ("jane dot doe at example dot com", "‹email›"),
    ],
)
def test_what_names_a_caller_is_taken_out(said, kept):
    assert ALL(said) == kept


@pytest.mark.parametrize(
    "said",
    [
        "one hundred and twenty five pounds",
        "what happened in twenty twenty four",
        "error code 1099 on channel four",
        "meet at nine",
        "is the wi fi 5 gigahertz",
        "covid19 rules and b12 vitamins",
        "and then uh",
        "",
    ],
)
def test_short_numbers_and_plain_words_stay(said):
    assert ALL(said) == said


def test_only_the_masks_that_are_named_are_applied():
    said = "mail j@example.org or four one one one two"
    assert masker(["email"])(said) == "mail ‹email› or four one one one two"
    assert masker([])(said) == said


@given(st.lists(st.integers(0, 9), min_size=5, max_size=16))
def test_no_run_of_spoken_digits_is_left(numbers):
    said = " ".join(say(number) for number in numbers)
    assert digits(f"it is {said} ok") == "it is ‹digits› ok"


@settings(max_examples=30)
@given(st.text(max_size=100))
def test_any_text_can_be_masked_and_masking_twice_changes_nothing_more(text):
    once = digits(text)
    assert digits(once) == once


def shout(text):
    return text.upper()


def give_nothing(text):
    return None


def test_own_code_is_applied_last():
    mask = masker(["email"], f"{__name__}:shout")
    assert mask("mail a@example.org now") == "MAIL ‹EMAIL› NOW"


@pytest.mark.parametrize("target", ["nowhere:mask", f"{__name__}:nothing"])
def test_own_code_that_is_not_there_is_an_error_of_the_settings(target):
    with pytest.raises(SettingsError, match="mask_with"):
        masker([], target)


def test_own_code_that_gives_no_text_is_an_error():
    with pytest.raises(SettingsError, match="gave NoneType"):
        masker([], f"{__name__}:give_nothing")("words")
