"""What a label's earlier turns mean for the next one, by a clock of the test's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.endpoint.conversation import Conversation
from kbserver.endpoint.findings import Findings
from kbserver.languages.english import PROFILE
from kbserver.retrieval.transcript.cleaning import understand
from kbserver.retrieval.transcript.followup import Exchange, Memory, carry
from kbserver.settings import TurnSettings
from kbserver.types import Hit, Passage

ALONE = "what does a red light on the router mean"
LEANING = "how long does that take"
WORDS = (
    *("um", "and", "what", "about", "it", "that", "no", "wait", "sorry", "is", "the"),
    *("router", "light", "price", "hotel", "breakfast", "you", "know", "okay", "so"),
)
EMBEDDING = np.ones(3, np.float32)
FINDINGS = Findings(
    "full",
    hits=[Hit(Passage("1", "text", title="Lights"), 0.5)],
    embedding=EMBEDDING,
)


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def memory():
    return Memory(ttl_s=60.0)


def conversation(memory, clock, query, label="a", **settings):
    chosen = TurnSettings(**settings)
    return Conversation.of(label, query, (PROFILE,), chosen, memory, clock=clock)


def test_a_remembered_turn_is_the_past_of_the_next_one(memory, clock):
    first = conversation(memory, clock, f"um {ALONE}")
    assert first.leans_on == ()
    first.remember(FINDINGS)
    clock.now += 10.0
    [exchange] = conversation(memory, clock, LEANING).leans_on
    assert (exchange.query, exchange.at_s) == (ALONE, 100.0)
    assert exchange.served == ("Lights",)
    assert exchange.embedding is EMBEDDING


def test_labels_share_nothing(memory, clock):
    conversation(memory, clock, ALONE).remember(FINDINGS)
    assert conversation(memory, clock, LEANING, label="b").leans_on == ()


def test_a_turn_is_forgotten_after_a_while(memory, clock):
    conversation(memory, clock, ALONE).remember(FINDINGS)
    clock.now += 60.1
    assert conversation(memory, clock, LEANING).leans_on == ()


@pytest.mark.parametrize(
    ("label", "settings"),
    [
        (None, {}),
        ("", {}),
        ("a", {"follow_up": False}),
        ("a", {"shared_label": True}),
    ],
)
def test_some_routes_and_calls_have_no_past_and_leave_none(
    memory, clock, label, settings
):
    conversation(memory, clock, ALONE).remember(FINDINGS)
    without = conversation(memory, clock, LEANING, label, **settings)
    assert without.leans_on == ()
    without.remember(FINDINGS)
    assert len(memory) == 1
    assert len(memory.recall("a", now_s=clock.now)) == 1


def test_only_with_a_past_does_a_query_lean_on_it(memory, clock):
    assert not conversation(memory, clock, LEANING).leans_on
    conversation(memory, clock, ALONE).remember(FINDINGS)
    assert conversation(memory, clock, LEANING).leans_on
    assert not conversation(memory, clock, ALONE).leans_on


def test_what_is_looked_at_are_the_words_that_will_be_searched(memory, clock):
    conversation(memory, clock, ALONE).remember(FINDINGS)
    query = FALSE_START + ALONE  # with the false start it goes on from something
    assert not conversation(memory, clock, query).leans_on
    assert conversation(memory, clock, query, fillers=False).leans_on


FALSE_START = "and what about um no wait "


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12), st.booleans())
def test_a_ranking_leans_on_no_turn_unless_the_conversation_does(words, fillers):
    query = " ".join(words)
    memory = Memory()
    memory.remember("a", Exchange(ALONE, 100.0, ("Lights",), EMBEDDING, PROFILE))
    settings = TurnSettings(fillers=fillers)
    leans_on = Conversation.of(
        "a", query, (PROFILE,), settings, memory, clock=Clock()
    ).leans_on
    # The ranker, told of every turn, must not find anything to take from one.
    heard = understand(query, PROFILE, fillers=fillers)
    carried = carry(
        heard.text, PROFILE, memory.recall("a", now_s=100.0), share=lambda word: 0.0
    )
    assert (carried is None) == (not leans_on)
