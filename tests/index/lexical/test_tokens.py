import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbserver.index.lexical.tokens import tokenize


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("How do I RESET my routers?", ["how", "do", "i", "reset", "my", "router"]),
        ("what's the hotel's address", ["what", "the", "hotel", "address"]),
        ("what’s", ["what"]),
        ("don't O'Brien 'quoted'", ["dont", "obrien", "quot"]),
        ("RT-AC68U, HDMI2 and 5G", ["rt", "ac68u", "hdmi2", "and", "5g"]),
        (
            "$39.99 or 1,000.50 or 1,234,567",
            ["39.99", "or", "1000.50", "or", "1234567"],
        ),
        ("pay 12,5 at 9:30, room 12.", ["pay", "12,5", "at", "9", "30", "room", "12"]),
        ("Wi-Fi_password", ["wi", "fi", "password"]),
        ("ﬁbre ＡＢＣ Straße", ["fibr", "abc", "strass"]),
        ("", []),
        (" … — !? \n\t", []),
    ],
)
def test_english_text_is_cut_into_stems_numbers_and_codes(text, terms):
    assert tokenize(text) == terms


def test_words_of_other_scripts_stay_whole():
    assert tokenize("हिन्दी में बोलिए", language="none") == ["हिन्दी", "में", "बोलिए"]
    assert (
        tokenize("cafe\u0301", language="none")
        == tokenize("café", language="none")
        == ["café"]
    )


def test_an_apostrophe_parts_words_where_it_stands_for_a_vowel():
    assert tokenize("l'hôtel d’Alsace", language="french") == [
        "l",
        "hôtel",
        "d",
        "alsac",
    ]


def test_the_language_chooses_the_stemmer():
    assert tokenize("Häuser", language="german") == ["haus"]
    assert tokenize("running", language="none") == ["running"]
    with pytest.raises(KeyError):
        tokenize("running", language="klingon")


def test_threads_do_not_share_a_stemmer():
    text = "connections connecting connected relational conditional " * 200
    wanted, found = tokenize(text), []
    threads = [
        threading.Thread(target=lambda: found.append(tokenize(text))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [wanted] * 8


@given(st.text())
@settings(deadline=None)
def test_any_text_gives_terms_of_letters_and_digits_only(text):
    for term in tokenize(text):
        assert term
        assert not any(
            character.isspace() or character in "'’_-!?\"" for character in term
        )


@given(st.text(), st.text())
@settings(deadline=None)
def test_texts_set_apart_by_a_space_are_cut_as_they_would_be_alone(left, right):
    assert tokenize(f"{left} {right}") == tokenize(left) + tokenize(right)


@given(st.text(alphabet=st.characters(max_codepoint=127)))
@settings(deadline=None)
def test_case_does_not_matter(text):
    assert tokenize(text.upper()) == tokenize(text.lower())
