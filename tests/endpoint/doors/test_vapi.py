import json

import pytest

from kbserver.endpoint.doors.base import Reply, Sent
from kbserver.endpoint.doors.vapi import parse, refuse, render
from kbserver.errors import InvalidRequest, Overloaded, Unauthorized


def sent(**message):
    message = {"type": "knowledge-base-request"} | message
    return Sent(json.dumps({"message": message}).encode(), {}, "clinic")


def test_the_last_words_of_the_user_are_asked_and_those_before_are_the_past():
    lines = [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "do you have a pool"},
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": [{"type": "text", "text": "until when"}]},
    ]
    ask = parse(sent(messagesOpenAIFormatted=lines, call={"id": "call-1"})).ask
    assert (ask.query, ask.label, ask.session) == ("until when", "clinic", "call-1")
    assert ask.past == ("do you have a pool",)


@pytest.mark.parametrize("key", ["message", "content"])
def test_without_openais_form_vapis_own_counts(key):
    lines = [{"role": "user", key: "hello there"}, {"role": "bot", key: "hi"}]
    ask = parse(sent(messages=lines, messagesOpenAIFormatted=[], call=None)).ask
    assert (ask.query, ask.session, ask.past) == ("hello there", None, ())


def test_other_messages_are_answered_with_an_empty_object():
    assert parse(sent(type="status-update")) == Reply(b"{}")


def test_a_call_without_words_is_refused_with_no_documents():
    with pytest.raises(InvalidRequest) as caught:
        parse(sent(messagesOpenAIFormatted=[{"role": "user", "content": " "}]))
    reply = refuse(caught.value, 400, b"")
    assert (reply.status, json.loads(reply.body)) == (200, {"documents": []})
    busy = refuse(Overloaded("full"), 503, b"")
    assert (busy.status, json.loads(busy.body)) == (200, {"documents": []})
    assert dict(busy.headers) == {}


def test_a_wrong_token_is_unauthorized():
    reply = refuse(Unauthorized("no", code="invalid_token"), 401, b"")
    assert reply.status == 401


def test_documents_are_spoken_and_have_what_vapis_models_require(context, fixed):
    question = parse(sent(messages=[{"role": "user", "message": "x"}]))
    assert json.loads(render(question, context)) == {
        "documents": [
            {
                "content": "Reset: Hold the button.",
                "similarity": 0.9123,
                "uuid": "id-1",
            },
            {"content": "Bills cost 2 pounds.", "similarity": 0.5, "uuid": "id-2"},
        ]
    }
    assert json.loads(render(question, fixed)) == {
        "documents": [{"content": "Please call us.", "similarity": 0.0}]
    }
