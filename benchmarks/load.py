"""The load client: kept-alive HTTP/1.1 that costs little, as client and server share the cores.

A general HTTP library spends 1 to 2 ms of CPU a request, a fifth of a turn; this one spends some 50
µs. It speaks just what a server answers to `POST /kb`: a status, a `content-length`, a body.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import numpy as np

Ask = Callable[[], bytes]
"""Gives the next request, ready to be sent."""


@dataclass
class Load:
    """What one run of a load client saw."""

    seconds: float = 0.0
    ms: list[float] = field(default_factory=list)
    """One latency a turn that was answered with 200; an open loop counts from when it was due."""
    at_s: list[float] = field(default_factory=list)
    """When each of them was due, in seconds from the start."""
    statuses: Counter[int] = field(default_factory=Counter)
    """0: the connection broke or there was no answer."""
    refused_ms: list[float] = field(default_factory=list)
    """How long refusals (503) took."""
    wrong: int = 0
    """Answers with 200 that are to another question; seen by an open loop only."""

    @property
    def per_second(self) -> float:
        return self.statuses[200] / self.seconds

    def percentile(self, percent: float) -> float:
        """Return the latency in ms that so many percent (0 to 100) of the turns stay within."""
        if not self.ms:
            return float("nan")
        return float(np.percentile(self.ms, percent))

    def within(self, limit_ms: float) -> float:
        """Share of all turns sent that were answered with 200 within a limit."""
        return sum(ms <= limit_ms for ms in self.ms) / max(
            1, sum(self.statuses.values())
        )

    def add(self, status: int, ms: float, at_s: float) -> None:
        self.statuses[status] += 1
        if status == 200:
            self.ms.append(ms)
            self.at_s.append(at_s)
        elif status == 503:
            self.refused_ms.append(ms)


def request_bytes(
    url: str, query: str, label: str | None = None, token: str = "", **headers: str
) -> bytes:
    """Write one turn as HTTP/1.1."""
    parts = urlsplit(url)
    body = json.dumps(
        {"session_label": label, "query": query}, ensure_ascii=False
    ).encode()
    path = parts.path
    if parts.query:
        path += f"?{parts.query}"
    lines = [
        f"POST {path} HTTP/1.1",
        f"host: {parts.netloc}",
        "content-type: application/json",
    ]
    if token:
        lines.append(f"authorization: Bearer {token}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body


def answers(request: bytes, body: bytes) -> bool:
    """Whether an answer is to this request of `request_bytes`: it repeats the question."""
    question = request[request.rindex(b'"query": ') + len(b'"query": ') : -1]
    return b'"query":' + question in body


class Client:
    """One kept-alive connection that blocks: the plainest caller, for the time of a single turn."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection(
            (parts.hostname, parts.port), timeout=30
        )
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request and return status and body."""
        self._socket.sendall(request)
        received = bytearray()
        while (answer := parse_answer(received)) is None:
            part = self._socket.recv(65536)
            if not part:
                raise ConnectionError("the server closed the connection")
            received += part
        return answer

    def close(self) -> None:
        self._socket.close()


def parse_answer(received: bytearray | bytes) -> tuple[int, bytes] | None:
    """Return status and body once all of them are there, else None."""
    head_end = received.find(b"\r\n\r\n")
    if head_end < 0:
        return None
    head = bytes(received[:head_end]).lower()
    length = 0
    at = head.find(b"content-length:")
    if at >= 0:
        length = int(head[at + 15 :].split(b"\r\n", 1)[0])
    body_end = head_end + 4 + length
    if len(received) < body_end:
        return None
    return int(head[9:12]), bytes(received[head_end + 4 : body_end])


class Connection(asyncio.Protocol):
    """One kept-alive connection of an event loop; one turn at a time."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._waiting: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, url: str) -> Connection:
        parts = urlsplit(url)
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            cls, parts.hostname or "", parts.port or 80
        )
        return connection

    @property
    def broken(self) -> bool:
        return self._transport is None

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request and return status and body; (0, b"") if the connection broke."""
        if self._transport is None:
            return 0, b""
        self._waiting = asyncio.get_running_loop().create_future()
        self._received.clear()
        self._transport.write(request)
        return await self._waiting

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._received += data
        answer = parse_answer(self._received)
        if (
            answer is not None
            and self._waiting is not None
            and not self._waiting.done()
        ):
            self._waiting.set_result(answer)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result((0, b""))


async def closed_loop(url: str, ask: Ask, *, clients: int, seconds: float) -> Load:
    """Let `clients` callers ask one turn after the other, without a pause."""
    load = Load()
    began = time.perf_counter()
    end = began + seconds

    async def caller() -> None:
        connection = await Connection.open(url)
        while (sent := time.perf_counter()) < end:
            status, _ = await connection.ask(ask())
            load.add(status, (time.perf_counter() - sent) * 1000.0, sent - began)
            if connection.broken:
                connection = await Connection.open(url)
        connection.close()

    await asyncio.gather(*(caller() for _ in range(clients)))
    load.seconds = time.perf_counter() - began
    return load


async def open_loop(
    url: str,
    ask: Ask,
    *,
    rate: float,
    seconds: float,
    give_up_s: float = 5.0,
    seed: int = 0,
    warm: int = 64,
) -> Load:
    """Send `rate` turns a second at random moments (Poisson), however slowly they are answered.

    Each turn takes a free connection or opens one. Latency counts from the moment a turn was due: a
    client that falls behind does not flatter the server.
    """
    load = Load()
    idle = [await Connection.open(url) for _ in range(warm)]
    flying: set[asyncio.Task[None]] = set()
    chance = random.Random(seed)
    began = time.perf_counter()

    async def turn(due: float) -> None:
        connection = None
        if idle:
            connection = idle.pop()
        request = ask()
        try:
            async with asyncio.timeout(give_up_s):
                if connection is None or connection.broken:
                    connection = await Connection.open(url)
                status, body = await connection.ask(request)
        except (TimeoutError, OSError):
            status, body = 0, b""
        load.wrong += status == 200 and not answers(request, body)
        load.add(status, (time.perf_counter() - due) * 1000.0, due - began)
        if connection is not None and status:
            idle.append(connection)
        elif connection is not None:
            connection.close()

    due = began
    while (due := due + chance.expovariate(rate)) < began + seconds:
        pause = due - time.perf_counter()
        if pause > 0:
            await asyncio.sleep(pause)
        task = asyncio.create_task(turn(due))
        flying.add(task)
        task.add_done_callback(flying.discard)
    load.seconds = seconds
    if flying:
        await asyncio.wait(flying)
    for connection in idle:
        connection.close()
    return load


def cycled(requests: Sequence[bytes]) -> Ask:
    """Give the requests one after the other, over and over."""

    def forever() -> Iterator[bytes]:
        while True:
            yield from requests

    turns = forever()
    return lambda: next(turns)


def unheard(queries: Sequence[str]) -> Callable[[], str]:
    """Give questions that no cache has seen: a real one and four words of another, none twice.

    500 real questions would be all in the cache of embeddings after a few seconds, and of 10,000
    pairs drawn with their first words only, four in ten were.
    """
    chance = random.Random(1)
    asked: set[str] = set()

    def question() -> str:
        while True:
            one, other = chance.choice(queries).split(), chance.choice(queries).split()
            start = chance.randrange(max(1, len(other) - 3))
            text = " ".join([*one[:12], *other[start : start + 4]])
            if text not in asked:
                asked.add(text)
                return text

    return question


def unrepeated(
    url: str,
    queries: Sequence[str],
    label: str | None = None,
    token: str = "",
    **headers: str,
) -> Ask:
    """Give turns whose questions are `unheard`."""
    question = unheard(queries)
    return lambda: request_bytes(url, question(), label, token, **headers)
