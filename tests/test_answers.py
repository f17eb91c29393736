"""Answers of other machines, against servers that send raw bytes."""

import asyncio
import contextlib
import gzip
import json
import socket
import threading
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.answers import (
    MAX_JSON_DEPTH,
    MAX_JSON_DIGITS,
    AnswerLate,
    AnswerLimits,
    AnswerTooLarge,
    Client,
    NoAnswer,
    read_json,
)
from tests.raw_server import CLOSE, endless, raw_server, whole

SMALL = AnswerLimits(seconds=5.0, body_bytes=1_000, head_bytes=4_000)
OK = b"HTTP/1.1 200 OK\r\n"


def ask(*parts, limits=SMALL, pause_s=0.0, **options):
    """What a client makes of the answer: of bytes, and of iterators of bytes."""

    def answering(head):
        for part in parts:
            yield from [part] if isinstance(part, bytes) else part
        yield CLOSE

    async def asked(url):
        async with Client(limits) as client:
            return await client.ask("GET", url, **options)

    with raw_server(answering, pause_s=pause_s) as port:
        return asyncio.run(asked(f"http://127.0.0.1:{port}/"))


def test_an_answer_is_its_status_headers_and_body():
    answer = ask(b"HTTP/1.1 404 Not Found\r\nx-a: 1\r\ncontent-length: 2\r\n\r\nno")
    assert (answer.status, answer.content, answer.headers["x-a"]) == (404, b"no", "1")


def test_what_was_packed_is_unpacked():
    packed = gzip.compress(b"hello")
    assert ask(whole(packed, b"content-encoding: gzip")).content == b"hello"


def test_a_body_up_to_the_limit_is_read_and_one_more_byte_is_not():
    assert len(ask(whole(b"x" * 1_000)).content) == 1_000
    with pytest.raises(AnswerTooLarge, match="over 1,000 bytes"):
        ask(whole(b"x" * 1_001))


def test_a_smaller_limit_holds_for_one_answer_and_may_cut_it():
    with pytest.raises(AnswerTooLarge, match="over 10 bytes"):
        ask(whole(b"x" * 11), body_bytes=10)
    cut = ask(whole(b"x" * 11), body_bytes=10, cut=True)
    assert cut.content == b"x" * 10


def test_what_unpacks_to_more_than_the_limit_is_left():
    bomb = zlib.compress(b"x" * 100_000)
    with pytest.raises(AnswerTooLarge, match="over 1,000 bytes"):
        ask(whole(bomb, b"content-encoding: deflate"))


def test_what_is_packed_twice_is_refused():
    with pytest.raises(NoAnswer, match="packed more than once"):
        ask(whole(b"x", b"content-encoding: gzip, gzip"))


@pytest.mark.parametrize(
    "flood",
    [
        b"HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n",
        OK + b"transfer-encoding: chunked\r\n\r\n",
    ],
)
def test_a_flood_that_is_no_body_ends_at_the_limit_of_the_wire(flood):
    chunks = endless(b"1;" + b"x" * 100 + b"\r\ny\r\n")
    if b"103" in flood:
        chunks = endless(flood)
    with pytest.raises(AnswerTooLarge):
        ask(flood, chunks)


def test_a_head_without_end_is_refused():
    with pytest.raises(NoAnswer):
        ask(OK, endless(b"x-a: 1\r\n"))


@pytest.mark.parametrize(
    "parts",
    [
        (endless(b"H"),),
        (OK, endless(b"x")),
        (OK + b"content-length: 500\r\n\r\n", endless(b"x")),
        (endless(b"HTTP/1.1 100 Continue\r\n\r\n"),),
    ],
    ids=["status line", "head", "body", "informational"],
)
def test_the_time_is_for_all_of_the_answer_and_not_for_each_byte(parts):
    quick = AnswerLimits(seconds=0.3, body_bytes=1_000)
    with pytest.raises(AnswerLate, match=r"not done within 0\.3 s"):
        ask(*parts, limits=quick, pause_s=0.02)


def test_a_handshake_that_does_not_end_leaves_no_socket_open():
    async def asked(port):
        quick = AnswerLimits(seconds=0.2, body_bytes=10)
        async with Client(quick) as client:
            with pytest.raises(AnswerLate):
                await client.ask("GET", f"https://127.0.0.1:{port}/")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        asyncio.run(asked(listener.getsockname()[1]))
        connection, _ = listener.accept()
        connection.settimeout(60)
        with connection:
            while connection.recv(65536):  # b"" when the client has closed it
                pass


@pytest.mark.parametrize(
    "url",
    ["", "ftp://127.0.0.1/", "http://", "http://a b/", "http://xn--\x80.example/"],
)
def test_what_is_no_url_is_no_answer(url):
    async def asked():
        async with Client(SMALL) as client:
            await client.ask("GET", url)

    with pytest.raises(NoAnswer):
        asyncio.run(asked())


def test_a_header_that_cannot_be_sent_is_no_answer():
    with pytest.raises(NoAnswer):
        ask(whole(b""), headers={"if-none-match": '"é"'})


def test_the_connection_goes_to_the_address_that_was_chosen():
    chosen = []

    def address_for(host, port):
        chosen.append((host, port))
        return "127.0.0.1"

    async def asked(port):
        async with Client(SMALL, address_for=address_for) as client:
            return await client.ask("GET", f"http://kb.example.com:{port}/")

    with raw_server(lambda head: [whole(head)]) as port:
        answer = asyncio.run(asked(port))
    assert f"host: kb.example.com:{port}".encode() in answer.content.lower()
    assert chosen == [("kb.example.com", port)]


def test_connections_are_kept_unless_told_otherwise():
    async def asked(port, keep_alive):
        async with Client(SMALL, keep_alive=keep_alive) as client:
            for _ in range(
                10
            ):  # together over the limit of the wire, which is for each
                await client.ask("GET", f"http://127.0.0.1:{port}/")

    def connections(keep_alive):
        seen = []

        def answering(head):
            seen.append(threading.current_thread())  # one for each connection
            yield whole(b"x" * 1_000)

        with raw_server(answering) as port:
            asyncio.run(asked(port, keep_alive))
        return len(set(seen))

    assert connections(True) == 1
    assert connections(False) == 10


def test_a_client_that_was_closed_and_a_port_that_is_closed_are_no_answer():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    async def asked(close_first):
        client = Client(SMALL)
        if close_first:
            await client.aclose()
        async with client:
            await client.ask("GET", f"http://127.0.0.1:{port}/")

    with pytest.raises(NoAnswer, match="closed"):
        asyncio.run(asked(True))
    with pytest.raises(NoAnswer) as caught:
        asyncio.run(asked(False))
    assert caught.value.__cause__ is not None


def nested(depth):
    return b"[" * depth + b"]" * depth


def test_json_is_read_up_to_its_depth_and_no_deeper():
    assert read_json(nested(MAX_JSON_DEPTH)) is not None
    for depth in (MAX_JSON_DEPTH + 1, 100_000):
        with pytest.raises(ValueError, match="nested too deeply"):
            read_json(nested(depth))


@pytest.mark.parametrize(
    "number", ["1" * (MAX_JSON_DIGITS + 1), "0." + "1" * MAX_JSON_DIGITS, "1e999"]
)
def test_a_number_with_too_many_digits_or_beyond_a_float_is_no_json(number):
    with pytest.raises(ValueError):
        read_json(f'{{"score": {number}}}'.encode())


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_what_python_alone_calls_a_number_is_no_json(word):
    with pytest.raises(ValueError, match="not finite"):
        read_json(word.encode())


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**64) | st.text()
        | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)  # fmt: skip
def test_any_other_json_reads_as_it_was_written(value):
    assert read_json(json.dumps(value).encode()) == value


@given(st.binary(max_size=100))
def test_any_bytes_are_a_value_or_a_value_error(content):
    with contextlib.suppress(ValueError):
        read_json(content)
