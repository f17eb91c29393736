"""A knowledge endpoint written by hand from the contract, and a simulator: on real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from kbserver.omni.serving import base_url, serving
from kbserver.omni.simulator.options import SimulatorOptions
from kbserver.omni.simulator.recording import Recorder
from kbserver.omni.simulator.server import Simulator

PATIENT_MS = 20_000  # a limit that a machine shared with many others does not use up
TOKEN = "a-token-for-tests-only-0123456789abcdef"
PASSAGES = {
    "pin": ("kb-pin", "You reset your PIN in the app under Security."),
    "refund": ("kb-refund", "Refunds reach your account within five days."),
    "open": ("kb-hours", "We are open from nine to five."),
}


@dataclass
class Endpoint:
    """`POST /kb` by the contract, independent of kbserver's own; it keeps every request."""

    token: str | None = TOKEN
    delay_s: float = 0.0
    status: int = 200
    code: str = "internal_error"
    patience: int | None = None
    """Requests that are served before the rest is refused."""
    redirect_to: str = ""
    raw: bytes | None = None
    keys: tuple[str, ...] = ("context", "results")
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)

    async def answer(self, request: Request) -> Response:
        body = await request.body()
        target = (
            f"{request.url.path}?{request.url.query}"
            if request.url.query
            else request.url.path
        )
        seen = {
            "method": request.method,
            "target": target,
            "headers": dict(request.headers),
            "body": body,
        }
        self.requests.append(seen)
        self.connections.add(request.client)
        await asyncio.sleep(self.delay_s)
        if self.redirect_to:
            return RedirectResponse(self.redirect_to, 307)
        if (
            self.token
            and request.headers.get("authorization") != f"Bearer {self.token}"
        ):
            return self._error(401, "unauthorized")
        if len(body) > 65_536:
            return self._error(413, "body_too_large")
        if self.raw is not None:
            return Response(self.raw, media_type="application/json")
        if self.status != 200:
            return self._error(self.status, self.code)
        if self.patience is not None and len(self.requests) > self.patience:
            return self._error(503, "overloaded")
        try:
            fields = json.loads(body)
            query, label = fields["query"], fields.get("session_label")
        except (ValueError, KeyError, TypeError):
            return self._error(400, "invalid_json")
        label = fields.get("agent_id") if label is None else label
        if label is not None and len(label) > 256:
            return self._error(400, "invalid_session_label")
        found = [
            {"id": id, "content": text, "score": 0.9}
            for key, (id, text) in PASSAGES.items()
            if key in query
        ]
        whole = {
            "context": "\n".join("- " + hit["content"] for hit in found),
            "results": found,
        }
        return JSONResponse(
            {"session_label": label, "query": query}
            | {key: whole[key] for key in self.keys}
        )

    def _error(self, status: int, code: str) -> Response:
        return JSONResponse(
            {"error": {"message": code, "type": code, "code": code, "param": None}},
            status,
        )

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/kb", self.answer, methods=["POST"])])

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request["body"]) for request in self.requests]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def kb() -> AsyncIterator[Endpoint]:
    endpoint = Endpoint()
    async with serving(endpoint.app) as server:
        endpoint.url = base_url(server) + "/kb"
        yield endpoint


@dataclass
class Stage:
    """A running simulator, where it is, and what it recorded."""

    simulator: Simulator
    http: str
    record: Path

    @property
    def ws(self) -> str:
        return f"ws://{urlsplit(self.http).netloc}"

    def records(self, kind: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.record.read_text().splitlines()]
        return [line for line in lines if line["record"] == kind]


@pytest.fixture
def simulate(tmp_path: Path) -> Callable[..., Any]:
    """Start a simulator: `async with simulate(script=[...], strict=True) as stage`.

    Its agent does not wait while it speaks, and a lookup may take PATIENT_MS, so that a busy
    machine fails no test that is not about time; those that are ask for `timeout_ms=300`.
    """

    @asynccontextmanager
    async def start(
        *,
        script: tuple[str, ...] = (),
        keys: tuple[str, ...] | None = None,
        **options: Any,
    ) -> AsyncIterator[Stage]:
        with Recorder(tmp_path / "turns.jsonl") as recorder:
            settings = SimulatorOptions(
                **({"pace": 0.0, "timeout_ms": PATIENT_MS} | options)
            )
            simulator = Simulator(settings, script=script, keys=keys, recorder=recorder)
            async with serving(simulator) as server:
                yield Stage(simulator, base_url(server), tmp_path / "turns.jsonl")

    return start
