"""Where and how a client connects: the WebSocket URL, its subprotocols, and a label for every call.

Source: the Omni contract, section 4.
"""

from __future__ import annotations

import re
import secrets
from urllib.parse import urlencode, urlsplit

from kbserver.errors import OmniError
from kbserver.labels import label_problem
from kbserver.urls import OMNI_BASE, is_loopback

OMNI_PATH = "/v1/omni"
RATES = (16_000, 24_000)
"""Hz of the caller's audio; the agent's is always 24,000 Hz."""
FORMATS = ("pcm16",)
PROTOCOL = "pyai.v1"
KEY_PROTOCOL_PREFIX = "pyai-key."

_WEBSOCKET_SCHEMES = {"https": "wss", "wss": "wss", "http": "ws", "ws": "ws"}
# RFC 9110 section 5.6.2: the characters of a subprotocol.
_HTTP_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def connect_url(
    session_label: str | None = None,
    *,
    base: str = OMNI_BASE,
    rate: int = 24_000,
    format: str = "pcm16",
    api_key: str | None = None,
) -> str:
    """Return the URL to open the session's WebSocket at.

    Args:
        session_label: comes back in every call to `kb_endpoint`; at most 256 characters, no control
            characters.
        base: where Omni is: `wss://`, `https://`, or plain on loopback (the simulator).
        rate: Hz of the caller's audio, 16,000 or 24,000.
        format: `pcm16`.
        api_key: put into the URL only if given; prefer `subprotocols`, which proxies do not log.

    Raises:
        OmniError: the label, the rate, the format or the base is not usable.
    """
    if session_label is not None:
        check_label(session_label)
    if rate not in RATES:
        raise OmniError(f"rate is {rate}; Omni takes {' or '.join(map(str, RATES))} Hz")
    if format not in FORMATS:
        raise OmniError(f"format is {format!r}; Omni takes {', '.join(FORMATS)}")
    parts = urlsplit(base)
    scheme = _WEBSOCKET_SCHEMES.get(parts.scheme)
    if scheme is None or not parts.hostname:
        raise OmniError(f"the base {base!r} is not a URL like {OMNI_BASE}")
    if scheme == "ws" and not is_loopback(parts.hostname):
        raise OmniError(
            f"the base {base!r} is not encrypted: the key would travel in the clear; "
            "use wss://"
        )
    if parts.query or parts.fragment or parts.path.rstrip("/") not in ("", OMNI_PATH):
        raise OmniError(
            f"the base {base!r} has a path or query of its own; "
            f"give scheme and host like {OMNI_BASE}"
        )
    query = {
        "api_key": api_key,
        "session_label": session_label,
        "format": format,
        "rate": str(rate),
    }
    given = {key: value for key, value in query.items() if value is not None}
    return f"{scheme}://{parts.netloc}{OMNI_PATH}?{urlencode(given)}"


def subprotocols(api_key: str) -> list[str]:
    """Return the two WebSocket subprotocols to offer.

    `pyai.v1` is the one that comes back, the other carries the key.

    Raises:
        OmniError: the key is empty or holds a character that a subprotocol cannot.
    """
    if not _HTTP_TOKEN.fullmatch(api_key):
        raise OmniError(
            "the API key is empty or holds a character that a subprotocol cannot carry; "
            "check it"
        )
    return [PROTOCOL, KEY_PROTOCOL_PREFIX + api_key]


def check_label(label: str) -> None:
    """Check a session label.

    Raises:
        OmniError: empty, over 256 characters, or with a control character.
    """
    if not label:
        raise OmniError("the session label is empty; leave it out instead")
    problem = label_problem(label)
    if problem is not None:
        raise OmniError(problem)
    if any("\ud800" <= character <= "\udfff" for character in label):
        raise OmniError("the session label holds a lone surrogate, which is not text")


def new_session_label(prefix: str = "call") -> str:
    """Return a label for one call: the prefix, a hyphen and 128 random bits; `call-*` matches it.

    It cannot be guessed, and is never the id of a saved agent profile, to which it would bind.

    Raises:
        OmniError: the prefix breaks the rules for labels.
    """
    label = f"{prefix}-{secrets.token_hex(16)}"
    check_label(label)
    return label
