"""What a label's earlier turns mean for the next one, by a clock of the test's own."""

import numpy as np
import pytest

from kbserver.endpoint.conversation import Conversation
from kbserver.endpoint.findings import Findings
from kbserver.retrieval.transcript.followup import Memory
from kbserver.settings import TurnSettings
from kbserver.types import Hit, Passage

ALONE = "what does a red light on the router mean"
LEANING = "how long does that take"
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
    return Conversation.of(label, query, TurnSettings(**settings), memory, clock=clock)


def test_a_remembered_turn_is_the_past_of_the_next_one(memory, clock):
    first = conversation(memory, clock, f"um {ALONE}")
    assert first.past == ()
    first.remember(FINDINGS)
    clock.now += 10.0
    [exchange] = conversation(memory, clock, LEANING).past
    assert (exchange.query, exchange.at_s) == (ALONE, 100.0)
    assert exchange.served == ("Lights",)
    assert exchange.embedding is EMBEDDING


def test_labels_share_nothing(memory, clock):
    conversation(memory, clock, ALONE).remember(FINDINGS)
    assert conversation(memory, clock, LEANING, label="b").past == ()


def test_a_turn_is_forgotten_after_a_while(memory, clock):
    conversation(memory, clock, ALONE).remember(FINDINGS)
    clock.now += 60.1
    assert conversation(memory, clock, LEANING).past == ()


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
    assert without.past == ()
    assert without.stands_alone
    without.remember(FINDINGS)
    assert len(memory) == 1
    assert len(memory.recall("a", now_s=clock.now)) == 1


def test_only_with_a_past_does_a_query_lean_on_it(memory, clock):
    assert conversation(memory, clock, LEANING).stands_alone
    conversation(memory, clock, ALONE).remember(FINDINGS)
    assert not conversation(memory, clock, LEANING).stands_alone
    assert conversation(memory, clock, ALONE).stands_alone
