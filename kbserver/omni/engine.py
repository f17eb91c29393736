"""The engine's side of a turn: one POST to `kb_endpoint`, 300 ms in all, and the call goes on whatever comes of it.

Source: the Omni contract, sections 1 and 2. What it leaves open (user agent, keep-alive, HTTP version) is ours to
choose here: HTTP/1.1, and a new connection for every turn unless told otherwise, which is the harder case.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

import httpx2

from kbserver.omni.configure import check_endpoint, check_token
from kbserver.omni.failures import explain
from kbserver.settings import ENGINE_TIMEOUT_MS

MAX_BODY_BYTES = 1_000_000  # ours: an answer this long is not one

Outcome: TypeAlias = Literal[
    "grounded", "miss", "late", "unreachable", "refused", "invalid"
]
"""grounded: knowledge came. miss: a good answer without any. The others are an ungrounded turn: too late, no
connection, a status other than 200, or not the JSON it should be."""

Reads: TypeAlias = Literal["context", "results"]
"""Which key of the answer the agent speaks from. It is documented nowhere, so both must be tried."""


@dataclass(frozen=True, slots=True)
class Result:
    """One entry of `results`."""

    id: str
    content: str
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Lookup:
    """What one turn's call to `kb_endpoint` came to. It never raises; `outcome` and `reason` say what happened."""

    outcome: Outcome
    reason: str = ""
    """Stable word for whatever is not grounded: `empty`, `timeout`, `refused`, `http_401`, `invalid_json`, ..."""
    latency_ms: float = 0.0
    """Wall clock from before the connection was opened until the answer was read or given up."""
    status: int | None = None
    context: str = ""
    results: tuple[Result, ...] = ()
    body_bytes: int = 0
    trace: Mapping[str, Any] = field(default_factory=dict)
    """The server's own account of the turn, if it was asked for with the debug header and gives one."""

    @property
    def top_ids(self) -> list[str]:
        """The ids of the results that have one, best first: what the engine tells the client."""
        return [result.id for result in self.results if result.id]

    @property
    def in_time(self) -> bool:
        """Whether an answer the engine could use arrived within its limit."""
        return self.outcome in ("grounded", "miss")

    def as_dict(self) -> dict[str, Any]:
        """Return the lookup as JSON values, for records and screens."""
        facts: dict[str, Any] = {
            "outcome": self.outcome,
            "reason": self.reason,
            "latency_ms": round(self.latency_ms, 1),
            "status": self.status,
            "top_ids": self.top_ids,
            "context": self.context,
            "body_bytes": self.body_bytes,
        }
        return facts | ({"trace": dict(self.trace)} if self.trace else {})


class KnowledgeEndpoint:
    """One session's `kb_endpoint`, called as the engine calls it. An async context manager."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        reads: Reads = "context",
        timeout_ms: float = ENGINE_TIMEOUT_MS,
        keep_alive: bool = False,
        debug: bool = False,
        verify: ssl.SSLContext | None = None,
    ) -> None:
        """Prepare the calls; nothing is sent yet.

        Args:
            url: the exact URL to POST to.
            token: sent as `Authorization: Bearer …`; None sends no such header.
            reads: the key that decides whether a turn is grounded.
            timeout_ms: wall-clock milliseconds for one turn.
            keep_alive: keep the connection between turns.
            debug: ask a kbserver for its trace with the header `X-KBServer-Debug: 1`.
            verify: TLS context; None trusts what the system trusts, or what SSL_CERT_FILE names.

        Raises:
            OmniError: the URL or the token cannot be used.
        """
        check_endpoint(url, field="kb_endpoint")
        if token is not None:
            check_token(token)
        self.url = url
        self.reads: Reads = reads
        self.timeout_ms = timeout_ms
        headers = {"user-agent": "kbserver-simulator"} | (
            {"authorization": f"Bearer {token}"} if token else {}
        )
        self._client = httpx2.AsyncClient(
            headers=headers | ({"x-kbserver-debug": "1"} if debug else {}),
            limits=httpx2.Limits(max_keepalive_connections=None if keep_alive else 0),
            timeout=None,  # one wall-clock limit over everything, in look_up
            follow_redirects=False,
            trust_env=False,
            verify=verify or httpx2.create_ssl_context(),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def look_up(self, query: str, session_label: str | None) -> Lookup:
        """Ask once, as the engine does in every caller turn: two fields, no retry, no redirect, fail-open."""
        opened: list[Any] = []
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self.timeout_ms / 1000):
                status, body = await self._post(
                    {"session_label": session_label, "query": query}, opened
                )
        except TimeoutError:
            for stream in opened:  # the transport leaves a socket open when it is interrupted in the TLS handshake
                await stream.aclose()
            return Lookup("late", "timeout", _ms_since(started))
        except Exception as exc:  # whatever it is, the call goes on
            return Lookup("unreachable", explain(exc).word, _ms_since(started))
        latency_ms = _ms_since(started)
        if (
            latency_ms > self.timeout_ms
        ):  # it arrived between the limit and the event loop's next look at the clock
            return Lookup("late", "timeout", latency_ms, status, body_bytes=len(body))
        if status != 200:
            return Lookup(
                "refused", f"http_{status}", latency_ms, status, body_bytes=len(body)
            )
        return read_answer(body, reads=self.reads, latency_ms=latency_ms)

    async def _post(
        self, payload: Mapping[str, Any], opened: list[Any]
    ) -> tuple[int, bytes]:
        async def note_connection(event: str, info: Mapping[str, Any]) -> None:
            if event == "connection.connect_tcp.complete":
                opened.append(info["return_value"])

        body = bytearray()
        extensions = {"trace": note_connection}
        async with self._client.stream(
            "POST", self.url, json=payload, extensions=extensions
        ) as response:
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MAX_BODY_BYTES:
                    break
        return response.status_code, bytes(body)


def read_answer(body: bytes, *, reads: Reads, latency_ms: float = 0.0) -> Lookup:
    """Read the body of a 200 answer: `context` as a string, `results` as a list of `{id, content, score}`.

    A key that is missing or of another type counts as empty; a body that is not a JSON object is `invalid`.
    """
    try:
        answer = json.loads(body) if len(body) <= MAX_BODY_BYTES else None
    except (ValueError, RecursionError):
        return Lookup("invalid", "invalid_json", latency_ms, 200, body_bytes=len(body))
    if not isinstance(answer, dict):
        return Lookup("invalid", "not_an_object", latency_ms, 200, body_bytes=len(body))
    context = answer["context"] if isinstance(answer.get("context"), str) else ""
    results = _results(answer.get("results"))
    trace = answer["trace"] if isinstance(answer.get("trace"), dict) else {}
    found = (
        bool(context.strip())
        if reads == "context"
        else any(result.content.strip() for result in results)
    )
    outcome: Outcome = "grounded" if found else "miss"
    return Lookup(
        outcome,
        "" if found else "empty",
        latency_ms,
        200,
        context,
        results,
        len(body),
        trace,
    )


def _results(value: object) -> tuple[Result, ...]:
    found: list[Result] = []
    for entry in value if isinstance(value, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("content"), str):
            score = entry.get("score")
            number = (
                float(score)
                if isinstance(score, int | float) and not isinstance(score, bool)
                else None
            )
            found.append(
                Result(
                    entry["id"] if isinstance(entry.get("id"), str) else "",
                    entry["content"],
                    number,
                )
            )
    return tuple(found)


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
