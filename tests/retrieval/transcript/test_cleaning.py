"""Transcripts lose the noises of speaking, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.languages.english import NOISES, PROFILE
from kbserver.retrieval.transcript.cleaning import (
    as_said,
    hear,
    repair,
    without_fillers,
    without_opening,
    without_repeats,
)

TYPED = (
    "Which plan includes a custom domain?",
    "How long do I have to wait to check in?",
    "Is there a gym or is there a pool?",
    "How do I make that work on my phone?",
    "How do I request a correction to my invoice?",
    "Is there no wait time for tables?",
    "Should I call or wait for the email?",
    "Where is the ER?",
    "As you know, my account is locked",
    "What is it like in winter?",
    "Which rooms have two queen beds and a view of the sea?",
)


@pytest.mark.parametrize("typed", TYPED)
def test_a_clean_question_comes_back_word_for_word(typed: str) -> None:
    heard = hear(typed, PROFILE)

    assert heard.text == typed
    assert heard.taken_back == ()


@pytest.mark.parametrize(
    ("spoken", "cleaned"),
    [
        ("how do i uh reset the rooter", "how do i reset the rooter"),
        ("umm do they have er vegan food", "do they have vegan food"),
        ("i want to you know cancel it", "i want to cancel it"),
        ("does it um like support fax", "does it support fax"),
        ("where is the er", "where is the er"),
        ("do you know the opening hours", "do you know the opening hours"),
    ],
)
def test_fillers_go_and_words_that_look_like_fillers_stay(
    spoken: str, cleaned: str
) -> None:
    assert " ".join(without_fillers(spoken.split(), NOISES)) == cleaned


@pytest.mark.parametrize(
    ("spoken", "cleaned"),
    [
        ("where is the the lobby", "where is the lobby"),
        ("how do i how do i pay", "how do i pay"),
        ("call four five five five two", "call four five five five two"),
        ("flights to bora bora", "flights to bora bora"),
        ("the w w w address", "the w w w address"),
    ],
)
def test_words_said_twice_in_stumbling_are_said_once(spoken: str, cleaned: str) -> None:
    assert " ".join(without_repeats(spoken.split(), PROFILE)) == cleaned


@pytest.mark.parametrize(
    ("spoken", "meant", "taken_back"),
    [
        ("reset my password sorry my router", "reset my router", ("my", "password")),
        ("a table in dresden no sorry leipzig", "a table in leipzig", ("dresden",)),
        (
            "i want the pro plan scratch that the team plan",
            "i want the team plan",
            ("the", "pro", "plan"),
        ),
        (
            "the wifi in room ten no make that room twelve",
            "the wifi in room twelve",
            ("room", "ten"),
        ),
        (
            "when was or rather who was the founder",
            "who was the founder",
            ("when", "was"),
        ),
    ],
)
def test_a_repair_replaces_what_it_takes_back(
    spoken: str, meant: str, taken_back: tuple[str, ...]
) -> None:
    assert repair(spoken.split(), NOISES) == (meant.split(), taken_back)


def test_an_opening_goes_as_long_as_a_question_remains() -> None:
    assert (
        without_opening("ok great can you tell me when check in is".split(), NOISES)
        == "when check in is".split()
    )
    assert (
        without_opening("can you tell me why".split(), NOISES)
        == "can you tell me why".split()
    )
    many = "okay so " * 100 + "can you tell me if breakfast is included"
    assert without_opening(many.split(), NOISES) == "breakfast is included".split()


@given(st.text(alphabet="abcdefghiorstu '?0123456789", max_size=80))
def test_cleaning_invents_no_words_and_never_empties_a_query(raw: str) -> None:
    heard = hear(raw, PROFILE)

    assert bool(heard.text) == bool(raw.split())
    assert set(heard.text.split()) <= set(raw.split())


@given(
    st.lists(
        st.sampled_from(
            "the uh room no sorry i mean what is make that or wait two can you tell me".split()
        ),
        max_size=14,
    )
)
def test_cleaning_twice_finds_no_more_fillers(words: list[str]) -> None:
    once = without_fillers(words, NOISES)

    assert without_fillers(once, NOISES) == once


def test_what_was_heard_carries_the_other_spellings_of_its_numbers() -> None:
    heard = hear("um is it open twenty four seven?", PROFILE)

    assert heard.text == "is it open twenty four seven?"
    assert set(heard.written) == {"24", "7", "247"}


def test_a_transcript_left_as_said_keeps_its_noises() -> None:
    assert as_said("  um  where is it ", PROFILE).text == "um where is it"
