"""Which keys open a session: in every style a client sends them, with sandbox and browser keys.

Source: the Omni contract, section 4.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from sys import getsizeof
from typing import Any
from urllib.parse import urlsplit

from kbserver.errors import OmniError
from kbserver.labels import label_problem
from kbserver.lru import LruCache
from kbserver.omni.connect import KEY_PROTOCOL_PREFIX, PROTOCOL
from kbserver.urls import is_loopback

MIN_TTL_S, DEFAULT_TTL_S, MAX_TTL_S = 1, 60, 600
KEYS_BYTES = 4_000_000
"""Some 10,000 sandbox keys, and as much of session tokens; any page may ask for more."""
SANDBOX_PREFIX = "pyai_test_"
SANDBOX_SCOPES = (
    "hear:transcribe",
    "hear:stream",
    "transcribe:jobs",
    "voice:synthesize",
    "omni:session",
)
SANDBOX_TTL_S = 7 * 24 * 3600
TOKEN_PREFIX = "omni_session_"  # noqa: S105  (no secret: every token begins so)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a session is not opened, with its close code and the HTTP status used instead."""

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
    """Return the key a client sent, or None.

    Looked for in turn: the subprotocol `pyai-key.…`, `?api_key=`, `Authorization: Bearer` and
    `x-api-key`. Header names are lower case.
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

    `pyai.v1` if it was offered. Else the offered key protocol, without which Node's `ws` and
    browsers close the connection; a strict engine publishes no key and answers with none.
    """
    if PROTOCOL in offered:
        return PROTOCOL
    if strict:
        return None
    for protocol in offered:
        if protocol.startswith(KEY_PROTOCOL_PREFIX):
            return protocol
    return None


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
    clock: Callable[[], float] = field(default=time.time, repr=False)

    def __post_init__(self) -> None:
        self._sandbox: LruCache[str, float] = LruCache(KEYS_BYTES)
        self._tokens: LruCache[str, SessionToken] = LruCache(KEYS_BYTES, _size_of_token)

    def check(self, key: str | None, *, origin: str | None = None) -> Refusal | None:
        """Return why a key does not open a session, or None if it does."""
        if not key:
            return UNAUTHORIZED
        token = self._tokens.get(key)
        if token is not None:
            if token.expires_at <= self.clock():
                return UNAUTHORIZED
            if origin is not None and origin not in token.allowed_origins:
                return FORBIDDEN
            return None
        if key.startswith(TOKEN_PREFIX):
            return UNAUTHORIZED
        # Where any key will do, a page open in a local browser could make this machine call an
        # endpoint.
        any_key = self.keys is None and self._sandbox.get(key) is None
        if any_key and origin is not None and not _is_local(origin):
            return STRANGE_PAGE
        if not self.check_api_key(key):
            return UNAUTHORIZED
        return None

    def check_api_key(self, key: str | None) -> bool:
        """Whether this is an API key, which may mint session tokens; a token may not."""
        if not key or key.startswith(TOKEN_PREFIX):
            return False
        sandboxed_until = self._sandbox.get(key)
        if sandboxed_until is not None:
            return sandboxed_until > self.clock()
        if self.keys is None:
            return True
        # Each key is compared in constant time; how many there are is no secret.
        return any(
            secrets.compare_digest(key.encode(), known.encode()) for known in self.keys
        )

    def mint_sandbox_key(self) -> tuple[str, float]:
        """Return a new key and when it expires, in seconds since the epoch."""
        key = SANDBOX_PREFIX + secrets.token_hex(16)
        expires_at = self.clock() + SANDBOX_TTL_S
        self._sandbox.put(key, expires_at)
        return key, expires_at

    def mint_token(self, request: object) -> SessionToken:
        """Mint a token as the body of `POST /v1/omni/sessions` asks.

        Args:
            request: `{allowed_origins, ttl_seconds?, session_label?}`.

        Raises:
            OmniError: no origin, a wildcard, a lifetime outside 1 to 600 s, or a bad label.
        """
        now = self.clock()
        fields: Mapping[str, Any] = {}
        if isinstance(request, dict):
            fields = request
        origins = fields.get("allowed_origins")
        ttl_s = fields.get("ttl_seconds", DEFAULT_TTL_S)
        label = fields.get("session_label")
        if not isinstance(origins, list) or not all(map(_is_origin, origins)):
            origins = []
        if not origins:
            raise OmniError(
                "allowed_origins must list at least one origin "
                "like https://app.example.com, without *"
            )
        whole = isinstance(ttl_s, int) and not isinstance(ttl_s, bool)
        if not whole or not MIN_TTL_S <= ttl_s <= MAX_TTL_S:
            raise OmniError(
                f"ttl_seconds must be a whole number from {MIN_TTL_S} to {MAX_TTL_S}"
            )
        if label is not None and (not isinstance(label, str) or label_problem(label)):
            raise OmniError(
                "session_label must be a string of at most 256 characters "
                "without control characters"
            )
        secret = TOKEN_PREFIX + secrets.token_urlsafe(24)
        token = SessionToken(secret, tuple(origins), now + ttl_s, label)
        self._tokens.put(secret, token)
        return token


def _size_of_token(secret: str, token: SessionToken) -> int:
    texts = (secret, token.session_label or "", *token.allowed_origins)
    return sum(map(getsizeof, texts))


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
