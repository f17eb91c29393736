"""What every front door keeps to, whatever its wire."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbserver.endpoint.doors import DOORS, doors_of
from kbserver.endpoint.doors.base import Reply, Sent
from kbserver.errors import Overloaded, Unauthorized, WireError
from kbserver.retrieval.context import EMPTY
from kbserver.settings import DOOR_NAMES, Settings

from .conftest import json_values

OPEN = {name: {} for name in DOORS}
ALL = doors_of(Settings.model_validate({"doors": OPEN}))


at_each_door = pytest.mark.parametrize("door", ALL, ids=lambda door: door.name)


def test_without_a_table_only_omnis_door_is_open():
    assert [door.name for door in doors_of(Settings())] == ["omni"]
    assert [door.name for door in ALL] == list(DOOR_NAMES)


def test_no_two_doors_have_one_path():
    paths = [door.path for door in ALL]
    assert len(set(paths)) == len(paths)
    assert all(path.startswith("/") for path in paths)


@at_each_door
def test_a_text_may_stand_in_an_answer_twice(door):
    limits = door.manner.limits
    assert 0 < 2 * limits.text_bytes <= limits.passages_bytes


@at_each_door
def test_a_request_without_a_token_is_unauthorized(door):
    with pytest.raises(Unauthorized) as caught:
        door.token_of({})
    assert caught.value.code == "missing_token"


@at_each_door
def test_a_refusal_is_json(door):
    for error in (Overloaded("too many"), Unauthorized("no", code="missing_token")):
        refusal = door.refuse(error, error.status, b"")
        assert isinstance(refusal, Reply)
        json.loads(refusal.body)
        assert 200 <= refusal.status < 504


def sent_by(value, headers):
    return Sent(json.dumps(value).encode("utf-8", "surrogatepass"), headers, "support")


@at_each_door
@settings(max_examples=60)
@given(
    json_values,
    st.dictionaries(
        st.sampled_from(
            [
                *("origin", "mcp-protocol-version", "mcp-method", "mcp-name"),
                *("x-kbserver-session", "x-stainless-read-timeout"),
                *("x-pyai-signature", "x-retell-signature", "x-request-timeout-ms"),
            ]
        ),
        st.text(max_size=12)
        | st.sampled_from(["2026-07-28", "http://localhost", "1e9"]),
        max_size=3,
    ),
)
def test_whatever_is_sent_is_asked_answered_or_refused_on_purpose(door, value, headers):
    sent = sent_by(value, headers)
    door.limit_ms(headers)
    try:
        read = door.parse(sent)
    except WireError as error:
        reply = door.refuse(error, error.status, sent.body)
        assert reply.status < 500
        if reply.body:
            json.loads(reply.body)
        return
    if isinstance(read, Reply):
        assert read.status < 500
        return
    ask = read.ask
    assert ask.label is None or isinstance(ask.label, str)
    assert ask.top_k is None or ask.top_k >= 1
    assert all(isinstance(text, str) for item in ask.scope.items() for text in item)
    json.loads(door.render(read, EMPTY, None))


@at_each_door
@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b"null", b"[" * 2000])
def test_a_body_that_is_no_object_is_refused_in_the_doors_own_manner(door, body):
    try:
        read = door.parse(Sent(body, {}, "support"))
    except WireError as error:
        answer = json.loads(door.refuse(error, error.status, body).body)
        assert set(answer) <= MANNERS[door.name]
    else:
        assert isinstance(read, Reply)


MANNERS = {
    "omni": {"error"},
    "vapi": {"documents"},
    "dify": {"error_code", "error_msg"},
    "openai": {"error"},
    "tool": {"result", "results"},
    "search": {"error"},
    "mcp": {"jsonrpc", "id", "error"},
}
