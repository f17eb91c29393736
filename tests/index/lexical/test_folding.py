import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbserver.index.lexical.folding import canonical_number, folded, folded_term

DIGITS = {"२": "2", "٣": "3", "۴": "4", "５": "5", "০": "0"}


@pytest.mark.parametrize("language", ["english", "german", "hindi", "none"])
def test_digits_of_every_script_are_the_same(language):
    for written, digit in DIGITS.items():
        assert folded(written, language) == digit


@pytest.mark.parametrize(
    ("one", "other", "language"),
    [
        ("रि\u200dचार्ज", "रिचार्ज", "hindi"),
        ("फ़ाइबर", "फाइबर", "hindi"),
        ("हिन्दी", "हिंदी", "hindi"),
        ("Œuvre", "oeuvre", "french"),
        ("STRASSE", "Straße", "german"),
        ("İstanbul", "istanbul", "turkish"),
        ("IŞIK", "ışık", "turkish"),
        ("کتاب", "كتاب", "arabic"),
        ("hoà", "hòa", "none"),
        ("co\u00adoperate", "cooperate", "english"),
    ],
)
def test_two_spellings_of_a_word_are_one(one, other, language):
    assert folded(one, language) == folded(other, language)


@pytest.mark.parametrize(
    ("term", "language", "wanted"),
    [
        ("größ", "german", "groß"),
        ("eleve", "french", "eleve"),
        ("élève", "french", "eleve"),
        ("плата", "russian", "плата"),
        ("đường", "none", "dường"),
    ],
)
def test_accents_go_where_they_are_often_left_out(term, language, wanted):
    assert folded_term(term, language) == wanted


@pytest.mark.parametrize(
    ("number", "language", "wanted"),
    [
        ("1.249,00", "german", "1249"),
        ("1.249", "german", "1249"),
        ("1,249.00", "english", "1249"),
        ("1,23,456", "hindi", "123456"),
        ("39,99", "french", "39.99"),
        ("1.5", "english", "1.5"),
        ("31.12.2026", "german", "31.12.2026"),
        ("2.0.1", "english", "2.0.1"),
    ],
)
def test_a_number_is_one_term_however_it_is_grouped(number, language, wanted):
    assert canonical_number(number, language) == wanted


@settings(max_examples=50)
@given(st.integers(1_000, 10**9), st.sampled_from(["german", "french", "none"]))
def test_grouping_changes_no_number(value, language):
    grouped = f"{value:,}".replace(",", ".")
    assert canonical_number(grouped, language) == str(value)
