"""The writer goes on whatever becomes of the file, and says on the page what it did."""

import contextlib
import os
import socket
import sqlite3
import threading

import pytest

from kbserver.notes import FeedbackNote
from kbserver.record.channel import LONGEST, Channel, Message, State
from kbserver.record.database import FILE, damaged_files, open_for_reading
from kbserver.record.schema import VERSION
from kbserver.record.writer import (
    PRUNE_S,
    TRY_AGAIN_S,
    Options,
    Writer,
    count_lost,
    run,
    taken,
)

from .conftest import DAY_S, NOON, event, turn


class Clock:
    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture
def channel():
    channel = Channel()
    yield channel
    channel.close()


@pytest.fixture
def page(channel):
    return channel.page


def options(folder, **more):
    values = {"keep_days": 30, "words_keep_days": 14, "max_mb": 512, "mask": ()}
    return Options(**({"folder": str(folder), "mask_with": None} | values | more))


@pytest.fixture
def monotonic():
    return Clock(1000.0)


@pytest.fixture
def writer(folder, page, monotonic):
    clock = Clock(NOON + 2.0)
    writer = Writer(options(folder), page, clock=clock, monotonic=monotonic)
    yield writer
    writer.close()


def of(*turns, events=()):
    return [Message(0, 0, list(turns), list(events))]


def kept(folder, table="turns"):
    reader = open_for_reading(folder)
    count = reader.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    reader.close()
    return count


def test_what_is_written_is_counted_with_its_lag(writer, page, folder):
    writer.write([Message(4, 5, [turn(1), turn(2)], [event()])])
    assert (kept(folder), kept(folder, "events")) == (2, 1)
    assert page.state == State.WRITING
    assert (page["written"], page["queue"], page["pipe"]) == (2, 4, 5)
    assert page["lag_ms"] == 2000
    assert page["bytes"] > 4096


def test_a_damaged_file_is_set_aside_and_the_turns_go_into_a_new_one(
    writer, page, folder
):
    folder.mkdir(parents=True)
    (folder / FILE).write_bytes(b"no database " * 400)
    writer.write(of(turn(1)))
    assert kept(folder) == 1
    assert [path.read_bytes()[:11] for path in damaged_files(folder)] == [
        b"no database"
    ]
    assert (page.set_aside, page["written"], page["disk"]) == (1, 1, 0)


def test_pages_that_were_overwritten_are_damage_too(writer, page, folder):
    writer.write(of(*(turn(n, query=f"reset {n}") for n in range(400))))
    writer.close()
    file = folder / FILE
    content = bytearray(file.read_bytes())
    content[4096:] = bytes([255]) * (len(content) - 4096)
    file.write_bytes(content)
    writer.write(of(turn(900)))
    assert (kept(folder), page.set_aside) == (1, 1)


def test_a_file_of_a_newer_kbserver_is_left_alone(writer, page, folder):
    writer.write(of(turn(1)))
    writer.close()
    connection = sqlite3.connect(folder / FILE)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    writer.write(of(turn(2)))
    assert (page.state, page.set_aside, page["disk"]) == (State.NEWER, 0, 1)
    connection = sqlite3.connect(folder / FILE)
    assert connection.execute("SELECT count(*) FROM turns").fetchone() == (1,)
    connection.close()


def test_where_no_folder_can_be_made_nothing_is_recorded_until_it_can(
    writer, page, folder, monotonic
):
    folder.parent.parent.mkdir(exist_ok=True)
    folder.parent.write_text("a file in the place of the store")
    writer.write(of(turn(1)))
    assert (page.state, page["disk"]) == (State.NOT_WRITABLE, 1)
    folder.parent.unlink()
    writer.write(of(turn(2)))
    assert page.state == State.NOT_WRITABLE, "not tried again at once"
    monotonic.now += TRY_AGAIN_S
    writer.write(of(turn(3)))
    assert (page.state, kept(folder)) == (State.WRITING, 1)


def test_old_turns_go_once_an_hour(folder, page, monotonic):
    clock = Clock(NOON)
    writer = Writer(options(folder), page, clock=clock, monotonic=monotonic)
    writer.write(of(turn(1)))
    writer.prune()
    clock.now += 31 * DAY_S
    monotonic.now += PRUNE_S - 1
    writer.prune()
    assert kept(folder) == 1
    monotonic.now += 1
    writer.prune()
    assert kept(folder) == 0
    writer.close()


def test_a_file_that_grew_too_large_is_pruned_at_once(folder, page, monotonic):
    small = options(folder, max_mb=1)
    clock = Clock(NOON + 9000)
    writer = Writer(small, page, clock=clock, monotonic=monotonic)
    for first in range(0, 6000, 1000):
        turns = [turn(n, at=NOON + n) for n in range(first, first + 1000)]
        writer.write(of(*turns))
        writer.prune()
    assert page["bytes"] <= 1_000_000
    assert 1000 < kept(folder) < 6000
    writer.write(of(turn(9000)))
    assert page["written"] == 6001
    writer.close()


def test_a_run_writes_what_was_sent_before_its_end(channel, folder):
    page = channel.page
    page["received"], page["written"] = 12, 9  # of a writer that was killed
    message = Message(0, 0, [turn(1)], [])
    channel.sender.send(message.encoded())
    channel.sender.send(b"no message")
    stopping = threading.Event()
    stopping.set()
    run(channel._from, page, options(folder), stopping=stopping, parent=os.getppid())
    assert kept(folder) == 1
    assert (page["down"], page["written"], page.in_hand) == (3, 10, 0)


class Killed(BaseException):
    pass


class Dying:
    """A socket and a page of which one step is never done, and none after it."""

    def __init__(self, channel, steps):
        self.channel = channel
        self.steps = steps

    def step(self):
        if self.steps == 0:
            raise Killed
        self.steps -= 1

    def recv(self, size, flags=0):
        if not flags:
            self.step()
        return self.channel._from.recv(size, flags)

    def __getitem__(self, name):
        return self.channel.page[name]

    def __setitem__(self, name, value):
        self.step()
        self.channel.page[name] = value

    @property
    def in_hand(self):
        return self.channel.page.in_hand


@pytest.mark.parametrize("between", [0, 3])
@pytest.mark.parametrize("steps", range(14))
def test_turns_are_counted_once_wherever_their_writer_dies(channel, steps, between):
    """Each writer is killed after some steps; the one behind it, too, in its counting."""
    for message in (of(turn(1), turn(2)), of(turn(3)), of(turn(4))):
        channel.sender.send(message[0].encoded())
    dying = Dying(channel, steps)
    with pytest.raises((Killed, BlockingIOError)):
        while True:
            flags = socket.MSG_PEEK | socket.MSG_DONTWAIT
            taken(channel._from.recv(LONGEST, flags), dying, dying)
    with contextlib.suppress(Killed):
        count_lost(channel._from, Dying(channel, between))
    count_lost(channel._from, channel.page)
    assert channel.page.in_hand == 0
    left = []
    with pytest.raises(BlockingIOError):
        while True:
            flags = socket.MSG_PEEK | socket.MSG_DONTWAIT
            data = channel._from.recv(LONGEST, flags)
            left += taken(data, channel._from, channel.page).turns
    assert channel.page["down"] + len(left) == 4
    assert channel.page["received"] == 4


def test_a_run_ends_when_its_parent_is_another(channel, folder):
    run(
        channel._from,
        channel.page,
        options(folder),
        stopping=threading.Event(),
        parent=-1,
    )
    assert channel.page.state == State.WRITING


def test_options_travel_as_text(folder):
    import json

    given = options(folder, mask=("email",))
    assert Options(**json.loads(given.as_json())).mask == ["email"]


def test_a_turn_goes_when_its_words_went_on(writer, folder):
    writer.write([Message(0, 0, [turn(1), turn(2)], [])])
    writer.write([Message(0, 0, [], [], (), [turn(1).id])])
    assert kept(folder, "turns") == 1


def test_what_clients_say_is_written_in_the_transaction_of_its_turns(writer, folder):
    said = FeedbackNote(NOON, "call-1", "", "handed_over")
    writer.write([Message(0, 0, [turn(1)], [], [said])])
    assert kept(folder, "feedback") == 1
