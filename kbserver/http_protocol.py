"""HTTP/1.1 on uvicorn, bounded before a request is whole.

uvicorn bounds what an application reads; what comes before the application runs, and what comes
after it has answered, is bounded here: heads and trailers in bytes, lines and seconds, bodies that
the application does not read in seconds, and connections in number. The endpoint and the simulator
speak through it alike.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from kbserver.types import KNOWN

try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one connection may send, and how many connections there may be."""

    head_bytes: int = 64 * 1024
    """A request's line and headers, or its trailers; measured between reads of the socket."""
    head_lines: int = 100
    """Header lines of a head and its trailers together."""
    head_s: float = 10.0
    """From the connection, or from a request's first byte, until its head is whole."""
    linger_s: float = 2.0
    """After an answer, for the rest of a body that was not read."""
    strangers: int = 500
    """Connections without a whole request or a good token; one more closes the oldest."""
    tls_strangers: int = 100
    """As many of them over TLS, where each holds six times the memory."""
    reserved_files: int = 128
    """Descriptors that connections leave to the store, the models and the log."""
    framing_share: int = 8
    """Bytes of chunk sizes for a byte of body: a client that sends single bytes needs six."""


class BoundedHttp(HttpToolsProtocol):
    """One connection of `uvicorn.Config(http=BoundedHttp)`."""

    limits: ClassVar[HttpLimits] = HttpLimits()

    def __init__(
        self,
        config: Any,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.parser = _Parser(self)  # type: ignore[assignment]
        self._open = _open_connections(server_state, self.limits)
        self._timer: asyncio.TimerHandle | None = None
        self._in_head = True
        self._whole = True  # no request has begun, or all of it has arrived
        self._known = False
        self._refused = False
        self._bytes = 0
        self._body_bytes = 0
        self._lines = 0

    # What the transport says

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._open.bounded(self)
        self._close_after(self.limits.head_s)

    def data_received(self, data: bytes) -> None:
        """Read what came, and refuse what is too much of it."""
        if self._refused:
            return
        self._bytes += len(data)
        super().data_received(data)
        if self.transport.get_protocol() is not self:  # a WebSocket now
            self._forget()
            self.loop.call_later(self.limits.head_s, _close_unless_open, self.transport)
        elif self._in_head and self._bytes > self.limits.head_bytes:
            self._refuse()
        elif (
            self._bytes
            > self.limits.head_bytes + self.limits.framing_share * self._body_bytes
        ):
            self._refuse()
        elif not self._answering:
            self._close_after(self.limits.head_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the connection."""
        self._forget()
        super().connection_lost(exc)
        # uvicorn leaves this timer, and with it all of the connection, where the peer reset it.
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        # The turn, if one is at work, keeps its cycle; ours would keep the two alive until a full
        # garbage collection.
        self.cycle = None  # type: ignore[assignment]

    # What the parser says

    def on_message_begin(self) -> None:
        """Begin a head."""
        self._in_head, self._whole = True, False
        self._lines = self._body_bytes = 0
        if not self._answering:
            self._open.bounded(self)
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header of the head, or one of the trailers."""
        self._lines += 1
        if self._lines <= self.limits.head_lines:
            super().on_header(name, value)
        elif not self._in_head:
            self._refuse()

    def on_headers_complete(self) -> None:
        """Start the turn, unless its head is too long."""
        if self._lines > self.limits.head_lines:
            self._refuse()
        if self._refused or self.ignored_upgrade:
            return
        self._in_head = False
        self._bytes = 0
        self._stop_timer()
        self._open.finished(self)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._body_bytes += len(body)
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        if self._refused or self.ignored_upgrade:
            return
        self._in_head, self._whole = True, True
        self._bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request; not for the rest of one that is answered."""
        super().on_response_complete()
        if self._answering:  # the next one of a pipeline
            return
        self._known = self._known or KNOWN in self.scope["state"]
        if self._whole and self._known:
            self._open.idle(self)
            return
        self._open.bounded(self)
        if not self._whole:
            self._close_after(self.limits.linger_s)

    # How it is bounded

    @property
    def ignored_upgrade(self) -> bool:
        """Whether the head asks for a protocol that is not spoken here."""
        if not self.parser.should_upgrade():
            return False
        wanted = [value.lower() for name, value in self.headers if name == b"upgrade"]
        return self.config.ws_protocol_class is None or b"websocket" not in wanted

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def close_now(self) -> None:
        """Close the connection, whatever is on its way."""
        self._forget()
        self.transport.abort()

    def _refuse(self) -> None:
        """Answer 431 and close."""
        if self._refused:
            return
        self._refused = True
        if not self._answering:
            self.transport.write(_too_large(self.limits))
        self._forget()
        self.transport.close()

    def _close_after(self, seconds: float) -> None:
        """Close the connection then, unless the timer runs already or is stopped before."""
        if self._timer is None and not self.transport.is_closing():
            self._timer = self.loop.call_later(seconds, self.close_now)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _forget(self) -> None:
        self._stop_timer()
        self._open.finished(self)


def _close_unless_open(transport: Any) -> None:
    """Close a connection on which a WebSocket has not been opened: some heads get no answer."""
    if not getattr(transport.get_protocol(), "handshake_complete", True):
        transport.abort()


class _Parser:
    """A request parser that reads on where a head asks for an upgrade that is not spoken here."""

    def __init__(self, protocol: BoundedHttp) -> None:
        self._protocol = protocol
        self._parser = self._new()

    def feed_data(self, data: bytes) -> None:
        """Parse what came.

        Raises:
            httptools.HttpParserUpgrade: a WebSocket begins.
            httptools.HttpParserError: it is not HTTP.
        """
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as exc:
            if not self._protocol.ignored_upgrade:
                raise
            head = self._head_without_upgrade()
            self._parser = self._new()
            self._parser.feed_data(head + data[exc.args[0] :])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)

    def _new(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self._protocol)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser

    def _head_without_upgrade(self) -> bytes:
        """The head that was just read, as a client would send it that asks for no upgrade."""
        method, version = self._parser.get_method(), self._parser.get_http_version()
        lines = [method + b" " + self._protocol.url + b" HTTP/" + version.encode()]
        for name, value in self._protocol.headers:
            if name == b"connection":
                value = b"close" if b"close" in value.lower() else b"keep-alive"
            if name not in (b"upgrade", b"http2-settings"):
                lines.append(name + b": " + value)
        return b"\r\n".join([*lines, b"", b""])


class _Connections:
    """The connections of one server that wait for a request, the oldest first."""

    def __init__(self, server_state: ServerState, limits: HttpLimits) -> None:
        self._all = server_state.connections
        self._bounded: OrderedDict[BoundedHttp, None] = OrderedDict()
        self._idle: OrderedDict[BoundedHttp, None] = OrderedDict()
        self._most = _most_connections(limits.reserved_files)
        self._limits = limits

    def bounded(self, connection: BoundedHttp) -> None:
        """Note one without a whole request or a good token; make room for it if there is none."""
        self._idle.pop(connection, None)
        self._bounded[connection] = None
        most = self._limits.strangers
        if connection.scheme == "https":
            most = self._limits.tls_strangers
        if len(self._bounded) > most:
            next(iter(self._bounded)).close_now()
        elif len(self._all) > self._most:
            next(iter(self._idle or self._bounded)).close_now()

    def finished(self, connection: BoundedHttp) -> None:
        """Note that a connection's head is whole, or that it is gone."""
        self._bounded.pop(connection, None)
        self._idle.pop(connection, None)

    def idle(self, connection: BoundedHttp) -> None:
        """Note that a known caller has been answered and may ask again."""
        self._idle[connection] = None


_of_server: WeakKeyDictionary[ServerState, _Connections] = WeakKeyDictionary()


def _open_connections(server_state: ServerState, limits: HttpLimits) -> _Connections:
    if server_state not in _of_server:
        _of_server[server_state] = _Connections(server_state, limits)
    return _of_server[server_state]


def _most_connections(reserved: int) -> int:
    """How many connections the limit on open files leaves room for."""
    if resource is None:
        return 10_000
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return 1_000_000
    return max(soft // 2, soft - reserved)


def _too_large(limits: HttpLimits) -> bytes:
    message = f"the head is over {limits.head_bytes} bytes or {limits.head_lines} lines"
    error = {
        "message": f"{message}; send Authorization, Content-Type and what your proxy adds",
        "type": "invalid_request_error",
        "code": "head_too_large",
        "param": None,
    }
    body = json.dumps({"error": error}).encode()
    head = (
        "HTTP/1.1 431 Request Header Fields Too Large\r\n"
        "content-type: application/json\r\n"
        f"content-length: {len(body)}\r\n"
        "connection: close\r\n\r\n"
    )
    return head.encode() + body
