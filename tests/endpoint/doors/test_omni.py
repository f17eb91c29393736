import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.endpoint.asking.ask import Ask
from kbserver.endpoint.doors.base import Question, Sent, envelope
from kbserver.endpoint.doors.omni import (
    MAX_ANSWER_BYTES,
    MAX_ECHO_BYTES,
    OMNI,
    omni,
    parse,
    render,
)
from kbserver.errors import InvalidRequest, Overloaded, Unauthorized
from kbserver.retrieval.context import Context, ContextPassage

label_text = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=256)
any_text = st.text(st.characters(exclude_categories=("Cs",)), max_size=300)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.text(max_size=5), children, max_size=3)
    ),
    max_leaves=8,
)


def ask(**fields):
    return parse(Sent(json.dumps(fields).encode())).ask


@given(
    any_text,
    label_text,
    st.dictionaries(st.text(min_size=1, max_size=8), json_values, max_size=4),
)
def test_two_fields_are_read_and_every_other_is_ignored(query, label, others):
    others = {
        key: value
        for key, value in others.items()
        if key not in ("query", "session_label", "agent_id")
    }
    request = ask(**others, query=query, session_label=label)
    assert (request.query, request.label) == (query, label)


def test_the_label_may_be_absent_or_null():
    assert ask(query="x").label is None
    assert ask(query="x", session_label=None).label is None


def test_agent_id_counts_only_without_a_session_label():
    assert ask(query="x", agent_id="old").label == "old"
    assert ask(query="x", agent_id="old", session_label=None).label == "old"
    assert ask(query="x", agent_id="old", session_label="new").label == "new"


def test_the_label_comes_from_a_header_when_the_body_has_none():
    body = b'{"query": "x"}'
    assert (
        parse(Sent(body, {"x-pyai-session-label": "a", "x-pyai-agent": "b"})).ask.label
        == "a"
    )
    assert parse(Sent(body, {"x-pyai-agent": "b"})).ask.label == "b"
    assert (
        parse(
            Sent(b'{"query": "x", "session_label": "c"}', {"x-pyai-session-label": "a"})
        ).ask.label
        == "c"
    )


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b"", "invalid_json", None),
        (b"{", "invalid_json", None),
        (b"\xff\xfe", "invalid_json", None),
        (b'{"query": "\\ud800"}', "invalid_json", None),
        (b"[" * 5000, "invalid_json", None),
        (b"[]", "invalid_body", None),
        (b'"x"', "invalid_body", None),
        (b"{}", "missing_field", "query"),
        (b'{"query": null}', "invalid_type", "query"),
        (b'{"query": 7}', "invalid_type", "query"),
        (b'{"query": "x", "session_label": 7}', "invalid_type", "session_label"),
        (b'{"query": "x", "agent_id": []}', "invalid_type", "agent_id"),
        (
            b'{"query": "x", "session_label": "a\\nb"}',
            "invalid_session_label",
            "session_label",
        ),
        (
            b'{"query": "x", "session_label": "' + b"y" * 257 + b'"}',
            "invalid_session_label",
            "session_label",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_stable_code(body, code, param):
    with pytest.raises(InvalidRequest) as caught:
        parse(Sent(body))
    assert (caught.value.code, caught.value.param) == (code, param)


@given(any_text, st.none() | label_text, st.lists(any_text, max_size=6), any_text)
def test_an_answer_stays_below_the_limit_and_echoes_the_call(
    query, label, contents, context
):
    passages = [
        ContextPassage(f"id-{n}", content * 5, 0.5)
        for n, content in enumerate(contents)
    ]
    request = Question(Ask(query, label))
    body = render(request, Context(context, tuple(passages)))
    answer = json.loads(body)
    assert len(body) <= MAX_ANSWER_BYTES
    assert list(answer) == ["session_label", "query", "context", "results"]
    assert answer["session_label"] == label
    assert query.startswith(answer["query"])
    assert (
        answer["query"] == query
        or len(json.dumps(query, ensure_ascii=False).encode()) > MAX_ECHO_BYTES
    )
    assert answer["context"] == context
    assert [result["id"] for result in answer["results"]] == [
        f"id-{n}" for n in range(len(answer["results"]))
    ]


@pytest.mark.parametrize("word", ["word ", "शब्द ", "\N{GRINNING FACE}", "\x01", '"'])
def test_a_long_query_is_echoed_in_part_only_and_leaves_the_results_their_room(word):
    label = "\N{GRINNING FACE}" * 256
    passages = [ContextPassage(f"id-{n}", "x" * 640, 0.5) for n in range(3)]
    request = Question(Ask(word * 10_000, label))
    body = render(request, Context("x" * 2000, tuple(passages)))
    answer = json.loads(body)
    echo = json.dumps(answer["query"], ensure_ascii=False).encode()
    assert 400 < len(echo) <= MAX_ECHO_BYTES
    assert len(answer["results"]) == 3 and len(body) <= MAX_ANSWER_BYTES


def test_what_json_or_utf_8_does_not_know_costs_no_answer():
    passages = [
        ContextPassage("id-0", "half a pair: \ud83d", 0.5),
        ContextPassage("id-1", "no number", float("nan")),
    ]
    for some in (passages, passages[:1], passages[1:]):
        context = Context(some[0].content, tuple(some))
        body = render(Question(Ask("x")), context)
        answer = json.loads(body, parse_constant=pytest.fail)
        assert [result["id"] for result in answer["results"]] == [
            passage.id for passage in some
        ]
    assert answer["results"][0]["score"] is None


def test_errors_travel_in_the_vendors_envelope():
    error = json.loads(
        envelope(Unauthorized("no token", code="missing_token"), 401).body
    )
    assert error == {
        "error": {
            "message": "no token",
            "type": "authentication_error",
            "code": "missing_token",
            "param": None,
        }
    }
    refusal = envelope(Overloaded("full"), 503)
    assert json.loads(refusal.body)["error"]["code"] == "overloaded"
    assert (refusal.status, refusal.headers) == (503, {"retry-after": "1"})


def test_the_extra_keys_come_on_top_of_the_limit():
    passages = tuple(ContextPassage(f"id-{n}", "x" * 900, 0.5) for n in range(6))
    context = Context("", passages)
    extra = {"trace": {"route": "y" * 500}}
    plain = json.loads(render(Question(Ask("x")), context))
    traced = json.loads(render(Question(Ask("x")), context, extra))
    assert traced == plain | extra


def test_the_door_has_the_path_of_the_settings_and_a_bearer_token():
    door = omni("/grounding")
    assert door.path == "/grounding"
    assert door.token_of({"authorization": "Bearer secret"}) == "secret"
    with pytest.raises(Unauthorized):
        door.token_of({"x-vapi-secret": "secret"})


def test_the_label_is_the_session_unless_a_header_names_one():
    body = b'{"query": "x", "session_label": "a"}'
    alone = parse(Sent(body)).ask
    assert (alone.label, alone.session, alone.is_spoken_alone) == ("a", "a", False)
    named = parse(Sent(body, {"x-kbserver-session": "room-1"})).ask
    assert (named.label, named.session) == ("a", "room-1")
    assert named.is_spoken_alone and named.memory_key != alone.memory_key


def test_a_text_of_the_limit_fits_twice_beside_a_long_label_and_query():
    request = Question(Ask("q" * MAX_ECHO_BYTES * 2, "l" * 256))
    text = "x" * OMNI.limits.text_bytes
    context = Context(text, (ContextPassage("fallback", text, 0.0),))
    answer = json.loads(render(request, context))
    assert answer["context"] == answer["results"][0]["content"] == text
