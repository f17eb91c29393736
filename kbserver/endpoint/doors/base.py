"""A front door: one wire on which a voice agent, an assistant or an engine asks for grounding."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Generic, TypeAlias, TypeVar

from pydantic_core import PydanticSerializationError, from_json, to_json

from kbserver.endpoint.asking.ask import Ask
from kbserver.endpoint.asking.manner import Limits, Manner
from kbserver.endpoint.tokens.static import Grant, bearer_token
from kbserver.errors import (
    BodyEncoded,
    InvalidRequest,
    Overloaded,
    Unauthorized,
    WireError,
)
from kbserver.labels import label_problem
from kbserver.retrieval.context import Context, ContextPassage
from kbserver.settings import DoorSettings

Headers: TypeAlias = Mapping[str, str]
"""Of a request; names in lower case, or a mapping that takes them in any case."""

LONG_ANSWERS = Limits(passages_bytes=64_000, text_bytes=6_000)
"""Of doors whose clients name no limit."""

TYPED_MS = 1_000
"""A budget for a reader, in place of one for a listener."""

NOTHING = "The knowledge base says nothing about this."
BUSY = "The knowledge base is busy; answer without it."
"""What a model reads that called a tool."""

MAX_LIMIT_MS = 60_000  # a longer budget from a caller is a mistake, and is ignored
_MOST_DIGITS = 5  # of such a budget; Python refuses to read thousands of them


@dataclass(frozen=True, slots=True)
class Question:
    """What every door reads in a request. A door's own type may hold more, to be echoed."""

    ask: Ask


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as a door sees it."""

    body: bytes
    headers: Headers = field(default_factory=dict)
    label: str | None = None
    """Of the path, where the door has it there."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer, ready to be sent: a refusal, or what needs no grounding."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Q = TypeVar("Q", bound=Question)


def limit_ms(headers: Headers) -> float | None:
    """Return the budget of `X-Request-Timeout-Ms`, which may lower the door's; None without."""
    text = headers.get("x-request-timeout-ms", "")
    if not text.isascii() or not text.isdigit() or len(text) > _MOST_DIGITS:
        return None
    limit = int(text)
    if not 0 < limit < MAX_LIMIT_MS:
        return None
    return float(limit)


@dataclass(frozen=True, slots=True)
class Door(Generic[Q]):
    """One wire, as values and pure functions: no sockets, no server.

    Another door is a file beside `omni.py`, a table in the settings, and a line in `__init__.py`.
    """

    name: str
    """As in `[doors.NAME]`, and in what a token is limited to."""
    path: str
    """The URL path that is asked with POST; `{label}` stands for the label."""
    manner: Manner
    """Size, form, deadline and number of the answers."""
    parse: Callable[[Sent], Q | Reply]
    """Read a request, or answer it at once; raise InvalidRequest for what cannot be read."""
    render: Callable[[Q, Context, Mapping[str, object] | None], bytes]
    """Write an answer as JSON; the mapping holds extra keys, such as the debug trace."""
    refuse: Callable[[WireError, int, bytes], Reply]
    """Write a refusal with a status as this wire has it; the bytes are the body, if it was read."""
    token_of: Callable[[Headers], str] = bearer_token
    """Return the bearer token of a request; raise Unauthorized if it has none."""
    signed: Callable[[Sent, float], Grant | None] | None = None
    """Return what a good signature allows at a time, None without one; raise Unauthorized."""
    limit_ms: Callable[[Headers], float | None] = limit_ms
    """Return the caller's own bound on the budget; None without."""
    body_bytes: int | None = None
    """Of a request at most; None: what the settings say."""
    body_first: bool = False
    """Whether the body is read before the token is checked: a refusal or a signature needs it."""


def manner_of(
    table: DoorSettings,
    *,
    limits: Limits = LONG_ANSWERS,
    written: bool = True,
    deadline_ms: float | None = TYPED_MS,
) -> Manner:
    """Return how a door answers: its defaults, under what its table says."""
    return Manner(
        limits=limits,
        written=written,
        deadline_ms=table.deadline_ms or deadline_ms,
        top_k=table.top_k,
    )


def label_in_path(sent: Sent) -> str:
    """Return the label of the path.

    Raises:
        InvalidRequest: it is none.
    """
    return checked_label(sent.label or "", "label")


def checked_label(label: str, param: str) -> str:
    """Return a label as it is.

    Raises:
        InvalidRequest: it is over the limits of a session label.
    """
    problem = label_problem(label)
    if problem:
        raise InvalidRequest(problem, code="invalid_session_label", param=param)
    return label


def read_object(body: bytes, example: str) -> dict[str, Any]:
    """Read a body that is a JSON object.

    Raises:
        InvalidRequest: it is not; the message ends with the example.
    """
    value = read_json(body, example)
    if not isinstance(value, dict):
        raise InvalidRequest(
            f"the body is not a JSON object; {example}", code="invalid_body"
        )
    return value


def read_json(body: bytes, example: str) -> Any:
    """Read a body that is JSON.

    Raises:
        InvalidRequest: it is not; the message ends with the example.
    """
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError:
        raise InvalidRequest(
            f"the body is not valid JSON; {example}", code="invalid_json"
        ) from None


def wrong_type(key: str, wanted: str) -> InvalidRequest:
    """Return the refusal of a field that holds something else than is wanted."""
    message = f"the field {key!r} must be {wanted}"
    return InvalidRequest(message, code="invalid_type", param=key)


def object_in(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return an object; an empty one if it is not there.

    Raises:
        InvalidRequest: it is something else.
    """
    value = values.get(key) or {}
    if not isinstance(value, dict):
        raise wrong_type(key, "an object")
    return value


def text_in(values: Mapping[str, Any], key: str) -> str:
    """Return a text that must be there.

    Raises:
        InvalidRequest: it is missing, or no text.
    """
    value = values.get(key)
    if value is None:
        raise InvalidRequest(
            f"the field {key!r} is missing", code="missing_field", param=key
        )
    if not isinstance(value, str):
        raise wrong_type(key, "a string")
    return value


def count_in(values: Mapping[str, Any], key: str) -> int | None:
    """Return a whole number from 1 on; None if it is not there.

    Raises:
        InvalidRequest: it is something else.
    """
    value = values.get(key)
    if value is None:
        return None
    if type(value) is not int or value < 1:
        raise wrong_type(key, "a whole number from 1 on")
    return value


def share_in(values: Mapping[str, Any], key: str) -> float | None:
    """Return a score; None if it is not there. Below 0 counts as 0, above 1 as 1.

    Raises:
        InvalidRequest: it is no number.
    """
    value = values.get(key)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise wrong_type(key, "a number")
    return min(1.0, max(0.0, value))


def call_in(values: Mapping[str, Any], key: str) -> str | None:
    """Return the id of the platform's call, which is the session; None if it can be none."""
    call = values.get("call")
    if not isinstance(call, dict):
        return None
    name = call.get(key)
    if not isinstance(name, str) or not name or label_problem(name):
        return None
    return name


def score_of(passage: ContextPassage) -> float:
    """Return a score that JSON can hold: 0 for one that is no finite number."""
    if not isfinite(passage.score):
        return 0.0
    return round(passage.score, 4)


def title_of(passage: ContextPassage) -> str:
    """Return what a reader knows the passage by: its document's title, else its source."""
    if passage.hit is None:
        return ""
    return passage.hit.passage.title or passage.hit.passage.source


def source_of(passage: ContextPassage) -> str:
    """Return the document's path below the ingested folder; "" for a fixed text."""
    if passage.hit is None:
        return ""
    return passage.hit.passage.source


def url_of(passage: ContextPassage) -> str:
    """Return the page that the document was taken from, else its source."""
    if passage.hit is None:
        return ""
    url = passage.hit.passage.metadata.get("url")
    if isinstance(url, str) and url:
        return url
    return passage.hit.passage.source


def encode(value: object) -> bytes:
    """Write a value as UTF-8 JSON."""
    try:
        return to_json(value)
    except PydanticSerializationError:
        # Half of a surrogate pair, which UTF-8 does not know.
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")


def encode_object(
    answer: Mapping[str, object], extra: Mapping[str, object] | None
) -> bytes:
    """Write an answer with its extra keys as UTF-8 JSON."""
    if extra:
        answer = dict(answer) | dict(extra)
    return encode(answer)


def headers_of(error: WireError) -> dict[str, str]:
    """Return the headers that HTTP has for a refusal."""
    headers = {}
    if isinstance(error, Unauthorized):
        headers["www-authenticate"] = "Bearer"
    if isinstance(error, Overloaded):
        headers["retry-after"] = str(error.retry_after_s)
    if isinstance(error, BodyEncoded):
        headers["accept-encoding"] = "identity"
    return headers


def envelope(error: WireError, status: int, body: bytes = b"") -> Reply:
    """Refuse with `{"error": {"message", "type", "code", "param"}}`, as Omni and OpenAI do."""
    said = {
        "message": str(error),
        "type": error.type,
        "code": error.code,
        "param": error.param,
    }
    return Reply(encode({"error": said}), status, headers_of(error))
