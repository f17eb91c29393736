import json

import pytest

from kbserver.endpoint.doors.base import Sent
from kbserver.endpoint.doors.openai import bound_ms, parse, refuse, render
from kbserver.errors import InvalidRequest, Overloaded, Unauthorized


def asked(query="reset", **more):
    return parse(Sent(json.dumps({"query": query} | more).encode(), {}, "support"))


def equals(key, value):
    return {"type": "eq", "key": key, "value": value}


def test_a_search_is_read_with_all_that_narrows_it():
    both = {"type": "and", "filters": [equals("folder", "a"), equals("tags", "b")]}
    question = asked(
        ["reset", "router"],
        max_num_results=5,
        ranking_options={"ranker": "auto", "score_threshold": 1.5},
        filters=both,
        rewrite_query=True,
    )
    ask = question.ask
    assert (ask.query, ask.label, ask.session) == ("reset router", "support", None)
    assert (ask.top_k, ask.min_score) == (5, 1.0)
    assert ask.scope == {"folder": "a", "tags": "b"}


@pytest.mark.parametrize(
    "filters",
    [
        {"type": "ne", "key": "a", "value": "b"},
        {"type": "or", "filters": [equals("a", "b")]},
        {"type": "and", "filters": [equals("a", "b"), equals("a", "c")]},
        equals("a", 7),
        equals("", "b"),
        [equals("a", "b")],
    ],
)
def test_a_filter_that_is_no_scope_is_refused(filters):
    with pytest.raises(InvalidRequest) as caught:
        asked(filters=filters)
    assert caught.value.param == "filters"


@pytest.mark.parametrize("query", [None, 7, ["a", 7]])
def test_a_query_is_a_text_or_some(query):
    with pytest.raises(InvalidRequest) as caught:
        asked(query)
    assert caught.value.param == "query"


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({}, None),
        ({"x-stainless-read-timeout": "0.4"}, 200.0),
        ({"x-stainless-read-timeout": "600"}, None),
        ({"x-stainless-read-timeout": "nan"}, None),
        ({"x-stainless-read-timeout": "0.4", "x-request-timeout-ms": "90"}, 90.0),
    ],
)
def test_half_of_the_clients_own_time_out_bounds_a_turn(headers, wanted):
    assert bound_ms(headers) == wanted


def test_refusals_have_openais_envelope_and_overload_is_not_asked_again():
    wrong = refuse(Unauthorized("no", code="invalid_token"), 401, b"")
    assert json.loads(wrong.body)["error"]["code"] == "invalid_token"
    assert "x-should-retry" not in wrong.headers
    assert refuse(Overloaded("full"), 503, b"").headers["x-should-retry"] == "false"


def test_an_answer_is_one_page_of_results(context):
    assert json.loads(render(asked(), context)) == {
        "object": "vector_store.search_results.page",
        "search_query": ["reset"],
        "data": [
            {
                "file_id": "id-1",
                "filename": "router/reset.md",
                "score": 0.9123,
                "attributes": {"title": "Reset", "url": "https://example.com/reset"},
                "content": [{"type": "text", "text": "Hold the button."}],
            },
            {
                "file_id": "id-2",
                "filename": "bills.txt",
                "score": 0.5,
                "attributes": {"title": "bills.txt", "url": "bills.txt"},
                "content": [{"type": "text", "text": "Bills cost £2."}],
            },
        ],
        "has_more": False,
        "next_page": None,
    }
