"""Requests that never become whole: heads, trailers, upgrades and bodies without end."""

import contextlib
import json
import socket
import time

import httpx2
import pytest

from tests.hostile.conftest import TOKEN, TURN, connect, received, status, turn

CLOSE = b"Connection: close"


def answers(port: int) -> bool:
    """Whether a turn is answered with a passage."""
    with connect(port) as client:
        client.sendall(turn(TURN, CLOSE))
        answer = received(client)
    return status(answer) == 200 and bool(
        json.loads(answer.split(b"\r\n\r\n", 1)[1])["results"]
    )


def flood(client: socket.socket, piece: bytes, total: int) -> int:
    """Send a piece again and again until the server closes the connection; bytes sent."""
    sent = 0
    with contextlib.suppress(ConnectionError, TimeoutError):
        while sent < total:
            client.sendall(piece)
            sent += len(piece)
    return sent


def reply(client: socket.socket, request: bytes) -> int:
    """Ask over a connection that stays open; the status of the answer."""
    client.sendall(request)
    return status(one_answer(client))


def one_answer(client: socket.socket) -> bytes:
    """The next answer of a connection that stays open."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        part = client.recv(65536)
        assert part, "closed without an answer"
        answer += part
    head, body = answer.split(b"\r\n\r\n", 1)
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += client.recv(65536)
    return head + b"\r\n\r\n" + body


MANY_LINES = (
    b"X-Padding: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 200
)
ONE_LINE = b"a" * 10_000


@pytest.mark.parametrize(
    "begin, piece",
    [
        (b"GET /healthz HTTP/1.1\r\n", MANY_LINES),
        (b"GET /healthz HTTP/1.1\r\nX-Long: ", ONE_LINE),
        (b"GET /", ONE_LINE),
        (b"POST /kb HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", MANY_LINES),
        (
            b"POST /kb HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Long: ",
            ONE_LINE,
        ),
    ],
    ids=["lines", "one line", "url", "trailers", "one trailer"],
)
def test_a_head_without_end_is_refused_soon(port, begin, piece):
    with connect(port) as client:
        client.sendall(begin)
        assert flood(client, piece, 100_000_000) < 20_000_000
    assert answers(port)


def test_a_head_of_too_many_lines_is_answered_431_in_our_envelope(port):
    lines = b"".join(b"X-%d: 1\r\n" % n for n in range(120))
    with connect(port) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\n" + lines + b"\r\n")
        answer = received(client)
    assert status(answer) == 431
    error = json.loads(answer.split(b"\r\n\r\n", 1)[1])["error"]
    assert error["code"] == "head_too_large" and "100 lines" in error["message"]


def test_a_head_of_a_hundred_lines_and_a_long_url_is_answered(port):
    lines = b"".join(b"X-%d: %s\r\n" % (n, b"v" * 300) for n in range(98))
    with connect(port) as client:
        request = b"GET /healthz?%s HTTP/1.1\r\nHost: x\r\n" % (b"q" * 8000)
        client.sendall(request + lines + CLOSE + b"\r\n\r\n")
        assert status(received(client)) == 200


@pytest.mark.parametrize(
    "begin",
    [
        b"",
        b"\r\n",
        b"POS",
        b"POST /kb HTTP/1.1\r\nHost: x\r\nAuthor",
        turn() + b"POST /kb HTTP/1.1\r\n",
        b"POST /kb HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n",
        turn(token="wrong")[:-10],
        b"GET /healthz HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc",
        b"POST /kb HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 9\r\n\r\n",
        b"POST /kb HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Content-Length: 9\r\n\r\n",
        b"POST /nowhere HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ],
)
def test_a_connection_in_an_unfinished_state_is_closed(port, begin):
    with connect(port, timeout_s=60.0) as client:
        client.sendall(begin)
        received(client)  # raises TimeoutError unless the server closes


def test_a_head_sent_byte_by_byte_is_not_waited_for(port):
    sent = 0
    with connect(port) as client, contextlib.suppress(ConnectionError):
        for byte in turn():
            client.sendall(bytes([byte]))
            sent += 1
            time.sleep(0.02)
    assert sent < len(turn())


def test_unfinished_connections_shut_nobody_out(port):
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            client = stack.enter_context(connect(port))
            client.sendall(b"POST /kb HTTP/1.1\r\n")
        assert answers(port)


def test_idle_connections_of_strangers_are_bounded_and_those_of_callers_kept(port):
    """QuickHttp keeps 50 of them, and a server's keep-alive ends after half a minute."""
    asked = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with contextlib.ExitStack() as stack:
        caller = stack.enter_context(connect(port))
        assert reply(caller, turn(TURN)) == 200
        strangers = []
        for _ in range(60):
            stranger = stack.enter_context(connect(port))
            assert reply(stranger, asked) == 200
            strangers.append(stranger)
        received(strangers[0])  # raises TimeoutError unless the server closes
        assert reply(strangers[-1], asked) == 200
        assert reply(caller, turn(TURN)) == 200


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket"])
def test_a_turn_that_asks_for_another_protocol_is_answered_over_this_one(
    port, protocol
):
    more = (
        b"Connection: Upgrade, HTTP2-Settings",
        b"Upgrade: " + protocol,
        b"HTTP2-Settings: AAMA",
    )
    with connect(port) as client:
        for _ in range(3):
            request = turn(TURN, *more)
            client.sendall(request[:150])
            time.sleep(0.05)
            client.sendall(request[150:])
            answer = one_answer(client)
            assert status(answer) == 200
            assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["results"]


def test_requests_sent_all_at_once_are_answered_in_their_order(port):
    queries = [
        b'{"session_label": "support", "query": "question %d"}' % n for n in range(20)
    ]
    with connect(port) as client:
        client.sendall(b"".join(map(turn, queries)) + turn(TURN, CLOSE))
        answer = received(client)
    assert answer.count(b"HTTP/1.1 200") == 21
    places = [answer.index(b'"query":"question %d"' % n) for n in range(20)]
    assert places == sorted(places)


def test_a_connection_that_was_answered_is_kept(port):
    with httpx2.Client(headers={"authorization": f"Bearer {TOKEN}"}) as client:
        url = f"http://127.0.0.1:{port}/kb"
        assert client.post(url, content=TURN).status_code == 200
        time.sleep(1.5)  # longer than a head may take
        assert client.post(url, content=TURN).status_code == 200
        assert client.post(url, content=TURN).extensions["network_stream"] is not None
