"""The client file against a server of the test's own: living, slow, wrong, gone."""

import asyncio
import importlib.util
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

FILE = Path(__file__).parents[2] / "clients" / "kb_client.py"


@pytest.fixture(scope="module")
def kb_client():
    spec = importlib.util.spec_from_file_location("kb_client", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["kb_client"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["kb_client"]


class Server(ThreadingHTTPServer):
    daemon_threads = True
    hangs_up = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked, self.peers = [], set()
        self.may_answer = threading.Event()
        self.may_answer.set()
        result = {"id": "1", "content": "facts", "score": 1}
        said = {"context": "- facts", "results": [result]}
        self.answer = 200, json.dumps(said).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.append(
            (
                json.loads(body),
                {name.lower(): text for name, text in self.headers.items()},
            )
        )
        self.server.peers.add(self.client_address)
        status, answer = self.server.answer
        self.server.may_answer.wait(10)
        self.send_response(status)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        self.close_connection = self.server.hangs_up

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = Server()
    threading.Thread(target=lambda: server.serve_forever(0.02), daemon=True).start()
    yield server
    server.may_answer.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def base(kb_client):
    """Make a knowledge base; its connections are closed at the end."""
    made = []

    def make(*args, **more):
        made.append(kb_client.KnowledgeBase(*args, **more))
        return made[-1]

    yield make
    for kb in made:
        kb.close()


def url(server):
    return f"http://127.0.0.1:{server.server_address[1]}/kb"


@pytest.mark.parametrize("waits", ["thread", "loop"])
def test_a_question_carries_label_token_session_and_a_limit(base, server, waits):
    kb = base(url(server), "token", "support", timeout_s=10.0)
    for _ in range(3):
        if waits == "thread":
            answer = kb.ask("when", "room")
        else:
            answer = asyncio.run(kb.ask_async("when", "room"))
        assert (answer.context, answer.results[0]["id"]) == ("- facts", "1")
    body, headers = server.asked[0]
    assert body == {"session_label": "support", "query": "when"}
    assert headers["authorization"] == "Bearer token"
    assert headers["x-kbserver-session"] == "room"
    assert 0 < int(headers["x-request-timeout-ms"]) <= 7_500
    assert len(server.peers) == 1  # one connection, kept alive


def test_a_connection_that_was_closed_meanwhile_costs_no_answer(base, server):
    server.hangs_up = True
    kb = base(url(server), timeout_s=10.0)
    assert [kb.ask("when").context for _ in range(3)] == ["- facts"] * 3


@pytest.mark.parametrize(
    "answer",
    [(500, b"{}"), (302, b""), (200, b"{"), (200, b"[]"), (200, b'{"context": 7}')],
)
def test_another_answer_is_none_and_said_once(kb_client, base, server, answer, caplog):
    server.answer = answer
    kb = base(url(server), timeout_s=10.0)
    for _ in range(2):
        assert kb.ask("secret words") == kb_client.NOTHING
    assert len(caplog.records) == 1
    assert "secret words" not in caplog.text


def test_a_slow_server_costs_no_more_than_the_limit_and_a_dead_one_nothing(
    kb_client, base, server
):
    server.may_answer.clear()
    slow = base(url(server), timeout_s=0.05)
    began = time.monotonic()
    assert slow.ask("when") == kb_client.NOTHING
    assert asyncio.run(slow.ask_async("when")) == kb_client.NOTHING
    assert time.monotonic() - began < 10.0  # the server would never have answered
    dead = base("http://127.0.0.1:9/kb")
    assert dead.ask("when") == kb_client.NOTHING


def test_what_is_no_address_is_none_as_well(kb_client, base):
    for wrong in ("nonsense", "http://", "http://[", "ftp://x/kb"):
        assert base(wrong).ask("when") == kb_client.NOTHING


def test_no_two_sessions_become_one(base, server):
    kb = base(url(server), timeout_s=10.0)
    sessions = ["ключ", "звон", " ", "a" * 300, "a" * 299, "call-1:b/c"]
    for session in sessions:
        assert kb.ask("when", session).context
    seen = [headers["x-kbserver-session"] for _, headers in server.asked]
    assert len(set(seen)) == len(sessions)
    assert all(0 < len(name) <= 256 and name.isascii() for name in seen)
    assert seen[-1] == "call-1:b/c"


def test_a_thread_that_cannot_be_started_costs_no_place(
    kb_client, base, server, monkeypatch
):
    kb = base(url(server), timeout_s=10.0)
    with monkeypatch.context() as patch:

        def start(thread):
            raise RuntimeError("can't start new thread")

        patch.setattr(threading.Thread, "start", start)
        for _ in range(kb_client.MOST_AT_ONCE + 1):
            assert kb.ask("when") == kb_client.NOTHING
    assert kb.ask("when").context == "- facts"
