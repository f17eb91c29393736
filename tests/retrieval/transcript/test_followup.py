"""A question that does not stand alone gets what it leans on, from its own session only."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.languages.english import PROFILE
from kbserver.retrieval.transcript import followup
from kbserver.retrieval.transcript.followup import (
    EMBEDDING_SHARE,
    LONG_WEIGHT,
    NAMELESS_STRENGTH,
    TERM_WEIGHT,
    Memory,
    naming_share,
)

Exchange = partial(followup.Exchange, profile=PROFILE)
dependence = partial(followup.dependence, profile=PROFILE)
is_full = partial(followup.is_full, profile=PROFILE)


def carry(query: str, past: Sequence[followup.Exchange], **options: Any) -> Any:
    return followup.carry(query, PROFILE, past, **options)


SHARES = {
    "pool": 0.02,
    "heated": 0.01,
    "guests": 0.3,
    "parking": 0.05,
    "garage": 0.02,
    "zanzibar": 0.001,
    "suite": 0.01,
}


def share(word: str) -> float:
    return SHARES.get(word, 0.0)


def unit(*numbers: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    vector = np.array(numbers, dtype=np.float32)
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize(
    "query",
    [
        "and how much is that",
        "how much does it cost",
        "what about children",
        "is it heated",
        "when do they open",
        "how do i get there",
        "opening hours",
        "why",
        "do they take cards for that",
        "and for the garage on the other side of the hotel building",
    ],
)
def test_a_query_that_points_outside_or_says_almost_nothing_leans_on_the_last(
    query: str,
) -> None:
    assert dependence(query) == 1.0


@pytest.mark.parametrize(
    "query",
    [
        "is it possible to change the billing address of my account",
        "how long does it take to ship a replacement battery to norway",
        "are there any rooms with a balcony and sea view in july",
        "how do i export the invoices of last quarter as a spreadsheet",
        "my router keeps restarting after i changed its firmware password yesterday",
    ],
)
def test_a_query_that_names_its_subject_stands_alone(query: str) -> None:
    assert dependence(query) == 0.0


def test_a_word_the_corpus_hardly_has_names_its_subject() -> None:
    assert dependence("zanzibar suite") == 1.0
    assert dependence("zanzibar suite", share=share) == 0.5
    assert dependence("pool guests", share=share) == 1.0


def test_the_rare_words_of_the_last_turn_are_carried() -> None:
    carried = carry(
        "is it heated",
        [Exchange("do the guests of the house have a pool", at_s=0.0)],
        share=share,
    )

    assert carried is not None
    assert carried.terms == (
        ("pool", TERM_WEIGHT),
    )  # guests: in too many passages; house: in none


def test_a_chain_of_follow_ups_leans_on_the_turn_that_stood_alone() -> None:
    subject = Exchange(
        "is there a public garage with parking for large camper vans", at_s=0.0
    )
    past = [
        Exchange("and is it heated", at_s=2.0),
        Exchange("how much is it", at_s=1.0),
        subject,
    ]

    carried = carry("until when", past, share=share)

    assert carried is not None
    assert carried.anchors == ((subject, 1.0),)
    assert [word for word, _ in carried.terms] == ["garage", "parking"]


@pytest.mark.parametrize(
    "past",
    [[], [Exchange("do you have a pool for guests with small children", at_s=0.0)]],
)
def test_nothing_is_carried_into_a_query_that_stands_alone(
    past: list[followup.Exchange],
) -> None:
    assert (
        carry(
            "how do i export the invoices of last quarter as a spreadsheet",
            past,
            share=share,
        )
        is None
    )


def test_nothing_is_carried_into_a_first_query() -> None:
    assert carry("how much is that", [], share=share) is None


def test_blending_moves_the_embedding_by_a_bounded_share() -> None:
    earlier = Exchange(
        "where can i leave the car in the parking garage overnight",
        at_s=0.0,
        embedding=unit(0, 1),
    )
    carried = carry("how much is the suite", [earlier], share=share)

    assert carried is not None
    mixed = carried.blend(unit(1, 0))
    assert mixed.dtype == np.float32
    assert np.linalg.norm(mixed) == pytest.approx(1.0, abs=1e-6)
    assert mixed[1] / mixed[0] == pytest.approx(EMBEDDING_SHARE)


@pytest.mark.parametrize(
    "query",
    [
        "what is the sunday roast",
        "when is the canteen open",
        "do you have a pool",
        "is parking free",
        "the opening hours of the big library in town",
    ],
)
def test_a_question_that_names_its_subject_is_full_however_short(query: str) -> None:
    assert is_full(query)


@pytest.mark.parametrize(
    "query",
    ["is it heated", "and the garage", "opening hours", "how much is it", "why", ""],
)
def test_a_question_that_goes_on_from_another_is_not_full(query: str) -> None:
    assert not is_full(query)


def test_a_follow_up_leans_on_the_last_full_question_however_short() -> None:
    longer = Exchange("how many guests fit into the parking garage at once", at_s=0.0)
    shorter = Exchange("what is the zanzibar suite", at_s=1.0)

    carried = carry("how much is it", [shorter, longer], share=share)

    assert carried is not None
    assert carried.anchors == ((shorter, 1.0),)
    assert dict(carried.terms) == {
        "zanzibar": TERM_WEIGHT * NAMELESS_STRENGTH,
        "suite": TERM_WEIGHT * NAMELESS_STRENGTH,
    }


def test_a_short_question_of_common_words_takes_the_longer_one_along() -> None:
    longer = Exchange("where can i leave the car in the parking garage", at_s=0.0)
    shorter = Exchange("is the pool heated", at_s=1.0)

    carried = carry("until when", [shorter, longer], share=share)

    assert carried is not None
    assert [turn for turn, _ in carried.anchors] == [shorter, longer]
    weights = dict(carried.terms)
    assert weights["parking"] == LONG_WEIGHT * weights["pool"]


def test_in_a_small_corpus_a_word_of_two_passages_names_its_subject() -> None:
    assert dependence("pool guests", share=share, naming=naming_share(60)) == 0.5
    assert naming_share(100_000) == naming_share(1_000_000) < naming_share(100)


@pytest.mark.parametrize(
    "partials",
    [
        ["and", "and how", "and how much", "and how much is", "and how much is it"],
        ["ho", "how", "how mu", "how much is it"],
        ["okay", "okay how much", "how much is it"],
    ],
)
def test_a_growing_query_is_one_turn(partials: list[str]) -> None:
    memory = Memory(max_turns=2)
    memory.remember("call", Exchange("do you have bread flour", at_s=0.0))
    for begun in partials:
        memory.remember("call", Exchange(begun, at_s=1.0))

    turns = [turn.query for turn in memory.recall("call", now_s=1.0)]
    assert turns == [partials[-1], "do you have bread flour"]


def test_the_full_question_outlives_what_leans_on_it() -> None:
    memory = Memory(max_turns=2)
    memory.remember("call", Exchange("do you have bread flour", at_s=0.0))
    for query in ("is it fresh", "how much is it", "and the other one"):
        memory.remember("call", Exchange(query, at_s=1.0))

    turns = [turn.query for turn in memory.recall("call", now_s=1.0)]
    assert turns == ["and the other one", "do you have bread flour"]


def test_a_new_question_with_the_same_beginning_words_is_another_turn() -> None:
    memory = Memory()
    memory.remember("call", Exchange("how much is parking", at_s=0.0))
    memory.remember("call", Exchange("how much is it", at_s=1.0))

    assert len(memory.recall("call", now_s=1.0)) == 2


def test_without_an_earlier_embedding_the_query_keeps_its_own() -> None:
    carried = carry(
        "how much is it", [Exchange("parking garage", at_s=0.0)], share=share
    )

    assert carried is not None
    assert carried.blend(unit(1, 0)) is not None
    np.testing.assert_array_equal(carried.blend(unit(1, 0)), unit(1, 0))


ROOM = 1_700
"""Bytes for three short turns of as many labels, or of two; not for four."""


def test_labels_share_nothing() -> None:
    memory = Memory()
    memory.remember("call-1", Exchange("pool", at_s=1.0))

    assert memory.recall("call-2", now_s=1.0) == ()
    assert [turn.query for turn in memory.recall("call-1", now_s=1.0)] == ["pool"]


def test_the_ring_keeps_the_newest_turns_newest_first() -> None:
    memory = Memory(max_turns=2)
    for second, query in enumerate(("a", "b", "c")):
        memory.remember("call", Exchange(query, at_s=float(second)))

    assert [turn.query for turn in memory.recall("call", now_s=2.0)] == ["c", "b"]


def test_turns_expire() -> None:
    memory = Memory(ttl_s=60.0)
    memory.remember("call", Exchange("old", at_s=0.0))
    memory.remember("call", Exchange("new", at_s=30.0))

    assert [turn.query for turn in memory.recall("call", now_s=61.0)] == ["new"]
    assert memory.recall("call", now_s=91.0) == ()


def test_silent_labels_are_dropped_when_others_speak() -> None:
    memory = Memory(ttl_s=60.0)
    for second in range(100):
        memory.remember(f"call-{second}", Exchange("pool", at_s=10.0 * second))

    assert len(memory) == 7  # those of the last 60 s


def test_the_label_silent_longest_goes_first_when_there_are_too_many() -> None:
    memory = Memory(most_bytes=ROOM)
    for second, label in enumerate(("a", "b", "a", "c")):
        memory.remember(label, Exchange(f"pool {second}", at_s=float(second)))

    assert memory.recall("b", now_s=3.0) == ()
    assert len(memory.recall("a", now_s=3.0)) == 2


def test_a_label_can_be_forgotten() -> None:
    memory = Memory()
    memory.remember("call", Exchange("pool", at_s=0.0))
    memory.forget("call")
    memory.forget("call")

    assert memory.recall("call", now_s=0.0) == ()
    assert len(memory) == 0


def test_long_turns_take_the_room_of_many_labels() -> None:
    memory = Memory(most_bytes=10 * ROOM)
    for label in "abcdefgh":
        memory.remember(label, Exchange("pool", at_s=0.0))
    assert len(memory) == 8
    titles = ("x" * 7_000,)
    memory.remember("i", Exchange("x" * 7_000, at_s=0.0, served=titles))

    assert len(memory) < 7
    assert len(memory.recall("i", now_s=0.0)) == 1


@given(
    st.lists(st.tuples(st.sampled_from("abcde"), st.floats(0.0, 100.0)), max_size=60)
)
def test_memory_stays_within_its_bounds(steps: list[tuple[str, float]]) -> None:
    memory, now_s = Memory(most_bytes=ROOM, max_turns=2, ttl_s=50.0), 0.0
    for label, pause_s in steps:
        now_s += pause_s
        memory.remember(label, Exchange(label, at_s=now_s))

        assert len(memory) <= 3
        turns = memory.recall(label, now_s=now_s)
        assert 1 <= len(turns) <= 2
        assert all(turn.query == label and now_s - turn.at_s <= 50.0 for turn in turns)


@given(st.text(max_size=80))
def test_any_text_has_a_dependence(text: str) -> None:
    assert dependence(text) in (0.0, 0.5, 1.0)
