"""`kbserver serve --workers 2`, as a user runs it."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from kbserver.cli.serve import _for_workers
from kbserver.settings import read_settings


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
        [*command, "--workers", "2"], stderr=subprocess.PIPE, text=True
    )
    try:
        line = next(line for line in process.stderr if "kb_endpoint" in line)
        yield process, re.search(r"http\S+(?=/kb)", line)[0]
    finally:
        process.terminate()
        process.communicate(timeout=30)


def wait_for(what, limit_s=40.0):
    began = time.monotonic()
    while not (found := what()):
        assert time.monotonic() - began < limit_s
        time.sleep(0.05)
    return found


def asked(url):
    try:
        body = {"session_label": "support", "query": "how do i reset my router"}
        return (
            "ten seconds"
            in httpx2.post(f"{url}/kb", json=body, timeout=20).json()["context"]
        )
    except httpx2.HTTPError:
        return False


def workers_of(process):
    """The children that serve: they, and nothing else, hold the listening socket's model threads."""
    tasks = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [
        int(pid)
        for pid in tasks
        if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


@pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="finds the workers in /proc"
)
def test_a_worker_that_dies_is_replaced_and_the_others_answer(served):
    process, url = served
    wait_for(lambda: asked(url))
    first, second = wait_for(lambda: len(found := workers_of(process)) == 2 and found)
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: asked(url))
    now = wait_for(
        lambda: len(found := workers_of(process)) == 2 and first not in found and found
    )
    assert second in now
    process.terminate()
    assert process.wait(timeout=30) == 0


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
