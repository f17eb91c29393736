"""The console: an ASGI application of pages, and of the API that the pages are made from."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from kbserver.bodies import Bodies
from kbserver.console import api
from kbserver.console.access import COOKIE, Doors, Visitor, grants_of
from kbserver.console.guard import (
    MAX_BODY_BYTES,
    SIGN_IN,
    Guard,
    Surroundings,
    names_of,
)
from kbserver.console.live import live_turns
from kbserver.console.pages import PAGES, Page
from kbserver.console.rendering import MEDIA_TYPES, Templates, read_static
from kbserver.console.resources import Action, Asked, Json, NotThere, Resource
from kbserver.console.source import Source
from kbserver.console.tables import ACTIONS, RESOURCES
from kbserver.errors import (
    InvalidRequest,
    KbServerError,
    StoreError,
    StoreMissing,
    Unauthorized,
    WireError,
)
from kbserver.record.database import storable
from kbserver.record.turns import NoWords

KEPT_S = 31_536_000
"""For which a browser keeps a file whose address changes with it."""


class Console:
    """Pages and API over one store and its record; an ASGI application."""

    def __init__(
        self,
        source: Source,
        doors: Doors | None = None,
        *,
        resources: Sequence[Resource] = RESOURCES,
        actions: Sequence[Action] = ACTIONS,
        pages: Sequence[Page] = PAGES,
    ) -> None:
        """Take where to read; open nothing yet.

        Args:
            doors: recognises visitors; None: by the tokens of the settings.

        Raises:
            SettingsError: a token of the settings cannot be used.
        """
        settings = source.settings.console
        self._source = source
        self.doors = doors or Doors(grants_of(source.settings))
        self._resources, self._actions, self._pages = resources, actions, pages
        self._root = settings.root_path
        self._templates = Templates(settings.root_path)
        self._bodies = Bodies(MAX_BODY_BYTES)
        inner = Starlette(
            routes=self._routes(),
            exception_handlers={
                KbServerError: self._refused,
                HTTPException: self._refused,
                Exception: self._refused,
            },
            lifespan=self._lifespan,
        )
        inner.router.redirect_slashes = False
        surroundings = Surroundings(
            hosts=names_of(settings.host, settings.hosts),
            proxies=settings.trusted_proxies,
            root_path=settings.root_path,
        )
        self._app = Guard(inner, self.doors, surroundings, refuse=self._refused)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI."""
        await self._app(scope, receive, send)

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        looking = asyncio.create_task(self._look())
        yield
        self._source.generations.close()
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)

    async def _look(self) -> None:
        if self._source.server is not None:
            await self._source.watch.look_forever()

    def _routes(self) -> list[Route]:
        routes = [
            Route("/static/{name}", self._static, methods=["GET"]),
            Route(SIGN_IN, self._sign_in, methods=["GET"]),
            Route("/live/turns", self._live, methods=["GET"]),
            Route(f"{api.ROOT}/openapi.json", self._document, methods=["GET"]),
        ]
        for page in self._pages:
            routes.append(Route(page.path, partial(self._page, page), methods=["GET"]))
        for resource in self._resources:
            path = f"{api.ROOT}/{resource.path}"
            routes.append(
                Route(path, partial(self._resource, resource), methods=["GET"])
            )
        for action in self._actions:
            path = f"{api.ROOT}/{action.path}"
            routes.append(
                Route(path, partial(self._action, action), methods=[action.method])
            )
        return routes

    async def _page(self, page: Page, request: Request) -> Response:
        asked = self._asked(request, request.query_params)
        html = await run_in_threadpool(self._written, page, asked, request)
        return Response(html, media_type="text/html")

    def _written(self, page: Page, asked: Asked, request: Request) -> str:
        """Read what a page shows, and write it."""
        values = page.read(asked)
        return self._templates.render(
            page.template, self._common(request, page) | values
        )

    def _common(self, request: Request, page: Page | None = None) -> Json:
        """Return what every page needs."""
        visitor: Visitor | None = getattr(request.state, "visitor", None)
        done = {action.path: action.done for action in self._actions}
        here = quote(request.scope["path"])
        if request.url.query:
            here += f"?{request.url.query}"
        return {
            "page": page,
            "pages": [one for one in self._pages if one.in_menu],
            "visitor": visitor,
            "here": here,
            "done": done.get(request.query_params.get("done", "")),
            "query": request.query_params,
            "now": self._source.clock(),
            "record": self._source.settings.record,
            "server": self._source.watch.state,
        }

    async def _resource(self, resource: Resource, request: Request) -> Response:
        asked = self._asked(request, request.query_params)
        body, media_type = await run_in_threadpool(api.answer, resource, asked)
        return Response(body, headers={"content-type": media_type})

    async def _action(self, action: Action, request: Request) -> Response:
        form: Mapping[str, str] | None = request.state.form
        values = form
        if values is None:
            values = await self._json(request)
        asked = self._asked(request, values)
        asked.check(action.role)
        found = await run_in_threadpool(action.run, asked)
        if form is None or "back" not in form:
            return Response(api.written(found), media_type="application/json")
        return RedirectResponse(self._root + _below(form["back"], action.path), 303)

    async def _json(self, request: Request) -> dict[str, str]:
        """Return the values of a JSON object as text; {} without a body.

        Raises:
            InvalidRequest: it is no object of texts and numbers.
        """
        body = await self._bodies.read(request)
        if not body:
            return {}
        try:
            values = json.loads(body)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            raise InvalidRequest("the body is no JSON object", code="invalid_json")
        for name, value in values.items():
            if not isinstance(value, str | int | float | None):
                raise InvalidRequest(
                    f"{name[:40]} is neither text nor a number",
                    code="parameter",
                    param=name[:40],
                )
        given = {name: one for name, one in values.items() if one is not None}
        return {name: storable(str(one)) for name, one in given.items()}

    def _asked(self, request: Request, values: Mapping[str, str]) -> Asked:
        given = {**values, **request.path_params}
        return Asked(self._source, request.state.visitor, given)

    async def _document(self, request: Request) -> Response:
        found = api.document(self._resources, self._actions)
        return Response(api.written(found), media_type="application/json")

    async def _static(self, request: Request) -> Response:
        name = request.path_params["name"]
        content = read_static(name)
        if content is None:
            raise NotThere(f"file {name}")
        ending = name[name.rfind(".") :]
        return Response(
            content,
            media_type=MEDIA_TYPES.get(ending, "application/octet-stream"),
            headers={"cache-control": f"public, max-age={KEPT_S}, immutable"},
        )

    async def _live(self, request: Request) -> Response:
        asked = self._asked(request, request.query_params)
        after = request.headers.get("last-event-id")
        cookie = request.cookies.get(COOKIE, "")

        def is_in() -> bool:
            by_token = not asked.visitor.form_token
            return by_token or self.doors.by_cookie(cookie) is not None

        return await live_turns(asked, self._templates, after, is_in=is_in)

    async def _sign_in(self, request: Request) -> Response:
        return RedirectResponse(f"{self._root}/", 303)

    async def _refused(self, request: Request, exc: Exception) -> Response:
        """Answer what cannot be done: JSON below the API, else a page."""
        error = _as_wire_error(exc)
        if request.scope["path"].startswith(api.ROOT):
            value: dict[str, Any] = {
                "message": str(error),
                "type": error.type,
                "code": error.code,
                "param": error.param,
            }
            return Response(
                api.written({"error": value}),
                status_code=error.status,
                media_type="application/json",
            )
        template = "refused.html"
        if isinstance(error, Unauthorized):
            template = "sign_in.html"
        values = self._common(request) | {
            "error": error,
            "tokens": self.doors.has_tokens,
        }
        html = await run_in_threadpool(self._templates.render, template, values)
        return Response(html, status_code=error.status, media_type="text/html")


class _Status(WireError):
    """An error with a status of its own."""

    def __init__(self, message: str, status: int, code: str) -> None:
        super().__init__(message, code=code)
        self.status = status  # type: ignore[misc]  # of this one alone


def _as_wire_error(exc: Exception) -> WireError:
    if isinstance(exc, WireError):
        return exc
    if isinstance(exc, HTTPException):
        return _Status(f"there is no such page ({exc.detail})", exc.status_code, "http")
    if isinstance(exc, StoreMissing):
        return _Status(str(exc), 404, "not_found")
    if isinstance(exc, NoWords):
        return _Status(str(exc), 409, "no_words")
    if isinstance(exc, StoreError):
        return _Status(str(exc), 503, "store")
    if isinstance(exc, KbServerError):
        return _Status(str(exc), 409, "refused")
    return _Status("this is a fault of the console; its log says more", 500, "fault")


def _below(back: str, done: str) -> str:
    """Return a path of ours to go back to, which says what was done; never another site."""
    path, _, query = back.partition("?")
    path = "/" + path.lstrip("/\\")
    others = [one for one in query.split("&") if one and not one.startswith("done=")]
    return f"{path}?{'&'.join([*others, f'done={done}'])}"
