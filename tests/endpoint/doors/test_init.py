"""Every door over HTTP, on one server."""

import json
import time

import httpx2
import pytest

from kbserver.endpoint.app import KBServer
from kbserver.endpoint.doors import DOORS
from kbserver.settings import read_settings

from ..conftest import PATIENT_MS, TOKEN, serving
from .test_tool import omni

QUERY = "how do i reset my router"
SAID = "ten seconds"
SECRET = "tool secret"

CALLS = {
    "omni": ("/kb", lambda label, query: {"session_label": label, "query": query}),
    "vapi": (
        "/vapi/{label}",
        lambda label, query: {
            "message": {
                "type": "knowledge-base-request",
                "messagesOpenAIFormatted": [{"role": "user", "content": query}],
            }
        },
    ),
    "dify": (
        "/dify/retrieval",
        lambda label, query: {"knowledge_id": label, "query": query},
    ),
    "openai": (
        "/v1/vector_stores/{label}/search",
        lambda label, query: {"query": query},
    ),
    "tool": ("/tool/{label}", lambda label, query: {"args": {"query": query}}),
    "search": ("/search/{label}", lambda label, query: {"query": query}),
    "mcp": (
        "/{label}/mcp",
        lambda label, query: {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": "lookup", "arguments": {"query": query}},
        },
    ),
}
"""Door → path and body of a question."""

DOOR_KEYS = {
    "omni": "session_label",
    "vapi": "documents",
    "dify": "records",
    "openai": "search_query",
    "mcp": "jsonrpc",
}
"""A key that only the answers of this door have."""


def settings_with_doors(store, **more):
    doors: dict[str, dict[str, object]]
    doors = {name: {"deadline_ms": PATIENT_MS} for name in DOORS}
    doors["tool"] |= {"secret_env": "DOORS_TEST_SECRET", "labels": ["support"]}
    return read_settings(store=store, deadline_ms=PATIENT_MS, doors=doors, **more)


@pytest.fixture(scope="module")
def url(store):
    tokens = [
        {"value": TOKEN},
        {"value": "support-token", "labels": ["support"]},
        {"value": "dify-token", "doors": ["dify"]},
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOORS_TEST_SECRET", f"another, {SECRET}")
        server = KBServer(settings_with_doors(store, tokens=tokens))
    with serving(server) as url:
        yield url


@pytest.fixture(scope="module")
def http(url):
    with httpx2.Client(base_url=url) as http:
        yield http


def post(http, door, label="support", query=QUERY, token=TOKEN, **headers):
    path, body = CALLS[door]
    if token:
        headers = {"authorization": f"Bearer {token}"} | headers
    return http.post(path.format(label=label), json=body(label, query), headers=headers)


each_door = pytest.mark.parametrize("door", CALLS)


@each_door
def test_a_question_is_answered_from_its_labels_corpus_alone(http, door):
    answer = post(http, door)
    assert (answer.status_code, SAID in answer.text) == (200, True)
    assert "Adelaide" in post(http, door, "hotels", "are dogs welcome").text
    assert "Adelaide" not in post(http, door, "support", "are dogs welcome").text


@each_door
def test_a_label_of_others_looks_like_an_unknown_one(http, door):
    theirs, unknown = (
        post(http, door, label, "are dogs welcome", "support-token")
        for label in ("hotels", "nowhere")
    )
    assert theirs.status_code == unknown.status_code == 200
    assert theirs.text.replace("hotels", "nowhere") == unknown.text
    assert "Adelaide" not in theirs.text


@each_door
def test_a_wrong_missing_or_misplaced_token_opens_no_door(http, door):
    wrong = post(http, door, token="no-token")
    missing = post(http, door, token=None)
    assert {wrong.status_code, missing.status_code} <= {401, 403}
    assert SAID not in wrong.text + missing.text
    elsewhere = post(http, door, token="dify-token")
    assert (elsewhere.status_code == 200) == (door == "dify")


@each_door
def test_an_answer_and_a_refusal_have_the_doors_own_form(http, door):
    path, _ = CALLS[door]
    bearer = {"authorization": f"Bearer {TOKEN}"}
    answers = [
        post(http, door).json(),
        http.post(path.format(label="support"), content=b"{", headers=bearer).json(),
        http.get(path.format(label="support")).json(),
    ]
    for other, key in DOOR_KEYS.items():
        if other != door:
            assert not any(key in answer for answer in answers), (other, answers)


def test_a_wrong_method_is_refused_by_the_door_with_what_it_takes(http):
    answer = http.get("/support/mcp")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["jsonrpc"] == "2.0"


def test_a_signed_call_needs_no_token_and_reaches_its_labels_alone(http):
    body = json.dumps({"query": QUERY}).encode()
    headers = omni(SECRET, body, at_s=time.time())
    answer = http.post("/tool/support", content=body, headers=headers)
    assert (answer.status_code, SAID in answer.text) == (200, True)
    answer = http.post("/tool/hotels", content=body, headers=headers)
    assert (answer.status_code, answer.json()["results"]) == (200, [])
    spoilt = http.post("/tool/support", content=body + b" ", headers=headers)
    assert (spoilt.status_code, SAID in spoilt.text) == (401, False)


def tool_result(http, tool, label="support", **arguments):
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": tool, "arguments": arguments},
    }
    bearer = {"authorization": f"Bearer {TOKEN}"}
    answer = http.post(f"/{label}/mcp", json=body, headers=bearer)
    return answer.json()["result"]


def test_what_is_searched_can_be_fetched_under_its_own_label_alone(http):
    found = tool_result(http, "search", query=QUERY)["structuredContent"]["results"]
    name = found[0]["id"]
    read = tool_result(http, "fetch", id=name)["structuredContent"]
    assert SAID in read["text"] and read["title"] == "Reset the router"
    elsewhere = tool_result(http, "fetch", "hotels", id=name)
    nowhere = tool_result(http, "fetch", id="no such id")
    assert elsewhere == nowhere and elsewhere["isError"] is True


def test_each_ask_only_narrows(http):
    bearer = {"authorization": f"Bearer {TOKEN}"}

    def searched(**more):
        body = {
            "query": "what a red light on the router means and how to reset it"
        } | more
        path = "/v1/vector_stores/support/search"
        return http.post(path, json=body, headers=bearer).json()["data"]

    some = searched()
    assert len(some) > 1
    assert searched(max_num_results=1) == some[:1]
    assert searched(max_num_results=50) == some
    least = some[0]["score"]
    above = searched(ranking_options={"score_threshold": least})
    assert all(result["score"] >= least for result in above) and len(above) < len(some)
    folder = {"type": "eq", "key": "folder", "value": "router"}
    assert {
        result["filename"].split("/")[0] for result in searched(filters=folder)
    } == {"router"}
    nowhere = {"type": "eq", "key": "folder", "value": "nowhere"}
    assert searched(filters=nowhere) == []


def test_without_a_session_no_question_changes_anothers_answer(http):
    alone = post(http, "search", "hotels", "and how much is that").json()
    post(http, "search", "hotels", "can i bring my dog to the Adelaide")
    assert post(http, "search", "hotels", "and how much is that").json() == alone


def test_growing_words_of_a_session_are_one_turn_and_answered_as_if_asked_once(http):
    def metric():
        page = http.get("/metrics").text.splitlines()
        name = "kbserver_turns_superseded_total{"
        return sum(float(line.split()[-1]) for line in page if line.startswith(name))

    def said(session, *queries):
        one = {"x-kbserver-session": session}
        return [post(http, "omni", query=query, **one).json() for query in queries]

    before = metric()
    first = "what does a red light on the router mean"
    *_, grown = said(
        "room-1", first, "and", "and how long", "and how long does it take"
    )
    *_, alone = said("room-2", first, "and how long does it take")
    assert grown == alone
    assert metric() - before >= 1


def test_turns_are_counted_by_door_and_the_trace_names_it(store):
    settings = settings_with_doors(store, open=True, debug=True)
    settings = settings.model_copy(
        update={"doors": settings.doors.model_copy(update={"tool": None})}
    )
    server = KBServer(settings)
    with serving(server) as url:
        body = {"query": QUERY}
        path = f"{url}/v1/vector_stores/support/search"
        answer = httpx2.post(path, json=body, headers={"x-kbserver-debug": "1"}).json()
        assert answer["trace"]["door"] == "openai"
        page = httpx2.get(f"{url}/metrics").text
    assert 'kbserver_door_turns_total{door="openai"} 1.0' in page


def test_a_door_without_its_table_is_not_there(store):
    server = KBServer(read_settings(store=store, open=True))
    with serving(server, ready=False) as url:
        for door, (path, _) in CALLS.items():
            status = httpx2.post(url + path.format(label="support")).status_code
            assert status == (400 if door == "omni" else 404)
