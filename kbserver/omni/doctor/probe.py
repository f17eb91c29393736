"""One request to an endpoint, timed, whatever comes back; the doctor's instrument."""

from __future__ import annotations

import asyncio
import json
import math
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import EllipsisType, TracebackType
from typing import Any, Self

import httpx2

from kbserver.omni.failures import Failure, explain

PATIENCE_S = 5.0  # long enough to tell a slow endpoint from one that does not answer


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `status` is 0 and `failure` says why if nothing did."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    took_ms: float = 0.0
    failure: Failure | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """The body as a JSON object; {} if it is none."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    def __str__(self) -> str:
        return self.failure.sentence if self.failure else f"HTTP {self.status}"


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
    ) -> None:
        self.url = url
        self._token = token
        self._client = httpx2.AsyncClient(
            limits=httpx2.Limits(max_keepalive_connections=0 if fresh else None),
            timeout=PATIENCE_S,
            follow_redirects=False,
            trust_env=False,
            verify=verify or httpx2.create_ssl_context(),
            headers={"user-agent": "kbserver-doctor"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def ask(
        self, body: Mapping[str, Any], *, token: str | None | EllipsisType = ...
    ) -> Answer:
        """POST a JSON body. `token` replaces the probe's own; None sends none."""
        bearer = self._token if isinstance(token, EllipsisType) else token
        headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
        started = time.perf_counter()
        try:
            response = await self._client.post(
                self.url, json=dict(body), headers=headers
            )
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as exc:
            return Answer(
                0, took_ms=(time.perf_counter() - started) * 1000, failure=explain(exc)
            )
        took_ms = (time.perf_counter() - started) * 1000
        return Answer(
            response.status_code, response.content, dict(response.headers), took_ms
        )

    async def ask_all(self, bodies: Sequence[Mapping[str, Any]]) -> list[Answer]:
        """POST several bodies at the same time; the answers come in the order of the bodies."""
        return list(await asyncio.gather(*(self.ask(body) for body in bodies)))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below or at which `share` of the values lie, by nearest rank; nan if there are none."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)] if ordered else math.nan
