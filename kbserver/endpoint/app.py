"""KBServer: the Starlette application around a turn."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as HttpRoute
from starlette.types import Receive, Scope, Send

from kbserver.bodies import AT_ONCE, Bodies
from kbserver.endpoint.admission import Admission, Place
from kbserver.endpoint.asking.ask import Ask
from kbserver.endpoint.complaints import Complaints
from kbserver.endpoint.counted import CountedTurns
from kbserver.endpoint.doors import doors_of, feedback
from kbserver.endpoint.doors.base import Door, Reply, Sent
from kbserver.endpoint.doors.omni import OMNI
from kbserver.endpoint.figures.loop_lag import LoopLag, lags_forever
from kbserver.endpoint.figures.metrics import Metrics
from kbserver.endpoint.figures.summary import Recent, log_turn, summaries_forever
from kbserver.endpoint.ground import Call, Grounding, Services, ground
from kbserver.endpoint.grounding_cache import GroundingCache
from kbserver.endpoint.handlers import Handlers
from kbserver.endpoint.live import LiveCorpora
from kbserver.endpoint.routing import Route, RouteTable, name_of, table_for
from kbserver.endpoint.running.notify import notify, watchdog_forever
from kbserver.endpoint.running.reloading import (
    Source,
    changes,
    left_for_a_start,
    taken_over,
)
from kbserver.endpoint.story import Story
from kbserver.endpoint.tokens.browser_sessions import BrowserSessions
from kbserver.endpoint.tokens.signed import SigningKeys
from kbserver.endpoint.tokens.static import EVERYTHING, Grant, TokenTable
from kbserver.endpoint.turn import Handler, own
from kbserver.errors import (
    InternalError,
    KbServerError,
    SettingsError,
    Unauthorized,
    WireError,
    said_by,
)
from kbserver.labels import LabelPattern
from kbserver.notes import Listener
from kbserver.retrieval.context import EMPTY
from kbserver.retrieval.transcript.followup import Memory
from kbserver.settings import (
    RouteSettings,
    Settings,
    StaticToken,
    file_of,
    read_settings,
    route_settings,
)
from kbserver.threads import DaemonThreads
from kbserver.types import KNOWN

log = logging.getLogger("kbserver.endpoint")

_WITHOUT_TURNS = ("/metrics", "/healthz", "/readyz")
"""Paths of the listener of the metrics."""

TELL_S = 2.0  # between two times that other processes are told what was counted here

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
        routes: Sequence[Route] | None = None,
        listener: Listener | None = None,
        generations: Mapping[str, str] | None = None,
        **overrides: Any,
    ) -> None:
        """Take settings, or read them as the command line does (file, environment).

        Args:
            config: the file; None: `kbserver.toml` in the working directory if it is there.
            routes: in place of those of the settings.
            listener: is told of every turn; see `kbserver.record.recording`.
            generations: serve these alone, by corpus, whether they are live or not.
            overrides: settings over those of file and environment, as flags are.

        Raises:
            SettingsError: a setting cannot be used.
        """
        self.source: Source | None = None
        """Where the settings are read again; None: they stay as they are."""
        if settings is None:
            path = Path(config) if config else None
            read = partial(read_settings, path, **overrides)
            self.source = Source(read, file_of(path))
            settings = self.source.read()
        self.settings = settings
        self.metrics = Metrics()
        self.story = Story(listener)
        self.metrics.add_recorder(self.story.counts)
        self.table = RouteTable()
        self.corpora = LiveCorpora(
            self.settings.store,
            self.settings,
            self.metrics,
            tell=self.story.event,
            generations=generations,
        )
        self.memory = Memory()
        self.cache = GroundingCache()
        self.counted = CountedTurns(self._ground, self.metrics, self.story.gone_on)
        self.handlers = Handlers(count=self.metrics.handler_fault)
        self.complaints = Complaints()
        self.admission = Admission(
            self.settings.max_concurrent_turns,
            budget_ms=self.settings.deadline_ms,
            waiting_for_model=lambda: self.corpora.queue_length,
            waited_s=LoopLag().waited_s,
        )
        self.signing_keys = SigningKeys.from_settings(self.settings)
        self.first_corpus: str | None = None
        """The one that was alone when the server started; see `routing.table_for`."""
        self._page_writer = DaemonThreads(1, name="kbserver-metrics")
        self._routes = routes
        self._decorated: list[tuple[RouteSettings, Handler]] = []
        self._tokens: TokenTable | None = None
        self._scrapers: TokenTable | None = None
        self._sessions = self._browser_sessions()
        self.doors = doors_of(self.settings)
        self._bodies = {door.name: self._bodies_of(door) for door in self.doors}
        self._door_at: dict[object, Door[Any]] = {}
        for door in self.doors:
            self.metrics.doors.labels(door.name)
        self.app = Starlette(
            routes=self._http_routes(),
            exception_handlers={
                WireError: self._wire_error,
                HTTPException: self._http_error,
                Exception: self._any_error,
            },
            lifespan=self._lifespan,
        )
        self.app.router.redirect_slashes = False  # the engine follows no redirect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI. A slash at the end of a path makes no difference."""
        if scope["type"] == "http":
            path = scope["path"].rstrip("/") or "/"
            if path not in _WITHOUT_TURNS and self._came_to_listener(scope):
                path = "/"  # which leads nowhere
            if path != scope["path"]:
                scope = {**scope, "path": path}
        await self.app(scope, receive, send)

    def route(self, label: str, **settings: Any) -> Callable[[H], H]:
        """Answer the labels of a pattern with a function: `handler(turn) -> hits | text | None`.

        Args:
            label: the pattern, `vip-{name}`.
            settings: keys of a `[[routes]]` table: `corpora`, `scope`, `top_k`, `deadline_ms`,
                `fallback`, … Without `corpora` the handler may search all of them.

        Raises:
            SettingsError: the pattern or a key cannot be used.
        """

        def register(handler: H) -> H:
            values = route_settings(label=label, handler=name_of(handler), **settings)
            LabelPattern(label)
            self._decorated.append((values, handler))
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
        """Answer one turn in process, exactly as `/kb` does; only it is never refused."""
        call = Call(
            Ask(query, label, session=label),
            grant=grant,
            place=place or Place(),
            limit_ms=deadline_ms,
            manner=OMNI,
        )
        grounding = await self._ground(call)
        return replace(grounding, hits=[own(hit) for hit in grounding.hits])

    def check_tokens(self) -> TokenTable:
        """Read the bearer tokens; once read they are kept.

        Raises:
            SettingsError: there is no token and the settings do not say `open`.
        """
        if self._tokens is None:
            self._tokens = _token_table(self.settings, self.signing_keys)
            self._scrapers = _scrapers(self.settings)
        return self._tokens

    def issue_token(
        self,
        label: str | Sequence[str],
        ttl_s: int = 3600,
        *,
        corpora: Sequence[str] | None = None,
        scope: Mapping[str, str] | None = None,
        max_turns: int | None = None,
        doors: Sequence[str] | None = None,
    ) -> str:
        """Return a signed token that is good for a session label (or a pattern), for a while.

        Args:
            ttl_s: seconds; it must outlast the call.
            corpora: the only corpora it may read; None: whatever the route names.
            scope: a metadata filter on top of the route's own.
            max_turns: how many turns it may ask.
            doors: the only doors it is good for; None: all of them.

        Raises:
            SettingsError: the server has no signing key, or a value cannot be used.
        """
        if self.signing_keys is None:
            raise SettingsError(
                "no signing key: set KBSERVER_SIGNING_KEY; "
                "make one with  kbserver token --new-key"
            )
        return self.signing_keys.issue(
            label,
            ttl_s,
            corpora=corpora,
            scope=scope,
            max_turns=max_turns,
            doors=doors,
        )

    async def until_ready(self) -> None:
        """Wait until the models of all corpora are warm.

        Raises:
            KbServerError: one cannot be opened.
        """
        await self.corpora.until_ready()

    def run(self, **uvicorn_options: Any) -> None:
        """Serve until interrupted; turns in flight are finished first.

        Says on stderr where it listens, which labels reach which corpora, and, unless the program
        has set up `logging` itself, what `kbserver serve` logs.

        Raises:
            SystemExit: it cannot be served; the message says why.
        """
        # Only a server that runs itself needs uvicorn.
        from kbserver.endpoint.serve import log_plainly, serve

        log_plainly()

        def announce(url: str) -> None:
            endpoint = f"{url}{self.settings.path}"
            print(f"kbserver is listening: {endpoint}", file=sys.stderr)
            print(f"labels: {self.table.summary()}", file=sys.stderr, flush=True)

        try:
            serve(self, on_open=announce, **uvicorn_options)
        except KbServerError as exc:
            print(f"error: {exc}", file=sys.stderr, flush=True)
            raise SystemExit(exc.exit_code) from exc

    def look_at_store(self) -> None:
        """Build the table of routes from the names of the store's corpora, without opening any.

        Raises:
            StoreMissing: there is no store, or no corpus in it.
            SettingsError: a route names a corpus that is not there.
        """
        names = self.corpora.on_disk()
        if len(names) == 1 and self.first_corpus is None:
            self.first_corpus = names[0]
        self._take_table(self._table(self.settings, names))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open the store, follow its new generations, and close it at the end.

        Models load in the background.

        Raises:
            StoreError: no corpus of the store can be served.
            SettingsError: a route names a corpus that is not there.
        """
        self.look_at_store()  # a wrong route shows before gigabytes are read
        await self.corpora.open()
        background = [
            asyncio.create_task(summaries_forever(self._minute)),
            asyncio.create_task(self.story.hand_on_forever()),
            asyncio.create_task(lags_forever(self.metrics.loop_lag.observe)),
            asyncio.create_task(self._tell_forever()),
            asyncio.create_task(watchdog_forever()),
        ]
        self.story.event("start", f"serving {self.table.summary()}")
        if self.settings.reload_s:
            background.append(asyncio.create_task(self._reload_forever()))
        notify("READY=1", f"STATUS=serving {self.table.summary()}")
        try:
            async with self._sessions or contextlib.nullcontext():
                yield
        finally:
            notify("STOPPING=1")
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            self.story.end()
            self.metrics.tell()
            self.cache.clear()
            await self.corpora.close()

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        self.check_tokens()
        async with self.running():
            yield

    async def _ground(self, call: Call) -> Grounding:
        """Answer one turn; its hits are shared with others."""
        services = Services(
            table=self.table,
            retrievers=self.corpora.retrievers,
            memory=self.memory,
            cache=self.cache,
            handlers=self.handlers,
            complaints=self.complaints,
        )
        grounding = await ground(call, services)
        self.metrics.record(grounding.trace)
        return grounding

    def _http_routes(self) -> list[HttpRoute]:
        routes = [
            HttpRoute("/healthz", self._healthz, methods=["GET"]),
            HttpRoute("/readyz", self._readyz, methods=["GET"]),
            HttpRoute("/metrics", self._metrics_page, methods=["GET"]),
        ]
        if self.story.is_told:
            routes.append(HttpRoute(feedback.PATH, self._feedback, methods=["POST"]))
        if self._sessions is not None:
            routes += self._sessions.routes()
        at_doors = []
        for door in self.doors:
            path = door.path.replace("{label}", "{label:path}")
            answer = partial(self._answer, door)
            self._door_at[answer] = door
            at_doors.append(HttpRoute(path, answer, methods=["POST"]))
        # The engine's first, which is asked most; those with a label in front of all else last.
        return [*at_doors[:1], *routes, *at_doors[1:]]

    async def _answer(self, door: Door[Any], request: Request) -> Response:
        """Answer one request that came in by a door."""
        headers = request.headers
        read = self._bodies[door.name].read
        if door.body_first:
            body = request.state.body = await read(request)
            grant = self._grant(door, request, body)
        else:
            grant = self._grant(door, request, b"")
            body = await read(request)
        question = door.parse(Sent(body, headers, request.path_params.get("label")))
        if isinstance(question, Reply):
            return _response(question)
        ask: Ask = question.ask
        with self.admission.turn(ask.memory_key or ask.label or "") as place:
            call = Call(
                ask,
                grant=grant,
                place=place,
                limit_ms=door.limit_ms(headers),
                manner=door.manner,
                door=door.name,
            )
            grounding = await self.counted.answer(call)
        if grounding is None:
            answer = door.render(question, EMPTY, None)
            return Response(answer, media_type="application/json")
        extra: dict[str, object] | None = None
        if self.settings.debug and headers.get("x-kbserver-debug") == "1":
            extra = {"trace": grounding.trace.as_dict()}
        answer = door.render(question, grounding.context, extra)
        mode = grounding.trace.record or self.settings.record.mode
        told = self.story.turn(call, grounding, mode, headers, len(answer))
        if self.settings.access_log:
            log_turn(grounding.trace)
        return Response(answer, media_type="application/json", headers=told)

    def _grant(self, door: Door[Any], request: Request, body: bytes) -> Grant:
        """Return what the signature or the token of a request allows."""
        headers = request.headers
        grant: Grant | None = None
        if door.signed is not None:
            grant = door.signed(Sent(body, headers), time.time())
        if grant is None:
            tokens = self.check_tokens()
            grant = tokens.check(headers, door.token_of, door=door.name)
        setattr(request.state, KNOWN, True)
        return grant

    def _bodies_of(self, door: Door[Any]) -> Bodies:
        """Return what reads the bodies of a door: of large ones, fewer at once."""
        usual = self.settings.max_body_bytes
        most = max(usual, door.body_bytes or 0)
        return Bodies(most, at_once=max(1, AT_ONCE * usual // most))

    async def _feedback(self, request: Request) -> Response:
        """Take what a client says of a call; whether its token opens the call is not told."""
        grant = self.check_tokens().check(request.headers)
        said = feedback.parse(await self._bodies["omni"].read(request))
        if grant.allows(said.label):
            self.story.feedback(said)
        return Response(status_code=204)

    async def _healthz(self, request: Request) -> Response:
        return Response(b'{"status":"ok"}', media_type="application/json")

    async def _readyz(self, request: Request) -> Response:
        failing = len(self.corpora.failing)
        if self.corpora.ready:
            # Names of corpora are for callers with a token.
            body = {"status": "ready", "corpora_failing": failing}
            return JSONResponse(body)
        body = {"status": "loading", "corpora_failing": failing}
        return JSONResponse(body, status_code=503, headers={"retry-after": "1"})

    async def _metrics_page(self, request: Request) -> Response:
        """Answer this machine itself, or a static token: a browser may hold a signed one."""
        self._check_scraper(request)
        self._measure()
        # A page of some hundred lines takes milliseconds to write: not on the event loop. Nor in
        # its executor, where own code of a handler may hold every thread.
        loop = asyncio.get_running_loop()
        page = self.metrics.page
        body, media_type = await loop.run_in_executor(self._page_writer, page)
        return Response(body, headers={"content-type": media_type})

    def _check_scraper(self, request: Request) -> None:
        """Raise Unauthorized for what may not read the metrics."""
        tokens = self.check_tokens()
        trusted = _is_local(request)
        if self._came_to_listener(request.scope):
            trusted = self._scrapers is None
        if trusted:
            return
        if self._scrapers is not None:
            with contextlib.suppress(Unauthorized):
                self._scrapers.check_static(request.headers)
                return
        tokens.check_static(request.headers)

    def _came_to_listener(self, scope: Scope) -> bool:
        """Whether a request came to the listener of the metrics, which serves no turns."""
        address = self.settings.metrics.address
        if address is None:
            return False
        _, port = scope.get("server") or ("", None)
        return port == address[1]

    def _measure(self) -> None:
        """Set what is measured when it is asked for. On the event loop."""
        self.metrics.in_flight.set(self.admission.in_work)
        self.metrics.embedding_queue.set(self.corpora.queue_length)
        self.metrics.ready.set(self.corpora.ready)

    async def _wire_error(self, request: Request, exc: Exception) -> Response:
        if not isinstance(exc, WireError):
            return await self._any_error(request, exc)
        return self._refusal(request, exc, exc.status)

    async def _http_error(self, request: Request, exc: Exception) -> Response:
        if not isinstance(exc, HTTPException):
            return await self._any_error(request, exc)
        headers = exc.headers or {}
        code, message = _HTTP_ERRORS.get(exc.status_code, _OTHER_HTTP_ERROR)
        message = message.format(allow=headers.get("Allow", "another one"))
        error = WireError(message, code=code)
        return self._refusal(request, error, exc.status_code, headers)

    async def _any_error(self, request: Request, exc: Exception) -> Response:
        reason = type(exc).__name__
        if isinstance(exc, KbServerError):  # its message repeats no words of a caller
            reason = str(exc)
        log.error("request failed: %s", reason)
        error = InternalError("internal error", code="internal_error")
        return self._refusal(request, error, error.status)

    def _refusal(
        self,
        request: Request,
        error: WireError,
        status: int,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        self.metrics.refuse(error.code)
        self.story.refused(error.code)
        door = self._door_at.get(request.scope.get("endpoint"), self.doors[0])
        body = getattr(request.state, "body", b"")
        reply = door.refuse(error, status, body)
        return _response(replace(reply, headers={**reply.headers, **(headers or {})}))

    def read_again(self) -> None:
        """Read the settings again and take over what a running server can; say so, or why not."""
        if self.source is None:
            log.info("the settings of this server were made in Python, and stay")
            return
        try:
            self.reload(self.source.read())
        except Exception as exc:  # of own code, too: handlers are imported
            log.error("the settings stay as they were: %s", said_by(exc))

    def reload(self, settings: Settings) -> None:
        """Take over routes, tokens and what turns do, all of it or nothing; warn of each change.

        What can only be changed by a start is named in a warning.

        Raises:
            SettingsError: something of it cannot be used.
        """
        before = self.settings
        now = taken_over(before, settings)
        keys = SigningKeys.from_settings(now)
        tokens = _token_table(now, keys)
        scrapers = _scrapers(now)
        table = self._table(now, self.corpora.names)
        if keys is not None and self.signing_keys is not None:
            same_list = now.revoked_tokens == before.revoked_tokens
            keys.go_on_from(self.signing_keys, same_list=same_list)
        self.settings, self.signing_keys = now, keys
        self._tokens, self._scrapers = tokens, scrapers
        self.admission.budget(now.deadline_ms)
        self.cache.clear()
        said = changes(before, now)
        left = left_for_a_start(before, settings)
        if said:
            text = "; ".join(said)
            self.story.event("settings", text, details={"changes": said})
            log.warning("the settings changed: %s", text, extra={"event": "settings"})
        else:
            log.info("the settings were read again, tokens too; nothing else changed")
        if left:
            log.warning(
                "changed, and in force from the next start: %s", ", ".join(left)
            )
        self._replace_table(table, "the settings changed")

    async def _reload_forever(self) -> None:
        said = ""
        while True:
            await asyncio.sleep(self.settings.reload_s)
            if self.source is not None and self.source.has_changed():
                self.read_again()
            try:
                if await self.corpora.refresh():
                    self.cache.clear()
                    self._rebuild_table()
                said = ""
            except (
                Exception
            ) as exc:  # whatever happens, the next generation is followed
                if said_by(exc) != said:
                    said = said_by(exc)
                    log.exception("cannot follow the store: %s", said)

    def _minute(self) -> Recent:
        """Tell of a minute; return how its turns went."""
        self.story.minute()
        return self.metrics.summary()

    async def _tell_forever(self) -> None:
        """Tell the other processes of the server what was counted here."""
        loop = asyncio.get_running_loop()
        while self.metrics.is_shared:
            await asyncio.sleep(TELL_S)
            self._measure()
            await loop.run_in_executor(self._page_writer, self.metrics.tell)

    def _rebuild_table(self) -> None:
        """Fit the table to the store's corpora; say so if labels reach something else now."""
        try:
            table = self._table(self.settings, self.corpora.names)
        except SettingsError as exc:
            log.error("the routes stay as they were: %s", exc)
            return
        self._replace_table(table, "the store's corpora changed")

    def _replace_table(self, table: RouteTable, why: str) -> None:
        before = self.table.summary()
        self._take_table(table)
        now = table.summary()
        if now == before:
            return
        details = {"before": before, "now": now}
        self.story.event("routes", f"{before} became {now}", details=details)
        step = ""
        if table.is_automatic:
            step = ";  write [[routes]] down to decide it yourself"
        log.warning(
            "%s, and with them the labels that are answered: %s  became  %s%s",
            why,
            before,
            now,
            step,
            extra={"event": "routes"},
        )
        notify(f"STATUS=serving {now}")

    def _take_table(self, table: RouteTable) -> None:
        before, self.table = self.table.summary(), table
        self.metrics.routes(table.routes)
        if table.summary() == before:
            return
        for route, earlier in table.never_reached():
            log.warning(
                "the route %s never answers: %s, above it, fits the same labels",
                route.pattern.pattern,
                earlier.pattern.pattern,
            )

    def _table(self, settings: Settings, corpora: Sequence[str]) -> RouteTable:
        """Return the routes of some settings over the corpora of the store.

        Raises:
            SettingsError: a route names a corpus that is not there, or its handler cannot be
                imported.
        """
        decorated = [
            Route(
                pattern=LabelPattern(values.label),
                corpora=values.corpora,
                settings=settings.turn_settings(values),
                scope=values.scope,
                handler=handler,
                record=values.record,
                origin="written in Python",
            )
            for values, handler in self._decorated
        ]
        return table_for(
            settings, decorated, corpora, routes=self._routes, first=self.first_corpus
        )

    def _browser_sessions(self) -> BrowserSessions | None:
        session = self.settings.session
        if session is None:
            return None
        api_key = ""
        if self.settings.pyai_api_key is not None:
            api_key = self.settings.pyai_api_key.get_secret_value()
        token_for = partial(
            self.issue_token, ttl_s=session.token_ttl_s, max_turns=session.max_turns
        )
        share_of = self.settings.share_of
        shares = {
            "per_client_per_minute": share_of(session.per_client_per_minute),
            "total_per_minute": share_of(session.total_per_minute),
        }
        session = session.model_copy(update=shares)
        return BrowserSessions(session, api_key=api_key, token_for=token_for)


def _token_table(settings: Settings, keys: SigningKeys | None) -> TokenTable:
    signed: Callable[[str], Grant] | None = None
    if keys is not None:
        signed = keys.verify
    return TokenTable(
        settings.static_tokens(), signed=signed, open_to_all=settings.open
    )


def _scrapers(settings: Settings) -> TokenTable | None:
    """Return the table of the token that opens the metrics alone; None without one."""
    if settings.metrics.token is None:
        return None
    return TokenTable([StaticToken(settings.metrics.token.secret())])


def _response(reply: Reply) -> Response:
    return Response(
        reply.body,
        status_code=reply.status,
        media_type="application/json",
        headers=dict(reply.headers),
    )


def _is_local(request: Request) -> bool:
    """Whether a request comes from this machine, and not through a proxy on it."""
    if request.client is None or request.client.host not in ("127.0.0.1", "::1"):
        return False
    headers = request.headers
    return "x-forwarded-for" not in headers and "forwarded" not in headers


_HTTP_ERRORS = {
    404: ("not_found", "no such path"),
    405: ("method_not_allowed", "wrong method; this path takes {allow}"),
}
_OTHER_HTTP_ERROR = ("http_error", "the request cannot be served")
