"""Requests that no client of a door sends, made from ones that clients do send.

`HOSTILE_DOORS=2000` sends so many to each door.
"""

import json
import os
import random

import httpx2
import pytest

from kbserver.endpoint.app import KBServer
from kbserver.endpoint.tokens.keys import new_secret
from tests.endpoint.doors.test_init import CALLS, DOOR_KEYS, settings_with_doors
from tests.hostile.conftest import TOKEN, QuickHttp, serving

ROUNDS = int(os.environ.get("HOSTILE_DOORS", "30"))

SCOPED = "scoped-token"
WIDE = "everything"
"""A label whose route reaches all passages: what a signed token leaves of it is narrower."""
SECRETS = ("15 dollars", "no pets", "first working day", "30 days of notice")
"""Of passages outside of the token's labels and of its scope; no query holds them."""

QUERIES = (
    "how do i reset my router",
    "what does a paper bill cost",
    "are dogs welcome at the Adelaide",
    "",
    "\x00",
    "\ud800",
    "a" * 3_000,
    "hotels/7",
)
VALUES = (
    *(None, True, 0, -1, 10**400, 1e308, [], {}, [[[]]], {"query": {}}),
    *(
        "support",
        "hotels",
        "*",
        "../hotels",
        "x" * 300,
        "and",
        "or",
        "is",
        "eq",
        "user",
    ),
    {"type": "eq", "key": "folder", "value": "billing"},
    {"type": "eq", "key": "folder", "value": ""},
    {"type": "or", "filters": []},
    {
        "conditions": [
            {"name": "folder", "comparison_operator": "is", "value": "hotels"}
        ]
    },
)
KEYS = (
    *("query", "filters", "top_k", "max_num_results", "metadata_condition", "scope"),
    *("knowledge_id", "session_label", "agent_id", "label", "corpora", "id", "args"),
    *(
        "arguments",
        "parameters",
        "call",
        "messages",
        "type",
        "params",
        "method",
        "_meta",
    ),
)
HEADERS = (
    ("x-kbserver-session", ("room", "x" * 300, "é", "hotels")),
    ("x-pyai-session-label", ("hotels",)),
    ("x-pyai-signature", ("t=1,v1=" + "0" * 64, "t=", "v1")),
    ("x-retell-signature", ("v=1,d=" + "0" * 64, "v=" + "9" * 400)),
    ("mcp-protocol-version", ("2026-07-28", "2025-11-25", "1999-01-01", "")),
    ("mcp-method", ("tools/call", "initialize")),
    ("mcp-name", ("fetch", "lookup")),
    ("origin", ("null", "http://localhost", "https://evil.example", "http://[")),
    ("x-stainless-read-timeout", ("0.0", "-1", "nan", "9" * 400)),
    ("x-request-timeout-ms", ("1", "0", "²")),
    ("x-kbserver-debug", ("1",)),
    ("content-type", ("text/plain", "application/json; charset=utf-16")),
    ("authorization", ("Bearer", "Basic eDp5", f"Bearer {TOKEN}x")),
)
LABELS = (
    *("support", "support", WIDE, "hotels", "nowhere", "", "*", "x" * 300),
    *("support/../hotels", "support%2F..%2Fhotels", "%00", "hotels%0A", "hotels/mcp"),
)


@pytest.fixture(scope="module")
def fuzzed(store, tmp_path_factory):
    """A server and its tokens, each of which opens one folder: by its route, or its own scope."""
    routes = [
        {"label": "support", "corpora": ["support"], "scope": {"folder": "router"}},
        {"label": "hotels", "corpora": ["hotels"]},
        {"label": WIDE, "corpora": ["support", "hotels"]},
    ]
    tokens = [{"value": SCOPED, "labels": ["support"]}, {"value": TOKEN}]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOORS_TEST_SECRET", "a secret of this test")
        settings = settings_with_doors(
            store,
            tokens=tokens,
            routes=routes,
            signing_key=new_secret(),
            debug=True,
            follow_up=False,
        )
        server = KBServer(settings)
    signed = server.issue_token(["support", WIDE], scope={"folder": "router"})
    with serving(server, http=QuickHttp) as (port, _):
        yield f"http://127.0.0.1:{port}", (SCOPED, signed)


def changed(value, chance):
    """A JSON value with some of its parts replaced, taken away or doubled."""
    if chance.random() < 0.06:
        return chance.choice(VALUES)
    if isinstance(value, dict):
        value = {key: changed(inner, chance) for key, inner in value.items()}
        if value and chance.random() < 0.08:
            value.pop(chance.choice(list(value)))
        if chance.random() < 0.25:
            value[chance.choice(KEYS)] = chance.choice(VALUES)
    elif isinstance(value, list):
        value = [changed(inner, chance) for inner in value]
        value = value * chance.choice((1, 1, 1, 0, 2))
    return value


def request(door, chance, tokens):
    """Path, body and headers of one request to a door."""
    path, make = CALLS[door]
    label = chance.choice(LABELS)
    query = chance.choice(QUERIES)
    value = make(label, query)
    if door == "mcp" and chance.random() < 0.5:
        value["params"]["name"] = chance.choice(("search", "fetch", "delete"))
        value["params"]["arguments"] = {"query": query, "id": query}
    if door == "mcp" and chance.random() < 0.2:
        methods = ("initialize", "server/discover", "tools/list", "ping", "x")
        value["method"] = chance.choice(methods)
    raw = bytearray(json.dumps(changed(value, chance)).encode("utf-8", "surrogatepass"))
    for _ in range(chance.choice((0, 0, 0, 0, 1, 3))):
        place = chance.randrange(len(raw) + 1)
        raw[place : place + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
    headers = {"authorization": f"Bearer {chance.choice(tokens)}"}
    for name, choices in HEADERS:
        if chance.random() < 0.1:
            headers[name] = chance.choice(choices)
    sent = {name: text.encode("utf-8", "replace") for name, text in headers.items()}
    return path.format(label=label), bytes(raw), sent


@pytest.mark.parametrize("door", CALLS)
def test_whatever_a_door_is_sent_it_answers_in_its_manner_and_within_its_bounds(
    fuzzed, door
):
    chance = random.Random(f"{door} 7")
    others = {key for name, key in DOOR_KEYS.items() if name != door}
    url, tokens = fuzzed
    with httpx2.Client(base_url=url, timeout=60.0) as http:
        for number in range(ROUNDS):
            path, body, headers = request(door, chance, tokens)
            answer = http.post(path, content=body, headers=headers)
            place = f"request {number}: {path} {body[:300]!r} {headers} -> {answer.text[:300]}"
            assert answer.status_code < 500, place
            assert "Traceback" not in answer.text and 'File "' not in answer.text, place
            assert not any(secret in answer.text for secret in SECRETS), place
            if answer.status_code == 404 or not answer.content:
                continue
            if path.startswith(CALLS[door][0].split("{")[0]):
                read = answer.json()
                if isinstance(read, dict) and door_of(path) == door:
                    assert not others & read.keys(), place


def door_of(path):
    """The door at a path, labels with slashes in them included."""
    for door, (pattern, _) in CALLS.items():
        begin, _, end = pattern.partition("{label}")
        if path.startswith(begin) and path.endswith(end):
            return door
    return None
