"""Handlers that misbehave, in a server of their own process: the turns, the metrics, the end."""

import contextlib
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from kbserver.endpoint.handlers import MOST_CALLS_LEFT
from tests.endpoint.conftest import wait_until
from tests.hostile.misbehaving import BAD, ENDS, FALLBACK, GOOD

LIMIT_S = 60.0
KINDS = ("plain", "async")


@contextlib.contextmanager
def misbehaving(store):
    """Run the server; yields (a client of it, the process, its lines on stderr)."""
    command = [sys.executable, "-m", "tests.hostile.misbehaving", str(store)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(process.stderr), daemon=True)
    reader.start()
    try:
        url = wait_until(lambda: _url(lines) or process.poll() is not None, LIMIT_S)
        with httpx2.Client(base_url=str(url), timeout=LIMIT_S) as client:
            wait_until(lambda: client.get("/readyz").status_code == 200)
            yield client, process, lines
    finally:
        process.kill()
        process.wait(LIMIT_S)
        reader.join(LIMIT_S)
        process.stderr.close()


def _url(lines):
    found = re.search(r"listening: (http://\S+)/kb", "".join(list(lines)))
    return found and found[1]


def ask(client, label):
    body = {"session_label": label, "query": "how do i reset my router"}
    answer = client.post("/kb", json=body)
    assert answer.status_code == 200, (label, answer.text)
    return answer.json()["context"]


def counters(client):
    lines = client.get("/metrics").text.splitlines()
    samples = (line.rsplit(" ", 1) for line in lines if line[0] != "#")
    return {name: float(value) for name, value in samples}


def faults(client, fault):
    name = f'kbserver_handler_faults_total{{fault="{fault}"}}'
    return counters(client).get(name, 0.0)


@pytest.fixture(scope="module")
def served(store):
    with misbehaving(store) as served:
        yield served


@pytest.fixture
def client(served):
    client, process, _ = served
    yield client
    assert process.poll() is None
    assert ask(client, "plain") == "from a plain one"
    assert ask(client, "async") == "from an async one"
    assert "seconds" in ask(client, "support")


@pytest.mark.parametrize("kind", KINDS)
def test_an_exception_of_any_kind_leaves_the_fallback(client, kind):
    before = faults(client, "raised")
    for error in ENDS:
        assert ask(client, f"{kind}-raise-{error.__name__}") == FALLBACK
    assert faults(client, "raised") == before + len(ENDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_value_leaves_the_fallback(client, kind):
    wrong = faults(client, "bad_answer") + faults(client, "raised")
    for what in BAD:
        assert ask(client, f"{kind}-give-{what}") == FALLBACK, what
    assert faults(client, "bad_answer") + faults(client, "raised") == wrong + len(BAD)


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_of_any_size_is_cut_to_one_that_can_be_said(client, kind):
    for what in GOOD:
        context = ask(client, f"{kind}-give-{what}")
        assert "It is" in context or "light is red" in context, what
        assert len(context.encode()) <= 6000


def test_what_fails_again_and_again_is_logged_once(served):
    client, _, lines = served
    for _ in range(20):
        ask(client, "plain-give-number")
    wait_until(lambda: any("gave int" in line for line in list(lines)))
    said = [line for line in list(lines) if "gave int" in line]
    assert len(said) <= 2  # of the plain and of the async handler


@pytest.mark.parametrize("label", ["swallow", "hang"])
def test_calls_that_never_end_make_their_handler_busy_and_no_other(client, label):
    before = {fault: faults(client, fault) for fault in ("late", "left", "busy")}
    with ThreadPoolExecutor(16) as callers:
        said = callers.map(lambda _: ask(client, label), range(MOST_CALLS_LEFT))
        assert set(said) == {FALLBACK}
    while faults(client, "left") - before["left"] < MOST_CALLS_LEFT:
        assert ask(client, label) == FALLBACK  # for one that came too late to begin
    assert {ask(client, label) for _ in range(5)} == {FALLBACK}
    after = {fault: faults(client, fault) for fault in before}
    assert after["left"] - before["left"] == MOST_CALLS_LEFT
    assert after["late"] - before["late"] >= MOST_CALLS_LEFT
    assert after["busy"] - before["busy"] == 5
    busy = [
        value
        for name, value in counters(client).items()
        if name.startswith("kbserver_turns_empty_total") and "handler_busy" in name
    ]
    assert sum(busy) >= 5


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_calls_that_never_end_do_not_hold_up_the_end(store, signum):
    with misbehaving(store) as (client, process, lines):
        for label in ("swallow", "hang", "hang-in-loops-thread"):
            assert ask(client, label) == FALLBACK
        assert ask(client, "plain") == "from a plain one"
        process.send_signal(signum)
        assert process.wait(LIMIT_S / 2) == 0
    assert "Traceback" not in "".join(lines)
