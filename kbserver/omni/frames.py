"""Omni's frames as values, and back: no sockets in here.

Every message is binary and begins with one byte: 0x01 audio, 0x02 transcript, 0x03 control JSON.
Control frames of a client are keyed on `type`, those of the server on `event`.

Source: the Omni contract, section 5.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from kbserver.errors import OmniError

AUDIO = 0x01
TRANSCRIPT = 0x02
CONTROL = 0x03

MAX_TRANSCRIPT_BYTES = 16_384
MAX_TRANSCRIPT_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True)
class Audio:
    """PCM16 little-endian mono, whole samples."""

    pcm16: bytes


@dataclass(frozen=True, slots=True)
class Transcript:
    """Spoken text. Live frames carry a piece of the caller's text; older ones name the role."""

    text: str
    role: str = "user"
    final: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A control frame of a client: `configure`, `input_text`, `dtmf`, ..."""

    type: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    event_keyed: bool = False
    """Whether it was keyed on `event`, as before the SDK; the live engine drops such a frame."""


@dataclass(frozen=True, slots=True)
class Event:
    """A control frame of the server: `hello`, `configured`, ...; `{"detail": …}` is `detail`."""

    name: str
    fields: Mapping[str, Any] = field(default_factory=dict)


ClientFrame: TypeAlias = Audio | Transcript | Command
ServerFrame: TypeAlias = Audio | Transcript | Event


def encode(frame: Audio | Transcript | Command | Event) -> bytes:
    """Return the binary message for a frame.

    Raises:
        OmniError: half a sample, a transcript over its limits, or fields that are not JSON.
    """
    if isinstance(frame, Audio):
        _check_samples(frame.pcm16)
        return bytes([AUDIO]) + frame.pcm16
    if isinstance(frame, Transcript):
        return bytes([TRANSCRIPT]) + _transcript_body(frame)
    if isinstance(frame, Command):
        names = {"type": frame.type}
        if frame.event_keyed:
            names = {"event": frame.type}
    elif frame.name == "detail":
        names = {}
    else:
        names = {"event": frame.name}
    fields = names | dict(frame.fields) | names  # the name first, and never overwritten
    return bytes([CONTROL]) + _json(fields)


def parse_client(message: bytes) -> ClientFrame:
    """Read one message of a client; `Command.event_keyed` says which of the two keys it has.

    Raises:
        OmniError: not tagged with 0x01, 0x02 or 0x03, or the rest is not what the tag says.
    """
    tag, body = _untag(message)
    if tag == AUDIO:
        return _audio(body)
    if tag == TRANSCRIPT:
        return _transcript(body)
    fields = _object(body)
    for key in ("type", "event"):
        if isinstance(fields.get(key), str):
            name = fields[key]
            fields.pop("type", None)
            fields.pop("event", None)
            return Command(name, fields, event_keyed=key == "event")
    raise OmniError(
        'a client\'s control frame has no \'type\'; write it like {"type": "configure", …}'
    )


def parse_server(message: bytes) -> ServerFrame:
    """Read one message of the server.

    Raises:
        OmniError: not tagged with 0x01, 0x02 or 0x03, or the rest is not what the tag says.
    """
    tag, body = _untag(message)
    if tag == AUDIO:
        return _audio(body)
    if tag == TRANSCRIPT:
        return _transcript(body)
    fields = _object(body)
    if isinstance(fields.get("event"), str):
        return Event(fields.pop("event"), fields)
    if "detail" in fields:
        return Event("detail", fields)
    raise OmniError("a server's control frame has neither 'event' nor 'detail'")


def audio_frames(pcm16: bytes, *, rate: int, chunk_ms: int) -> Iterator[Audio]:
    """Cut audio into frames of `chunk_ms` milliseconds at `rate` Hz; the last may be shorter."""
    _check_samples(pcm16)
    size = rate * chunk_ms // 1000 * 2
    for at in range(0, len(pcm16), size):
        yield Audio(pcm16[at : at + size])


def transcript_frames(text: str) -> Iterator[Transcript]:
    """Cut a caller's text into live frames within both limits; joined they give it again."""
    longest_character = 4  # bytes of UTF-8
    most = MAX_TRANSCRIPT_BYTES // longest_character
    size = min(MAX_TRANSCRIPT_CHARACTERS, most)
    for at in range(0, len(text), size):
        yield Transcript(text[at : at + size])


def _transcript_body(frame: Transcript) -> bytes:
    # A live frame is bare text; its older form, JSON, says more.
    bare = frame.role == "user" and not frame.final
    if bare and not frame.text.lstrip().startswith("{"):
        try:
            body = frame.text.encode()
        except UnicodeEncodeError:
            raise OmniError(
                "a transcript holds a lone surrogate, which is not text"
            ) from None
    else:
        fields = {
            "event": "transcript",
            "role": frame.role,
            "text": frame.text,
            "final": frame.final,
        }
        body = _json(fields)
    if len(frame.text) > MAX_TRANSCRIPT_CHARACTERS or len(body) > MAX_TRANSCRIPT_BYTES:
        raise OmniError(
            f"a transcript has {len(frame.text):,} characters, {len(body):,} bytes; "
            f"the limits are {MAX_TRANSCRIPT_CHARACTERS:,} and {MAX_TRANSCRIPT_BYTES:,}: "
            "cut it with transcript_frames()"
        )
    return body


def _transcript(body: bytes) -> Transcript:
    if len(body) > MAX_TRANSCRIPT_BYTES:
        raise OmniError(
            f"a transcript has {len(body):,} bytes; the limit is {MAX_TRANSCRIPT_BYTES:,}"
        )
    text = _text(body)
    if not text.lstrip().startswith("{"):
        return _within_limits(Transcript(text))
    fields = _object(body)
    said = fields.get("text")
    role = fields.get("role", "user")
    final = fields.get("final", False)
    if fields.get("event", "transcript") != "transcript":
        raise OmniError("a transcript's JSON has another event name than 'transcript'")
    if not (
        isinstance(said, str) and isinstance(role, str) and isinstance(final, bool)
    ):
        raise OmniError(
            "a transcript's JSON must be {event, role, text, final}: "
            "two strings and a boolean"
        )
    return _within_limits(Transcript(said, role, final))


def _within_limits(frame: Transcript) -> Transcript:
    if len(frame.text) > MAX_TRANSCRIPT_CHARACTERS:
        raise OmniError(
            f"a transcript has {len(frame.text):,} characters; "
            f"the limit is {MAX_TRANSCRIPT_CHARACTERS:,}"
        )
    return frame


def _audio(body: bytes) -> Audio:
    _check_samples(body)
    return Audio(body)


def _check_samples(pcm16: bytes) -> None:
    if len(pcm16) % 2:
        raise OmniError(
            f"an audio frame has {len(pcm16)} bytes of PCM16; "
            "a sample is 2 bytes, send whole ones"
        )


def _untag(message: bytes) -> tuple[int, bytes]:
    if not isinstance(message, bytes | bytearray | memoryview):
        raise OmniError("a text frame; every Omni frame is binary")
    message = bytes(message)
    if not message or message[0] not in (AUDIO, TRANSCRIPT, CONTROL):
        raise OmniError(
            "a frame without a tag; "
            "its first byte must be 0x01 audio, 0x02 transcript or 0x03 control"
        )
    return message[0], message[1:]


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise OmniError("a frame that should be text is not UTF-8") from None


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(_text(body))
    except (ValueError, RecursionError):
        raise OmniError(
            "a control frame is not valid JSON after its tag byte"
        ) from None
    if not isinstance(value, dict):
        raise OmniError(
            f"a control frame holds a JSON {type(value).__name__}; it must be an object"
        )
    # NaN and lone surrogates, which Python reads but cannot write, are not JSON either.
    _json(value)
    return value


def _json(fields: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(
            dict(fields), ensure_ascii=False, separators=(",", ":"), allow_nan=False
        ).encode()
    except (TypeError, ValueError, RecursionError) as exc:
        reason = str(exc)
        if isinstance(exc, UnicodeError):
            reason = "lone surrogates are not text"
        raise OmniError(
            f"a control frame cannot be written as JSON: {reason}"
        ) from None
