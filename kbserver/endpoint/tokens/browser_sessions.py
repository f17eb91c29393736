"""`POST /session`: everything a browser needs for one call, and nothing that is good for another.

A visitor's page gets a connect URL with a session label of its own, an ephemeral PyAI token, and
the configure frame with a signed `kb_token` bound to exactly that label. The API key and the
signing key stay here.

Source: the Omni contract, section 4 (`POST /v1/omni/sessions`) and section 3 (the frame).
"""

from __future__ import annotations

import json
import logging
import math
import secrets
import time
from collections.abc import Callable
from typing import Annotated, Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kbserver.answers import Answer, AnswerLimits, Client, NoAnswer
from kbserver.endpoint.tokens.rates import RateLimit, caller_of
from kbserver.errors import Forbidden, RateLimited, SettingsError, UpstreamFailed
from kbserver.settings.model import SessionSettings
from kbserver.urls import url_problem

log = logging.getLogger("kbserver.endpoint")

SESSIONS_PATH = "/v1/omni/sessions"
PREFLIGHT_MAX_AGE_S = 600
LIMITS = AnswerLimits(seconds=5.0, body_bytes=64 * 1024)
"""PyAI's answer is under a kilobyte."""

_ALL_CLIENTS = "*"


class _Ephemeral(BaseModel):
    """What PyAI answers; other keys are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    token: Annotated[str, Field(pattern=r"^[\x21-\x7e]+$")]
    url: Annotated[str, Field(min_length=1)]
    expires_at: Annotated[int, Field(ge=0, lt=2**53)]
    """Milliseconds since 1970."""


class BrowserSessions:
    """The session endpoint. An async context manager: it holds the HTTP client of PyAI's API."""

    def __init__(
        self,
        settings: SessionSettings,
        *,
        api_key: str,
        token_for: Callable[[str], str],
        limits: AnswerLimits = LIMITS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Check that sessions can be made.

        Args:
            settings: the `[session]` table.
            api_key: PyAI's API key, with the scope `omni:session`. It is sent to `settings.base`
                and never shown.
            token_for: makes the signed token of a session label.
            limits: of PyAI's answer.
            clock: monotonic seconds, for the limits.

        Raises:
            SettingsError: the API key or the environment's proxy cannot be used, or `token_for`
                cannot make a token.
        """
        if not _fits_header(api_key):
            raise SettingsError(
                "PYAI_API_KEY is not set, or cannot travel in a header; "
                "the session endpoint needs it"
            )
        self._settings = settings
        self._base = settings.base.rstrip("/")
        self._proxy = _proxy_for(self._base)
        self._api_key = api_key
        self._token_for = token_for
        self._limits = limits
        self._each_client = RateLimit(settings.per_client_per_minute, clock=clock)
        self._all_clients = RateLimit(settings.total_per_minute, clock=clock)
        self._client: Client | None = None
        token_for(self._new_label())  # a key that cannot sign is found now

    async def __aenter__(self) -> Self:
        """Open the HTTP client. Redirects are not followed: the key goes to `base` alone."""
        self._client = Client(self._limits, proxy=self._proxy)
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close the HTTP client."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def routes(self) -> list[Route]:
        """Return the HTTP routes: `POST`, and the CORS preflight for the allowed origins."""
        cors = Middleware(
            CORSMiddleware,
            allow_origins=self._settings.allowed_origins,
            allow_methods=["POST"],
            expose_headers=["Retry-After"],
            max_age=PREFLIGHT_MAX_AGE_S,
        )
        path = self._settings.path
        return [Route(path, self._post, methods=["POST", "OPTIONS"], middleware=[cors])]

    async def new(self, origin: str) -> dict[str, Any]:
        """Make one session for a page of an allowed origin.

        Returns:
            `token` (PyAI's, ephemeral), `url` (to connect to, with the label), `expires_at` (of
            `token`, milliseconds since 1970), `session_label`, and `configure` (the frame to send
            first, without its tag byte).

        Raises:
            UpstreamFailed: PyAI refused, failed or did not answer in time. Why is in the log, not
                in the message.
        """
        label = self._new_label()
        frame = {
            "type": "configure",
            "kb_endpoint": self._settings.kb_endpoint,
            "kb_token": self._token_for(label),
        }
        for key, value in self._settings.configure.items():
            if value is not None:
                frame[key] = value
        ephemeral = await self._ephemeral(origin, label)
        return {
            "token": ephemeral.token,
            "url": _with_label(ephemeral.url, label),
            "expires_at": ephemeral.expires_at,
            "session_label": label,
            "configure": frame,
        }

    async def _post(self, request: Request) -> Response:
        if request.method != "POST":  # the middleware has answered the preflights
            raise HTTPException(405, headers={"Allow": "POST"})
        origin = request.headers.get("origin")
        if origin is None or origin not in self._settings.allowed_origins:
            raise Forbidden(
                "sessions are for pages of the origins that were allowed",
                code="origin_not_allowed",
            )
        address = ""
        if request.client is not None:
            address = request.client.host
        self._limit(caller_of(address))
        session = await self.new(origin)
        return Response(
            json.dumps(session, ensure_ascii=False).encode(),
            media_type="application/json",
            headers={"cache-control": "no-store"},
        )

    def _new_label(self) -> str:
        """Return a label that cannot be guessed, and is never the id of a saved agent profile."""
        return f"{self._settings.label_prefix}-{secrets.token_hex(16)}"

    def _limit(self, caller: str) -> None:
        wait_s = self._each_client.wait_s(caller)
        if not wait_s:
            wait_s = self._all_clients.wait_s(_ALL_CLIENTS)
        if wait_s:
            raise RateLimited(
                "too many sessions; try again in a while",
                code="rate_limited",
                retry_after_s=math.ceil(wait_s),
            )

    async def _ephemeral(self, origin: str, label: str) -> _Ephemeral:
        """Ask PyAI for the token and the URL of one session."""
        wanted = {
            "allowed_origins": [origin],
            "ttl_seconds": self._settings.connect_ttl_s,
            "session_label": label,
        }
        answer = await self._ask_pyai(wanted)
        status = answer.status
        if status in (401, 403):
            raise _failed(
                f"PyAI refused the API key ({status}); "
                "check PYAI_API_KEY and its scope omni:session"
            )
        if status not in (200, 201):
            raise _failed(f"PyAI answered {status}")
        try:
            ephemeral = _Ephemeral.model_validate_json(answer.content)
            theirs = _labels_in(ephemeral.url)
        except (ValidationError, ValueError):
            raise _failed(_NOT_A_SESSION) from None
        if theirs not in ([], [label]):
            raise _failed(
                "PyAI's URL carries a session label that is not the one asked for"
            )
        if not _is_socket_url(ephemeral.url):
            raise _failed(_NOT_A_SESSION)
        return ephemeral

    async def _ask_pyai(self, wanted: dict[str, object]) -> Answer:
        if self._client is None:
            raise RuntimeError(
                "BrowserSessions is not open; "
                "enter it in the lifespan:  async with sessions: …"
            )
        try:
            return await self._client.ask(
                "POST",
                self._base + SESSIONS_PATH,
                json=wanted,
                headers={"authorization": f"Bearer {self._api_key}"},
            )
        except NoAnswer as exc:
            # its words may be PyAI's, and PyAI has the key
            kind = type(exc.__cause__ or exc).__name__
            raise _failed(f"no answer from {self._base}: {kind}") from None


_NOT_A_SESSION = "PyAI's answer is not {token, url, expires_at} with a wss:// url"


def _failed(reason: str) -> UpstreamFailed:
    log.warning("no session for a browser: %s", reason)
    return UpstreamFailed(
        "no session could be had from PyAI; try again in a while",
        code="session_unavailable",
    )


def _proxy_for(base: str) -> httpx2.Proxy | None:
    """Return the proxy that the environment names for PyAI's API, or None.

    It only tunnels https; of plain http it would see the key, so it is not asked.

    Raises:
        SettingsError: the environment names what is no HTTP proxy.
    """
    parts = urlsplit(base)
    proxies = getproxies()
    named = proxies.get("https") or proxies.get("all")
    if parts.scheme != "https" or not named or proxy_bypass(parts.hostname or ""):
        return None
    if "://" not in named:
        named = f"http://{named}"
    try:
        proxy = httpx2.Proxy(named)
        if proxy.url.scheme in ("http", "https"):
            return proxy
    except (ValueError, httpx2.InvalidURL):
        pass  # the same to the user
    raise SettingsError(
        "the proxy for https that the environment names is not an http one; "
        f"name such a one, or put {parts.hostname} into NO_PROXY"
    )


def _fits_header(api_key: str) -> bool:
    if not api_key or " " in api_key:
        return False
    return api_key.isascii() and api_key.isprintable()


def _with_label(url: str, label: str) -> str:
    """Return the URL with a session label in its query, unless it holds one."""
    if _labels_in(url):
        return url
    separator = "?"
    if urlsplit(url).query:
        separator = "&"
    return url + separator + urlencode({"session_label": label})


def _labels_in(url: str) -> list[str]:
    """Return every session label in a URL's query.

    Raises:
        ValueError: it is no URL.
    """
    query = parse_qs(urlsplit(url).query, keep_blank_values=True)
    return query.get("session_label", [])


def _is_socket_url(url: str) -> bool:
    """Whether a page may connect to a URL: wss, or ws on this machine."""
    if not url.startswith(("wss://", "ws://")):
        return False
    return url_problem("http" + url.removeprefix("ws")) is None
