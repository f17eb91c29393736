"""What is sent is what comes out, also from a process that was started with the sender."""

import multiprocessing

import pytest

from kbserver.record.channel import LONGEST, Channel, Message, State

from .conftest import event, turn


@pytest.fixture
def channel():
    channel = Channel()
    yield channel
    channel.close()


def received(channel):
    return Message.decoded(channel._from.recv(LONGEST))


def test_a_message_comes_out_as_it_went_in():
    message = Message(3, 1, [turn(1, query="words"), turn(2)], [event(gone=["a.md"])])
    message = message._replace(gone_on=("1", "2"))
    assert Message.decoded(message.encoded()) == message


def test_a_full_socket_has_no_room_and_says_so(channel):
    sent = 0
    while channel.sender.send(bytes(40_000)):
        sent += 1
        assert sent < 1000
    channel._from.recv(LONGEST)
    assert channel.sender.send(bytes(40_000))


def test_what_is_longer_than_any_datagram_cannot_be_sent(channel):
    with pytest.raises(OSError):
        channel.sender.send(bytes(16 << 20))


def send_from_elsewhere(sender):
    sender.send(Message(0, 0, [turn(5)], []).encoded())
    assert sender.page["written"] == 42


def test_a_process_that_is_started_shares_socket_and_page(channel):
    channel.page["written"] = 42
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=send_from_elsewhere, args=(channel.sender,))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert received(channel).turns == [turn(5)]


def test_the_page_tells_what_the_writer_has_in_hand(channel):
    page = channel.page
    assert page.state == State.STARTING
    page["received"], page["written"], page["disk"], page["down"] = 10, 4, 2, 1
    page.one_set_aside()
    assert (page.in_hand, page.set_aside) == (3, 1)
