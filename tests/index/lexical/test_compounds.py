import pytest

from kbserver.index.lexical.compounds import parts_of
from kbserver.index.lexical.tokens import tokenize


def parts(word: str, *corpus: str) -> tuple[str, ...]:
    (term,) = tokenize(word, language="german")
    known = {term for one in corpus for term in tokenize(one, language="german")}
    return parts_of(term, "german", known.__contains__)


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("Rechnungsadresse", ("rechnung", "adress")),
        ("Kündigungsfrist", ("kundig", "frist")),
        ("Internetanschlussvertrag", ("internet", "anschluss", "vertrag")),
        ("Öffnungszeiten", ("offnung", "zeit")),
    ],
)
def test_a_compound_is_cut_into_common_words(word, wanted):
    assert parts(word) == wanted


def test_words_of_the_corpus_are_parts_too():
    assert parts("Zwiebelkuchen") == ()
    assert parts("Zwiebelkuchen", "Zwiebel", "Kuchen") == ("zwiebel", "kuch")


def test_a_known_end_is_a_part_where_the_rest_is_unknown():
    assert parts("Xylophonvertrag") == ("vertrag",)


@pytest.mark.parametrize("word", ["Betrieb", "Gesellschaft", "Verträge", "Information"])
def test_other_words_stay_whole(word):
    assert parts(word) == ()


def test_other_languages_have_no_compounds():
    assert parts_of("rechnungsadress", "french", lambda term: True) == ()


def test_a_word_that_can_be_cut_in_many_ways_is_looked_at_once():
    asked = []

    def known(part):
        asked.append(part)
        return set(part) == {"a"}

    assert parts_of("x" + "a" * 40, "german", known) == ("a" * 38,)
    assert len(asked) < 10_000


def test_what_is_longer_than_any_word_stays_whole():
    assert parts("Lampe" * 12) != ()
    assert parts("Lampe" * 1_000) == ()
