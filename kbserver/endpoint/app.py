"""KBServer: the Starlette application around a turn."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as HttpRoute
from starlette.types import Receive, Scope, Send

from kbserver.endpoint.admission import Admission, Place
from kbserver.endpoint.bodies import Bodies
from kbserver.endpoint.doors import omni as wire
from kbserver.endpoint.ground import Grounding, ground
from kbserver.endpoint.grounding_cache import GroundingCache
from kbserver.endpoint.live import LiveCorpora
from kbserver.endpoint.loop_lag import LoopLag
from kbserver.endpoint.routing import Route, RouteTable, name_of, table_for
from kbserver.endpoint.tokens.browser_sessions import BrowserSessions
from kbserver.endpoint.tokens.signed import SigningKeys
from kbserver.endpoint.tokens.static import EVERYTHING, Grant, TokenTable
from kbserver.endpoint.trace import Metrics, Trace
from kbserver.endpoint.turn import Handler, own
from kbserver.errors import (
    InternalError,
    KbServerError,
    Overloaded,
    SettingsError,
    Unauthorized,
    WireError,
)
from kbserver.labels import LabelPattern
from kbserver.retrieval.transcript.followup import Memory
from kbserver.settings import Settings, read_settings, route_settings

log = logging.getLogger("kbserver.endpoint")

COUNTED_AFTER_S = 0.02  # turns are counted together: one at a time, each kept the next waiting for .05 ms
SUMMARY_S = 60.0  # between two lines in the log that say how the turns went

H = TypeVar("H", bound=Handler)


class KBServer:
    """A grounding endpoint over a store; an ASGI application.

    Example:
        server = KBServer(store="store")

        @server.route("vip-{name}", corpora=["support"])
        async def vip(turn):
            return await turn.retrieve(top_k=1)

        server.run()
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        config: Path | str | None = None,
        **overrides: Any,
    ) -> None:
        """Take settings, or read them as the command line does (file, environment), with `overrides` as its flags.

        Raises:
            SettingsError: a setting cannot be used.
        """
        self.settings = settings or read_settings(
            Path(config) if config else None, **overrides
        )
        self.metrics = Metrics()
        self.table = RouteTable()
        self.corpora = LiveCorpora(self.settings.store, self.settings, self.metrics)
        self._finished: list[Trace] = []  # not counted yet
        self._decorated: list[Route] = []
        self.memory = Memory()
        self.answers = GroundingCache()
        self.admission = Admission(
            self.settings.max_concurrent_turns,
            budget_ms=self.settings.deadline_ms,
            waiting_for_model=lambda: self.corpora.queue_length,
            waited_s=LoopLag().waited_s,
        )
        self._tokens: TokenTable | None = None
        self.signing_keys = _signing_keys(self.settings)
        self._sessions = _browser_sessions(self.settings, self.issue_token)
        self._bodies = Bodies(self.settings.max_body_bytes)
        self.app = Starlette(
            routes=[
                HttpRoute(self.settings.path, self._kb, methods=["POST"]),
                HttpRoute("/healthz", self._healthz, methods=["GET"]),
                HttpRoute("/readyz", self._readyz, methods=["GET"]),
                HttpRoute("/metrics", self._metrics_page, methods=["GET"]),
                *(
                    self._sessions.routes(self.settings.session.path)
                    if self._sessions and self.settings.session
                    else ()
                ),
            ],
            exception_handlers={
                WireError: self._wire_error,
                HTTPException: self._http_error,
                Exception: self._any_error,
            },
            lifespan=self._lifespan,
        )
        self.app.router.redirect_slashes = False  # the engine follows no redirect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI."""
        await self.app(scope, receive, send)

    def route(self, label: str, **settings: Any) -> Callable[[H], H]:
        """Answer the labels of a pattern with a function of one's own: `handler(turn) -> hits | text | None`.

        Args:
            label: the pattern, `vip-{name}`.
            settings: keys of a `[[routes]]` table: `corpora`, `scope`, `top_k`, `deadline_ms`, `fallback`, …
                Without `corpora` the handler may search all of them.

        Raises:
            SettingsError: the pattern or a key cannot be used.
        """

        def register(handler: H) -> H:
            values = route_settings(label=label, handler=name_of(handler), **settings)
            turn_settings = self.settings.turn_settings(values)
            self._decorated.append(
                Route(
                    LabelPattern(label),
                    values.corpora,
                    turn_settings,
                    values.scope,
                    handler,
                    "written in Python",
                )
            )
            return handler

        return register

    async def ground(
        self,
        query: str,
        label: str | None = None,
        *,
        grant: Grant = EVERYTHING,
        deadline_ms: float | None = None,
        place: Place | None = None,
    ) -> Grounding:
        """Answer one turn in process, exactly as `/kb` does; only it is never refused for want of a place."""
        grounding = await self._ground(
            query, label, grant=grant, deadline_ms=deadline_ms, place=place
        )
        return replace(grounding, hits=[own(hit) for hit in grounding.hits])

    async def _ground(
        self,
        query: str,
        label: str | None,
        *,
        grant: Grant,
        deadline_ms: float | None,
        place: Place | None,
    ) -> Grounding:
        """Answer one turn; its hits are shared with others."""
        grounding = await ground(
            query,
            label,
            table=self.table,
            retrievers=self.corpora.retrievers,
            memory=self.memory,
            answers=self.answers,
            grant=grant,
            deadline_ms=deadline_ms,
            place=place,
        )
        if not self._finished:
            asyncio.get_running_loop().call_later(COUNTED_AFTER_S, self._count)
        self._finished.append(grounding.trace)
        return grounding

    def check_tokens(self) -> TokenTable:
        """Read the bearer tokens; once read they are kept.

        Raises:
            SettingsError: there is no token and the settings do not say `open`.
        """
        if self._tokens is None:
            self._tokens = TokenTable(
                self.settings.static_tokens(),
                signed=self.signing_keys.verify if self.signing_keys else None,
                open_to_all=self.settings.open,
            )
        return self._tokens

    def issue_token(
        self,
        label: str | Sequence[str],
        ttl_s: int = 3600,
        *,
        corpora: Sequence[str] | None = None,
        scope: Mapping[str, str] | None = None,
        max_turns: int | None = None,
    ) -> str:
        """Return a signed token that is good for a session label (or a pattern), for a while.

        Args:
            ttl_s: seconds; it must outlast the call.
            corpora: the only corpora it may read; None: whatever the route names.
            scope: a metadata filter on top of the route's own.
            max_turns: how many turns it may ask.

        Raises:
            SettingsError: the server has no signing key, or a value cannot be used.
        """
        if self.signing_keys is None:
            raise SettingsError(
                "no signing key: set KBSERVER_SIGNING_KEY; make one with  kbserver token --new-key"
            )
        return self.signing_keys.issue(
            label, ttl_s, corpora=corpora, scope=scope, max_turns=max_turns
        )

    async def until_ready(self) -> None:
        """Wait until the models of all corpora are warm.

        Raises:
            KbServerError: one cannot be opened.
        """
        await self.corpora.until_ready()

    def run(self, **uvicorn_options: Any) -> None:
        """Serve until interrupted; turns in flight are finished first. Says on stderr where it listens."""
        from kbserver.endpoint.serve import (
            serve,
        )  # only a server that runs itself needs uvicorn

        def say(url: str) -> None:
            print(
                f"kbserver is listening: {url}{self.settings.path}",
                file=sys.stderr,
                flush=True,
            )

        serve(self, on_open=say, **uvicorn_options)

    async def _kb(self, request: Request) -> Response:
        grant = self.check_tokens().check(request.headers.get("authorization"))
        turn_request = wire.parse(await self._bodies.read(request), request.headers)
        with self.admission.turn(turn_request.session_label or "") as place:
            grounding = await self._ground(
                turn_request.query,
                turn_request.session_label,
                grant=grant,
                deadline_ms=_deadline_ms(request.headers),
                place=place,
            )
        debug = self.settings.debug and request.headers.get("x-kbserver-debug") == "1"
        extra = {"trace": grounding.trace.as_dict()} if debug else None
        body = wire.render(
            turn_request, grounding.context.text, grounding.context.passages, extra
        )
        return Response(body, media_type="application/json")

    async def _healthz(self, request: Request) -> Response:
        return Response(b'{"status":"ok"}', media_type="application/json")

    async def _readyz(self, request: Request) -> Response:
        if self.corpora.ready:
            return Response(b'{"status":"ready"}', media_type="application/json")
        return Response(
            b'{"status":"loading"}',
            status_code=503,
            media_type="application/json",
            headers={"retry-after": "1"},
        )

    async def _metrics_page(self, request: Request) -> Response:
        """Counts only, but not for strangers: this machine itself, or a static token; browsers hold signed ones."""
        client = request.client.host if request.client else ""
        local = client in ("127.0.0.1", "::1") and not _proxied(request.headers)
        if not local:
            self.check_tokens().check_static(request.headers.get("authorization"))
        self._count()
        # A page of some hundred lines takes milliseconds to write: not on the event loop.
        body, media_type = await asyncio.get_running_loop().run_in_executor(
            None, self.metrics.page
        )
        return Response(body, headers={"content-type": media_type})

    async def _wire_error(self, request: Request, exc: Exception) -> Response:
        error = (
            exc
            if isinstance(exc, WireError)
            else WireError(str(exc), code="invalid_request")
        )
        headers = {}
        if isinstance(error, Unauthorized):
            headers["www-authenticate"] = "Bearer"
        if isinstance(error, Overloaded):
            headers["retry-after"] = str(error.retry_after_s)
        return self._refusal(error, error.status, headers)

    async def _http_error(self, request: Request, exc: Exception) -> Response:
        status = exc.status_code if isinstance(exc, HTTPException) else 500
        code, message = _HTTP_ERRORS.get(
            status, ("http_error", "the request cannot be served")
        )
        headers = (exc.headers if isinstance(exc, HTTPException) else None) or {}
        message = message.format(allow=headers.get("Allow", "another one"))
        return self._refusal(WireError(message, code=code), status, headers)

    async def _any_error(self, request: Request, exc: Exception) -> Response:
        log.error(
            "request failed: %s",
            exc if isinstance(exc, KbServerError) else type(exc).__name__,
        )
        error = InternalError("internal error", code="internal_error")
        return self._refusal(error, error.status)

    def _refusal(
        self, error: WireError, status: int, headers: Mapping[str, str] | None = None
    ) -> Response:
        self.metrics.refuse(error.code)
        body = wire.render_error(error)
        return Response(
            body, status_code=status, media_type="application/json", headers=headers
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open the store, follow its new generations, and close it at the end. Models load in the background.

        Raises:
            StoreError, SettingsError: what `kbserver serve` prints before it gives up.
        """
        self.look_at_store()  # a wrong route shows before gigabytes are read
        await self.corpora.open()
        self._build_table()
        background = [asyncio.create_task(self._summarise_forever())]
        if self.settings.reload_s:
            background.append(asyncio.create_task(self._reload_forever()))
        try:
            async with self._sessions or contextlib.nullcontext():
                yield
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            self.answers.clear()
            await self.corpora.close()

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        self.check_tokens()
        async with self.running():
            yield

    def _count(self) -> None:
        finished, self._finished = self._finished, []
        for trace in finished:
            self.metrics.record(trace)

    async def _reload_forever(self) -> None:
        while True:
            await asyncio.sleep(self.settings.reload_s)
            try:
                if await self.corpora.refresh():
                    self._build_table()
                    self.answers.clear()
            except Exception as exc:  # the store may be unmounted for a while; what is open goes on serving
                log.error("cannot look at the store: %s", exc)

    async def _summarise_forever(self) -> None:
        while True:
            await asyncio.sleep(SUMMARY_S)
            self._count()
            if summary := self.metrics.summary():
                log.info("%s in %.0f s", summary, SUMMARY_S)

    def look_at_store(self) -> None:
        """Build the table of routes from the names of the store's corpora, without opening any.

        Raises:
            StoreMissing: there is no store, or no corpus in it.
            SettingsError: a route names a corpus that is not there.
        """
        self.table = table_for(self.settings, self._decorated, self.corpora.on_disk())

    def _build_table(self) -> None:
        self.table = table_for(
            self.settings, self._decorated, sorted(self.corpora.retrievers)
        )


def _signing_keys(settings: Settings) -> SigningKeys | None:
    text = settings.signing_key.get_secret_value() if settings.signing_key else None
    return SigningKeys.read(
        text, settings.signing_key_files, revoked=settings.revoked_tokens
    )


def _browser_sessions(
    settings: Settings, issue_token: Callable[..., str]
) -> BrowserSessions | None:
    session = settings.session
    if session is None:
        return None
    return BrowserSessions(
        allowed_origins=session.allowed_origins,
        kb_endpoint=session.kb_endpoint,
        api_key=settings.pyai_api_key.get_secret_value()
        if settings.pyai_api_key
        else "",
        token_for=lambda label: issue_token(
            label, session.token_ttl_s, max_turns=session.max_turns
        ),
        configure=session.configure,
        label_prefix=session.label_prefix,
        base=session.base,
        connect_ttl_s=session.connect_ttl_s,
        per_client_per_minute=session.per_client_per_minute,
        total_per_minute=session.total_per_minute,
    )


def _deadline_ms(headers: Mapping[str, str]) -> float | None:
    """The budget a caller may lower with `X-Request-Timeout-Ms`; anything unreadable is ignored."""
    text = headers.get("x-request-timeout-ms", "")
    return (
        float(text)
        if text.isascii() and text.isdigit() and 0 < int(text) < 60_000
        else None
    )


def _proxied(headers: Mapping[str, str]) -> bool:
    return "x-forwarded-for" in headers or "forwarded" in headers


_HTTP_ERRORS = {
    404: ("not_found", "no such path"),
    405: ("method_not_allowed", "wrong method; this path takes {allow}"),
}
