"""Server tools of voice platforms: ElevenLabs, Retell, Omni's engine tools, and their like.

Source: `elevenlabs` 2.78.0 and `retell-sdk` 6.2.13 (whose own signing was run against this one),
the Omni contract, section 6. The query stands at one of a few places, the token in a header; Retell
and Omni sign the raw body instead, with a time that bounds a replay.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kbserver.endpoint.asking.ask import Ask, session_of
from kbserver.endpoint.asking.manner import Limits
from kbserver.endpoint.doors.base import (
    BUSY,
    NOTHING,
    TYPED_MS,
    Door,
    Headers,
    Question,
    Reply,
    Sent,
    call_in,
    encode,
    encode_object,
    envelope,
    label_in_path,
    manner_of,
    read_json,
    read_object,
    score_of,
    title_of,
)
from kbserver.endpoint.tokens.static import Grant
from kbserver.errors import InvalidRequest, Unauthorized, WireError
from kbserver.labels import LabelPattern
from kbserver.retrieval.context import Context
from kbserver.settings import ToolSettings

PATH = "/tool/{label}"
LIMITS = Limits(passages_bytes=5_300, text_bytes=2_400)
"""Omni cuts tool results above about 6 KB."""

BODY_BYTES = 1024 * 1024
"""Retell sends the whole call along."""

OMNI_HEADER = "x-pyai-signature"
RETELL_HEADER = "x-retell-signature"
WINDOW_S = 300.0
"""For which a signature is good, before and after its time."""

_OMNI = re.compile(r"t=(?P<time>[0-9]{1,12}),v1=(?P<digest>[0-9a-f]{64})")
_RETELL = re.compile(r"v=(?P<time>[0-9]{1,15}),d=(?P<digest>[0-9a-f]{64})")
_EXAMPLE = 'send {"query": …}'
_PLACES = ("args", "arguments", "parameters")


def parse(sent: Sent) -> Question:
    """Read one call; the query stands in `query`, `args`, `arguments` or `parameters`.

    Raises:
        InvalidRequest: not JSON, or no query at any of the places.
    """
    body = read_object(sent.body, _EXAMPLE)
    query = _query(body)
    if query is None:
        raise InvalidRequest(
            f"no text 'query', nor in one of {', '.join(_PLACES)}; {_EXAMPLE}",
            code="missing_field",
            param="query",
        )
    session = session_of(sent.headers) or call_in(body, "call_id")
    return Question(Ask(query, label_in_path(sent), session))


def _query(body: Mapping[str, Any]) -> str | None:
    for holder in (body, *_arguments(body)):
        query = holder.get("query")
        if isinstance(query, str):
            return query
    return None


def _arguments(body: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    for place in _PLACES:
        arguments = body.get(place)
        if isinstance(arguments, str):
            arguments = read_json(arguments.encode("utf-8", "replace"), _EXAMPLE)
        if isinstance(arguments, dict):
            yield arguments


def signed(
    secrets: Sequence[str], grant: Grant, sent: Sent, now_s: float
) -> Grant | None:
    """Return the grant if a signature of Retell or Omni is good; None if there is none.

    Args:
        secrets: each of them may have signed.
        grant: what a signed call may ask.
        sent: the body is taken as it came.
        now_s: seconds since 1970.

    Raises:
        Unauthorized: a signature that is malformed, too old or of another secret or body.
    """
    if not secrets:
        return None
    found = _signature(sent.headers, sent.body)
    if found is None:
        return None
    message, digest, at_s = found
    if abs(now_s - at_s) > WINDOW_S:
        raise _bad("expired_signature", "its time is too far from now")
    good = False
    for secret in secrets:
        wanted = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
        good |= hmac.compare_digest(wanted, digest)
    if not good:
        raise _bad("invalid_signature", "it is not of this body and secret")
    return grant


def _signature(headers: Headers, body: bytes) -> tuple[bytes, str, float] | None:
    """Return what is signed, the digest, and its time in seconds; None without.

    Raises:
        Unauthorized: it is malformed.
    """
    omni, retell = headers.get(OMNI_HEADER), headers.get(RETELL_HEADER)
    if omni is not None:
        match = _OMNI.fullmatch(omni.strip())
        if match is None:
            raise _bad("invalid_signature", "it must be t=SECONDS,v1=HEX")
        message = match["time"].encode() + b"." + body
        return message, match["digest"], float(match["time"])
    if retell is not None:
        match = _RETELL.fullmatch(retell.strip())
        if match is None:
            raise _bad("invalid_signature", "it must be v=MILLISECONDS,d=HEX")
        message = body + match["time"].encode()
        return message, match["digest"], float(match["time"]) / 1000
    return None


def _bad(code: str, why: str) -> Unauthorized:
    return Unauthorized(f"the signature is not good: {why}", code=code)


def render(
    question: Question,
    context: Context,
    extra: Mapping[str, object] | None = None,
) -> bytes:
    """Write what the model reads as `result`, and the passages beside it."""
    results = [
        {"id": passage.id, "title": title_of(passage), "score": score_of(passage)}
        for passage in context.passages
    ]
    answer = {"result": context.text or NOTHING, "results": results}
    return encode_object(answer, extra)


def refuse(error: WireError, status: int, body: bytes) -> Reply:
    """Refuse a wrong token, path or method; all else is a sentence that the model reads."""
    if status in (401, 404, 405):
        return envelope(error, status)
    said = str(error)
    if status >= 429:
        said = BUSY
    return Reply(encode({"result": said, "results": []}))


def tool(table: ToolSettings) -> Door[Question]:
    """Return the door.

    Raises:
        SettingsError: the variable with the secrets is not set, or a label is no pattern.
    """
    labels = tuple(LabelPattern(label) for label in table.labels)
    secrets, grant = table.secrets(), Grant(labels, kind="static")

    def check(sent: Sent, now_s: float) -> Grant | None:
        return signed(secrets, grant, sent, now_s)

    # The platforms wait for seconds, and the caller hears silence meanwhile.
    manner = manner_of(table, limits=LIMITS, written=False, deadline_ms=TYPED_MS)
    return Door(
        "tool",
        PATH,
        manner,
        parse,
        render,
        refuse,
        signed=check,
        body_bytes=BODY_BYTES,
        body_first=bool(secrets),
    )
