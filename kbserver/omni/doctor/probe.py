"""One timed request to an endpoint; the doctor's instrument."""

from __future__ import annotations

import asyncio
import math
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import EllipsisType
from typing import Any, Self

from kbserver.answers import AnswerLimits, Client, NoAnswer, read_json
from kbserver.notes import PROBE_HEADER
from kbserver.omni.failures import Failure, explain

LIMITS = AnswerLimits(seconds=5.0, body_bytes=1_000_000)
"""Seconds enough to tell a slow endpoint from one that does not answer."""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. `status` is 0 and `failure` says why if nothing did."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    took_ms: float = 0.0
    failure: Failure | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """The body as a JSON object; {} if it is none that `answers.read_json` takes."""
        try:
            value = read_json(self.body)
        except ValueError:
            return {}
        if not isinstance(value, dict):
            return {}
        return value

    def __str__(self) -> str:
        if self.failure is not None:
            return self.failure.sentence
        return f"HTTP {self.status}"


class Probe:
    """Sends requests to one URL. An async context manager.

    Connections are kept between requests unless `fresh` is set. Redirects are not followed.
    """

    def __init__(
        self,
        url: str,
        token: str | None,
        *,
        verify: ssl.SSLContext | None = None,
        fresh: bool = False,
        limits: AnswerLimits = LIMITS,
    ) -> None:
        self.url = url
        self._token = token
        self._client = Client(
            limits,
            headers={"user-agent": "kbserver-doctor", PROBE_HEADER: "doctor"},
            keep_alive=not fresh,
            verify=verify,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._client.aclose()

    async def ask(
        self, body: Mapping[str, Any], *, token: str | None | EllipsisType = ...
    ) -> Response:
        """POST a JSON body. `token` replaces the probe's own; None sends none."""
        bearer = self._token
        if not isinstance(token, EllipsisType):
            bearer = token
        headers = {}
        if bearer:
            headers["authorization"] = f"Bearer {bearer}"
        started = time.perf_counter()
        try:
            answer = await self._client.ask(
                "POST", self.url, json=dict(body), headers=headers
            )
        except NoAnswer as exc:
            took_ms = (time.perf_counter() - started) * 1000
            return Response(0, took_ms=took_ms, failure=explain(exc))
        took_ms = (time.perf_counter() - started) * 1000
        return Response(answer.status, answer.content, answer.headers, took_ms)

    async def ask_all(self, bodies: Sequence[Mapping[str, Any]]) -> list[Response]:
        """POST several bodies at the same time; the responses are in the order of the bodies."""
        return list(await asyncio.gather(*(self.ask(body) for body in bodies)))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value at or below which `share` of the values lie, by nearest rank.

    nan if there are no values.
    """
    if not values:
        return math.nan
    rank = math.ceil(share * len(values))
    return sorted(values)[max(rank - 1, 0)]
