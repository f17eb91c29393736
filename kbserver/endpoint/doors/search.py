"""Vertex AI's "your search API": `{"query"}` in, a list of `{"snippet", "uri"}` out.

Source: Google's page "Grounding with your search API", and `google-genai` 3.3.0 for how the key
travels. No client of it was seen. An answer is a JSON array, which has no room for extra keys.
"""

from __future__ import annotations

from collections.abc import Mapping

from kbserver.endpoint.asking.ask import Ask, session_of
from kbserver.endpoint.doors.base import (
    Door,
    Headers,
    Question,
    Sent,
    encode,
    envelope,
    label_in_path,
    manner_of,
    read_object,
    text_in,
    url_of,
)
from kbserver.endpoint.tokens.static import bearer_token
from kbserver.retrieval.context import Context
from kbserver.settings import DoorSettings

PATH = "/search/{label}"
KEY_HEADER = "x-api-key"
_EXAMPLE = 'send {"query": …}'


def parse(sent: Sent) -> Question:
    """Read one search.

    Raises:
        InvalidRequest: not JSON, or `query` is missing or no text.
    """
    query = text_in(read_object(sent.body, _EXAMPLE), "query")
    return Question(Ask(query, label_in_path(sent), session_of(sent.headers)))


def render(
    question: Question,
    context: Context,
    extra: Mapping[str, object] | None = None,
) -> bytes:
    """Write the passages as snippets."""
    return encode(
        [
            {"snippet": passage.content, "uri": url_of(passage) or passage.id}
            for passage in context.passages
        ]
    )


def key_of(headers: Headers) -> str:
    """Return the token, which Vertex AI sends as an API key in a header of any name.

    Raises:
        Unauthorized: there is none.
    """
    key = headers.get(KEY_HEADER, "").strip()
    return key or bearer_token(headers)


def search(table: DoorSettings) -> Door[Question]:
    """Return the door."""
    manner = manner_of(table)
    return Door("search", PATH, manner, parse, render, envelope, token_of=key_of)
