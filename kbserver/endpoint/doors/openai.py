"""OpenAI's vector store search, as the `openai` packages ask it with another base URL.

Source: `openai` 3.51.0 against this door. Its client asks three times after a 503; the header
`x-should-retry` stops it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from kbserver.endpoint.asking.ask import Ask, session_of
from kbserver.endpoint.doors.base import (
    MAX_LIMIT_MS,
    Door,
    Headers,
    Question,
    Reply,
    Sent,
    count_in,
    encode_object,
    envelope,
    label_in_path,
    limit_ms,
    manner_of,
    object_in,
    read_object,
    score_of,
    share_in,
    source_of,
    title_of,
    url_of,
    wrong_type,
)
from kbserver.errors import InvalidRequest, WireError
from kbserver.retrieval.context import Context, ContextPassage
from kbserver.settings import DoorSettings

PATH = "/v1/vector_stores/{label}/search"
TIMEOUT_HEADER = "x-stainless-read-timeout"

TIMEOUT_SHARE = 0.5
"""Of the client's own time-out that a turn may take: the network needs the rest."""

_EXAMPLE = 'send {"query": …}'
_MOST_DEEP = 20  # filters inside of each other


@dataclass(frozen=True, slots=True)
class OpenAIQuestion(Question):
    """A query, or several that are asked as one."""

    queries: tuple[str, ...]


def parse(sent: Sent) -> OpenAIQuestion:
    """Read one search. `rewrite_query` and the ranker's name change nothing.

    Raises:
        InvalidRequest: not JSON, a field is missing or of a wrong type, or a filter that can be no
            scope. To leave it out would widen the answer.
    """
    body = read_object(sent.body, _EXAMPLE)
    queries = _queries(body)
    ranking = object_in(body, "ranking_options")
    ask = Ask(
        " ".join(queries),
        label_in_path(sent),
        session_of(sent.headers),
        top_k=count_in(body, "max_num_results"),
        min_score=share_in(ranking, "score_threshold"),
        scope=_scope(body.get("filters")),
    )
    return OpenAIQuestion(ask, queries)


def _queries(body: Mapping[str, Any]) -> tuple[str, ...]:
    query = body.get("query")
    if query is None:
        raise InvalidRequest(
            f"the field 'query' is missing; {_EXAMPLE}",
            code="missing_field",
            param="query",
        )
    if isinstance(query, str):
        return (query,)
    if isinstance(query, list) and all(isinstance(part, str) for part in query):
        return tuple(query)
    raise wrong_type("query", "a string or a list of strings")


def _scope(filters: Any) -> dict[str, str]:
    """Return the scope that a filter means.

    Raises:
        InvalidRequest: it is more than equalities of texts that all must hold.
    """
    scope: dict[str, str] = {}
    if filters is None or _merged(filters, scope, _MOST_DEEP):
        return scope
    raise InvalidRequest(
        "only filters of the types 'eq' with a text, and 'and' of such, can be met; "
        "take the others out",
        code="unsupported_filter",
        param="filters",
    )


def _merged(part: Any, scope: dict[str, str], deep: int) -> bool:
    """Add what a filter asks; False if that is no scope."""
    if not isinstance(part, dict) or not deep:
        return False
    if part.get("type") == "and":
        inner = part.get("filters")
        if not isinstance(inner, list):
            return False
        return all(_merged(one, scope, deep - 1) for one in inner)
    key, value = part.get("key"), part.get("value")
    if part.get("type") != "eq" or not isinstance(key, str) or not key:
        return False
    return isinstance(value, str) and scope.setdefault(key, value) == value


def render(
    question: OpenAIQuestion,
    context: Context,
    extra: Mapping[str, object] | None = None,
) -> bytes:
    """Write the passages as the one page of results."""
    answer = {
        "object": "vector_store.search_results.page",
        "search_query": list(question.queries),
        "data": [_result(passage) for passage in context.passages],
        "has_more": False,
        "next_page": None,
    }
    return encode_object(answer, extra)


def _result(passage: ContextPassage) -> dict[str, object]:
    attributes: dict[str, str] = {}
    if passage.hit is not None:
        attributes = {"title": title_of(passage), "url": url_of(passage)}
    return {
        "file_id": passage.id,
        "filename": source_of(passage),
        "score": score_of(passage),
        "attributes": attributes,
        "content": [{"type": "text", "text": passage.content}],
    }


def refuse(error: WireError, status: int, body: bytes) -> Reply:
    """Refuse with OpenAI's envelope; what is overloaded is not asked again at once."""
    reply = envelope(error, status, body)
    if status < 429:
        return reply
    return replace(reply, headers={**reply.headers, "x-should-retry": "false"})


def bound_ms(headers: Headers) -> float | None:
    """Return the caller's bound: its header in milliseconds, or half of the client's time-out."""
    named = limit_ms(headers)
    if named is not None:
        return named
    try:
        timeout_ms = 1000.0 * float(headers.get(TIMEOUT_HEADER, ""))
    except ValueError:
        return None
    if not isfinite(timeout_ms) or not 0.0 < timeout_ms < MAX_LIMIT_MS:
        return None
    return TIMEOUT_SHARE * timeout_ms


def openai(table: DoorSettings) -> Door[OpenAIQuestion]:
    """Return the door."""
    manner = manner_of(table)
    return Door("openai", PATH, manner, parse, render, refuse, limit_ms=bound_ms)
