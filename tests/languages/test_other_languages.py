"""What is said around a question in French, German and Spanish is told from the question."""

from __future__ import annotations

import re

import pytest

from kbserver.languages import english, other_languages
from kbserver.languages.letters import without_accents
from kbserver.retrieval.transcript.cleaning import hear
from kbserver.retrieval.transcript.followup import dependence


@pytest.mark.parametrize(
    ("heard", "asked"),
    [
        ("d'accord mais combien ça coûte", "mais combien ça coûte"),
        ("merci beaucoup et sinon le parking", "et sinon le parking"),
        ("Très bien, et les enfants ?", "et les enfants ?"),
        ("bonjour quels sont vos horaires", "quels sont vos horaires"),
        ("danke schön und wann öffnen sie", "und wann öffnen sie"),
        ("buenos días cuánto cuesta el menú", "cuánto cuesta el menú"),
    ],
)
def test_an_acknowledgement_in_front_of_a_question_is_not_searched_for(
    heard: str, asked: str
) -> None:
    assert hear(heard, english.PROFILE).text == asked


@pytest.mark.parametrize(
    "asked",
    [
        "non fumeur ou fumeur",
        "bon cadeau valable combien de temps",
        "gut versichert auf reisen",
        "si llueve está abierto",
        "vale road branch opening hours",
    ],
)
def test_a_word_that_begins_a_subject_stays(asked: str) -> None:
    assert hear(asked, english.PROFILE).text == asked


@pytest.mark.parametrize(
    "asked",
    [
        "et pour les enfants de moins de douze ans",
        "mais combien coûte le menu du dimanche",
        "und wie lange dauert die untersuchung morgens",
        "y dónde está la piscina del hotel grande",
        "y cuánto cuesta la entrada para los niños",
    ],
)
def test_a_question_that_goes_on_leans_on_the_one_before(asked: str) -> None:
    assert dependence(asked, english.PROFILE) == 1.0


def test_a_question_that_begins_a_subject_stands_alone() -> None:
    assert dependence("combien coûte le menu du dimanche midi", english.PROFILE) == 0.0
    assert dependence("तैराकी पूल कितने बजे खुलता है", english.PROFILE) == 0.0


@pytest.mark.parametrize(
    ("text", "plain"),
    [("À bientôt", "A bientot"), ("tschüß", "tschuss"), ("mañana", "manana"), ("", "")],
)
def test_accents_are_left_out(text: str, plain: str) -> None:
    assert without_accents(text) == plain


def test_every_table_is_written_as_it_is_compared() -> None:
    patterns = (*other_languages.SMALL_TALK.values(), other_languages.CONTINUATIONS)
    for pattern in patterns:
        assert pattern == without_accents(pattern).lower()
        assert re.compile(pattern).match("") is None
    for first, group in other_languages.OPENERS.items():
        assert first == without_accents(first).lower()
        assert all(phrase[0] == first for phrase in group)
    assert other_languages.SMALL_TALK.keys() <= english.SMALL_TALK.phrases.keys()
