"""What other machines answer, read within bounds: bytes, seconds and the shape of JSON.

Every HTTP client of kbserver asks through `Client`: the fetching of pages, `POST /session`, the
engine's side of a call, and the doctor.
"""

from __future__ import annotations

import asyncio
import json
import math
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self, TypeAlias

import httpcore2
import httpx2

ENCODINGS = "gzip, deflate"
MAX_JSON_DEPTH = 32
MAX_JSON_DIGITS = 100
"""Of one number. Longer ones overflow a float, or take Python long to write."""

_LONGEST_WORDS = 300
"""Characters of a failure's message, which may quote what came."""

_READ_BYTES = 16 * 1024
"""Read at once, so that a flood does not hold the event loop for long."""


@dataclass(frozen=True, slots=True)
class AnswerLimits:
    """How much one answer may take."""

    seconds: float
    """From the look-up of the host's name until the last byte."""
    body_bytes: int
    """Unpacked, if the server packed it."""
    head_bytes: int = 64 * 1024
    """Of heads, informational answers and chunk sizes, over twice the body's bytes."""

    @property
    def wire_bytes(self) -> int:
        """Bytes of one exchange that are read at all."""
        return self.head_bytes + 2 * self.body_bytes


class Answer(NamedTuple):
    """What came back, whatever its status."""

    status: int
    headers: httpx2.Headers
    content: bytes


class NoAnswer(Exception):
    """Nothing came back that can be used; the cause is chained, the message says it in words."""


class AnswerLate(NoAnswer):
    """The answer was not whole in time."""


class AnswerTooLarge(NoAnswer):
    """The answer is over its limit, and was not read further."""


AddressFor: TypeAlias = Callable[[str, int], str]
"""Returns the address to connect to for a host and port; runs in a thread."""


class Client:
    """Asks other machines over HTTP/1.1. An async context manager.

    Redirects are not followed, cookies are not kept, and the environment is not looked at.
    """

    def __init__(
        self,
        limits: AnswerLimits,
        *,
        headers: Mapping[str, str] | None = None,
        keep_alive: bool = True,
        verify: ssl.SSLContext | None = None,
        proxy: httpx2.Proxy | None = None,
        address_for: AddressFor | None = None,
    ) -> None:
        """Open no connection yet.

        Args:
            limits: of every answer.
            headers: sent with every request.
            keep_alive: keep connections between requests.
            verify: TLS context; None trusts what the system trusts, or what SSL_CERT_FILE names.
            proxy: an HTTP proxy to go through.
            address_for: chooses and checks the address of a host; None leaves it to the system.
        """
        self.limits = limits
        self._headers = {
            "accept": "*/*",
            "accept-encoding": ENCODINGS,
            "connection": "keep-alive",
        }
        self._headers |= headers or {}
        self._closed = False
        kept = None
        if not keep_alive:
            kept = 0
        options: dict[str, Any] = {
            "ssl_context": verify or httpx2.create_ssl_context(),
            "max_connections": None,
            "max_keepalive_connections": kept,
            "keepalive_expiry": 5.0,
            "network_backend": _Network(limits.wire_bytes, address_for),
        }
        self._pool = httpcore2.AsyncConnectionPool(**options)
        if proxy is not None:
            self._pool = httpcore2.AsyncHTTPProxy(
                _core_url(proxy.url),
                proxy_auth=proxy.raw_auth,
                proxy_headers=proxy.headers.raw,
                **options,
            )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        self._closed = True
        await self._pool.aclose()

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        body_bytes: int | None = None,
        cut: bool = False,
    ) -> Answer:
        """Send one request and read its answer, whatever the status.

        Args:
            json: sent as the body, if it is not None.
            body_bytes: bytes of this answer's body, if fewer than of the others.
            cut: cut a longer body, instead of refusing it.

        Raises:
            AnswerLate: it was not whole within `limits.seconds`.
            AnswerTooLarge: it is over `body_bytes`, or over `limits`.
            NoAnswer: there is no URL, no connection, no HTTP, or a coding that was not asked for.
        """
        if self._closed:
            raise NoAnswer("the client is closed")
        most = self.limits.body_bytes
        if body_bytes is not None:
            most = min(most, body_bytes)
        try:
            request = httpx2.Request(
                method, url, headers=self._headers | dict(headers or {}), json=json
            )
            async with asyncio.timeout(self.limits.seconds):
                return await self._exchange(request, most, cut=cut)
        except TimeoutError as exc:
            late = f"not done within {self.limits.seconds:g} s"
            raise AnswerLate(late) from exc
        except _FAILURES as exc:
            words = str(exc) or type(exc).__name__
            raise NoAnswer(words[:_LONGEST_WORDS]) from exc

    async def _exchange(
        self, request: httpx2.Request, most: int, *, cut: bool
    ) -> Answer:
        async with self._pool.stream(
            request.method,
            _core_url(request.url),
            headers=request.headers.raw,
            content=request.content,
        ) as received:
            headers = httpx2.Headers(received.headers)
            content = await _content(_unpacking(received, headers), most, cut=cut)
            return Answer(received.status, headers, content)


_FAILURES = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.ProxyError,
    httpcore2.TimeoutException,
    httpcore2.UnsupportedProtocol,
    httpx2.DecodingError,
    httpx2.InvalidURL,
    OSError,
    ValueError,
)
"""ValueError: a header that is not ASCII, a host name that cannot be encoded."""


def _core_url(url: httpx2.URL) -> httpcore2.URL:
    return httpcore2.URL(
        scheme=url.raw_scheme,
        host=url.raw_host,
        port=url.port,
        target=url.raw_path,
    )


def _unpacking(
    received: httpcore2.Response, headers: httpx2.Headers
) -> httpx2.Response:
    """Return a response that unpacks what was packed once.

    Each further coding multiplies what a few bytes make the unpacking do.

    Raises:
        httpx2.DecodingError: it was packed more than once.
    """
    codings = headers.get_list("content-encoding", split_commas=True)
    if len(codings) > 1:
        raise httpx2.DecodingError("packed more than once")
    return httpx2.Response(
        received.status, headers=headers, stream=_Parts(received.aiter_stream())
    )


async def _content(response: httpx2.Response, most: int, *, cut: bool) -> bytes:
    content = bytearray()
    async for part in response.aiter_bytes():
        content += part
        if len(content) > most and cut:
            break
        if len(content) > most:
            raise AnswerTooLarge(f"over {most:,} bytes")
    return bytes(content[:most])


class _Parts(httpx2.AsyncByteStream):
    """The parts of a body as httpx2 takes them."""

    def __init__(self, parts: AsyncIterator[bytes]) -> None:
        self._parts = parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._parts:
            yield part


class _Network(httpcore2.AsyncNetworkBackend):
    """Connects to addresses that were checked, over streams that are metered."""

    def __init__(self, wire_bytes: int, address_for: AddressFor | None) -> None:
        self._wire_bytes = wire_bytes
        self._address_for = address_for
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        if self._address_for is not None:
            host = await asyncio.to_thread(self._address_for, host, port)
        stream = await self._inner.connect_tcp(
            host, port, timeout, local_address, socket_options
        )
        return _Metered(stream, self._wire_bytes)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Metered(httpcore2.AsyncNetworkStream):
    """Reads at most so many bytes after each request."""

    def __init__(self, inner: httpcore2.AsyncNetworkStream, most: int) -> None:
        self._inner = inner
        self._most = most
        self._read = 0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = await self._inner.read(min(max_bytes, _READ_BYTES), timeout)
        self._read += len(data)
        if self._read > self._most:
            raise AnswerTooLarge(f"over {self._most:,} bytes with its heads")
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._read = 0
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        try:
            stream = await self._inner.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            # interrupted in a handshake, the pool leaves the socket open
            await self._inner.aclose()
            raise
        return _Metered(stream, self._most)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def read_json(content: bytes) -> Any:
    """Return the value of a JSON text that another machine sent.

    Raises:
        ValueError: it is not JSON, it is nested deeper than `MAX_JSON_DEPTH`, or a number has more
            than `MAX_JSON_DIGITS` characters or is not finite.
    """
    try:
        value = json.loads(
            content,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_number,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    _check_depth(value)
    return value


def _integer(digits: str) -> int:
    _check_digits(digits)
    return int(digits)


def _number(digits: str) -> float:
    _check_digits(digits)
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"the number {digits} is not finite")
    return value


def _check_digits(digits: str) -> None:
    if len(digits) > MAX_JSON_DIGITS:
        raise ValueError(f"a number has {len(digits):,} characters")


def _check_depth(value: object) -> None:
    level = _inside([value])
    for _ in range(MAX_JSON_DEPTH):
        if not level:
            return
        level = [inner for outer in level for inner in _inside(outer)]
    if level:
        raise ValueError("nested too deeply")


def _inside(value: object) -> list[object]:
    """Return the objects and arrays that stand directly in a value."""
    inner: Iterable[object] = ()
    if isinstance(value, dict):
        inner = value.values()
    elif isinstance(value, list):
        inner = value
    return [one for one in inner if isinstance(one, dict | list)]
