"""`kbserver serve --workers 2`, as a user runs it."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from kbserver.cli.serve import _for_workers
from kbserver.settings import read_settings

from .conftest import LIMIT_S, PATIENT_MS, wait_until

NEEDS_PROC = pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="finds the workers in /proc"
)


@pytest.fixture
def served(store):
    command = [
        sys.executable,
        "-m",
        "kbserver",
        "serve",
        "--store",
        str(store),
        "--open",
        "--port",
        "0",
    ]
    process = subprocess.Popen(
        [*command, "--workers", "2"],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"KBSERVER_DEADLINE_MS": str(PATIENT_MS)},
    )
    try:
        line = next(line for line in process.stderr if "kb_endpoint" in line)
        yield process, re.search(r"http\S+(?=/kb)", line)[0]
    finally:
        process.terminate()
        process.communicate(timeout=LIMIT_S)


def asked(url):
    try:
        body = {"session_label": "support", "query": "how do i reset my router"}
        return (
            "ten seconds"
            in httpx2.post(f"{url}/kb", json=body, timeout=LIMIT_S).json()["context"]
        )
    except httpx2.HTTPError:
        return False


def workers_of(process):
    """The ids of the child processes that serve."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(pid) for pid in children.split() if b"spawn_main" in command_of(pid)]


def command_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has just ended
        return b""


def two_workers_of(process, without=None):
    """Both workers, once there are two and one that was killed is not among them."""
    workers = workers_of(process)
    if len(workers) != 2 or without in workers:
        return None
    return workers


def told(url):
    """Turns answered and turns recorded, as one of the workers tells them."""
    page = httpx2.get(f"{url}/metrics", timeout=LIMIT_S).text
    answered = re.findall(r"^kbserver_turns_total{.*} (\S+)", page, re.MULTILINE)
    recorded = re.search(r"^kbserver_record_turns_total (\S+)", page, re.MULTILINE)[1]
    return sum(map(float, answered)), float(recorded)


@NEEDS_PROC
def test_a_worker_that_dies_is_replaced_and_takes_no_answer_and_no_count_with_it(
    served,
):
    process, url = served
    wait_until(lambda: asked(url))
    before, _ = told(url)
    for _ in range(20):  # each on a connection of its own: both workers get some
        assert asked(url)
    asked_since = before + 20

    def told_by_all(least):
        found = {told(url) for _ in range(12)}
        [(answered, recorded), *more] = found
        return not more and answered >= least and recorded == answered

    wait_until(lambda: told_by_all(asked_since))
    first, second = wait_until(lambda: two_workers_of(process))
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: asked(url))
    assert second in wait_until(lambda: two_workers_of(process, without=first))
    wait_until(lambda: asked(url))
    wait_until(lambda: told_by_all(asked_since + 2))
    process.terminate()
    assert process.wait(timeout=LIMIT_S) == 0


def test_workers_remember_no_follow_ups_and_share_the_cores():
    route = {"label": "x", "corpora": ["support"], "follow_up": True, "top_k": 5}
    settings = _for_workers(
        read_settings(open=True, routes=[route], embed_threads=3), 2
    )
    turn = settings.turn_settings(settings.routes[0])
    assert (turn.follow_up, turn.top_k, settings.follow_up, settings.embed_threads) == (
        False,
        5,
        False,
        3,
    )
    assert 1 <= _for_workers(read_settings(open=True), 64).embed_threads <= 1
