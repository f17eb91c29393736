"""Stands before every page: which host, which peer, which visitor, and whether a form is ours."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kbserver.bodies import Bodies
from kbserver.console.access import COOKIE, SESSION_S, Doors, Visitor
from kbserver.errors import Forbidden, InvalidRequest, Unauthorized, WireError
from kbserver.urls import is_loopback

FORM_TOKEN = "form_token"  # noqa: S105  # the name of a field
FORM_HEADER = "x-kbserver-form"
SIGN_IN = "/sign-in"
SIGN_OUT = "/sign-out"
LINK = "/open/"
STATIC = "/static/"
MAX_BODY_BYTES = 64 * 1024
MAX_FIELDS = 100

_SAFE = ("GET", "HEAD")
_FORM = "application/x-www-form-urlencoded"
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    # With none at all, a browser sends "Origin: null" with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}

Refuse = Callable[[Request, WireError], Awaitable[Response]]
"""Makes the answer to a request that is refused."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where the console is reached."""

    hosts: tuple[str, ...] = ()
    """Names that a request may ask for, beside those of this machine."""
    proxies: tuple[str, ...] = ()
    """Addresses or networks; if there are any, every other peer but this machine is refused."""
    root_path: str = ""


class Guard:
    """An ASGI application around another: lets through what may come in."""

    def __init__(
        self,
        app: ASGIApp,
        doors: Doors,
        surroundings: Surroundings,
        *,
        refuse: Refuse,
    ) -> None:
        """Take what is behind, and what recognises visitors."""
        self._app = app
        self._doors = doors
        self._surroundings = surroundings
        self._refuse = refuse
        self._proxies = [
            ipaddress.ip_network(network, strict=False)
            for network in surroundings.proxies
        ]
        self._bodies = Bodies(MAX_BODY_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = {**scope, "path": self._below_root(scope["path"]), "root_path": ""}
        scope.setdefault("state", {})
        request = Request(scope, receive)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        try:
            answer = await self._answer(request)
        except WireError as exc:
            answer = await self._refuse(request, exc)
        await (answer or self._app)(scope, receive, send_with_headers)

    async def _answer(self, request: Request) -> Response | None:
        """Answer what needs no visitor; None once there is one, for the application to answer.

        Raises:
            Forbidden: the peer, the host, the origin or the form is not ours.
            Unauthorized: nothing shows that the visitor may come in.
        """
        secure = self._check_peer(request)
        self._check_host(request)
        path = request.scope["path"]
        if path.startswith(STATIC):
            return None
        request.state.form = None
        if request.method not in _SAFE:
            request.state.form = await self._form(request)
        form = request.state.form or {}
        if path.startswith(LINK):
            return self._open_link(path.removeprefix(LINK), secure=secure)
        if path == SIGN_IN and request.method == "POST":
            self._check_origin(request)
            return self._sign_in(form.get("token", ""), secure=secure)
        request.state.visitor = self._visitor(request)
        if request.method not in _SAFE:
            self._check_form(request, form)
        if path == SIGN_OUT and request.method == "POST":
            return self._leave(request)
        return None

    def _below_root(self, path: str) -> str:
        root = self._surroundings.root_path
        if root and (path == root or path.startswith(f"{root}/")):
            return path.removeprefix(root) or "/"
        return path

    def _check_peer(self, request: Request) -> bool:
        """Check where a request comes from; return whether it came by TLS."""
        peer = ""
        if request.client is not None:
            peer = request.client.host
        if request.url.scheme == "https":
            return True
        if not self._proxies:
            return False
        if any(_is_in(peer, network) for network in self._proxies):
            return request.headers.get("x-forwarded-proto", "https") == "https"
        if is_loopback(peer):
            return False
        raise Forbidden("come in through the proxy", code="peer")

    def _check_host(self, request: Request) -> None:
        """Refuse names that are not ours: a page elsewhere may have one that leads here."""
        name = _host_of(f"//{request.headers.get('host', '')}")
        if not is_loopback(name) and name not in self._surroundings.hosts:
            raise Forbidden(
                "this console does not answer to that host name; add it to [console] hosts",
                code="host",
            )

    def _check_origin(self, request: Request) -> None:
        """Refuse what a page of another origin sends.

        Raises:
            Forbidden: the origin is missing, or another one.
        """
        _, _, place = request.headers.get("origin", "").partition("://")
        if place != request.headers.get("host", ""):
            raise Forbidden("a page of another origin sent this", code="origin")

    def _visitor(self, request: Request) -> Visitor:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            grant = self._doors.by_token(token.strip())
            if grant is not None:
                return Visitor(grant)
        visitor = self._doors.by_cookie(request.cookies.get(COOKIE, ""))
        if visitor is None:
            raise Unauthorized("sign in with a token of the console", code="sign_in")
        return visitor

    def _check_form(self, request: Request, form: Mapping[str, str]) -> None:
        """Check that a form is of a page of ours; a script shows its token instead."""
        visitor: Visitor = request.state.visitor
        if not visitor.form_token:
            return
        self._check_origin(request)
        given = request.headers.get(FORM_HEADER) or form.get(FORM_TOKEN)
        if given != visitor.form_token:
            raise Forbidden(
                "the form is not of this session; load its page again", code="form"
            )

    async def _form(self, request: Request) -> dict[str, str] | None:
        """Return the fields of a form; None for a body of another type, which is left to be read.

        Raises:
            WireError: it cannot be read, or is too long.
        """
        media_type, _, _ = request.headers.get("content-type", "").partition(";")
        if media_type.strip().lower() != _FORM:
            return None
        body = await self._bodies.read(request)
        try:
            fields = parse_qsl(
                body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS
            )
        except ValueError:
            raise InvalidRequest(
                "the form cannot be read", code="invalid_form"
            ) from None
        return dict(fields)

    def _open_link(self, code: str, *, secure: bool) -> Response:
        session = self._doors.session_of_link(code)
        if session is None:
            raise Unauthorized(
                "this link was used already, or is of a console that was stopped: start the "
                "console again for another, or give it a KB_CONSOLE_TOKEN",
                code="link",
            )
        return self._enter(session, secure=secure)

    def _sign_in(self, token: str, *, secure: bool) -> Response:
        session = self._doors.session_of_token(token.strip())
        if session is None:
            raise Unauthorized("that is no token of this console", code="token")
        return self._enter(session, secure=secure)

    def _enter(self, session: str, *, secure: bool) -> Response:
        root = self._surroundings.root_path
        answer = RedirectResponse(f"{root}/", 303)
        answer.set_cookie(
            COOKIE,
            session,
            max_age=SESSION_S,
            path=f"{root}/",
            secure=secure,
            httponly=True,
            samesite="strict",
        )
        return answer

    def _leave(self, request: Request) -> Response:
        self._doors.end(request.cookies.get(COOKIE, ""))
        root = self._surroundings.root_path
        answer = RedirectResponse(f"{root}/", 303)
        answer.delete_cookie(COOKIE, path=f"{root}/", httponly=True, samesite="strict")
        return answer


def _host_of(url: str) -> str:
    """Return the host of a URL, in lower case; "" if it has none, or cannot be read."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_in(peer: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    try:
        return ipaddress.ip_address(peer) in network
    except ValueError:
        return False


def names_of(host: str, others: Sequence[str]) -> tuple[str, ...]:
    """Return the names that requests may ask for: the address listened on, and others."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104  # compared, not bound
        return tuple(others)
    return host, *others
