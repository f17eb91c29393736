"""Omni's `kb_endpoint`: its JSON, in and out, and its limits.

Source: the Omni contract, sections 1 and 2. Exactly two fields are known in a request; every
other field is ignored. An answer holds both `context` and `results`, since which of the two the
engine reads is documented nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from pydantic import BaseModel, ConfigDict, StrictStr, ValidationError

from kbserver.endpoint.asking.ask import Ask, session_of
from kbserver.endpoint.asking.manner import Limits, Manner
from kbserver.endpoint.doors.base import (
    Door,
    Headers,
    Question,
    Sent,
    checked_label,
    encode,
    encode_object,
    envelope,
)
from kbserver.errors import InvalidRequest
from kbserver.retrieval.context import Context, ContextPassage

LABEL_HEADERS = ("x-pyai-session-label", "x-pyai-agent")

MAX_ANSWER_BYTES = 6000
"""Of a body: Omni cuts tool results above about 6 KB."""

MAX_ECHO_BYTES = 500
"""Of the query as JSON, which comes back in the answer."""

_ENVELOPE_BYTES = 700  # everything but context and passages, with a long query
_TEXT_BYTES = 2400  # twice this fits beside the envelope
_LONGEST_ESCAPE = len(rb"\u0000")
_EXAMPLE = 'send {"session_label": …, "query": …}'


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    query: StrictStr
    session_label: StrictStr | None = None
    agent_id: StrictStr | None = None


def parse(sent: Sent) -> Question:
    """Read one request.

    `session_label` may be absent or null; then the older alias `agent_id` counts, then the headers
    `x-pyai-session-label` and `x-pyai-agent`, then there is no label. The label is the session as
    well, unless a header that Omni does not send names another.

    Raises:
        InvalidRequest: not JSON, not an object, `query` missing, a wrong type, or a label over
            the limits.
    """
    try:
        body = _Body.model_validate_json(sent.body)
    except ValidationError as exc:
        raise _complaint(exc) from None
    label = body.session_label
    field = "session_label"
    if label is None and body.agent_id is not None:
        label = body.agent_id
        field = "agent_id"
    if label is None:
        label = _label_of(sent.headers)
    if label is not None:
        checked_label(label, field)
    return Question(Ask(body.query, label, session_of(sent.headers) or label))


def _label_of(headers: Headers) -> str | None:
    for name in LABEL_HEADERS:
        if headers.get(name):
            return headers[name]
    return None


def _complaint(exc: ValidationError) -> InvalidRequest:
    """Say what is wrong with a body, by the first thing that is."""
    errors = exc.errors(include_url=False, include_context=False, include_input=False)
    kind = errors[0]["type"]
    location = errors[0]["loc"]
    if kind == "json_invalid":
        message = f"the body is not valid JSON; {_EXAMPLE}"
        return InvalidRequest(message, code="invalid_json")
    if not location:
        message = f"the body is not a JSON object; {_EXAMPLE}"
        return InvalidRequest(message, code="invalid_body")
    field = str(location[0])
    if kind == "missing":
        message = f"the field {field!r} is missing"
        return InvalidRequest(message, code="missing_field", param=field)
    message = f"the field {field!r} must be a string"
    return InvalidRequest(message, code="invalid_type", param=field)


def render(
    request: Question, context: Context, extra: Mapping[str, object] | None = None
) -> bytes:
    """Write one answer as UTF-8 JSON, at most `MAX_ANSWER_BYTES` long.

    Passages that would make the body too long are left out, the worst first. `extra` comes on top
    of the limit. A score that is no finite number, as a handler may give one, is null.
    """
    results = [_result(passage) for passage in context.passages]
    answer: dict[str, Any] = {
        "session_label": request.ask.label,
        "query": _echo(request.ask.query),
        "context": context.text,
        "results": results,
    }
    body = encode(answer)
    while len(body) > MAX_ANSWER_BYTES and results:
        results.pop()
        body = encode(answer)
    if extra:
        body = encode_object(answer, extra)
    return body


def _result(passage: ContextPassage) -> dict[str, Any]:
    score = None
    if isfinite(passage.score):
        score = round(passage.score, 4)
    return {"id": passage.id, "content": passage.content, "score": score}


def _echo(query: str) -> str:
    """Return the beginning of a query that fits into `MAX_ECHO_BYTES` of JSON."""
    if _LONGEST_ESCAPE * len(query) <= MAX_ECHO_BYTES:
        return query
    shown = query[:MAX_ECHO_BYTES]
    while len(encode(shown)) > MAX_ECHO_BYTES:
        shown = shown[: len(shown) * 9 // 10]
    return shown


def omni(path: str) -> Door[Question]:
    """Return the door at a URL path."""
    return Door("omni", path, OMNI, parse, render, envelope)


OMNI = Manner(
    Limits(
        passages_bytes=MAX_ANSWER_BYTES - _ENVELOPE_BYTES,
        text_bytes=_TEXT_BYTES,
    )
)
