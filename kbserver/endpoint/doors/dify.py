"""Dify's external knowledge API.

Source: langgenius/dify, `prepare_external_retrieval` with its tests, and the registration of an
endpoint: it sends no body, and refuses 403, 404 and 502 alone. An answer that is not 200 is shown
to the user as it is, and overload is asked three times more: both are answered with no records.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kbserver.endpoint.asking.ask import Ask, session_of
from kbserver.endpoint.doors.base import (
    Door,
    Question,
    Reply,
    Sent,
    checked_label,
    count_in,
    encode,
    encode_object,
    manner_of,
    object_in,
    read_object,
    score_of,
    share_in,
    text_in,
    title_of,
    url_of,
)
from kbserver.errors import InvalidRequest, Unauthorized, WireError
from kbserver.retrieval.context import Context, ContextPassage
from kbserver.settings import DoorSettings

PATH = "/dify/retrieval"
NOTHING = encode({"records": []})

MISSING_TOKEN = 1001
WRONG_TOKEN = 1002
"""Dify's own numbers: the header is malformed; the token is not good."""

_EXAMPLE = 'Dify sends {"knowledge_id": …, "query": …, "retrieval_setting": {…}}'


def parse(sent: Sent) -> Question | Reply:
    """Read one request; an empty body, which Dify's registration sends, finds nothing.

    Raises:
        InvalidRequest: not JSON, a field is missing or of a wrong type, or a condition that can be
            no scope. To leave it out would widen the answer.
    """
    if not sent.body.strip():
        return Reply(NOTHING)
    body = read_object(sent.body, _EXAMPLE)
    query = text_in(body, "query")
    label = checked_label(text_in(body, "knowledge_id"), "knowledge_id")
    setting = object_in(body, "retrieval_setting")
    ask = Ask(
        query,
        label,
        session_of(sent.headers),
        top_k=count_in(setting, "top_k"),
        min_score=share_in(setting, "score_threshold"),
        scope=_scope(body.get("metadata_condition")),
    )
    return Question(ask)


def _scope(condition: Any) -> dict[str, str]:
    """Return the filter that a condition means.

    Raises:
        InvalidRequest: it is more than equalities that all must hold.
    """
    if condition is None:
        return {}
    if isinstance(condition, dict):
        parts: Any = condition.get("conditions") or []
        joined = condition.get("logical_operator") or "and"
        if isinstance(parts, list) and (joined == "and" or len(parts) < 2):
            scope = _equalities(parts)
            if scope is not None:
                return scope
    raise InvalidRequest(
        "only metadata conditions with 'is' or '=', joined by 'and', can be met; "
        "take the others out",
        code="unsupported_filter",
        param="metadata_condition",
    )


def _equalities(parts: list[Any]) -> dict[str, str] | None:
    """Return keys with the values that they must have; None if a part says anything else."""
    scope: dict[str, str] = {}
    for part in parts:
        if not isinstance(part, dict):
            return None
        names, value = part.get("name"), part.get("value")
        if part.get("comparison_operator") not in ("is", "="):
            return None
        if isinstance(names, str):
            names = [names]
        if not isinstance(names, list) or len(names) != 1:
            return None
        [name] = names
        if not isinstance(name, str) or not name or not isinstance(value, str):
            return None
        if scope.setdefault(name, value) != value:
            return None
    return scope


def render(
    question: Question,
    context: Context,
    extra: Mapping[str, object] | None = None,
) -> bytes:
    """Write the passages as records; all four keys are always there."""
    records = [_record(passage) for passage in context.passages]
    return encode_object({"records": records}, extra)


def _record(passage: ContextPassage) -> dict[str, object]:
    metadata: dict[str, object] = {"id": passage.id}
    if passage.hit is not None:
        metadata["path"] = url_of(passage)
    return {
        "content": passage.content,
        "score": score_of(passage),
        "title": title_of(passage),
        "metadata": metadata,
    }


def refuse(error: WireError, status: int, body: bytes) -> Reply:
    """Refuse a token with 403, which the registration heeds; overload finds nothing."""
    if isinstance(error, Unauthorized):
        number = WRONG_TOKEN
        if error.code == "missing_token":
            number = MISSING_TOKEN
        return _said(number, error, 403)
    if status >= 429:
        return Reply(NOTHING)
    return _said(status, error, status)


def _said(number: int, error: WireError, status: int) -> Reply:
    return Reply(encode({"error_code": number, "error_msg": str(error)}), status)


def dify(table: DoorSettings) -> Door[Question]:
    """Return the door."""
    return Door("dify", PATH, manner_of(table), parse, render, refuse)
