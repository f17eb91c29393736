import json

import pytest

from kbserver.endpoint.doors.base import Reply, Sent
from kbserver.endpoint.doors.dify import parse, refuse, render
from kbserver.errors import InvalidRequest, Overloaded, Unauthorized


def asked(**more):
    body = {
        "retrieval_setting": {"top_k": 4, "score_threshold": 0.5},
        "query": "how do i reset it",
        "knowledge_id": "support",
        "metadata_condition": None,
    }
    return parse(Sent(json.dumps(body | more).encode()))


def test_a_request_is_read_as_dify_sends_it():
    ask = asked().ask
    assert (ask.query, ask.label, ask.session) == ("how do i reset it", "support", None)
    assert (ask.top_k, ask.min_score, ask.scope) == (4, 0.5, {})
    unset = asked(retrieval_setting={"top_k": None, "score_threshold": 0.0}).ask
    assert (unset.top_k, unset.min_score) == (None, 0.0)


def test_the_registration_sends_no_body_and_heeds_403_alone():
    assert parse(Sent(b"")) == Reply(b'{"records":[]}')
    for code, number in (("missing_token", 1001), ("invalid_token", 1002)):
        reply = refuse(Unauthorized("said so", code=code), 401, b"")
        assert reply.status == 403
        assert json.loads(reply.body) == {"error_code": number, "error_msg": "said so"}


def test_overload_finds_nothing():
    reply = refuse(Overloaded("full"), 503, b"")
    assert (reply.status, json.loads(reply.body)) == (200, {"records": []})


def condition(*parts, joined="and"):
    conditions = [
        dict(zip(("name", "comparison_operator", "value"), part, strict=True))
        for part in parts
    ]
    return {"logical_operator": joined, "conditions": conditions}


def test_equalities_that_all_must_hold_are_a_scope():
    both = condition(("folder", "is", "a"), ("tags", "=", "b"))
    assert asked(metadata_condition=both).ask.scope == {"folder": "a", "tags": "b"}
    alone = condition((["folder"], "is", "a"), joined="or")
    assert asked(metadata_condition=alone).ask.scope == {"folder": "a"}


@pytest.mark.parametrize(
    "other",
    [
        condition(("folder", "contains", "a")),
        condition(("folder", "is", "a"), ("tags", "is", "b"), joined="or"),
        condition(("folder", "is", "a"), ("folder", "is", "b")),
        condition(("folder", "is", 7)),
        condition((["folder", "tags"], "is", "a")),
        {"conditions": "folder"},
        "folder",
    ],
)
def test_any_other_condition_is_refused_and_never_left_out(other):
    with pytest.raises(InvalidRequest) as caught:
        asked(metadata_condition=other)
    assert caught.value.code == "unsupported_filter"
    assert refuse(caught.value, 400, b"").status == 400


def test_a_record_always_has_its_four_keys(context, fixed):
    assert json.loads(render(asked(), context)) == {
        "records": [
            {
                "content": "Hold the button.",
                "score": 0.9123,
                "title": "Reset",
                "metadata": {"id": "id-1", "path": "https://example.com/reset"},
            },
            {
                "content": "Bills cost £2.",
                "score": 0.5,
                "title": "bills.txt",
                "metadata": {"id": "id-2", "path": "bills.txt"},
            },
        ]
    }
    [record] = json.loads(render(asked(), fixed))["records"]
    assert record == {
        "content": "Please call us.",
        "score": 0.0,
        "title": "",
        "metadata": {"id": "fallback"},
    }
