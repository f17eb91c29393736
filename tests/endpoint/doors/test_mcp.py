import json

import pytest

from kbserver.endpoint.doors.base import BUSY, NOTHING, Reply, Sent
from kbserver.endpoint.doors.mcp import (
    NEWEST,
    NO_PASSAGE,
    WITH_HANDSHAKE,
    parse,
    refuse,
    render,
)
from kbserver.errors import Forbidden, InvalidRequest, Overloaded, Unauthorized
from kbserver.retrieval.context import EMPTY

META = {
    "io.modelcontextprotocol/protocolVersion": NEWEST,
    "io.modelcontextprotocol/clientCapabilities": {},
}


def sent(method, params=None, headers=None, **more):
    body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params or {}}
    return Sent(json.dumps(body | more).encode(), headers or {}, "support")


def newest(method, params=None, **headers):
    stated = {"mcp-protocol-version": NEWEST, "mcp-method": method}
    params = {"_meta": META} | (params or {})
    return sent(method, params, stated | headers)


def answered(request, allowed=()):
    reply = parse(allowed, request)
    assert isinstance(reply, Reply)
    return reply.status, json.loads(reply.body)


def called(tool, newest_=False, **arguments):
    params = {"name": tool, "arguments": arguments}
    make = newest if newest_ else sent
    return parse((), make("tools/call", params))


@pytest.mark.parametrize("wanted", [*WITH_HANDSHAKE, NEWEST, "1999-01-01", None])
def test_a_handshake_agrees_on_a_version_that_has_one(wanted):
    status, answer = answered(sent("initialize", {"protocolVersion": wanted}))
    agreed = wanted if wanted in WITH_HANDSHAKE else WITH_HANDSHAKE[0]
    assert (status, answer["id"]) == (200, 7)
    assert answer["result"]["protocolVersion"] == agreed
    assert answer["result"]["serverInfo"]["name"] == "kbserver"


def test_the_newest_revision_is_discovered_and_each_result_complete():
    _, answer = answered(newest("server/discover"))
    result = answer["result"]
    assert (result["supportedVersions"], result["resultType"]) == ([NEWEST], "complete")
    _, answer = answered(newest("tools/list"))
    assert {"resultType", "ttlMs", "cacheScope"} < answer["result"].keys()


def test_the_tools_are_listed_and_only_read():
    _, answer = answered(sent("tools/list"))
    assert list(answer["result"]) == ["tools"]
    tools = {tool["name"]: tool for tool in answer["result"]["tools"]}
    assert sorted(tools) == ["fetch", "lookup", "search"]
    assert all(tool["annotations"]["readOnlyHint"] for tool in tools.values())


def test_notifications_and_answers_are_taken_without_a_word():
    body = b'{"jsonrpc": "2.0", "method": "notifications/initialized"}'
    assert parse((), Sent(body, {}, "support")) == Reply(b"", 202)
    body = b'{"jsonrpc": "2.0", "id": 1, "result": {}}'
    assert parse((), Sent(body, {}, "support")) == Reply(b"", 202)


def test_an_unknown_method_version_or_a_contradiction_is_an_error_of_its_own():
    assert answered(sent("resources/list"))[0] == 200
    status, answer = answered(newest("resources/list"))
    assert (status, answer["error"]["code"]) == (404, -32601)
    old = sent("tools/list", headers={"mcp-protocol-version": "1999-01-01"})
    status, answer = answered(old)
    assert (status, answer["error"]["code"]) == (400, -32022)
    assert answer["error"]["data"]["requested"] == "1999-01-01"
    another = META | {"io.modelcontextprotocol/protocolVersion": WITH_HANDSHAKE[0]}
    for request in (
        newest("tools/list", None, **{"mcp-method": "tools/call"}),
        newest("tools/list", {"_meta": another}),
        newest("tools/call", {"name": "lookup"}, **{"mcp-name": "fetch"}),
    ):
        status, answer = answered(request)
        assert (status, answer["error"]["code"]) == (400, -32020)


def test_a_call_asks_under_the_label_of_the_path():
    ask = called("lookup", query="reset").ask
    assert (ask.query, ask.label, ask.spoken) == ("reset", "support", True)
    assert not called("search", query="reset").ask.spoken
    fetched = called("fetch", id="id-1").ask
    assert (fetched.passage_id, fetched.session) == ("id-1", None)


def test_an_unknown_tool_is_an_error_and_a_wrong_argument_a_result():
    _, answer = answered(sent("tools/call", {"name": "delete"}))
    assert answer["error"]["code"] == -32602
    for arguments in (None, {}, {"query": 7}, ["reset"]):
        params = {"name": "lookup", "arguments": arguments}
        _, answer = answered(sent("tools/call", params))
        assert answer["result"]["isError"] is True
        assert "query" in answer["result"]["content"][0]["text"]


def result(call, context):
    answer = json.loads(render(call, context))
    assert (answer["jsonrpc"], answer["id"]) == ("2.0", 7)
    return answer["result"]


def test_one_text_block_holds_the_same_json_as_the_structured_content(context):
    found = result(called("search", query="x"), context)
    assert found["structuredContent"] == {
        "results": [
            {"id": "id-1", "title": "Reset", "url": "https://example.com/reset"},
            {"id": "id-2", "title": "bills.txt", "url": "bills.txt"},
        ]
    }
    [block] = found["content"]
    assert json.loads(block["text"]) == found["structuredContent"]
    read = result(called("fetch", id="id-1"), context)["structuredContent"]
    assert (read["id"], read["text"]) == ("id-1", "Hold the button.")
    assert read["metadata"] == {"source": "router/reset.md"}


def test_a_lookup_is_plain_text(context, fixed):
    call = called("lookup", True, query="x")
    assert result(call, context) == {
        "content": [{"type": "text", "text": context.text}],
        "resultType": "complete",
    }
    assert result(call, EMPTY)["content"][0]["text"] == NOTHING
    assert result(call, fixed)["content"][0]["text"] == "Please call us."


def test_what_cannot_be_fetched_is_not_found(fixed):
    found = result(called("search", query="x"), fixed)
    assert found["structuredContent"] == {"results": []}
    missing = result(called("fetch", id="x"), EMPTY)
    assert (missing["isError"], missing["content"][0]["text"]) == (True, NO_PASSAGE)


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),
        ("http://localhost:3000", True),
        ("http://[::1]", True),
        ("https://app.example.com", True),
        ("https://evil.example", False),
        ("http://localhost.evil.example", False),
        ("null", False),
        ("http://[", False),
    ],
)
def test_only_pages_of_this_machine_and_allowed_ones_may_ask(origin, allowed):
    request = sent("ping", headers={"origin": origin} if origin else {})
    mine = ("https://app.example.com",)
    if allowed:
        assert answered(request, mine)[0] == 200
        return
    with pytest.raises(Forbidden):
        parse(mine, request)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Unauthorized("no token", code="missing_token"), 401, -32001),
        (Unauthorized("not good", code="invalid_token"), 403, -32001),
        (InvalidRequest("not JSON", code="invalid_json"), 400, -32700),
        (InvalidRequest("no method", code="invalid_body"), 400, -32600),
    ],
)
def test_a_refusal_is_an_error_object_with_the_requests_own_id(error, status, code):
    reply = refuse(error, error.status, sent("tools/list").body)
    assert reply.status == status
    said = {"code": code, "message": str(error)}
    assert json.loads(reply.body) == {"jsonrpc": "2.0", "id": 7, "error": said}
    assert json.loads(refuse(error, 400, b"[").body)["id"] is None


def test_overload_is_a_result_that_the_model_reads():
    params = {"name": "lookup", "arguments": {"query": "x"}}
    reply = refuse(Overloaded("full"), 503, newest("tools/call", params).body)
    result = json.loads(reply.body)["result"]
    assert (reply.status, result["isError"]) == (200, True)
    assert (result["content"][0]["text"], result["resultType"]) == (BUSY, "complete")
    assert refuse(Overloaded("full"), 503, sent("tools/list").body).status == 503
