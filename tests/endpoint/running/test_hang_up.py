"""SIGHUP, sent to real servers while they are asked."""

import contextlib
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx2
import pytest

from tests.authority import Authority
from tests.cli.test_serve import TOKEN, listening, run
from tests.endpoint.conftest import LIMIT_S, wait_until
from tests.endpoint.test_workers import asked, two_workers_of

PATIENT = {"KBSERVER_DEADLINE_MS": "10000"}  # no turn is refused on a busy machine
TURN = {"session_label": "support", "query": "how do i reset the router"}


class Lines(threading.Thread):
    """What a process prints on stderr, as it comes."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self._stream = process.stderr
        self.lines = []
        self.start()

    def run(self):
        with contextlib.suppress(ValueError):  # closed at the end
            self.lines.extend(iter(self._stream.readline, ""))

    def wait_for(self, words, count=1):
        said = wait_until(lambda: self._with(words, count))
        return said[-1]

    def _with(self, words, count):
        found = [line for line in self.lines if words in line]
        return found if len(found) >= count else None


class Callers(threading.Thread):
    """Ask turn after turn over one kept connection until told to stop."""

    def __init__(self, url, **options):
        super().__init__(daemon=True)
        headers = {"authorization": f"Bearer {TOKEN}"}
        self._client = httpx2.Client(
            base_url=url, headers=headers, timeout=LIMIT_S, **options
        )
        self._stopped = threading.Event()
        self.answers = []
        self.start()

    def run(self):
        while not self._stopped.is_set():
            try:
                self.answers.append(self._client.post("/kb", json=TURN).status_code)
            except httpx2.HTTPError as exc:
                self.answers.append(type(exc).__name__)

    def stop(self):
        self._stopped.set()
        self.join()
        self._client.close()
        return set(self.answers)

    def ask_more(self, count=5):
        before = len(self.answers)
        wait_until(lambda: len(self.answers) >= before + count)


def certificate_of(url, trust):
    """When the certificate of a new connection ends."""
    host, port = url.removeprefix("https://").split(":")
    with (
        socket.create_connection((host, int(port)), timeout=LIMIT_S) as plain,
        trust.wrap_socket(plain, server_hostname=host) as client,
    ):
        return client.getpeercert()["notAfter"]


def test_turns_go_on_and_renewed_tls_files_are_taken_over(store, tmp_path):
    authority = Authority(tmp_path)
    names = ("ssl_certfile", "ssl_keyfile")
    used = [tmp_path / "certificate.pem", tmp_path / "key.pem"]

    def renew(days):
        issued = authority.issue(days)
        for name, file in zip(names, used, strict=True):
            file.write_bytes(Path(issued[name]).read_bytes())

    renew(30)
    (tmp_path / "kbserver.toml").write_text(
        f'tls_certificate = "{used[0]}"\ntls_key = "{used[1]}"\n'
    )
    process = run("serve", "--store", store, "--port", 0, cwd=tmp_path, **PATIENT)
    try:
        url = listening(process)
        said = Lines(process)
        callers = [Callers(url, verify=authority.trust) for _ in range(3)]
        callers[0].ask_more()
        first = certificate_of(url, authority.trust)

        renew(60)
        process.send_signal(signal.SIGHUP)
        said.wait_for("the TLS files were read again")
        callers[0].ask_more()
        second = certificate_of(url, authority.trust)
        assert second != first

        used[1].write_text("no key")
        process.send_signal(signal.SIGHUP)
        line = said.wait_for("those that were read before stay in force")
        assert str(used[1]) in line
        callers[0].ask_more()
        assert certificate_of(url, authority.trust) == second

        assert set.union(*(caller.stop() for caller in callers)) == {200}
        process.terminate()
        assert process.wait(timeout=LIMIT_S) == 0
        assert not [line for line in said.lines if "Traceback" in line]
    finally:
        process.kill()
        process.communicate(timeout=LIMIT_S)


def catches_hang_ups(pid):
    """Whether a process has come to handle SIGHUP, which it ignores until it is open."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = int(re.search(r"SigCgt:\s*(\w+)", status)[1], 16)
    return bool(caught >> (signal.SIGHUP - 1) & 1)


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="finds the workers in /proc"
)
def test_workers_go_on_whether_one_process_is_told_or_all_of_them(store, tmp_path):
    command = [sys.executable, "-m", "kbserver", "serve", "--store", str(store)]
    process = subprocess.Popen(
        [*command, "--port", "0", "--workers", "2"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=os.environ | PATIENT | {"KB_TOKEN": TOKEN, "KBSERVER_OPEN": "true"},
        start_new_session=True,
    )
    try:
        url = listening(process)
        said = Lines(process)
        wait_until(lambda: asked(url))
        workers = wait_until(lambda: two_workers_of(process))
        wait_until(lambda: all(map(catches_hang_ups, workers)))
        callers = [Callers(url) for _ in range(4)]
        callers[0].ask_more()
        process.send_signal(signal.SIGHUP)
        said.wait_for("turns go on", count=2)
        os.killpg(process.pid, signal.SIGHUP)
        said.wait_for("turns go on", count=4)
        callers[0].ask_more()
        assert set.union(*(caller.stop() for caller in callers)) == {200}
        assert two_workers_of(process) == workers
        process.terminate()
        assert process.wait(timeout=LIMIT_S) == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the workers hold its stderr too
        process.communicate(timeout=LIMIT_S)


IN_A_TERMINAL = """
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
handlers = {"nohup": signal.SIG_IGN, "plain": signal.SIG_DFL}
signal.signal(signal.SIGHUP, handlers[sys.argv[1]])
os.execv(sys.executable, [sys.executable, "-m", "kbserver", "serve", "--port", "0"])
"""


@contextlib.contextmanager
def served_in_a_terminal(store, folder, how):
    """A server that leads the session of a terminal; yields (process, terminal)."""
    terminal, inside = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", IN_A_TERMINAL, how],
        stdin=inside,
        stdout=inside,
        stderr=inside,
        cwd=folder,
        env=os.environ | {"KB_TOKEN": TOKEN, "KBSERVER_STORE": str(store)},
        start_new_session=True,
    )
    os.close(inside)
    try:
        yield process, terminal
    finally:
        process.kill()
        process.wait(timeout=LIMIT_S)


def read_until(terminal, words):
    said = b""
    while words not in said:
        readable, _, _ = select.select([terminal], [], [], LIMIT_S)
        assert readable, said
        said += os.read(terminal, 65536)
    return said.decode()


def test_the_end_of_its_terminal_is_the_end_of_a_server(store, tmp_path):
    with served_in_a_terminal(store, tmp_path, "plain") as (process, terminal):
        read_until(terminal, b"try it")
        process.send_signal(signal.SIGHUP)
        read_until(terminal, b"turns go on")
        assert process.poll() is None
        os.close(terminal)
        assert process.wait(timeout=LIMIT_S) == 0


def test_a_server_under_nohup_outlives_its_terminal(store, tmp_path):
    with served_in_a_terminal(store, tmp_path, "nohup") as (process, terminal):
        said = read_until(terminal, b"try it")
        url = re.search(r"http://[0-9.:]+", said)[0]
        os.close(terminal)
        for _ in range(3):
            process.send_signal(signal.SIGHUP)
            assert httpx2.get(f"{url}/healthz").status_code == 200
        assert process.poll() is None
