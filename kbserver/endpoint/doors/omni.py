"""The JSON of `kb_endpoint`, in and out. Pure: bytes and headers in, values out, and back.

Source: the Omni contract, sections 1 and 2. Exactly two fields are known in a request; every other field is
ignored. An answer holds `context` and `results` both, since which of them the engine reads is documented nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from kbserver.errors import InvalidRequest, WireError
from kbserver.labels import label_problem
from kbserver.retrieval.context import ContextPassage

LABEL_HEADERS = ("x-pyai-session-label", "x-pyai-agent")
MAX_ECHO_BYTES = 500  # of the query as JSON: it comes back in the answer, whose whole body must stay below 6 KB
_MOST_BYTES_EACH = 6  # a letter as JSON: \u0000
MAX_ANSWER_BYTES = 6000  # Omni cuts tool results above about 6 KB; the same bound keeps a grounding whole


class TurnRequest(BaseModel):
    """One call of the engine: what the caller said, and the label of the session it was said in."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    query: StrictStr
    session_label: StrictStr | None = None
    agent_id: Annotated[StrictStr | None, Field(exclude=True)] = None


def parse(body: bytes, headers: Mapping[str, str]) -> TurnRequest:
    """Read one request.

    `session_label` may be absent or null; then the older alias `agent_id` counts, then the headers
    `x-pyai-session-label` and `x-pyai-agent`, then there is no label.

    Raises:
        InvalidRequest: not JSON, not an object, `query` missing, a wrong type, or a label over the limits.
    """
    try:
        request = TurnRequest.model_validate_json(body)
    except ValidationError as exc:
        raise _complaint(exc) from None
    label, param = request.session_label, "session_label"
    if label is None and request.agent_id is not None:
        label, param = request.agent_id, "agent_id"
    if label is None:
        label = next(
            (headers[name] for name in LABEL_HEADERS if headers.get(name)), None
        )
    if label is not None and (problem := label_problem(label)):
        raise InvalidRequest(problem, code="invalid_session_label", param=param)
    return (
        request
        if label == request.session_label
        else request.model_copy(update={"session_label": label})
    )


def _complaint(exc: ValidationError) -> InvalidRequest:
    error = exc.errors(include_url=False, include_context=False, include_input=False)[0]
    param = str(error["loc"][0]) if error["loc"] else None
    if error["type"] == "json_invalid":
        return InvalidRequest(
            'the body is not valid JSON; send {"session_label": …, "query": …}',
            code="invalid_json",
        )
    if param is None:
        return InvalidRequest(
            'the body is not a JSON object; send {"session_label": …, "query": …}',
            code="invalid_body",
        )
    if error["type"] == "missing":
        return InvalidRequest(
            f"the field {param!r} is missing", code="missing_field", param=param
        )
    return InvalidRequest(
        f"the field {param!r} must be a string", code="invalid_type", param=param
    )


def render(
    request: TurnRequest,
    context: str,
    passages: Sequence[ContextPassage],
    extra: Mapping[str, Any] | None = None,
) -> bytes:
    """Write one answer as UTF-8 JSON, at most `MAX_ANSWER_BYTES` long.

    Passages that would make the body too long are left out from the worst up. `extra` (the debug trace) comes on
    top of the limit. A score that is no finite number, as a handler may give one, is null.
    """
    results = [
        {
            "id": passage.id,
            "content": passage.content,
            "score": round(passage.score, 4) if isfinite(passage.score) else None,
        }
        for passage in passages
    ]
    answer: dict[str, Any] = {
        "session_label": request.session_label,
        "query": _echo(request.query),
        "context": context,
        "results": results,
    }
    body = _encode(answer)
    while len(body) > MAX_ANSWER_BYTES and results:
        results.pop()
        body = _encode(answer)
    return _encode(answer | dict(extra)) if extra else body


def _echo(query: str) -> str:
    """The beginning of a query, whatever its letters: in Hindi each takes three bytes."""
    if _MOST_BYTES_EACH * len(query) <= MAX_ECHO_BYTES:
        return query
    shown = query[:MAX_ECHO_BYTES]
    while len(_encode(shown)) > MAX_ECHO_BYTES:
        shown = shown[: len(shown) * 9 // 10]
    return shown


def render_error(error: WireError) -> bytes:
    """Write the error envelope: `{"error": {"message", "type", "code", "param"}}`."""
    envelope = {
        "message": str(error),
        "type": error.type,
        "code": error.code,
        "param": error.param,
    }
    return _encode({"error": envelope})


def _encode(value: Mapping[str, Any] | str) -> bytes:
    try:
        return to_json(value)
    except (
        PydanticSerializationError
    ):  # half of a surrogate pair, which UTF-8 does not know
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "replace"
        )
