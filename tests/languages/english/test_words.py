"""The tables of English are frozen, whole and in the form that the modules look them up by."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from kbserver.languages import tables
from kbserver.languages.english import words as english
from kbserver.retrieval.transcript.cleaning import bare
from kbserver.types import Reason

WORD_LISTS = {
    name: table for name, table in vars(english).items() if isinstance(table, frozenset)
}
PHRASES = (
    english.OPENERS,
    english.WRAPPERS,
    english.STRONG_CUES,
    english.WEAK_CUES,
    english.AFTER_CUE,
)
PATTERNS = (
    english.CONTINUATIONS,
    english.LOOSE_WORDS,
    english.ASKING,
    english.NOISES,
    english.AFTER_NOISE,
    *english.SMALL_TALK.values(),
)


@pytest.mark.parametrize("name", sorted(WORD_LISTS.keys() - {"LONE_CUES"}))
def test_words_stand_as_a_recogniser_writes_them(name: str) -> None:
    assert WORD_LISTS[name]
    assert all(
        word == bare(word) and len(word.split()) == 1 for word in WORD_LISTS[name]
    )


@pytest.mark.parametrize("phrases", PHRASES)
def test_phrases_are_found_by_their_first_word_longest_first(
    phrases: tables.Phrases,
) -> None:
    for first, group in phrases.items():
        assert all(phrase[0] == first for phrase in group)
        assert [len(phrase) for phrase in group] == sorted(
            map(len, group), reverse=True
        )


def test_a_table_cannot_be_changed() -> None:
    for table in (english.SMALL_NUMBERS, english.SMALL_TALK, english.OPENERS):
        with pytest.raises(TypeError):
            table["zero"] = 1  # type: ignore[index]  # that it fails is the point


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_has_no_gap_where_its_lines_were_joined(pattern: str) -> None:
    assert not re.search(r"\\s|\n|  |\|\||^\||\|$|\(\?:\||\|\)", pattern)
    re.compile(pattern)


def test_a_line_that_is_indented_deeper_continues_the_one_before() -> None:
    assert (
        tables.alternatives("""
        yes|no
        (?:may|
            be)
    """)
        == "yes|no|(?:may|be)"
    )


def test_every_kind_of_small_talk_is_a_reason_but_for_the_glue() -> None:
    assert english.SMALL_TALK.keys() - {"glue"} <= set(get_args(Reason))


def test_numbers_know_their_values() -> None:
    assert [english.SMALL_NUMBERS[word] for word in ("zero", "nineteen", "ninety")] == [
        0,
        19,
        90,
    ]
    assert [english.ORDINALS[word] for word in ("first", "twentieth")] == [1, 20]
    assert english.SPELLING_ALPHABET["xray"] == "x"


def test_words_of_a_spoken_question_include_the_plain_stop_words() -> None:
    assert english.STOP_WORDS < english.SPOKEN_STOP_WORDS
