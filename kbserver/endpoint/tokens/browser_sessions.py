"""`POST /session`: everything a browser needs for one call, and nothing that is good for another.

A visitor's page gets a connect URL with a session label of its own, an ephemeral PyAI token, and the configure frame
with a signed `kb_token` bound to exactly that label. The API key and the signing key stay here.

Source: the Omni contract, section 4 (`POST /v1/omni/sessions`) and section 3 (the frame).
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kbserver.endpoint.tokens.rates import RateLimit, caller_of
from kbserver.errors import Forbidden, RateLimited, SettingsError, UpstreamFailed
from kbserver.urls import PYAI_BASE, url_problem

log = logging.getLogger("kbserver.endpoint")

SESSIONS_PATH = "/v1/omni/sessions"
MAX_CONNECT_TTL_S = 600  # Omni's own limit for an ephemeral token
PREFLIGHT_MAX_AGE_S = 600

_LABEL_PREFIX = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
)  # header-safe, and nothing a label pattern reads
_EVERYBODY = "*"


class _Ephemeral(BaseModel):
    """What PyAI answers; other keys are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    token: Annotated[str, Field(min_length=1)]
    url: Annotated[str, Field(min_length=1)]
    expires_at: int
    """Milliseconds since 1970."""


class BrowserSessions:
    """The session endpoint. An async context manager: it holds the HTTP client that talks to PyAI."""

    def __init__(
        self,
        *,
        allowed_origins: Sequence[str],
        kb_endpoint: str,
        api_key: str,
        token_for: Callable[[str], str],
        configure: Mapping[str, Any] | None = None,
        label_prefix: str = "web",
        base: str = PYAI_BASE,
        connect_ttl_s: int = 60,
        timeout_s: float = 5.0,
        per_client_per_minute: int = 10,
        total_per_minute: int = 300,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Check and keep what the sessions are made of.

        Args:
            allowed_origins: the pages that may ask, each exactly as a browser sends it: `https://www.example.com`.
            kb_endpoint: public URL of our own `POST /kb`, for the engine.
            api_key: PyAI's API key, with the scope `omni:session`. It is sent to `base` and never shown.
            token_for: makes the signed token of a session label: `lambda label: keys.issue(label, 3600)`.
            configure: the rest of the frame: `persona`, `voice_id`, `greeting`, `language`, …
            label_prefix: labels are `PREFIX-` and 128 random bits, so that `web-*` is a pattern for them.
            base: where PyAI's API is; plain http on loopback only (the simulator).
            connect_ttl_s: how long the page has to open its connection, 1 to 600 s.
            timeout_s: how long PyAI may take to answer.
            per_client_per_minute: sessions a minute for one client address.
            total_per_minute: sessions a minute for all clients together.

        Raises:
            SettingsError: a value cannot be used, or `token_for` cannot make a token; the message says which.
        """
        if not allowed_origins:
            raise SettingsError(
                "session.allowed_origins is empty; name the pages that may ask, https://www.example.com"
            )
        for origin in allowed_origins:
            _check_origin(origin)
        _check_url("session.kb_endpoint", kb_endpoint)
        _check_url("session.base", base)
        if (
            not api_key.isascii()
            or not api_key.isprintable()
            or not api_key
            or " " in api_key
        ):
            raise SettingsError(
                "PYAI_API_KEY is not set, or cannot travel in a header; the session endpoint needs it"
            )
        if not _LABEL_PREFIX.fullmatch(label_prefix):
            raise SettingsError(
                f"session.label_prefix = {label_prefix!r}: use 1 to 64 letters, digits, dots, hyphens and underscores"
            )
        if not 1 <= connect_ttl_s <= MAX_CONNECT_TTL_S:
            raise SettingsError(
                f"session.connect_ttl_s = {connect_ttl_s}: Omni takes 1 to {MAX_CONNECT_TTL_S} seconds"
            )
        if min(per_client_per_minute, total_per_minute) < 1:
            raise SettingsError(
                "session: the limits per minute must be at least 1; remove [session] to switch it off"
            )
        clash = {"type", "kb_endpoint", "kb_token"} & set(configure or {})
        if clash:
            raise SettingsError(
                f"session.configure holds {min(clash)!r}, which the server fills in itself; remove it"
            )
        self._origins = tuple(allowed_origins)
        self._kb_endpoint = kb_endpoint
        self._api_key = api_key
        self._token_for = token_for
        self._configure = {
            key: value for key, value in (configure or {}).items() if value is not None
        }
        self._label_prefix = label_prefix
        self._base = base.rstrip("/")
        self._connect_ttl_s = connect_ttl_s
        self._timeout_s = timeout_s
        self._each_client = RateLimit(per_client_per_minute, clock=clock)
        self._all_clients = RateLimit(total_per_minute, clock=clock)
        self._client: httpx2.AsyncClient | None = None
        token_for(
            self._new_label()
        )  # a key that cannot sign is found now and not by the first visitor

    async def __aenter__(self) -> Self:
        """Open the HTTP client. Redirects are not followed: the key goes to `base` and nowhere else."""
        # A proxy of the environment only tunnels https; of plain http it would see the key.
        encrypted = self._base.startswith("https://")
        self._client = httpx2.AsyncClient(
            timeout=self._timeout_s, follow_redirects=False, trust_env=encrypted
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close the HTTP client."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def routes(self, path: str = "/session") -> list[Route]:
        """Return the HTTP routes: `POST`, and the CORS preflight for the allowed origins."""
        cors = Middleware(
            CORSMiddleware,
            allow_origins=self._origins,
            allow_methods=["POST"],
            expose_headers=["Retry-After"],
            max_age=PREFLIGHT_MAX_AGE_S,
        )
        return [Route(path, self._post, methods=["POST", "OPTIONS"], middleware=[cors])]

    async def new(self, origin: str) -> dict[str, Any]:
        """Make one session for a page of an allowed origin.

        Returns:
            `token` (PyAI's, ephemeral), `url` (to connect to, with the label), `expires_at` (of `token`,
            milliseconds since 1970), `session_label`, and `configure` (the frame to send first, without its tag byte).

        Raises:
            UpstreamFailed: PyAI refused, failed or did not answer in time. Why is in the log, not in the message.
        """
        label = self._new_label()
        kb_token = self._token_for(label)
        ephemeral = await self._ephemeral(origin, label)
        return {
            "token": ephemeral.token,
            "url": _labelled(ephemeral.url, label),
            "expires_at": ephemeral.expires_at,
            "session_label": label,
            "configure": {
                "type": "configure",
                "kb_endpoint": self._kb_endpoint,
                "kb_token": kb_token,
            }
            | self._configure,
        }

    async def _post(self, request: Request) -> Response:
        if (
            request.method != "POST"
        ):  # an OPTIONS that is no preflight; the middleware has answered those
            raise HTTPException(405, headers={"Allow": "POST"})
        origin = request.headers.get("origin")
        if origin is None or origin not in self._origins:
            raise Forbidden(
                "sessions are for pages of the origins that were allowed",
                code="origin_not_allowed",
            )
        self._limit(caller_of(request.client.host if request.client else ""))
        body = json.dumps(await self.new(origin), ensure_ascii=False).encode()
        return Response(
            body, media_type="application/json", headers={"cache-control": "no-store"}
        )

    def _new_label(self) -> str:
        """A label that nobody can guess, and that is never the id of a saved agent profile, which would bind it."""
        return f"{self._label_prefix}-{secrets.token_hex(16)}"

    def _limit(self, caller: str) -> None:
        wait_s = self._each_client.wait_s(caller) or self._all_clients.wait_s(
            _EVERYBODY
        )
        if wait_s:
            raise RateLimited(
                "too many sessions; try again in a while",
                code="rate_limited",
                retry_after_s=math.ceil(wait_s),
            )

    async def _ephemeral(self, origin: str, label: str) -> _Ephemeral:
        if self._client is None:
            raise RuntimeError(
                "BrowserSessions is not open; enter it in the lifespan:  async with sessions: …"
            )
        wanted = {
            "allowed_origins": [origin],
            "ttl_seconds": self._connect_ttl_s,
            "session_label": label,
        }
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._client.post(
                    self._base + SESSIONS_PATH,
                    json=wanted,
                    headers={"authorization": f"Bearer {self._api_key}"},
                )
        except (httpx2.HTTPError, TimeoutError) as exc:
            raise _failed(
                f"no answer from {self._base}: {type(exc).__name__}"
            ) from None
        if answer.status_code in (401, 403):
            raise _failed(
                f"PyAI refused the API key ({answer.status_code}); check PYAI_API_KEY and its scope omni:session"
            )
        if answer.status_code not in (200, 201):
            raise _failed(f"PyAI answered {answer.status_code}")
        try:
            ephemeral = _Ephemeral.model_validate_json(answer.content)
            if _label_in(ephemeral.url) not in (None, label):
                raise _failed(
                    "PyAI's URL carries a session label that is not the one asked for"
                )
            _check_socket_url(ephemeral.url)
        except (ValidationError, ValueError, SettingsError):
            raise _failed(
                "PyAI's answer is not {token, url, expires_at} with a wss:// url"
            ) from None
        return ephemeral


def _failed(reason: str) -> UpstreamFailed:
    log.warning("no session for a browser: %s", reason)
    return UpstreamFailed(
        "no session could be had from PyAI; try again in a while",
        code="session_unavailable",
    )


def _labelled(url: str, label: str) -> str:
    if _label_in(url) is not None:
        return url
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode({'session_label': label})}"


def _label_in(url: str) -> str | None:
    return parse_qs(urlsplit(url).query).get("session_label", [None])[0]


def _check_origin(origin: str) -> None:
    """Refuse what no browser would ever send as its Origin, and `null`, which any sandboxed page sends."""
    _check_url("session.allowed_origins", origin)
    parts = urlsplit(origin)
    port = (
        parts.port if parts.port != {"https": 443, "http": 80}[parts.scheme] else None
    )
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    exact = f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")
    if origin != exact:
        raise SettingsError(
            f"session.allowed_origins: {origin!r} never equals what a browser sends; write {exact!r}"
        )


def _check_url(name: str, url: str) -> None:
    problem = url_problem(url)
    if problem is not None:
        raise SettingsError(f"{name} {problem}")


def _check_socket_url(url: str) -> None:
    if not url.startswith(("wss://", "ws://")):
        raise SettingsError(f"{url!r} is not a WebSocket URL")
    _check_url("url", "http" + url.removeprefix("ws"))
