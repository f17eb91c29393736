"""A PyAI that misbehaves: the page gets 502 and no more, the server stays well."""

import asyncio
import json
import time
from functools import partial

import pytest

from kbserver.answers import AnswerLimits
from kbserver.endpoint.tokens.browser_sessions import BrowserSessions
from kbserver.errors import UpstreamFailed
from kbserver.settings import read_settings
from tests.raw_server import CLOSE, endless, raw_server, whole

API_KEY = "pyai_live_never_shown"
ORIGIN = "https://www.example.com"
QUICK = AnswerLimits(seconds=0.4, body_bytes=4_000, head_bytes=8_000)
URL = "wss://api.example.com/v1/omni?rate=24000"
OK = b"HTTP/1.1 200 OK\r\n"


def answer(**fields):
    """PyAI's answer with these fields in place of good ones."""
    good = {"token": "eph_1", "url": URL, "expires_at": 1_790_000_000_000}
    return whole(json.dumps(good | fields).encode())


def slowly(piece):
    while True:
        yield piece
        time.sleep(0.02)


def new_session(*parts):
    """What one page gets while PyAI answers with these parts."""

    def answering(head):
        for part in parts:
            yield from [part] if isinstance(part, bytes) else part()

    async def session(port):
        table = {
            "allowed_origins": [ORIGIN],
            "kb_endpoint": "https://kb.example.com/kb",
            "base": f"http://127.0.0.1:{port}",
        }
        settings = read_settings(session=table).session
        sessions = BrowserSessions(
            settings, api_key=API_KEY, token_for=lambda label: "kbt", limits=QUICK
        )
        async with sessions:
            return await sessions.new(ORIGIN)

    with raw_server(answering) as port:
        return asyncio.run(session(port))


def test_a_good_answer_is_a_session():
    session = new_session(answer())
    assert session["url"] == f"{URL}&session_label={session['session_label']}"


BAD = {
    "endless body": [OK + b"\r\n", partial(endless, b"x" * 999)],
    "endless chunks": [
        OK + b"transfer-encoding: chunked\r\n\r\n",
        partial(endless, b"1\r\nx\r\n"),
    ],
    "endless head": [OK, partial(endless, b"x-a: b\r\n")],
    "informational": [partial(endless, b"HTTP/1.1 103 Early Hints\r\n\r\n")],
    "head by byte": [partial(slowly, b"H")],
    "body by byte": [OK + b"content-length: 3000\r\n\r\n", partial(slowly, b" ")],
    "packed twice": [whole(b"x", b"content-encoding: gzip, gzip")],
    "cut short": [OK + b"content-length: 99\r\n\r\n{", CLOSE],
    "not HTTP": [API_KEY.encode() + b"\r\n\r\n", CLOSE],
    "hangs up": [CLOSE],
    "nested": [whole(b"[" * 3_000)],
    "many digits": [whole(b'{"expires_at": ' + b"9" * 3_900 + b"}")],
    "a time beyond JSON's numbers": [answer(expires_at=2**60)],
    "a fragment": [answer(url=URL + "#fragment")],
    "an empty fragment": [answer(url=URL + "#")],
    "another label": [answer(url=URL + "&session_label=other")],
    "an empty label": [answer(url=URL + "&session_label=")],
    "two labels": [answer(url=URL + "&session_label=a&session_label=b")],
    "a password": [answer(url="wss://user:word@api.example.com/")],
    "a line in the URL": [answer(url="wss://api.example.com/\r\nx")],
    "plain": [answer(url="ws://api.example.com/")],
    "a token of two lines": [answer(token="eph\r\nx: y")],
    "half a character": [whole(b'{"token": "\\ud800"}')],
}


@pytest.mark.parametrize("parts", BAD.values(), ids=BAD)
def test_any_other_answer_is_an_upstream_failure_and_no_log_has_the_key(parts, caplog):
    with pytest.raises(UpstreamFailed) as caught:
        new_session(*parts)
    assert str(caught.value) == (
        "no session could be had from PyAI; try again in a while"
    )
    assert len(caplog.records) == 1
    assert API_KEY not in caplog.text
