"""An event loop that accepts a few connections at a time, so that a flood of them delays no turn.

uvloop accepts until no connection is left, and turns wait meanwhile: a stranger that connects as
fast as we accept stops them for seconds. Used by name as `uvicorn.Config(loop=LOOP)`.

At its end it waits for no thread: own code may hang in one, by way of `asyncio.to_thread`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl as tls
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar, cast

from kbserver.threads import DaemonThreads

T = TypeVar("T")

LOOP = "kbserver.accepting:new_event_loop"

ACCEPTED_AT_ONCE = 2
"""Connections accepted in one round of the event loop; each takes some tenths of a millisecond."""

HANDSHAKE_S = 10.0
"""For a TLS handshake, as for a request's head."""

HANDSHAKES_AT_ONCE = 120
"""TLS handshakes under way, up to 100 KB each; one more closes the oldest of them."""

_MOST_THREADS = 32  # as many as a loop of Python's has on a large machine

NO_DESCRIPTORS_PAUSE_S = 0.1
"""After the system refused a connection for want of descriptors or memory."""


class Listener:
    """Accepts connections of one listening socket; closed as an `asyncio.Server` is."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        sock: socket.socket,
        ssl: tls.SSLContext | None,
    ) -> None:
        self.sockets = (sock,)
        self._loop = loop
        self._protocol_factory = protocol_factory
        self._sock = sock
        self._ssl = ssl
        self._opening: dict[asyncio.Task[None], None] = {}  # the oldest first
        self._reading = False
        self._closed = False
        self._go_on()

    def close(self) -> None:
        """Accept no more."""
        self._closed = True
        self._pause()
        self._sock.close()

    async def wait_closed(self) -> None:
        """Wait for the handshakes that are under way."""
        await asyncio.gather(*self._opening, return_exceptions=True)

    def _go_on(self) -> None:
        if not self._closed and not self._reading:
            self._reading = True
            self._loop.add_reader(self._sock, self._accept)

    def _pause(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._sock)

    def _accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                connection, _address = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                self._pause()
                self._loop.call_later(NO_DESCRIPTORS_PAUSE_S, self._go_on)
                return
            connection.setblocking(False)
            task = self._loop.create_task(self._open(connection))
            self._opening[task] = None
            task.add_done_callback(self._opened)
            if len(self._opening) > HANDSHAKES_AT_ONCE:
                oldest = next(iter(self._opening))
                del self._opening[oldest]
                oldest.cancel()

    async def _open(self, connection: socket.socket) -> None:
        handshake_s = None
        if self._ssl is not None:
            handshake_s = HANDSHAKE_S
        with contextlib.suppress(
            OSError
        ):  # a failed handshake says nothing about the server
            await self._loop.connect_accepted_socket(
                self._protocol_factory,
                connection,
                ssl=self._ssl,
                ssl_handshake_timeout=handshake_s,
            )

    def _opened(self, task: asyncio.Task[None]) -> None:
        self._opening.pop(task, None)


class _Paced:
    """What a loop gains: it accepts a few connections at a time, and its threads are daemons."""

    def __init__(self) -> None:
        super().__init__()
        self._threads = DaemonThreads(_MOST_THREADS, name="kbserver-loop")

    def run_in_executor(
        self,
        executor: Executor | None,
        function: Callable[..., T],
        *args: Any,
    ) -> asyncio.Future[T]:
        """Run in an executor; without one in threads that nothing waits for at the end."""
        running = super().run_in_executor  # type: ignore[misc]
        future: asyncio.Future[T] = running(executor or self._threads, function, *args)
        return future

    async def create_server(
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        *args: Any,
        sock: socket.socket | None = None,
        ssl: tls.SSLContext | None = None,
        **options: Any,
    ) -> asyncio.AbstractServer | Listener:
        """Listen as the loop does; over `sock`, accept a few connections a round."""
        if sock is None:
            listening = super().create_server  # type: ignore[misc]
            server: asyncio.AbstractServer = await listening(
                protocol_factory, *args, ssl=ssl, **options
            )
            return server
        loop = cast(asyncio.AbstractEventLoop, self)
        return Listener(loop, protocol_factory, sock, ssl)


try:
    import uvloop
except ImportError:  # Windows has none

    class _Loop(_Paced, asyncio.SelectorEventLoop):  # type: ignore[misc]
        pass

else:

    class _Loop(_Paced, uvloop.Loop):  # type: ignore[misc, no-redef]
        pass


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return a new loop, uvloop's where there is one."""
    return _Loop()
