"""What callers say in each language is told from what they ask, cleaned and read."""

from __future__ import annotations

import pytest

from kbserver.languages import profile
from kbserver.retrieval.transcript.cleaning import hear
from kbserver.retrieval.transcript.followup import dependence
from kbserver.retrieval.transcript.phonetics import sound_of
from kbserver.retrieval.transcript.small_talk import gate
from tests.languages.spoken_cases import CASES
from tests.test_pages import in_code, read, rows


def lines(language: str, field: str) -> list[str]:
    """Return the cases of a language: they cost less than a test each."""
    text: str = getattr(CASES[language], field)
    return [line.strip() for line in text.strip().splitlines()]


@pytest.mark.parametrize("language", CASES)
def test_small_talk_is_not_looked_up(language: str) -> None:
    reasons = {}
    for line in lines(language, "small_talk"):
        reason, said = line.split(": ", 1)
        reasons[said] = reason
    found = {said: gate(said, (profile(language),)) for said in reasons}
    assert found == reasons


@pytest.mark.parametrize("language", CASES)
def test_a_question_is_looked_up(language: str) -> None:
    questions = lines(language, "questions")
    gated = [asked for asked in questions if gate(asked, (profile(language),))]
    assert gated == []
    for asked in questions:
        assert hear(asked, profile(language)).taken_back == (), asked


@pytest.mark.parametrize("language", CASES)
def test_the_noises_of_speaking_go(language: str) -> None:
    cleaned = dict(line.split(" → ") for line in lines(language, "cleaned"))
    found = {heard: hear(heard, profile(language)).text for heard in cleaned}
    assert found == cleaned


@pytest.mark.parametrize("language", CASES)
def test_what_was_taken_back_goes_and_nothing_else(language: str) -> None:
    for line in lines(language, "taken_back"):
        said, _, meant = line.partition(" →")
        text, _, taken_back = meant.strip().partition(" | ")
        heard = hear(said, profile(language))
        assert heard.text == (text or said), line
        assert heard.taken_back == tuple(taken_back.split()), line


@pytest.mark.parametrize("language", CASES)
def test_a_question_that_goes_on_leans_on_the_one_before(language: str) -> None:
    for asked in lines(language, "leaning"):
        heard = hear(asked, profile(language))
        assert dependence(heard.text, profile(language)) == 1.0, asked


@pytest.mark.parametrize("language", CASES)
def test_a_question_that_names_its_subject_stands_alone(language: str) -> None:
    for asked in lines(language, "standing_alone"):
        assert dependence(asked, profile(language)) == 0.0, asked


@pytest.mark.parametrize("language", CASES)
def test_a_spoken_number_is_found_in_digits(language: str) -> None:
    for line in lines(language, "numbers"):
        said, _, forms = line.partition(" →")
        read = profile(language).numbers.written_forms(said.split())
        assert set(forms.split()) <= set(read), line
        assert bool(forms.strip()) == bool(read), line


@pytest.mark.parametrize("language", CASES)
def test_what_sounds_alike_has_the_same_sounds(language: str) -> None:
    sound = sound_of(profile(language))
    for pair in lines(language, "sounding_alike"):
        one, other = pair.split()
        assert sound(one) == sound(other) != "", pair


PAGE = rows(read("docs/speech.md"), "Other languages")


@pytest.mark.parametrize(("heard", "language", "asked"), PAGE)
def test_the_page_says_what_is_searched_for(
    heard: str, language: str, asked: str
) -> None:
    [said], [searched] = in_code(heard), in_code(asked)
    assert hear(said, profile(language)).text == searched
