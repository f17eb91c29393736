import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.endpoint.doors.base import BUSY, NOTHING, Sent
from kbserver.endpoint.doors.tool import parse, refuse, render, signed
from kbserver.endpoint.tokens.static import EVERYTHING
from kbserver.errors import InvalidRequest, Overloaded, Unauthorized
from kbserver.retrieval.context import EMPTY

NOW = 1_700_000_000.0
SECRETS = ("new secret", "old secret")
BODY = b'{"query": "reset"}'


def asked(body):
    return parse(Sent(json.dumps(body).encode(), {}, "support")).ask


@pytest.mark.parametrize(
    "body",
    [
        {"query": "reset"},
        {"name": "kb", "call": {"call_id": "c"}, "args": {"query": "reset"}},
        {"arguments": {"query": "reset"}},
        {"arguments": '{"query": "reset"}'},
        {"parameters": {"query": "reset"}},
    ],
)
def test_the_query_stands_where_a_platform_puts_it(body):
    ask = asked(body)
    assert (ask.query, ask.label) == ("reset", "support")
    assert ask.session == ("c" if "call" in body else None)


@pytest.mark.parametrize("body", [{}, {"query": 7}, {"args": {"q": "x"}}])
def test_a_call_without_a_query_is_told_so_in_a_sentence(body):
    with pytest.raises(InvalidRequest) as caught:
        asked(body)
    reply = refuse(caught.value, 400, b"")
    assert reply.status == 200
    assert "query" in json.loads(reply.body)["result"]


def digest(secret, message):
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def omni(secret, body, at_s=NOW):
    time = str(int(at_s))
    code = digest(secret, time.encode() + b"." + body)
    return {"x-pyai-signature": f"t={time},v1={code}"}


def retell(secret, body, at_s=NOW):
    time = str(int(at_s * 1000))
    return {"x-retell-signature": f"v={time},d={digest(secret, body + time.encode())}"}


def check(headers, body=BODY, now_s=NOW, secrets=SECRETS):
    return signed(secrets, EVERYTHING, Sent(body, headers), now_s)


@pytest.mark.parametrize("sign", [omni, retell])
def test_a_signature_of_any_secret_is_good_for_its_body_and_five_minutes(sign):
    for secret in SECRETS:
        assert check(sign(secret, BODY)) is EVERYTHING
        assert check(sign(secret, BODY, NOW - 299)) is EVERYTHING
        for late in (NOW - 301, NOW + 301):
            with pytest.raises(Unauthorized) as caught:
                check(sign(secret, BODY, late))
            assert caught.value.code == "expired_signature"
    for headers, body in (
        (sign("another secret", BODY), BODY),
        (sign(SECRETS[0], BODY), BODY + b" "),
    ):
        with pytest.raises(Unauthorized) as caught:
            check(headers, body)
        assert caught.value.code == "invalid_signature"


def test_without_a_signature_or_a_secret_the_token_decides():
    assert check({}) is None
    assert check(omni("x", BODY), secrets=()) is None


@given(st.text(max_size=90))
def test_no_other_text_is_a_signature(text):
    for name in ("x-pyai-signature", "x-retell-signature"):
        with pytest.raises(Unauthorized):
            check({name: text})


def test_a_model_reads_the_spoken_context(context):
    question = parse(Sent(BODY, {}, "support"))
    assert json.loads(render(question, context)) == {
        "result": context.text,
        "results": [
            {"id": "id-1", "title": "Reset", "score": 0.9123},
            {"id": "id-2", "title": "bills.txt", "score": 0.5},
        ],
    }
    assert json.loads(render(question, EMPTY))["result"] == NOTHING


def test_a_wrong_token_is_unauthorized_and_overload_a_sentence():
    assert refuse(Unauthorized("no", code="invalid_token"), 401, b"").status == 401
    reply = refuse(Overloaded("full"), 503, b"")
    assert (reply.status, json.loads(reply.body)["result"]) == (200, BUSY)
