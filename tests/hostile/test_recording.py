"""Whatever happens to the record, no turn is lost to a caller, and what is not recorded is counted.

`HOSTILE_RECORD_KILLS=50` kills the writer so many times.
"""

import contextlib
import os
import shutil
import signal
import subprocess

import httpx2
import pytest

from kbserver.endpoint.app import KBServer
from kbserver.record.channel import Channel, State
from kbserver.record.database import open_for_reading
from kbserver.record.keeper import Keeper, options_of
from kbserver.record.recorder import Recorder
from kbserver.settings import read_settings
from tests.endpoint.conftest import PATIENT_MS, serving, wait_until

KILLS = int(os.environ.get("HOSTILE_RECORD_KILLS", "3"))


class Recording:
    """A server that records, and everything that a test does harm to."""

    def __init__(self, store, folder):
        self.settings = read_settings(
            store=store, open=True, deadline_ms=PATIENT_MS, record={"folder": folder}
        )
        self.channel = Channel()
        self.page = self.channel.page
        self.keeper = Keeper(self.channel, options_of(self.settings), look_s=0.01)
        self.recorder = Recorder(self.channel.sender)
        self.asked = 0
        self.url = ""

    def ask(self, count):
        """Ask some questions; every one is answered in full."""
        for _ in range(count):
            self.asked += 1
            query = f"how do i reset router number {self.asked}"
            body = {"session_label": "support", "query": query}
            answer = httpx2.post(f"{self.url}/kb", json=body, timeout=60)
            assert answer.status_code == 200
            assert "ten seconds" in answer.json()["context"], answer.text

    @property
    def accounted_for(self):
        counts = self.recorder.counts()
        return counts.written + sum(counts.dropped.values())


@pytest.fixture
def recording(store):
    @contextlib.contextmanager
    def run(folder):
        found = Recording(store, folder)
        found.keeper.start()
        try:
            server = KBServer(found.settings, listener=found.recorder)
            with serving(server) as found.url:
                yield found
        finally:
            found.keeper.stop()
            found.channel.close()

    return run


@pytest.fixture
def mounted(tmp_path):
    """A small file system of its own; `remount` changes its options."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1M", "none", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, check=False).returncode:
        pytest.skip("a file system may not be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(folder, options):
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def test_killing_the_writer_costs_no_turn_and_every_turn_is_accounted_for(
    recording, tmp_path
):
    with recording(tmp_path / "record") as found:
        for _ in range(KILLS):
            wait_until(lambda: found.keeper.pid is not None)
            found.ask(5)
            os.kill(found.keeper.pid, signal.SIGKILL)
            found.keeper._pause_s = 0.05
            found.ask(5)
        wait_until(lambda: found.page.in_hand == 0)
        wait_until(lambda: found.accounted_for >= found.asked)
        written, lost = found.page["written"], found.page["down"]
        assert written + lost == found.asked
    reader = open_for_reading(tmp_path / "record")
    (kept,) = reader.execute("SELECT count(*) FROM turns").fetchone()
    reader.close()
    # One that was written when its writer died, before it could say so, counts as lost.
    assert written <= kept <= written + lost


def test_a_full_disk_costs_no_turn_and_recording_goes_on_when_there_is_room(
    recording, mounted
):
    with recording(mounted / "record") as found:
        found.ask(3)
        wait_until(lambda: found.page["written"] == 3)
        ballast = mounted / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as stream:
            while stream.write(bytes(4096)):
                pass
        found.ask(60)
        wait_until(lambda: found.page["disk"] > 0)
        assert found.page.state == State.DISK
        ballast.unlink()
        wait_until(lambda: found.ask(1) or found.page.state == State.WRITING)
        wait_until(lambda: found.accounted_for == found.asked)
        assert found.page["written"] > 3


def test_a_store_that_is_read_only_is_served_and_nothing_is_recorded(
    recording, mounted
):
    remount(mounted, "ro")
    with recording(mounted / "record") as found:
        wait_until(lambda: found.page.state == State.NOT_WRITABLE)
        found.ask(10)
        page = httpx2.get(f"{found.url}/metrics").text
        assert "\nkbserver_recording 0.0\n" in page
        assert found.accounted_for == 0
    remount(mounted, "rw")
    assert list(mounted.iterdir()) == []


def test_a_damaged_file_costs_no_turn(recording, tmp_path):
    folder = tmp_path / "record"
    folder.mkdir()
    (folder / "record.sqlite").write_bytes(b"no database " * 1000)
    with recording(folder) as found:
        found.ask(5)
        wait_until(lambda: found.page["written"] == 5)
        assert found.page.set_aside == 1
