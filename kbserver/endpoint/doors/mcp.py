"""The Model Context Protocol over HTTP, in both of its eras: three tools, no session, no stream.

Source: the protocol's revisions 2024-11-05 … 2025-11-25 (a handshake first) and 2026-07-28 (each
request stands alone), as ten clients spoke them. Every answer is JSON; a stream is never opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any, Literal, TypeGuard
from urllib.parse import urlsplit

from kbserver.endpoint.asking.ask import Ask, session_of
from kbserver.endpoint.doors.base import (
    BUSY,
    NOTHING,
    Door,
    Question,
    Reply,
    Sent,
    encode,
    headers_of,
    label_in_path,
    manner_of,
    read_object,
    source_of,
    title_of,
    url_of,
)
from kbserver.errors import Forbidden, InvalidRequest, Overloaded, WireError
from kbserver.retrieval.context import Context
from kbserver.settings import McpSettings

PATH = "/{label}/mcp"

NEWEST = "2026-07-28"
WITH_HANDSHAKE = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
"""Newest first; in them a client calls `initialize` before anything else."""

NO_PASSAGE = "There is no passage with this id; take one from the results of search."

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
REFUSED = -32001
HEADER_MISMATCH = -32020
UNSUPPORTED_VERSION = -32022

TOOLS_TTL_MS = 3_600_000
"""For which a client may keep the list of tools; it changes with a new version of this server."""

_META = "io.modelcontextprotocol/"
VERSION_KEY = f"{_META}protocolVersion"
"""In `_meta` of each request of the newest revision."""

_EXAMPLE = 'send {"jsonrpc": "2.0", "id": 1, "method": …}'
_HERE = ("localhost", "127.0.0.1", "::1")

_Tool = Literal["search", "fetch", "lookup"]


@dataclass(frozen=True, slots=True)
class McpCall(Question):
    """One call of a tool."""

    tool: _Tool
    id: str | int
    newest: bool
    """Whether the request is of the newest revision, which wants more of an answer."""


@dataclass(frozen=True, slots=True)
class _Message:
    """One JSON-RPC request."""

    id: str | int
    method: str
    params: Mapping[str, Any]
    newest: bool

    def result(self, **values: object) -> Reply:
        return Reply(_result(self.id, values, newest=self.newest))

    def error(
        self, code: int, message: str, *, status: int = 200, data: object = None
    ) -> Reply:
        return Reply(_error(self.id, code, message, data), status)


def parse(allowed: tuple[str, ...], sent: Sent) -> McpCall | Reply:
    """Read one message; all but the call of a tool is answered at once.

    Args:
        allowed: origins of pages that may ask, beside those of this machine.
        sent: the request.

    Raises:
        Forbidden: it comes from the page of another origin.
        InvalidRequest: it is no JSON-RPC message.
    """
    _check_origin(sent.headers.get("origin"), allowed)
    label = label_in_path(sent)
    body = read_object(sent.body, _EXAMPLE)
    method, name = body.get("method"), body.get("id")
    if body.get("jsonrpc") != "2.0":
        raise InvalidRequest(
            f"the field 'jsonrpc' is not '2.0'; {_EXAMPLE}", code="invalid_body"
        )
    if not isinstance(method, str):
        if "result" in body or "error" in body:  # an answer to what was never asked
            return Reply(b"", 202)
        raise InvalidRequest(
            f"the field 'method' is no string; {_EXAMPLE}", code="invalid_body"
        )
    if "id" not in body:
        return Reply(b"", 202)
    if not _is_id(name):
        raise InvalidRequest(
            "the field 'id' must be a string or a whole number", code="invalid_body"
        )
    params = body.get("params", {})
    if not isinstance(params, dict):
        return Reply(_error(name, INVALID_PARAMS, "the params must be an object", None))
    return _answer(name, method, params, label, sent)


def _answer(
    name: str | int, method: str, params: dict[str, Any], label: str, sent: Sent
) -> McpCall | Reply:
    """Answer one request, or return the call of a tool."""
    spoken = sent.headers.get("mcp-protocol-version") or _version_in(params)
    newest = spoken == NEWEST and method != "initialize"
    message = _Message(name, method, params, newest)
    if spoken and spoken not in (NEWEST, *WITH_HANDSHAKE) and method != "initialize":
        supported = [NEWEST, *WITH_HANDSHAKE]
        data = {"supported": supported, "requested": spoken[:100]}
        said = f"this protocol version is not known here; use {NEWEST}"
        return message.error(UNSUPPORTED_VERSION, said, status=400, data=data)
    if newest:
        mismatch = _mismatch(message, sent.headers)
        if mismatch is not None:
            return message.error(HEADER_MISMATCH, mismatch, status=400)
    if method == "tools/call":
        return _call(message, label, session_of(sent.headers))
    answer = _METHODS.get(method)
    if answer is None or (newest and method == "ping"):
        status = 404 if newest else 200
        said = f"no such method; this server has {', '.join(_METHODS)} and tools/call"
        return message.error(METHOD_NOT_FOUND, said, status=status)
    return answer(message)


def _mismatch(message: _Message, headers: Mapping[str, str]) -> str | None:
    """Say which header contradicts the body; None if none does."""
    in_params = _version_in(message.params)
    in_header = headers.get("mcp-protocol-version")
    if in_params and in_header and in_params != in_header:
        return "the header mcp-protocol-version is not the version in _meta"
    method = headers.get("mcp-method")
    if method is not None and method != message.method:
        return "the header mcp-method is not the method of the body"
    name = headers.get("mcp-name")
    if name is not None and message.method == "tools/call":
        if name != message.params.get("name"):
            return "the header mcp-name is not the name of the tool"
    return None


def _version_in(params: Mapping[str, Any]) -> str | None:
    meta = params.get("_meta")
    if not isinstance(meta, dict):
        return None
    spoken = meta.get(VERSION_KEY)
    if not isinstance(spoken, str):
        return None
    return spoken


def _call(message: _Message, label: str, session: str | None) -> McpCall | Reply:
    name = message.params.get("name")
    arguments = message.params.get("arguments")
    if arguments is None:
        arguments = {}
    tool = next((tool for tool in TOOLS if tool["name"] == name), None)
    if tool is None:
        listed = ", ".join(str(tool["name"]) for tool in TOOLS)
        return message.error(INVALID_PARAMS, f"no such tool; there are {listed}")
    [key] = tool["inputSchema"]["required"]
    text = None
    if isinstance(arguments, dict):
        text = arguments.get(key)
    if not isinstance(text, str):
        said = f"the tool {name} needs the argument {key!r}, a text"
        return message.result(content=[_text(said)], isError=True)
    ask = Ask(text, label, session, spoken=name == "lookup")
    if name == "fetch":
        ask = Ask(text, label, passage_id=text)
    return McpCall(ask, tool["name"], message.id, message.newest)


def _initialize(message: _Message) -> Reply:
    wanted = message.params.get("protocolVersion")
    agreed = WITH_HANDSHAKE[0]
    if wanted in WITH_HANDSHAKE:
        agreed = wanted
    return message.result(
        protocolVersion=agreed,
        capabilities={"tools": {}},
        serverInfo=SERVER,
        instructions=INSTRUCTIONS,
    )


def _discover(message: _Message) -> Reply:
    return message.result(
        supportedVersions=[NEWEST],
        capabilities={"tools": {}},
        instructions=INSTRUCTIONS,
        ttlMs=TOOLS_TTL_MS,
        cacheScope="private",
        _meta={f"{_META}serverInfo": SERVER},
    )


def _list_tools(message: _Message) -> Reply:
    if message.newest:
        return message.result(tools=TOOLS, ttlMs=TOOLS_TTL_MS, cacheScope="private")
    return message.result(tools=TOOLS)


def _ping(message: _Message) -> Reply:
    return message.result()


_METHODS: dict[str, Callable[[_Message], Reply]] = {
    "initialize": _initialize,
    "server/discover": _discover,
    "ping": _ping,
    "tools/list": _list_tools,
}

SERVER = {"name": "kbserver", "version": version("kbserver")}

INSTRUCTIONS = (
    "A knowledge base of the organisation's own documents. Look a question up here before "
    "answering from memory; if it says nothing, say so."
)


def _tool(name: _Tool, title: str, description: str, key: str, about: str) -> Any:
    return {
        "name": name,
        "title": title,
        "description": description,
        "inputSchema": {
            "type": "object",
            "properties": {key: {"type": "string", "description": about}},
            "required": [key],
        },
        "annotations": {"readOnlyHint": True, "openWorldHint": False},
    }


TOOLS: list[dict[str, Any]] = [
    _tool(
        "lookup",
        "Look up",
        "Look a question up in the knowledge base. Returns the passages that answer it as plain "
        "text, ready to be spoken.",
        "query",
        "The question, with everything that it is about.",
    ),
    _tool(
        "search",
        "Search",
        "Search the knowledge base. Returns the ids, titles and addresses of the best passages; "
        "read them with fetch.",
        "query",
        "What to search for, in plain words.",
    ),
    _tool(
        "fetch",
        "Fetch",
        "Read one passage of the knowledge base in full.",
        "id",
        "An id from the results of search.",
    ),
]


def render(
    call: McpCall, context: Context, extra: Mapping[str, object] | None = None
) -> bytes:
    """Write the result of a tool: one text block, and the same JSON as structured content."""
    found = _found(call.tool, context)
    if isinstance(found, str):
        values: dict[str, object] = {"content": [_text(found)]}
        if call.tool == "fetch":
            values["isError"] = True
    else:
        written = encode(found).decode()
        values = {"content": [_text(written)], "structuredContent": found}
    if extra:
        values["_meta"] = {f"kbserver/{key}": value for key, value in extra.items()}
    return _result(call.id, values, newest=call.newest)


def _found(tool: _Tool, context: Context) -> dict[str, object] | str:
    """Return what a tool found: an object, or a sentence."""
    if tool == "lookup":
        return context.text or NOTHING
    # A fixed text has an id that no fetch finds.
    passages = [passage for passage in context.passages if passage.hit is not None]
    if tool == "search":
        results = [
            {"id": passage.id, "title": title_of(passage), "url": url_of(passage)}
            for passage in passages
        ]
        return {"results": results}
    for passage in passages:
        return {
            "id": passage.id,
            "title": title_of(passage),
            "text": passage.content,
            "url": url_of(passage),
            "metadata": {"source": source_of(passage)},
        }
    return NO_PASSAGE


def refuse(error: WireError, status: int, body: bytes) -> Reply:
    """Refuse as JSON-RPC, with the request's own id: most clients show the message then.

    Overload is the result of the tool, so that the model goes on without it. A token that is not
    good is forbidden, since 401 sends some clients into a registration that is not there.
    """
    name, request = _of(body)
    if isinstance(error, Overloaded) and request.get("method") == "tools/call":
        params = request.get("params")
        newest = isinstance(params, dict) and _version_in(params) == NEWEST
        values: dict[str, object] = {"content": [_text(BUSY)], "isError": True}
        return Reply(_result(name, values, newest=newest))
    if status == 401 and error.code != "missing_token":
        status = 403
    number = _NUMBERS.get(error.code, REFUSED)
    headers = headers_of(error)
    if status != 401:
        headers.pop("www-authenticate", None)
    return Reply(_error(name, number, str(error), None), status, headers)


_NUMBERS = {"invalid_json": PARSE_ERROR, "invalid_body": INVALID_REQUEST}


def _of(body: bytes) -> tuple[str | int | None, dict[str, Any]]:
    """Return id and request of a body that may be anything."""
    try:
        request = read_object(body, "")
    except InvalidRequest:
        return None, {}
    name = request.get("id")
    if not _is_id(name):
        name = None
    return name, request


def _is_id(name: object) -> TypeGuard[str | int]:
    return isinstance(name, str | int) and not isinstance(name, bool)


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _result(
    name: str | int | None, values: Mapping[str, object], *, newest: bool
) -> bytes:
    result = dict(values)
    if newest:
        result["resultType"] = "complete"
    return encode({"jsonrpc": "2.0", "id": name, "result": result})


def _error(name: str | int | None, code: int, message: str, data: object) -> bytes:
    error: dict[str, object] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return encode({"jsonrpc": "2.0", "id": name, "error": error})


def _check_origin(origin: str | None, allowed: tuple[str, ...]) -> None:
    """Refuse pages of other origins: a visitor's browser may reach what its page may not.

    Raises:
        Forbidden: it is neither of this machine nor allowed.
    """
    if origin is None or origin in allowed:
        return
    try:
        host = urlsplit(origin).hostname
    except ValueError:
        host = None
    if host not in _HERE:
        raise Forbidden(
            "this page may not ask here; add its origin to allowed_origins of [doors.mcp]",
            code="origin_not_allowed",
        )


def mcp(table: McpSettings) -> Door[McpCall]:
    """Return the door."""
    manner = manner_of(table)
    read = partial(parse, table.allowed_origins)
    return Door("mcp", PATH, manner, read, render, refuse, body_first=True)
