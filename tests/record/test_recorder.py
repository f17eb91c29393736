"""Turns are taken at once, sent later, and counted when they cannot be."""

import pickle
from contextlib import suppress

import pytest

from kbserver.notes import FeedbackNote
from kbserver.record.channel import LONGEST, Channel, Message, State
from kbserver.record.recorder import BATCH, MOST_EVENTS, Recorder

from .conftest import NOON, event, turn


@pytest.fixture
def channel():
    channel = Channel()
    channel.page["state"] = State.WRITING
    channel._from.setblocking(False)
    yield channel
    channel.close()


@pytest.fixture
def recorder(channel):
    return Recorder(channel.sender, most_waiting=100)


def arrived(channel):
    messages = []
    while True:
        try:
            messages.append(Message.decoded(channel._from.recv(LONGEST)))
        except BlockingIOError:
            return messages


def numbers(messages):
    return [int(one.id, 16) for message in messages for one in message.turns]


def fill(recorder, channel):
    """Leave no room in the socket."""
    while channel.sender.send(Message(0, 0, [], [event()]).encoded() + bytes(30_000)):
        pass


def test_nothing_is_told_before_the_flush(recorder, channel):
    told = []

    def tell():
        told.append(1)
        return turn(1)

    recorder.turn(tell)
    assert (told, arrived(channel)) == ([], [])
    assert recorder.flush() is False
    assert (told, numbers(arrived(channel))) == ([1], [1])
    assert recorder.flush() is False and arrived(channel) == []


def test_many_turns_are_sent_in_batches_in_their_order(recorder, channel):
    for number in range(BATCH + 5):
        recorder.turn(lambda number=number: turn(number))
    assert recorder.flush() is True
    assert recorder.flush() is False
    assert numbers(arrived(channel)) == list(range(BATCH + 5))


def test_what_finds_no_room_is_sent_later(recorder, channel):
    fill(recorder, channel)
    recorder.turn(lambda: turn(1))
    recorder.event(event())
    assert recorder.flush() is False
    arrived(channel)
    assert recorder.flush() is False
    messages = arrived(channel)
    assert numbers(messages) == [1]
    assert messages[0].events == [event()]
    assert recorder.counts().dropped["queue"] == 0


def test_a_full_queue_lets_its_oldest_go_and_counts_it(recorder, channel):
    for number in range(103):
        recorder.turn(lambda number=number: turn(number))
    assert recorder.counts().dropped["queue"] == 3
    while recorder.flush():
        pass
    messages = arrived(channel)
    assert numbers(messages) == list(range(3, 103))
    assert [message.queue for message in messages] == [3, 0, 0, 0]
    assert recorder.counts().dropped["queue"] == 0, "the writer has the count now"


def test_what_is_too_long_together_is_sent_apart(recorder, channel):
    for number in range(BATCH):
        words = str(number) * 40_000
        recorder.turn(lambda n=number, words=words: turn(n, query=words))
    recorder.event(event())
    recorder.flush()
    messages = arrived(channel)
    assert len(messages) > 1
    assert numbers(messages) == list(range(len(numbers(messages))))
    assert sum(len(message.events) for message in messages) == 1


def test_a_turn_that_is_too_long_alone_is_dropped_and_counted(recorder, channel):
    recorder.turn(lambda: turn(1, query="x" * (8 << 20)))
    recorder.turn(lambda: turn(2))
    recorder.flush()
    recorder.flush()
    messages = arrived(channel)
    assert numbers(messages) == [2]
    assert sum(message.pipe for message in messages) == 1 - recorder._pipe


def test_a_turn_that_cannot_be_told_costs_no_other(recorder, channel):
    def broken():
        raise ValueError

    recorder.turn(broken)
    recorder.turn(lambda: turn(2))
    recorder.flush()
    assert numbers(arrived(channel)) == [2]
    assert recorder.counts().dropped["pipe"] == 0
    recorder.turn(broken)
    recorder.flush()
    assert [message.pipe for message in arrived(channel)] == [1]


@pytest.mark.parametrize("state", [State.NOT_WRITABLE, State.NEWER])
def test_while_nothing_can_be_recorded_nothing_is_kept_or_counted(
    recorder, channel, state
):
    channel.page["state"] = state
    recorder.turn(lambda: turn(1))
    assert recorder.flush() is False
    channel.page["state"] = State.WRITING
    assert recorder.flush() is False
    assert arrived(channel) == []
    assert sum(recorder.counts().dropped.values()) == 0


def test_events_are_bounded(recorder, channel):
    for number in range(MOST_EVENTS + 10):
        recorder.event(event(number=number))
    recorder.flush()
    (message,) = arrived(channel)
    assert len(message.events) == MOST_EVENTS
    assert message.events[0].details == {"number": 10}


def test_the_counts_are_the_writers_of_all_processes(recorder, channel):
    page = channel.page
    page["written"], page["down"], page["bytes"], page["lag_ms"] = 70, 2, 4096, 1500
    counts = recorder.counts()
    assert (counts.on, counts.written, counts.bytes) == (True, 70, 4096)
    assert counts.lag_s == 1.5
    assert counts.dropped == {"queue": 0, "pipe": 0, "disk": 0, "down": 2}


def test_a_recorder_is_told_apart_from_others_only_by_its_process(recorder):
    with pytest.raises(TypeError):  # only to a process that is being started
        pickle.dumps(recorder)


def test_what_clients_say_is_sent_behind_the_turns(recorder, channel):
    said = [FeedbackNote(NOON, f"call-{n}", "", "right") for n in range(BATCH + 1)]
    for note in said:
        recorder.feedback(note)
    recorder.turn(lambda: turn(1))
    while recorder.flush():
        pass
    first, *others = arrived(channel)
    assert (len(first.turns), list(first.feedback)) == (1, [])
    assert [note for one in others for note in one.feedback] == said


def test_words_that_went_on_are_sent_behind_their_turns(recorder, channel):
    gone = [str(number) for number in range(BATCH + 1)]
    for id in gone:
        recorder.gone_on(id)
    recorder.turn(lambda: turn(1))
    while recorder.flush():
        pass
    first, *others = arrived(channel)
    assert (len(first.turns), list(first.gone_on)) == (1, [])
    assert [id for one in others for id in one.gone_on] == gone


def test_what_clients_say_waits_for_room_and_goes_when_nothing_is_recorded(
    recorder, channel
):
    fill(recorder, channel)
    recorder.feedback(FeedbackNote(NOON, "call-1", "", "right"))
    assert recorder.flush() is False
    channel.page["state"] = State.NEWER
    recorder.flush()
    channel.page["state"] = State.WRITING
    with suppress(BlockingIOError):
        while channel._from.recv(LONGEST):
            pass
    assert recorder.flush() is False
    with pytest.raises(BlockingIOError):
        channel._from.recv(LONGEST)
