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


def lines(field: str) -> list[tuple[str, str]]:
    return [
        (language, line.strip())
        for language, cases in CASES.items()
        for line in getattr(cases, field).strip().splitlines()
    ]


@pytest.mark.parametrize(("language", "line"), lines("small_talk"))
def test_small_talk_is_not_looked_up(language: str, line: str) -> None:
    reason, said = line.split(": ", 1)
    assert gate(said, (profile(language),)) == reason


@pytest.mark.parametrize(("language", "asked"), lines("questions"))
def test_a_question_is_looked_up(language: str, asked: str) -> None:
    assert gate(asked, (profile(language),)) is None
    assert hear(asked, profile(language)).taken_back == ()


@pytest.mark.parametrize(("language", "line"), lines("cleaned"))
def test_the_noises_of_speaking_go(language: str, line: str) -> None:
    heard, asked = line.split(" → ")
    assert hear(heard, profile(language)).text == asked


@pytest.mark.parametrize(("language", "line"), lines("taken_back"))
def test_what_was_taken_back_goes_and_nothing_else(language: str, line: str) -> None:
    said, _, meant = line.partition(" →")
    text, _, taken_back = meant.strip().partition(" | ")
    heard = hear(said, profile(language))
    assert heard.text == (text or said)
    assert heard.taken_back == tuple(taken_back.split())


@pytest.mark.parametrize(("language", "asked"), lines("leaning"))
def test_a_question_that_goes_on_leans_on_the_one_before(
    language: str, asked: str
) -> None:
    heard = hear(asked, profile(language))
    assert dependence(heard.text, profile(language)) == 1.0


@pytest.mark.parametrize(("language", "asked"), lines("standing_alone"))
def test_a_question_that_names_its_subject_stands_alone(
    language: str, asked: str
) -> None:
    assert dependence(asked, profile(language)) == 0.0


@pytest.mark.parametrize(("language", "line"), lines("numbers"))
def test_a_spoken_number_is_found_in_digits(language: str, line: str) -> None:
    said, _, forms = line.partition(" →")
    read = profile(language).numbers.written_forms(said.split())
    assert set(forms.split()) <= set(read)
    assert bool(forms.strip()) == bool(read)


@pytest.mark.parametrize(("language", "pair"), lines("sounding_alike"))
def test_what_sounds_alike_has_the_same_sounds(language: str, pair: str) -> None:
    sound = sound_of(profile(language))
    one, other = pair.split()
    assert sound(one) == sound(other) != ""


PAGE = rows(read("docs/speech.md"), "Other languages")


@pytest.mark.parametrize(("heard", "language", "asked"), PAGE)
def test_the_page_says_what_is_searched_for(
    heard: str, language: str, asked: str
) -> None:
    [said], [searched] = in_code(heard), in_code(asked)
    assert hear(said, profile(language)).text == searched
