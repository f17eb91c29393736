"""Requests that no client sends, made from ones that clients do send.

`HOSTILE_FUZZ=100000` runs more of them.
"""

import json
import os
import random
import re
from codecs import BOM_UTF8

import pytest

from tests.hostile.conftest import TOKEN, connect

ROUNDS = int(os.environ.get("HOSTILE_FUZZ", "600"))
ONE_RUN = 300  # requests under one seed, so that a failure is found again soon

CODE = re.compile(r"^[a-z0-9_]+$")
TEXTS = [
    "how do i reset the router",
    "",
    " " * 500,
    "a" * 70_000,
    "\x00\x01\x7f",
    "\ud800",
    "७८६ راوٹر",
    "1" * 400,
    "uh " * 300,
    "((((" * 200,
    "$" * 1000,
    "https://" * 300,
]
VALUES = [
    None,
    True,
    0,
    -1,
    1e308,
    10**400,
    [],
    {},
    [[[[]]]],
    {"query": {}},
    "support",
    "x" * 300,
]
HEADERS = [
    (
        "Content-Type",
        ["application/json", "text/plain", "", "application/json; charset=utf-16"],
    ),
    ("x-pyai-session-label", ["support", "", "x" * 300, "a\tb", "é"]),
    ("x-pyai-agent", ["hotels", "*", "../.."]),
    ("x-request-timeout-ms", ["0", "-1", "nan", "1e9", "9" * 5000, "²", "１００"]),
    ("x-kbserver-debug", ["1", "true"]),
    ("Expect", ["100-continue", "200-maybe"]),
    ("Content-Encoding", ["gzip", "identity", ""]),
    ("Transfer-Encoding", ["chunked", "gzip", "identity"]),
    ("Content-Length", ["0", "5", "9" * 5000, "-1", "+5", "5, 5"]),
    ("Connection", ["close", "keep-alive", "upgrade"]),
    ("Upgrade", ["h2c", "websocket"]),
    ("Host", ["", "evil.example", "x" * 5000]),
    (
        "Authorization",
        ["Bearer", "Bearer  ", "Basic eDp5", "Bearer " + "x" * 9000, "Bearer \xff"],
    ),
]


def body(chance: random.Random) -> bytes:
    """A body near the contract: right, with other values, or damaged."""
    value: object = {"session_label": "support", "query": chance.choice(TEXTS)}
    for key in ("session_label", "query", "agent_id", "extra"):
        if chance.random() < 0.25:
            value[key] = chance.choice(VALUES + TEXTS)
    if chance.random() < 0.1:
        value = chance.choice(VALUES)
    raw = bytearray(json.dumps(value).encode("utf-8", "surrogatepass"))
    for _ in range(chance.choice([0, 0, 0, 1, 3])):
        place = chance.randrange(len(raw) + 1)
        raw[place : place + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
    if chance.random() < 0.05:
        raw = bytearray(b"[" * 5000)
    if chance.random() < 0.05:
        raw = bytearray(BOM_UTF8) + raw
    return bytes(raw)


def request(chance: random.Random) -> bytes:
    """One request as bytes; the connection closes after it."""
    method = chance.choice(["POST"] * 8 + ["GET", "PUT", "OPTIONS", "HEAD", "POST\t"])
    path = chance.choice(
        ["/kb"] * 8
        + [
            "/kb/",
            "/kb//",
            "/KB",
            "//kb",
            "/%6bb",
            "/kb?x=%00",
            "/metrics",
            "/session",
            "*",
        ]
    )
    payload = body(chance)
    headers = {
        "Host": "localhost",
        "Authorization": f"Bearer {TOKEN}",
        "Content-Length": str(len(payload)),
        "Connection": "close",
    }
    for name, choices in HEADERS:
        if chance.random() < 0.12:
            headers[name] = chance.choice(choices)
    lines = [
        f"{method} {path} HTTP/1.1",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    if chance.random() < 0.1:
        lines.insert(
            chance.randrange(1, len(lines)),
            chance.choice([":", "a b: c", " folded", "x"]),
        )
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "replace") + payload


def answer_to(port: int, sent: bytes) -> bytes:
    """What the server says until it closes the connection; it may close before it has read all."""
    parts = []
    with connect(port, timeout_s=60) as client:
        try:
            client.sendall(sent)
            client.shutdown(1)
        except OSError:
            pass
        try:
            while part := client.recv(65536):
                parts.append(part)
        except ConnectionError:
            pass
    return b"".join(parts)


@pytest.mark.parametrize("seed", range(-(-ROUNDS // ONE_RUN)))
def test_every_request_has_an_answer_of_ours_or_none(port, seed):
    chance = random.Random(seed)
    for number in range(ONE_RUN):
        sent = request(chance)
        answer = answer_to(port, sent)
        place = f"seed {seed}, request {number}: {sent[:300]!r} -> {answer[:300]!r}"
        for status in re.findall(rb"^HTTP/1\.1 (\d+)", answer):
            assert int(status) < 500, place
        assert b"Traceback" not in answer and b'File "' not in answer, place
        assert (
            b"Adelaide" not in answer and b"Bellevue" not in answer or b"hotels" in sent
        ), place
        if answer.startswith(b"HTTP/1.1 4") and b"application/json" in answer:
            error = json.loads(answer.split(b"\r\n\r\n", 1)[1] or b"null")
            assert error is None or CODE.match(error["error"]["code"]), place
