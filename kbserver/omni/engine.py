"""The engine's side of a turn: one POST to `kb_endpoint`, 300 ms in all; it never stops the call.

Source: the Omni contract, sections 1 and 2. It leaves user agent, keep-alive and HTTP version open;
here they are HTTP/1.1 and, unless told otherwise, a new connection a turn: the harder case.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeAlias

from kbserver.answers import (
    AnswerLate,
    AnswerLimits,
    AnswerTooLarge,
    Client,
    read_json,
)
from kbserver.notes import PROBE_HEADER
from kbserver.omni.configure import check_endpoint, check_token
from kbserver.omni.failures import explain
from kbserver.settings import ENGINE_TIMEOUT_MS

MAX_BODY_BYTES = 1_000_000  # ours: an answer this long is not one

Outcome: TypeAlias = Literal[
    "grounded", "miss", "late", "unreachable", "refused", "invalid"
]
"""How a lookup ended.

grounded: knowledge came. miss: a good answer without any. The others are an ungrounded turn:
too late, no connection, a status other than 200, or not the JSON it should be.
"""

Reads: TypeAlias = Literal["context", "results"]
"""The key of the answer that the agent speaks from: documented nowhere, so both are tried."""


_LONGEST_REFUSAL = 300  # characters


@dataclass(frozen=True, slots=True)
class Result:
    """One entry of `results`."""

    id: str
    content: str
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Lookup:
    """What one turn's call to `kb_endpoint` came to."""

    outcome: Outcome
    reason: str = ""
    """Stable word why a turn is not grounded: `empty`, `timeout`, `http_401`, ..."""
    latency_ms: float = 0.0
    """From before the connection is opened until the answer is read or given up."""
    status: int | None = None
    context: str = ""
    results: tuple[Result, ...] = ()
    body_bytes: int = 0
    trace: Mapping[str, Any] = field(default_factory=dict)
    """The server's own account of the turn, if the debug header asked for one."""
    said: str = ""
    """What a refusal says, for people."""

    @property
    def top_ids(self) -> list[str]:
        """The ids of the results that have one, best first: what the engine tells the client."""
        return [result.id for result in self.results if result.id]

    @property
    def in_time(self) -> bool:
        """Whether a usable answer arrived within the limit."""
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
        if self.trace:
            facts["trace"] = dict(self.trace)
        if self.said:
            facts["said"] = self.said
        return facts


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
        probe: str | None = None,
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
            probe: what asks in place of a caller, so that a kbserver counts no call.
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
        headers = {"user-agent": "kbserver-simulator"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        if debug:
            headers["x-kbserver-debug"] = "1"
        if probe is not None:
            headers[PROBE_HEADER] = probe
        limits = AnswerLimits(seconds=timeout_ms / 1000, body_bytes=MAX_BODY_BYTES)
        self._client = Client(
            limits, headers=headers, keep_alive=keep_alive, verify=verify
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def look_up(self, query: str, session_label: str | None) -> Lookup:
        """Ask once, as the engine does: two fields, no retry, no redirect. Raises nothing."""
        turn = {"session_label": session_label, "query": query}
        started = time.perf_counter()
        try:
            answer = await self._client.ask("POST", self.url, json=turn)
        except AnswerLate:
            return Lookup("late", "timeout", _ms_since(started))
        except AnswerTooLarge:
            return Lookup("invalid", "too_large", _ms_since(started))
        except Exception as exc:  # the call goes on in any case
            return Lookup("unreachable", explain(exc).word, _ms_since(started))
        latency_ms = _ms_since(started)
        status, body = answer.status, answer.content
        # It may arrive after the limit and before the event loop looks at the clock.
        if latency_ms > self.timeout_ms:
            return Lookup("late", "timeout", latency_ms, status, body_bytes=len(body))
        if status != 200:
            reason = f"http_{status}"
            said = _refusal_of(body)
            return Lookup(
                "refused", reason, latency_ms, status, body_bytes=len(body), said=said
            )
        return read_answer(body, reads=self.reads, latency_ms=latency_ms)


def read_answer(body: bytes, *, reads: Reads, latency_ms: float = 0.0) -> Lookup:
    """Read the body of a 200 answer: a string `context`, and `results` of `{id, content, score}`.

    A key that is missing or of another type counts as empty. A body that is not a JSON object, as
    `answers.read_json` takes it, is `invalid`.
    """
    try:
        answer = read_json(body)
    except ValueError:
        return Lookup("invalid", "invalid_json", latency_ms, 200, body_bytes=len(body))
    if not isinstance(answer, dict):
        return Lookup("invalid", "not_an_object", latency_ms, 200, body_bytes=len(body))
    context = answer.get("context")
    if not isinstance(context, str):
        context = ""
    results = _results(answer.get("results"))
    trace = answer.get("trace")
    if not isinstance(trace, dict):
        trace = {}
    spoken = [context]
    if reads == "results":
        spoken = [result.content for result in results]
    outcome: Outcome = "miss"
    reason = "empty"
    if any(text.strip() for text in spoken):
        outcome = "grounded"
        reason = ""
    return Lookup(outcome, reason, latency_ms, 200, context, results, len(body), trace)


def _refusal_of(body: bytes) -> str:
    """Return the message of a refusal, `{"error": {"code", "message"}}`; empty if it has none."""
    try:
        answer = read_json(body)
    except ValueError:
        return ""
    if not isinstance(answer, dict) or not isinstance(answer.get("error"), dict):
        return ""
    error = answer["error"]
    parts = [error.get("code"), error.get("message")]
    said = ": ".join(part for part in parts if isinstance(part, str) and part)
    return said[:_LONGEST_REFUSAL]


def _results(value: object) -> tuple[Result, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(
        _result(entry)
        for entry in value
        if isinstance(entry, dict) and isinstance(entry.get("content"), str)
    )


def _result(entry: Mapping[str, Any]) -> Result:
    id = entry.get("id")
    if not isinstance(id, str):
        id = ""
    score = entry.get("score")
    number: float | None = None
    if isinstance(score, int | float) and not isinstance(score, bool):
        number = float(score)
    return Result(id, entry["content"], number)


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
