"""Calls a door as its client does, and says what is found: `kbserver doctor --door NAME`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx2

from kbserver.endpoint.doors.dify import PATH as DIFY
from kbserver.endpoint.doors.mcp import NEWEST, VERSION_KEY, WITH_HANDSHAKE
from kbserver.endpoint.doors.mcp import PATH as MCP
from kbserver.endpoint.doors.openai import PATH as OPENAI
from kbserver.endpoint.doors.search import PATH as SEARCH
from kbserver.endpoint.doors.tool import PATH as TOOL
from kbserver.endpoint.doors.vapi import PATH as VAPI
from kbserver.notes import PROBE_HEADER
from kbserver.omni.configure import check_token
from kbserver.omni.doctor.findings import Finding

PATIENCE_S = 5.0
WRONG_TOKEN = "not-a-token-of-this-server"  # noqa: S105  # sent to be refused


@dataclass(frozen=True, slots=True)
class Probe:
    """How one door is asked, and how its answers look."""

    path: str
    """With `{label}`."""
    body: Callable[[str, str], Any]
    """Label and query → JSON."""
    passages: Callable[[Any], int]
    """How many passages an answer holds; raises on an answer of another form."""
    refused: tuple[int, ...]
    """Statuses of a wrong token."""
    slow_s: float
    """After which the client gives up, or the caller hears silence."""


def _vapi(label: str, query: str) -> Any:
    said = [{"role": "user", "content": query}]
    message = {"type": "knowledge-base-request", "messagesOpenAIFormatted": said}
    return {"message": message}


def _dify(label: str, query: str) -> Any:
    setting = {"top_k": 3, "score_threshold": 0.0}
    return {"knowledge_id": label, "query": query, "retrieval_setting": setting}


def _query(label: str, query: str) -> Any:
    return {"query": query}


def _rpc(method: str, **params: object) -> Any:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def _lookup(label: str, query: str) -> Any:
    return _rpc("tools/call", name="search", arguments={"query": query})


PROBES: dict[str, Probe] = {
    "vapi": Probe(VAPI, _vapi, lambda said: len(said["documents"]), (401,), 0.5),
    "dify": Probe(DIFY, _dify, lambda said: len(said["records"]), (403,), 5.0),
    "openai": Probe(
        OPENAI,
        _query,
        lambda said: len(said["data"]),
        (401,),
        2.0,
    ),
    "tool": Probe(TOOL, _query, lambda said: len(said["results"]), (401,), 2.0),
    "search": Probe(SEARCH, _query, len, (401,), 2.0),
    "mcp": Probe(
        MCP,
        _lookup,
        lambda said: len(said["result"]["structuredContent"]["results"]),
        (403,),
        2.0,
    ),
}


def probe(
    name: str, base: str, label: str, query: str, token: str | None
) -> Iterator[Finding]:
    """Yield what is found at a door, in the order of the checks.

    Args:
        name: of the door.
        base: the server's URL, without a path.
        label: that has a route.
        query: that its corpus answers.
        token: None where the server is open.

    Raises:
        OmniError: the token cannot travel in a header.
    """
    if token is not None:
        check_token(token)
    at = PROBES[name]
    url = base + at.path.format(label=quote(label, safe=""))
    with httpx2.Client(timeout=PATIENCE_S, follow_redirects=False) as http:
        door = _Door(name, http, url, token)
        try:
            yield from _checks(door, at, label, query)
        except httpx2.HTTPError as exc:
            found = f"no answer from {url}: {type(exc).__name__}"
            step = "start  kbserver serve,  or give the URL where it is reachable"
            yield Finding("reachable", "fail", found, step, "unreachable")


@dataclass(frozen=True, slots=True)
class _Door:
    name: str
    http: httpx2.Client
    url: str
    token: str | None

    def ask(self, body: object, token: str | None, **headers: str) -> httpx2.Response:
        headers[PROBE_HEADER] = "doctor"
        headers["content-type"] = "application/json"
        if token:
            headers["authorization"] = f"Bearer {token}"
        content = b""
        if body is not None:
            content = json.dumps(body).encode()
        return self.http.post(self.url, content=content, headers=headers)


def _checks(door: _Door, at: Probe, label: str, query: str) -> Iterator[Finding]:
    began = time.perf_counter()
    answer = door.ask(at.body(label, query), door.token)
    took_s = time.perf_counter() - began
    problem = _refused(door, answer)
    if problem is not None:
        yield problem
        return
    yield Finding("door", "ok", f"{door.url} answers")
    yield _answered(answer, at, label)
    yield _in_time(took_s, at)
    yield _locked(door, at, label, query)
    if door.name == "dify":
        yield _registers(door)
    if door.name == "mcp":
        yield from _both_eras(door)


def _refused(door: _Door, answer: httpx2.Response) -> Finding | None:
    status = answer.status_code
    if status == 200:
        return None
    if status == 404:
        step = f"add  [doors.{door.name}]  to kbserver.toml and start it again"
        return Finding("door", "fail", f"404 at {door.url}", step, "closed")
    if status in (401, 403):
        found = f"{status}: the token is refused"
        step = f"compare the token; its doors must hold {door.name!r}, or it names none"
        return Finding("token", "fail", found, step, "wrong_token")
    if 300 <= status < 400:
        step = "give the URL that it leads to: most clients follow no redirect"
        return Finding("door", "fail", f"a redirect ({status})", step, "redirects")
    step = "see the log of the server"
    return Finding("door", "fail", f"status {status}", step, "failing")


def _answered(answer: httpx2.Response, at: Probe, label: str) -> Finding:
    try:
        count = at.passages(answer.json())
    except (ValueError, KeyError, TypeError):
        step = "something between here and kbserver answers in its place"
        return Finding("answer", "fail", "not an answer of this door", step, "answer")
    if count:
        return Finding("answer", "ok", f"{count} passages")
    found = f"nothing found under the label {label!r}"
    step = (
        f"kbserver routes --explain {label};  give --query a question that is answered"
    )
    return Finding("answer", "warn", found, step, "empty")


def _in_time(took_s: float, at: Probe) -> Finding:
    found = f"{took_s * 1000:.0f} ms, connecting included"
    if took_s < at.slow_s:
        return Finding("time", "ok", found)
    step = f"this client waits {at.slow_s:g} s; serve from nearer, or lower deadline_ms"
    return Finding("time", "warn", found, step, "too_slow")


def _locked(door: _Door, at: Probe, label: str, query: str) -> Finding:
    status = door.ask(at.body(label, query), WRONG_TOKEN).status_code
    if status in at.refused:
        return Finding("wrong token", "ok", f"refused with {status}")
    if status == 200 and door.token is None:
        step = "set a token, unless all of the documents are public"
        return Finding("wrong token", "warn", "the server is open to all", step)
    step = "something in front of kbserver changes the request or the answer"
    return Finding("wrong token", "fail", f"answered {status}", step, "wrong_token")


def _registers(door: _Door) -> Finding:
    status = door.ask(None, door.token).status_code
    if status == 200:
        return Finding("registration", "ok", "an empty body is answered")
    step = "Dify would refuse to add this endpoint"
    return Finding("registration", "fail", f"status {status}", step, "registration")


def _both_eras(door: _Door) -> Iterator[Finding]:
    newest, before = NEWEST, WITH_HANDSHAKE[0]
    meta = {VERSION_KEY: newest, "io.modelcontextprotocol/clientCapabilities": {}}
    headers = {"mcp-protocol-version": newest, "mcp-method": "server/discover"}
    found = door.ask(_rpc("server/discover", _meta=meta), door.token, **headers)
    yield _speaks(f"protocol {newest}", found)
    hello = _rpc("initialize", protocolVersion=before, capabilities={})
    yield _speaks(f"protocol {before}", door.ask(hello, door.token))
    page = {"origin": "https://a-page-of-strangers.example"}
    status = door.ask(_rpc("ping"), door.token, **page).status_code
    if status == 403:
        yield Finding("pages of others", "ok", "refused with 403")
    else:
        step = "a proxy drops the header Origin; let it pass"
        yield Finding("pages of others", "warn", f"answered {status}", step)


def _speaks(check: str, answer: httpx2.Response) -> Finding:
    try:
        _ = answer.json()["result"]["capabilities"]["tools"]
    except (ValueError, KeyError, TypeError):
        step = "something in front of kbserver answers in its place"
        return Finding(check, "fail", f"status {answer.status_code}", step, "answer")
    return Finding(check, "ok", "spoken")
