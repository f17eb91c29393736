"""The `configure` frame: the first frame of a client; it names the session's `kb_endpoint`.

Source: the Omni contract, section 3. Client frames are keyed on `type`, server events on `event`;
the live engine silently drops a configure frame keyed on `event`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kbserver.errors import OmniError
from kbserver.omni.frames import CONTROL
from kbserver.urls import url_problem

MAX_PERSONA_CHARACTERS = 32_000
MAX_GREETING_CHARACTERS = 1_000
MAX_CONSENT_LINE_CHARACTERS = 500
LANGUAGES = ("en", "fr", "es", "de", "hi")

MASK = "***"
MAX_DEPTH = 50
"""Of nested JSON that is searched for secrets; ours: no tool's schema is deeper."""

_SECRETS = r"token|secret|password|authorization|api_?key"
_SECRET_NAME = re.compile(_SECRETS, re.IGNORECASE)
_HEADER_SAFE = re.compile(r"[\x21-\x7e]+")  # what `Bearer <token>` can carry


@dataclass(frozen=True, repr=False)
class ConfigureFrame:
    """A checked `configure` frame. Printing it never shows a secret; its `as_…` and `to_…` do."""

    fields: Mapping[str, Any]
    """The frame key by key, `type` first."""

    def as_dict(self) -> dict[str, Any]:
        """Return the frame as the plain dictionary that `pyai-sdk` builds, secrets included."""
        return dict(self.fields)

    def to_json(self) -> str:
        """Return the frame as one line of JSON, secrets included."""
        return json.dumps(
            self.as_dict(), ensure_ascii=False, separators=(",", ":"), allow_nan=False
        )

    def to_bytes(self) -> bytes:
        """Return the frame as one binary message: the byte 0x03, then UTF-8 JSON."""
        return bytes([CONTROL]) + self.to_json().encode()

    def masked(self) -> dict[str, Any]:
        """Return the frame with `***` for every secret: for logs, screens and recordings."""
        hidden = mask_secrets(self.as_dict())
        if not isinstance(hidden, Mapping):
            return {}
        return dict(hidden)

    def __repr__(self) -> str:
        return f"ConfigureFrame({self.masked()!r})"


def configure_frame(
    *,
    voice_id: str | None = None,
    persona: str | None = None,
    greeting: str | None = None,
    consent_line: str | None = None,
    kb_endpoint: str | None = None,
    kb_token: str | None = None,
    tools: Sequence[Mapping[str, Any]] | None = None,
    language: str | None = None,
    caller_key: str | None = None,
    event_key: bool = False,
    **extra: Any,
) -> ConfigureFrame:
    """Build and check the frame that tells the engine how to behave and where its knowledge is.

    For the same arguments the result equals, key by key, that of `omni_configure_frame` in
    `pyai-sdk` 0.5.0: what is None is left out, and `type` or `event` among the extra keys are
    ignored.

    Args:
        voice_id: the voice to speak with.
        persona: the agent's role; at most 32,000 characters.
        greeting: the agent's first words, at most 1,000 characters; "" suppresses the first turn.
        consent_line: at most 500 characters.
        kb_endpoint: URL of `POST /kb`; https, or http on this machine's loopback address only.
        kb_token: what the engine sends back as `Authorization: Bearer …`.
        tools: each `{name, description, parameters or input_schema, endpoint?, side_effect?}`; the
            engine's own tools (`transfer_to_human`, ...) go without a schema.
        language: en, fr, es, de or hi.
        caller_key: known to be sent in a second configure frame.
        event_key: add the key `event` beside `type`, for engines and mocks from before the SDK.
        extra: anything else, passed on unchanged; the engine ignores keys it does not know.

    Raises:
        OmniError: a field is over its limit or cannot be sent; the message names field and limit.

    Source: the Omni contract, section 3.
    """
    _check_text("voice_id", voice_id, least=1)
    _check_text("persona", persona, most=MAX_PERSONA_CHARACTERS)
    _check_text("greeting", greeting, most=MAX_GREETING_CHARACTERS)
    _check_text("consent_line", consent_line, most=MAX_CONSENT_LINE_CHARACTERS)
    _check_text("caller_key", caller_key, least=1)
    if kb_endpoint is not None:
        check_endpoint(kb_endpoint, field="kb_endpoint")
    if kb_token is not None:
        check_token(kb_token)
    if tools is not None:
        _check_tools(tools)
    if language is not None and language not in LANGUAGES:
        raise OmniError(
            f"language is {language!r}; "
            f"Omni speaks {', '.join(LANGUAGES)}: use one of these codes"
        )

    listed_tools = None
    if tools is not None:
        listed_tools = [dict(tool) for tool in tools]
    known = {
        "voice_id": voice_id,
        "persona": persona,
        "kb_endpoint": kb_endpoint,
        "kb_token": kb_token,
        "greeting": greeting,
        "consent_line": consent_line,
        "tools": listed_tools,
        "language": language,
        "caller_key": caller_key,
    }
    extra.pop("type", None)
    extra.pop("event", None)
    fields: dict[str, Any] = {"type": "configure"}
    if event_key:
        fields["event"] = "configure"
    for key, value in (known | extra).items():
        if value is not None:
            fields[key] = value

    frame = ConfigureFrame(fields)
    try:
        frame.to_bytes()
    except (TypeError, ValueError, RecursionError) as exc:
        # The value may be a secret and is not repeated: json names its type.
        reason = str(exc)
        if isinstance(exc, UnicodeError):
            reason = "lone surrogates are not text"
        raise OmniError(
            f"the configure frame cannot be written as JSON: {reason}; "
            "use plain JSON values"
        ) from None
    return frame


def check_endpoint(url: str, *, field: str) -> None:
    """Check a URL that the engine is to call; see `urls.url_problem`.

    Raises:
        OmniError: the URL cannot be called, or would carry the token in the clear.
    """
    problem = url_problem(url)
    if problem is not None:
        raise OmniError(f"{field} {problem}")


def check_token(token: str) -> None:
    """Check a bearer token: one word of visible ASCII. The message never repeats the token.

    Raises:
        OmniError: empty, not ASCII, or with a space or control character in it.
    """
    if not isinstance(token, str) or not token:
        raise OmniError(
            "kb_token is empty; give the token that kbserver was started with"
        )
    if token.lower().startswith("bearer "):
        raise OmniError(
            "kb_token begins with 'Bearer '; give the token alone, the engine adds that word"
        )
    if not _HEADER_SAFE.fullmatch(token):
        raise OmniError(
            "kb_token holds a space, a control or a non-ASCII character "
            "and cannot travel in a header"
        )


def mask_secrets(value: object, *, depth: int = MAX_DEPTH) -> object:
    """Return a copy in which the value of every key that names a secret is `***`.

    What lies deeper than `depth` objects or lists is replaced unread.
    """
    if isinstance(value, Mapping | list | tuple) and depth == 0:
        return MASK
    if isinstance(value, Mapping):
        hidden: dict[object, object] = {}
        for key, item in value.items():
            if isinstance(key, str) and _SECRET_NAME.search(key):
                hidden[key] = MASK
            else:
                hidden[key] = mask_secrets(item, depth=depth - 1)
        return hidden
    if isinstance(value, list | tuple):
        return [mask_secrets(item, depth=depth - 1) for item in value]
    return value


def _check_text(
    field: str, text: str | None, *, least: int = 0, most: int | None = None
) -> None:
    if text is None:
        return
    if not isinstance(text, str):
        raise OmniError(f"{field} is {type(text).__name__}; it must be a string")
    if len(text) < least:
        raise OmniError(f"{field} is empty; leave it out instead")
    if most is not None and len(text) > most:
        raise OmniError(
            f"{field} has {len(text):,} characters; Omni takes at most {most:,}"
        )


def _check_tools(tools: Sequence[Mapping[str, Any]]) -> None:
    wanted = "{name, description, parameters or input_schema, endpoint?, side_effect?}"
    if isinstance(tools, str | bytes | Mapping) or not isinstance(tools, Sequence):
        raise OmniError(
            f"tools is {type(tools).__name__}; it must be a list of {wanted}"
        )
    for number, tool in enumerate(tools):
        where = f"tools[{number}]"
        if not isinstance(tool, Mapping):
            raise OmniError(f"{where} is {type(tool).__name__}; it must be {wanted}")
        for key in ("name", "description"):
            if not isinstance(tool.get(key), str) or not tool[key]:
                raise OmniError(f"{where} has no {key}; it must be {wanted}")
        for key in ("parameters", "input_schema"):
            if tool.get(key) is not None and not isinstance(tool[key], Mapping):
                raise OmniError(
                    f"{where}.{key} is {type(tool[key]).__name__}; "
                    "it must be a JSON schema object"
                )
        if tool.get("endpoint") is not None:
            check_endpoint(tool["endpoint"], field=f"{where}.endpoint")
