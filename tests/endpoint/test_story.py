"""A listener is told of every turn and every change; without one nothing is kept."""

import asyncio

import pytest

from kbserver.endpoint.doors.feedback import parse
from kbserver.endpoint.ground import Grounding
from kbserver.endpoint.story import MOST_PATTERNS, Story
from kbserver.endpoint.trace import Recorder
from kbserver.notes import Counts, FeedbackNote
from kbserver.retrieval.context import EMPTY

from .conftest import said


class Listener:
    def __init__(self, batches=1):
        self.turns, self.events, self.said = [], [], []
        self.gone = []
        self.batches = batches
        self.flushes = 0

    def turn(self, tell):
        self.turns.append(tell)

    def event(self, note):
        self.events.append(note)

    def feedback(self, note):
        self.said.append(note)

    def gone_on(self, turn):
        self.gone.append(turn)

    def flush(self):
        self.flushes += 1
        return self.flushes % self.batches != 0

    def counts(self):
        return Counts(True, 7, {"queue": 1}, 10, 0.5)


@pytest.fixture
def listener():
    return Listener()


@pytest.fixture
def story(listener):
    return Story(listener, clock=lambda: 5.0)


def ended(outcome="full", reason=None):
    return Grounding([], EMPTY, Recorder().finish(outcome, reason, hits=0))


def test_a_turn_is_told_later_and_its_id_stands_in_the_answer(story, listener):
    grounding = ended()
    headers = story.turn(said("q", "call-1"), grounding, "facts", {}, 99)
    assert headers == {"x-kbserver-turn": grounding.trace.id}
    (tell,) = listener.turns
    assert (tell().id, tell().answer_bytes) == (grounding.trace.id, 99)


def test_a_route_that_records_nothing_tells_nothing(story, listener):
    assert story.turn(said("q", "call-1"), ended(), "off", {}, 99) == {}
    assert listener.turns == []


def test_without_a_listener_nothing_is_told_and_nothing_counted():
    story = Story(None)
    assert story.turn(said("q", "call-1"), ended(), "facts", {}, 9) == {}
    story.refused("invalid_token")
    story.gone_on("1")
    story.minute()
    story.end()
    assert story.counts() == Counts(False, 0, {}, 0, 0.0)
    asyncio.run(story.hand_on_forever())  # ends at once


def test_refusals_and_unknown_labels_are_told_once_a_minute(story, listener):
    for code in ("invalid_token", "overloaded", "invalid_token"):
        story.refused(code)
    unknown = ended("empty", "unknown_label")
    for label in ("web-1f", "web-2", "sales", None):
        story.turn(said("q", label), unknown, "facts", {}, 0)
    story.minute()
    refused, labels = listener.events
    assert (refused.kind, refused.at) == ("refused", 5.0)
    assert refused.details == {"invalid_token": 2, "overloaded": 1}
    assert refused.text == "2 invalid_token, 1 overloaded"
    assert labels.kind == "unknown_labels"
    assert labels.details == {"web-#": 2, "sales": 1, "": 1}
    story.minute()
    assert len(listener.events) == 2, "nothing happened since"


def test_a_flood_of_labels_is_counted_together(story, listener):
    unknown = ended("empty", "unknown_label")
    for number in range(MOST_PATTERNS + 50):
        letters = "".join(chr(ord("g") + int(digit)) for digit in str(number))
        story.turn(said("q", f"x{letters}"), unknown, "facts", {}, 0)
    story.minute()
    (event,) = listener.events
    assert len(event.details) == MOST_PATTERNS + 1
    assert event.details["(others)"] == 50


def test_at_the_end_everything_is_handed_on(listener, story):
    listener.batches = 3
    story.refused("overloaded")
    story.end()
    assert [event.kind for event in listener.events] == ["refused", "stop"]
    assert listener.flushes == 3


def test_a_listener_that_fails_is_let_work_again(caplog, listener, story):
    async def two_rounds():
        rounds = asyncio.Event()

        def flush():
            listener.flushes += 1
            if listener.flushes == 2:
                rounds.set()
            raise OSError("gone")

        listener.flush = flush
        task = asyncio.create_task(story.hand_on_forever())
        await asyncio.wait_for(rounds.wait(), 60)
        task.cancel()

    asyncio.run(two_rounds())
    assert "could not be handed on" in caplog.text


def test_what_a_client_says_is_told_with_its_time(story, listener):
    said = parse(b'{"session_label": "call-1", "verdict": "hung_up"}')
    story.feedback(said)
    assert listener.said == [FeedbackNote(5.0, "call-1", "", "hung_up")]
    silent = Story(None)
    silent.feedback(said)
    assert (story.is_told, silent.is_told) == (True, False)
