"""The writer is a process that is kept alive; nothing a server does waits for it."""

import logging
import os
import signal
import stat
from functools import partial

import pytest

from kbserver.errors import SettingsError
from kbserver.record.channel import Channel, State
from kbserver.record.database import open_for_reading
from kbserver.record.keeper import Keeper, options_of, recording
from kbserver.settings import read_settings
from tests.endpoint.conftest import wait_until

from .conftest import turn


@pytest.fixture
def settings(tmp_path):
    return read_settings(store=tmp_path / "store", open=True)


def kept(settings):
    reader = open_for_reading(settings.record_folder)
    count = reader.execute("SELECT count(*) FROM turns").fetchone()[0]
    reader.close()
    return count


def test_what_is_told_is_in_the_file_after_the_end(settings):
    with recording(settings) as recorder:
        for number in range(100):
            recorder.turn(partial(turn, number))
        while recorder.flush():
            pass
    assert kept(settings) == 100


def test_a_writer_that_is_killed_is_started_again_and_what_was_sent_is_not_lost(
    settings, caplog
):
    channel = Channel()
    keeper = Keeper(channel, options_of(settings), look_s=0.01)
    keeper.start()
    wait_until(lambda: channel.page.state == State.WRITING)
    os.kill(keeper.pid, signal.SIGKILL)
    wait_until(lambda: keeper.pid is None)
    from kbserver.record.recorder import Recorder

    recorder = Recorder(channel.sender)
    recorder.turn(lambda: turn(1))
    recorder.flush()
    wait_until(lambda: channel.page["written"] == 1)
    keeper.stop()
    channel.close()
    assert kept(settings) == 1
    assert "ended (exit code -9)" in caplog.text


def test_the_pause_before_a_new_writer_grows_and_begins_anew_after_a_long_life(
    settings,
):
    channel = Channel()
    now = [0.0]
    keeper = Keeper(channel, options_of(settings), clock=lambda: now[0])
    pauses = [keeper._died() for _ in range(10)]
    assert pauses == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    now[0] = 61.0
    assert keeper._died() == 0.5
    channel.close()


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (State.NOT_WRITABLE, "cannot be written"),
        (State.NEWER, "newer kbserver"),
        (State.DISK, "full or fails"),
    ],
)
def test_what_keeps_turns_from_being_recorded_is_said_once(
    settings, caplog, state, said
):
    caplog.set_level(logging.INFO)
    channel = Channel()
    keeper = Keeper(channel, options_of(settings))
    channel.page["state"] = state
    for _ in range(3):
        keeper._say_state()
    channel.page["state"] = State.WRITING
    for _ in range(3):
        keeper._say_state()
    first, second = [record.getMessage() for record in caplog.records]
    assert said in first and str(settings.record_folder) in first
    assert "recorded again" in second
    channel.close()


def test_a_damaged_file_is_said(settings, caplog):
    channel = Channel()
    keeper = Keeper(channel, options_of(settings))
    channel.page.one_set_aside()
    keeper._say_state()
    keeper._say_state()
    assert len(caplog.records) == 1
    assert "set aside" in caplog.text
    channel.close()


def test_nothing_is_started_where_nothing_is_recorded(tmp_path):
    settings = read_settings(store=tmp_path, open=True, record={"mode": "off"})
    with recording(settings) as recorder:
        assert recorder is None
    assert list(tmp_path.iterdir()) == []


def test_own_code_that_is_not_there_shows_before_a_turn_is_served(tmp_path):
    record = {"mask_with": "nowhere:mask"}
    settings = read_settings(store=tmp_path, open=True, record=record)
    with pytest.raises(SettingsError, match="nowhere"), recording(settings):
        pass


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="needs /proc")
def test_the_writer_is_nice_and_holds_nothing_of_the_server(settings, tmp_path):
    secret = tmp_path / "secret"
    with secret.open("w") as stream, recording(settings):
        number = stream.fileno()
        os.set_inheritable(number, True)
        channel_file = settings.record_folder / "record.sqlite"
        wait_until(channel_file.exists)
        children = [
            pid
            for pid in filter(str.isdigit, os.listdir("/proc"))
            if _is_writer_of(pid, settings)
        ]
        (pid,) = children
        opened = {
            os.path.realpath(f"/proc/{pid}/fd/{fd}")
            for fd in os.listdir(f"/proc/{pid}/fd")
        }
        nicer = min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19)
        assert os.getpriority(os.PRIO_PROCESS, int(pid)) == nicer
        assert str(secret) not in opened
    assert stat.S_IMODE(channel_file.stat().st_mode) == 0o600


def _is_writer_of(pid, settings):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as stream:
            return str(settings.record_folder).encode() in stream.read()
    except OSError:
        return False
