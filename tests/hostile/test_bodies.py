"""Bodies that never come, come slowly, are of another length, or hold what is no body."""

import contextlib
import json
import re
import ssl
import time

import pytest

from kbserver.bodies import Bodies
from kbserver.endpoint.app import KBServer
from kbserver.omni.simulator.server import Simulator
from kbserver.settings import read_settings
from tests.authority import Authority
from tests.hostile.conftest import (
    TOKEN,
    TURN,
    connect,
    received,
    serving,
    status,
    turn,
)

PLACES = 40
"""Bodies that this server waits for at once."""

CLOSE = b"Connection: close"
BEARER = b"Authorization: Bearer " + TOKEN.encode()


@pytest.fixture(scope="module", params=["plain", "tls"])
def wire(request, store, tmp_path_factory):
    """Opens connections to a server: `with wire() as client`."""
    settings = read_settings(
        store=store, deadline_ms=10_000, follow_up=False, tokens=[{"value": TOKEN}]
    )
    server = KBServer(settings)
    server._bodies["omni"] = Bodies(settings.max_body_bytes, at_once=PLACES)
    trust, options = None, {}
    if request.param == "tls":
        authority = Authority(tmp_path_factory.mktemp("authority"))
        trust, options = authority.trust, authority.issue(30)
    with serving(server, **options) as (port, _):
        yield lambda: connect(port, trust=trust)


def head(*lines: bytes) -> bytes:
    """The head of a turn with a good token, and further lines."""
    return b"\r\n".join([b"POST /kb HTTP/1.1", b"Host: x", BEARER, *lines, b"", b""])


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """A turn in chunks, each with its line of length."""
    begin = head(b"Transfer-Encoding: chunked", CLOSE)
    return begin + b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in chunks) + end


def statuses(answer: bytes) -> list[int]:
    """Of all answers of a connection, in their order."""
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d+) ", answer)]


def error_of(answer: bytes) -> str:
    """The code of the first answer's envelope."""
    body = answer.split(b"\r\n\r\n", 1)[1]
    return json.JSONDecoder().raw_decode(body.decode())[0]["error"]["code"]


def answers(wire) -> bool:
    """Whether a turn is answered with a passage."""
    with wire() as client:
        client.sendall(turn(TURN, CLOSE))
        return b"Hold the button" in received(client)


def send(wire, *parts: bytes) -> bytes:
    """What is answered to some bytes until the server closes the connection."""
    with wire() as client:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            for part in parts:
                client.sendall(part)
        return received(client)


# Never whole


def test_twice_as_many_stalled_bodies_as_places_keep_no_turn_waiting(wire):
    with contextlib.ExitStack() as stack:
        for _ in range(2 * PLACES):
            newest = stack.enter_context(wire())
            newest.sendall(head(b"Content-Length: 500") + b"{")
        for _ in range(3):
            assert answers(wire)
        newest.setblocking(False)
        with pytest.raises((BlockingIOError, ssl.SSLWantReadError)):
            newest.recv(1)  # it is still waited for, and took nothing from the turns


def test_a_body_that_stays_out_is_given_up(wire):
    begun = (
        head(b"Content-Length: 500"),
        head(b"Content-Length: 500") + TURN,
        head(b"Content-Length: 500", b"Expect: 100-continue"),
        head(b"Transfer-Encoding: chunked"),
        head(b"Transfer-Encoding: chunked") + b"5\r\nab",
        head(b"Transfer-Encoding: chunked") + b"1f4;a=b\r\n" + TURN,
    )
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(wire()) for _ in begun]
        for client, sent in zip(clients, begun, strict=True):
            client.sendall(sent)
        for client in clients:
            answer = received(client).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
            assert status(answer) == 400 and error_of(answer) == "body_timeout"


def test_a_body_that_trickles_is_given_up_before_it_is_whole(wire):
    sent = 0
    with wire() as client:
        client.sendall(head(b"Content-Length: 500"))
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            for _ in range(500):
                client.sendall(b" ")
                sent += 1
                time.sleep(0.02)
        answer = received(client)
    assert sent < 500
    assert answer == b"" or error_of(answer) == "body_timeout"


@pytest.mark.parametrize(
    "piece",
    [b"1;" + b"a" * 10_000 + b"\r\nx\r\n", b"1;" + b"a=b;" * 20, b"a" * 10_000],
    ids=["an extension for each byte", "one extension", "one trailer"],
)
def test_framing_without_end_is_refused_soon(wire, piece):
    begin = head(b"Transfer-Encoding: chunked")
    if piece.startswith(b"aa"):
        begin += b"0\r\nX-Long: "
    sent = 0
    with wire() as client, contextlib.suppress(ConnectionError, ssl.SSLError):
        client.sendall(begin)
        while sent < 50_000_000:
            client.sendall(piece)
            sent += len(piece)
    assert sent < 20_000_000
    assert answers(wire)


# Of another form


def test_chunks_with_extensions_and_trailers_are_a_body_like_any_other(wire):
    middle = len(TURN) // 2
    parts = b"%x;a=b;c\r\n%s\r\n%x\r\n%s\r\n" % (
        middle,
        TURN[:middle],
        len(TURN) - middle,
        TURN[middle:],
    )
    sent = head(b"Transfer-Encoding: chunked", CLOSE) + parts
    answer = send(wire, sent + b"0\r\nX-Checksum: 1\r\nAuthorization: Bearer x\r\n\r\n")
    assert statuses(answer) == [200] and b"Hold the button" in answer


def test_single_bytes_are_a_body_too(wire):
    pieces = [TURN[at : at + 1] for at in range(len(TURN))]
    with wire() as client:
        client.sendall(head(b"Content-Length: %d" % len(TURN), CLOSE))
        for piece in pieces:
            client.sendall(piece)
        assert b"Hold the button" in received(client)
    assert b"Hold the button" in send(wire, chunked(*pieces))


@pytest.mark.parametrize(
    "sent",
    [
        head(b"Content-Length: 65537"),
        head(b"Content-Length: " + b"9" * 18),
        chunked(*[b" " * 1_000] * 66),
        chunked(b" " * 65_537),
    ],
    ids=["announced", "absurd", "in chunks", "in one chunk"],
)
def test_a_body_over_the_limit_is_refused(wire, sent):
    answer = send(wire, sent)
    assert status(answer) == 413 and error_of(answer) == "body_too_large"


@pytest.mark.parametrize(
    "lines",
    [
        (b"Content-Length: 5", b"Content-Length: 6"),
        (b"Content-Length: 5", b"Transfer-Encoding: chunked"),
        (b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"),
        (b"Transfer-Encoding: xchunked",),
        (b"Content-Length: -5",),
        (b"Content-Length: +5",),
        (b"Content-Length: 0x5",),
        (b"Content-Length: 5, 5",),
        (b"Content-Length: " + b"9" * 400,),
        (b"Content-Length : 5",),
    ],
    ids=lambda lines: b" | ".join(lines)[:40].decode(),
)
def test_two_ways_to_read_one_length_are_none(wire, lines):
    """Where a proxy in front reads it the other way, a body could hold a request of its own."""
    answer = send(wire, head(*lines) + b"5\r\nhello\r\n0\r\n\r\n" + turn(TURN, CLOSE))
    assert statuses(answer) == [400]
    assert b"Hold the button" not in answer


def test_a_body_longer_than_announced_is_no_turn_and_ends_the_connection(wire):
    sent = head(b"Content-Length: %d" % (len(TURN) - 3)) + TURN
    answer = send(wire, sent, turn(TURN, CLOSE))
    assert statuses(answer)[0] == 400 and 200 not in statuses(answer)


def test_what_follows_a_request_that_is_refused_is_answered_in_its_turn(wire):
    asked = turn(b'{"session_label": "support", "query": "of the body"}', CLOSE)
    refused = (
        turn(asked, token="wrong"),
        turn(b"{", b"X-Broken: 1"),
        b"POST /nowhere HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(asked), asked),
        b"GET /healthz HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(asked), asked),
    )
    answer = send(wire, b"".join(refused) + turn(TURN, CLOSE))
    assert statuses(answer) == [401, 400, 404, 200, 200]
    assert b"of the body" not in answer and b"Hold the button" in answer


def test_nothing_that_follows_a_body_over_the_limit_is_taken_for_a_request(wire):
    smuggled = turn(b'{"session_label": "support", "query": "smuggled"}', CLOSE)
    answer = send(wire, head(b"Content-Length: 70000"), smuggled)
    assert statuses(answer) == [413] and b"smuggled" not in answer


# The simulator speaks through the same


def test_the_simulator_is_bounded_alike():
    with serving(Simulator(), lifespan="off") as (port, _):
        begin = (
            b"POST /v1/omni/sessions HTTP/1.1\r\nHost: localhost\r\nx-api-key: a\r\n"
        )
        for sent, code in (
            (begin + b"X-Padding: a\r\n" * 200 + b"\r\n", "head_too_large"),
            (begin + b"Content-Length: 65537\r\n\r\n", "body_too_large"),
            (begin + b"Content-Length: 10\r\n\r\n{", "body_timeout"),
        ):
            with connect(port) as client:
                client.sendall(sent)
                assert error_of(received(client)) == code
        with connect(port) as client:
            client.sendall(begin)
            assert received(client) == b""
