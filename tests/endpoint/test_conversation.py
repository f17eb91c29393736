"""What a label's earlier turns mean for the next one, by a clock of the test's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.endpoint.asking.ask import Ask
from kbserver.endpoint.conversation import Conversation
from kbserver.endpoint.findings import Findings
from kbserver.languages import profile
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


def conversation(memory, clock, query, label="a", profiles=(PROFILE,), **settings):
    chosen = TurnSettings(**settings)
    ask = Ask(query, label, session=label)
    return of(ask, chosen, memory, clock, profiles)


def of(ask, settings, memory, clock, profiles=(PROFILE,)):
    return Conversation.of(ask, ask.query, profiles, settings, memory, clock=clock)


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
    ask = Ask(query, "a", session="a")
    leans_on = of(ask, settings, memory, Clock()).leans_on
    # The ranker, told of every turn, must not find anything to take from one.
    heard = understand(query, PROFILE, fillers=fillers)
    carried = carry(
        heard.text, PROFILE, memory.recall("a", now_s=100.0), share=lambda word: 0.0
    )
    assert (carried is None) == (not leans_on)


def test_without_a_session_nothing_is_remembered_and_nothing_recalled(memory, clock):
    conversation(memory, clock, ALONE).remember(FINDINGS)
    stranger = Ask(LEANING, "a")
    alone = of(stranger, TurnSettings(), memory, clock)
    assert alone.leans_on == ()
    alone.remember(FINDINGS)
    assert len(memory) == 1


def test_sessions_of_one_label_share_nothing_even_where_the_label_is_shared(
    memory, clock
):
    settings = TurnSettings(shared_label=True)

    def turn(query, session):
        ask = Ask(query, "a", session)
        return of(ask, settings, memory, clock)

    turn(ALONE, "call-1").remember(FINDINGS)
    assert turn(LEANING, "call-2").leans_on == ()
    assert turn(LEANING, "a").leans_on == ()
    [exchange] = turn(LEANING, "call-1").leans_on
    assert exchange.query == ALONE


def test_the_history_that_a_client_sends_counts_and_borrows_known_embeddings(
    memory, clock
):
    conversation(memory, clock, ALONE).remember(FINDINGS)
    ask = Ask(LEANING, "a", "a", past=("is it on", f"um {ALONE}"))
    leans_on = of(ask, TurnSettings(), memory, clock)
    newest, oldest = leans_on.leans_on
    assert (newest.query, newest.embedding) == ("is it on", None)
    assert (oldest.query, oldest.embedding) == (ALONE, EMBEDDING)

    stateless = Ask(LEANING, "a", past=(ALONE,))
    alone = of(stateless, TurnSettings(), memory, clock)
    assert [exchange.query for exchange in alone.leans_on] == [ALONE]


@given(
    st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=8), max_size=7),
    st.data(),
)
def test_growing_words_leave_the_memory_of_the_last_ones_alone(turns, data):
    grown, plain = Memory(max_turns=2), Memory(max_turns=2)
    for number, words in enumerate(turns):
        # Without a number, a turn might go on from the one before.
        final = " ".join([f"topic{number}", *words])
        words = final.split()
        sizes = data.draw(st.lists(st.integers(1, len(words)), max_size=3))
        for size in sorted(sizes):
            conversation(grown, Clock(), " ".join(words[:size])).remember(FINDINGS)
        last = conversation(grown, Clock(), final)
        alone = conversation(plain, Clock(), final)
        assert said_in(last.leans_on) == said_in(alone.leans_on)
        last.remember(FINDINGS)
        alone.remember(FINDINGS)
        assert said_in(grown.recall("a", now_s=100.0)) == said_in(
            plain.recall("a", now_s=100.0)
        )


def test_words_that_grow_to_the_turn_before_cost_no_turn_before_that():
    grown, plain = Memory(max_turns=2), Memory(max_turns=2)
    for memory, asked in (
        (plain, ("topic0", "topic1", "topic2 no no that")),
        (grown, ("topic0", "topic1", "topic2 no no that", "topic3")),
    ):
        for query in asked:
            conversation(memory, Clock(), query).remember(FINDINGS)
    final = "topic3 no no that"
    wanted = said_in(conversation(plain, Clock(), final).leans_on)
    assert wanted == ["topic1", "topic0"]
    assert said_in(conversation(grown, Clock(), final).leans_on) == wanted


def said_in(exchanges):
    return [exchange.query for exchange in exchanges]


def test_each_turn_is_remembered_in_the_language_it_was_spoken_in(memory, clock):
    both = (PROFILE, profile("german"))
    asked = ("how long is the notice period", "und was kostet das äh am wochenende")
    for query in asked:
        one = conversation(memory, clock, query, profiles=both)
        one.remember(FINDINGS)
        clock.now += 1.0
    newest, before = conversation(memory, clock, "and on sundays").leans_on
    assert newest.query == "und was kostet das am wochenende"
    assert (newest.profile, before.profile) == (both[1], both[0])
    assert one.leans_on == (before,)
