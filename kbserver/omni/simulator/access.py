"""Who may open a session: keys in every style a client sends them, sandbox keys, and short-lived browser tokens.

Source: the Omni contract, section 4.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from kbserver.errors import OmniError
from kbserver.labels import label_problem
from kbserver.omni.connect import KEY_PROTOCOL_PREFIX, PROTOCOL
from kbserver.urls import is_loopback

MIN_TTL_S, DEFAULT_TTL_S, MAX_TTL_S = 1, 60, 600
SANDBOX_PREFIX = "pyai_test_"
SANDBOX_SCOPES = (
    "hear:transcribe",
    "hear:stream",
    "transcribe:jobs",
    "voice:synthesize",
    "omni:session",
)
SANDBOX_TTL_S = 7 * 24 * 3600
TOKEN_PREFIX = "omni_session_"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a session is not opened: as a close code, and as the HTTP status that may come instead."""

    close_code: int
    status: int
    code: str
    message: str


UNAUTHORIZED = Refusal(4401, 401, "unauthorized", "no API key, or not a valid one")
FORBIDDEN = Refusal(4403, 403, "forbidden", "the key may not open this session")
STRANGE_PAGE = Refusal(
    4403,
    403,
    "origin_not_allowed",
    "a web page from elsewhere needs a session token, or --key",
)
TOO_MANY = Refusal(4429, 429, "concurrency_limit_exceeded", "too many sessions at once")


def offered_key(
    headers: Mapping[str, str], query: Mapping[str, str], protocols: Sequence[str] = ()
) -> str | None:
    """Find the key a client sent: subprotocol `pyai-key.…`, `?api_key=`, `Authorization: Bearer` or `x-api-key`.

    Header names are lower case. Returns None if there is none.
    """
    for protocol in protocols:
        if protocol.startswith(KEY_PROTOCOL_PREFIX):
            return protocol.removeprefix(KEY_PROTOCOL_PREFIX) or None
    if query.get("api_key"):
        return query["api_key"]
    scheme, _, credential = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credential.strip():
        return credential.strip()
    return headers.get("x-api-key", "").strip() or None


def echoed_protocol(offered: Sequence[str], *, strict: bool) -> str | None:
    """Choose the subprotocol to answer with: never one that was not offered.

    `pyai.v1` if it was offered. Else the offered key protocol, without which Node's `ws` and browsers close the
    connection; a strict engine publishes no key and answers with none.
    """
    if PROTOCOL in offered:
        return PROTOCOL
    if strict:
        return None
    return next(
        (protocol for protocol in offered if protocol.startswith(KEY_PROTOCOL_PREFIX)),
        None,
    )


@dataclass(frozen=True, slots=True)
class SessionToken:
    """A short-lived token for one browser page."""

    token: str = field(repr=False)
    allowed_origins: tuple[str, ...]
    expires_at: float
    """Seconds since the epoch."""
    session_label: str | None = None


@dataclass
class KeyRing:
    """The keys that open a session. Times are seconds since the epoch."""

    keys: Collection[str] | None = field(default=None, repr=False)
    """Accepted API keys; None accepts any key that is not empty."""

    def __post_init__(self) -> None:
        self._sandbox: dict[str, float] = {}
        self._tokens: dict[str, SessionToken] = {}

    def check(
        self, key: str | None, *, origin: str | None = None, now: float | None = None
    ) -> Refusal | None:
        """Return why a key does not open a session, or None if it does."""
        now = time.time() if now is None else now
        if not key:
            return UNAUTHORIZED
        token = self._tokens.get(key)
        if token is not None:
            if token.expires_at <= now:
                return UNAUTHORIZED
            return (
                FORBIDDEN
                if origin is not None and origin not in token.allowed_origins
                else None
            )
        if key.startswith(TOKEN_PREFIX):
            return UNAUTHORIZED
        # Where any key will do, whatever page is open in a browser here could make this machine call an endpoint.
        if (
            self.keys is None
            and key not in self._sandbox
            and not (origin is None or _is_local(origin))
        ):
            return STRANGE_PAGE
        return None if self.check_api_key(key, now=now) else UNAUTHORIZED

    def check_api_key(self, key: str | None, *, now: float | None = None) -> bool:
        """Whether this is an API key: what may mint session tokens, which a token itself may not."""
        now = time.time() if now is None else now
        if not key or key.startswith(TOKEN_PREFIX):
            return False
        if key in self._sandbox:
            return self._sandbox[key] > now
        # Each key is compared in constant time; how many there are is no secret.
        return self.keys is None or any(
            secrets.compare_digest(key.encode(), known.encode()) for known in self.keys
        )

    def mint_sandbox_key(self, *, now: float | None = None) -> tuple[str, float]:
        """Return a new key and when it expires, in seconds since the epoch."""
        now = time.time() if now is None else now
        key = SANDBOX_PREFIX + secrets.token_hex(16)
        self._sandbox[key] = now + SANDBOX_TTL_S
        return key, self._sandbox[key]

    def mint_token(self, request: object, *, now: float | None = None) -> SessionToken:
        """Mint a token as `POST /v1/omni/sessions` asks: `{allowed_origins, ttl_seconds?, session_label?}`.

        Raises:
            OmniError: no origin, a wildcard, a lifetime outside 1 to 600 s, or a label that breaks the rules.
        """
        now = time.time() if now is None else now
        fields: Mapping[str, Any] = request if isinstance(request, dict) else {}
        origins, ttl_s = (
            fields.get("allowed_origins"),
            fields.get("ttl_seconds", DEFAULT_TTL_S),
        )
        label = fields.get("session_label")
        if (
            not isinstance(origins, list)
            or not origins
            or not all(map(_is_origin, origins))
        ):
            raise OmniError(
                "allowed_origins must list at least one origin like https://app.example.com, without *"
            )
        if (
            isinstance(ttl_s, bool)
            or not isinstance(ttl_s, int)
            or not MIN_TTL_S <= ttl_s <= MAX_TTL_S
        ):
            raise OmniError(
                f"ttl_seconds must be a whole number from {MIN_TTL_S} to {MAX_TTL_S}"
            )
        if label is not None and (not isinstance(label, str) or label_problem(label)):
            raise OmniError(
                "session_label must be a string of at most 256 characters without control characters"
            )
        token = SessionToken(
            TOKEN_PREFIX + secrets.token_urlsafe(24), tuple(origins), now + ttl_s, label
        )
        self._tokens = {
            kept.token: kept for kept in self._tokens.values() if kept.expires_at > now
        }
        self._tokens[token.token] = token
        return token


def _is_local(origin: str) -> bool:
    try:
        return is_loopback(urlsplit(origin).hostname or "")
    except ValueError:
        return False


def _is_origin(value: object) -> bool:
    if not isinstance(value, str) or "*" in value:
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(parts.netloc)
        and not (parts.path or parts.query or parts.fragment)
    )
