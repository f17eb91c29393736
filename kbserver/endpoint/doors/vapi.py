"""Vapi's custom knowledge base: asked once a turn, server to server.

Source: `vapi-server-sdk` 3.0.0 and Vapi's OpenAPI description. `similarity` of a document is
required. A key `message` in an answer would be spoken as it is, and no error is documented: all but
a wrong token is answered with no documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kbserver.endpoint.asking.ask import MOST_PAST, Ask, session_of
from kbserver.endpoint.asking.manner import Limits
from kbserver.endpoint.doors.base import (
    Door,
    Question,
    Reply,
    Sent,
    call_in,
    encode,
    encode_object,
    envelope,
    headers_of,
    label_in_path,
    manner_of,
    read_object,
    score_of,
)
from kbserver.errors import InvalidRequest, WireError
from kbserver.retrieval.context import Context
from kbserver.settings import DoorSettings

PATH = "/vapi/{label}"
LIMITS = Limits(passages_bytes=6_000, text_bytes=2_400)

BODY_BYTES = 1024 * 1024
"""A request holds the whole assistant and all that was said."""

NOTHING = encode({"documents": []})

_KIND = "knowledge-base-request"
_EXAMPLE = 'Vapi sends {"message": {"type": "knowledge-base-request", …}}'


def parse(sent: Sent) -> Question | Reply:
    """Read one request; other kinds of messages are answered with an empty object.

    Raises:
        InvalidRequest: not JSON, no message, or no words of the user in it.
    """
    label = label_in_path(sent)
    message = read_object(sent.body, _EXAMPLE).get("message")
    if not isinstance(message, dict):
        raise InvalidRequest(
            f"the field 'message' is no object; {_EXAMPLE}", code="invalid_body"
        )
    if message.get("type") != _KIND:
        return Reply(b"{}")
    said = _newest_first(message)
    query = next(said, None)
    if query is None:
        raise InvalidRequest(
            "no message of the role 'user' holds a text", code="missing_field"
        )
    past = tuple(text for text, _ in zip(said, range(MOST_PAST), strict=False))
    session = session_of(sent.headers) or call_in(message, "id")
    return Question(Ask(query, label, session, past=past))


def _newest_first(message: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the user said, the newest first."""
    for key, names in (
        ("messagesOpenAIFormatted", ("content",)),
        ("messages", ("message", "content")),
    ):
        lines = message.get(key)
        if not isinstance(lines, list):
            continue
        texts = [_text(line, names) for line in reversed(lines) if _is_user(line)]
        if any(texts):
            yield from filter(None, texts)
            return


def _is_user(line: object) -> bool:
    return isinstance(line, dict) and line.get("role") == "user"


def _text(line: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """Return the text of a line, which may be in parts; "" if it has none."""
    for name in names:
        content = line.get(name)
        if isinstance(content, str) and content.strip():
            return content
        if isinstance(content, list):
            parts = [part.get("text") for part in content if isinstance(part, dict)]
            text = " ".join(part for part in parts if isinstance(part, str))
            if text.strip():
                return text
    return ""


def render(
    question: Question,
    context: Context,
    extra: Mapping[str, object] | None = None,
) -> bytes:
    """Write the passages as documents, in their spoken form."""
    lines = context.text.split("\n")
    documents = []
    for place, passage in enumerate(context.passages):
        content = passage.content
        if passage.hit is not None and len(lines) == len(context.passages):
            content = lines[place].removeprefix("- ")
        documents.append({"content": content, "similarity": score_of(passage)})
        if passage.hit is not None:
            documents[-1]["uuid"] = passage.id
    return encode_object({"documents": documents}, extra)


def refuse(error: WireError, status: int, body: bytes) -> Reply:
    """Refuse a wrong token, path or method; all else finds nothing, and the call goes on."""
    if status in (401, 404, 405):
        return envelope(error, status)
    headers = headers_of(error)
    headers.pop("retry-after", None)
    return Reply(NOTHING, 200, headers)


def vapi(table: DoorSettings) -> Door[Question]:
    """Return the door."""
    manner = manner_of(table, limits=LIMITS, written=False, deadline_ms=None)
    return Door("vapi", PATH, manner, parse, render, refuse, body_bytes=BODY_BYTES)
