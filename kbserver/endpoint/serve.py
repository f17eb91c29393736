"""KBServer on uvicorn: the socket, the signals, the shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Protocol

import uvicorn
from starlette.types import Message, Receive, Scope, Send
from uvicorn.supervisors import Multiprocess

from kbserver.accepting import LOOP
from kbserver.endpoint.running.hang_up import (
    Terminal,
    ignore,
    read_again_at_hang_up,
    tls_context,
)
from kbserver.endpoint.running.notify import notify
from kbserver.errors import KbServerError, SettingsError
from kbserver.http_protocol import BoundedHttp
from kbserver.settings import Settings

try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]

FULL_COLLECTION_AFTER = 1_000
"""Smaller garbage collections, which are minutes of heavy load; Python's own 10 are seconds."""

HUNG_S = 30
"""Without a word from a worker, and it is replaced: on a busy machine imports alone take 10 s.

Half of the `WatchdogSec` of `deploy/kbserver.service`, since the main process waits meanwhile."""

GRACE_S = 10
"""For slow readers at the shutdown; turns in flight are over within their deadline."""

_MOST_SHOWN = 200  # characters of a path in the access log

_BACKLOG = 2048  # connections that are not accepted yet

# A peer that vanished without a word is let go after some two minutes.
_KEEP_ALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}


class Server(Protocol):
    """An ASGI application that opens and closes what it needs itself, as `app.KBServer` does."""

    settings: Settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI."""

    def check_tokens(self) -> object:
        """Raise SettingsError if no caller could be let in."""

    def running(self) -> AbstractAsyncContextManager[None]:
        """Open the store, and close it at the end."""

    async def until_ready(self) -> None:
        """Wait until the models are warm."""

    def read_again(self) -> None:
        """Read the settings again, and say what came of it."""


def serve(
    server: Server,
    *,
    on_open: Callable[[str], None] | None = None,
    **uvicorn_options: Any,
) -> None:
    """Serve until SIGINT or SIGTERM. Turns in flight are finished first.

    At SIGHUP turns go on, and TLS files that were renewed are read again.

    Args:
        on_open: called with the server's URL once the store is open and the port is listened on.
        uvicorn_options: over our own choices, as for `uvicorn.Config`.

    Raises:
        SettingsError: no token, or the address cannot be used.
        StoreError: the store is missing or cannot be read.
    """
    settings = server.settings
    terminal = Terminal()
    ignore()
    server.check_tokens()
    # The lifespan is entered here: an error at the start is then one line, not a traceback.
    options = _options(settings) | {"lifespan": "off"} | uvicorn_options
    config = _loaded(uvicorn.Config(server, **options))
    if options["access_log"]:
        log_access()
    listeners = _listeners(settings)
    allow_open_files()

    async def run() -> None:
        async with server.running():
            read_again_at_hang_up(server.read_again, terminal)
            if on_open is not None:
                on_open(_url(listeners[0], settings))
            freezing = asyncio.create_task(freeze_garbage(server))
            await uvicorn.Server(config).serve(sockets=listeners)
            freezing.cancel()

    # uvicorn raises the signal that stopped it once more; ending the process is then up to us.
    signal.signal(signal.SIGTERM, _leave)
    loop_factory = config.get_loop_factory()
    try:
        with (
            contextlib.suppress(KeyboardInterrupt),
            asyncio.Runner(loop_factory=loop_factory) as runner,
        ):
            runner.run(run())
    finally:
        _close(listeners)


def serve_workers(
    settings: Settings,
    make_server: Callable[[], Server],
    *,
    workers: int,
    on_open: Callable[[str], None] | None = None,
) -> None:
    """Serve with several processes until SIGINT or SIGTERM; SIGHUP is handed on to them.

    They accept from one socket and map the same snapshots. Each has a model of its own and counts
    turns and places for itself; one that dies is replaced. A label's turns go to the
    process its connection went to: what is remembered between turns must be off.

    Args:
        make_server: makes the server of one process, in that process: it must be picklable.
        on_open: called with the servers' URL once the port is listened on.

    Raises:
        SettingsError: the address or the TLS files cannot be used.
    """
    options = _options(settings) | {
        "lifespan": "on",
        "workers": workers,
        "timeout_worker_healthcheck": HUNG_S,
    }
    _loaded(uvicorn.Config(_nothing, **options))  # an error in the options shows here
    listeners = _listeners(settings)
    allow_open_files()
    if on_open is not None:
        on_open(_url(listeners[0], settings))
    make_app = partial(WorkerApp, make_server)
    config = uvicorn.Config(make_app, factory=True, **options)
    try:
        _Workers(config, sockets=listeners).run()
    finally:
        _close(listeners)


class _Workers(Multiprocess):
    """Several processes that go on at SIGHUP; uvicorn would start each anew."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
        self._terminal = Terminal()
        # systemd hears the main process alone: the others shall not speak to it.
        self._systemd = os.environ.pop("NOTIFY_SOCKET", "")
        notify("READY=1", address=self._systemd)
        super().__init__(config, sockets)

    def keep_subprocess_alive(self) -> None:
        notify("WATCHDOG=1", address=self._systemd)
        super().keep_subprocess_alive()

    def handle_hup(self) -> None:
        if self._terminal.is_gone:
            self.handle_term()
            return
        for process in self.processes:
            if process.pid is not None and process.process.is_alive():
                os.kill(process.pid, signal.SIGHUP)


class WorkerApp:
    """The application of one of several processes: a server that freezes its garbage once open."""

    def __init__(self, make_server: Callable[[], Server]) -> None:
        ignore()
        self._server = make_server()
        if self._server.settings.access_log:
            log_access()
        self._freezing: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI."""
        if scope["type"] != "lifespan":
            await self._server(scope, receive, send)
            return

        async def send_and_freeze(message: Message) -> None:
            error = sys.exc_info()[
                1
            ]  # why the startup failed, which is all there is to say
            if isinstance(error, KbServerError) and "message" in message:
                message = {**message, "message": str(error)}
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                self._freezing = asyncio.create_task(freeze_garbage(self._server))
                read_again_at_hang_up(self._server.read_again)

        try:
            await self._server(scope, receive, send_and_freeze)
        finally:
            if self._freezing is not None:
                self._freezing.cancel()


async def freeze_garbage(server: Server) -> None:
    """Take what was loaded at the start out of garbage collection, and collect all rarely.

    Walking what was loaded holds every thread for 30 ms. Turns leave next to nothing behind that
    only a full collection finds.
    """
    # The model cannot be opened: that is logged elsewhere.
    with contextlib.suppress(KbServerError):
        await server.until_ready()
    gc.collect()
    gc.freeze()
    young, old, _ = gc.get_threshold()
    gc.set_threshold(young, old, FULL_COLLECTION_AFTER)


def log_plainly() -> None:
    """Print what a server logs, unless the program around it has set `logging` up."""
    ours = logging.getLogger("kbserver")
    if ours.hasHandlers():
        return
    form = "%(asctime)s %(levelname)s %(message)s"
    formatter = logging.Formatter(form, "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)


def log_access() -> None:
    """Print a line for every request, by uvicorn's logger, without the query of its path."""
    access = logging.getLogger("uvicorn.access")
    access.setLevel(logging.INFO)
    access.addFilter(_without_query)
    access.propagate = True
    if not access.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        access.addHandler(handler)


def _without_query(record: logging.LogRecord) -> bool:
    """Shorten what callers choose in a line of uvicorn's; False if it is of another form."""
    match record.args:
        case (str() as address, str() as method, str() as target, version, status):
            path, _, _ = target.partition("?")
            shown = address[:_MOST_SHOWN], method, path[:_MOST_SHOWN], version, status
            record.args = shown
            return True
    return False


def allow_open_files() -> None:
    """Raise the limit on open files to what the system allows: each connection needs one."""
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return
    # macOS says "unlimited" and means 10,240.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _listeners(settings: Settings) -> list[socket.socket]:
    """Return the socket for turns, and that of the metrics if they have one.

    Raises:
        SettingsError: an address cannot be used.
    """
    listeners = [listen(settings.host, settings.port)]
    if settings.metrics.address is not None:
        try:
            listeners.append(listen(*settings.metrics.address))
        except SettingsError as exc:
            _close(listeners)
            raise SettingsError(f"[metrics] listen: {exc}") from exc
    return listeners


def _close(listeners: list[socket.socket]) -> None:
    for listener in listeners:
        listener.close()


def listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to the address; port 0 takes a free one.

    Raises:
        SettingsError: the port is taken, not allowed, or the host is not one of this machine's.
    """
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family = addresses[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise SettingsError(
            f"cannot listen on host {host!r}: {exc}; use 127.0.0.1 or 0.0.0.0"
        ) from exc
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted connections inherit it. Of a socket made so, asyncio's own loop does not set it,
        # and a body behind its head waits 40 ms for the peer to acknowledge that.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _keep_alive(listener)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as exc:
        listener.close()
        raise SettingsError(_why_not(host, port, exc)) from exc
    listener.setblocking(False)
    return listener


def _keep_alive(listener: socket.socket) -> None:
    """Have the system probe silent peers; accepted connections inherit it."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEP_ALIVE.items():
        option = getattr(socket, name, None)
        if option is not None:
            listener.setsockopt(socket.IPPROTO_TCP, option, value)


def _why_not(host: str, port: int, exc: OSError) -> str:
    if exc.errno == errno.EADDRINUSE:
        return (
            f"port {port} on {host} is taken; stop what uses it "
            "or choose another with --port"
        )
    if exc.errno == errno.EACCES:
        return (
            f"port {port} needs more rights than this user has; "
            "choose one above 1023 with --port"
        )
    return f"cannot listen on {host}:{port}: {exc.strerror}; choose another --host or --port"


def url_of(listener: socket.socket, *, tls: bool = False) -> str:
    """Return the URL of a listening socket, without a path."""
    scheme = "http"
    if tls:
        scheme = "https"
    host, port = listener.getsockname()[:2]
    if ":" in host:
        host = f"[{host}]"
    return f"{scheme}://{host}:{port}"


def _url(listener: socket.socket, settings: Settings) -> str:
    return url_of(listener, tls=settings.tls_certificate is not None)


def _options(settings: Settings) -> dict[str, Any]:
    """Return our choices for `uvicorn.Config`."""
    options: dict[str, Any] = {
        "http": BoundedHttp,
        "ws": "none",  # one that asks for a WebSocket gets the answer to its request
        "loop": LOOP,
        "log_config": None,
        "access_log": settings.access_log,
        "server_header": False,
        "timeout_keep_alive": settings.keep_alive_s,
        "timeout_graceful_shutdown": GRACE_S,
        "forwarded_allow_ips": list(settings.trusted_proxies),
        "ssl_certfile": settings.tls_certificate,
        "ssl_keyfile": settings.tls_key,
    }
    if settings.tls_certificate is not None:
        options["ssl_context_factory"] = tls_context
    return options


def _loaded(config: uvicorn.Config) -> uvicorn.Config:
    try:
        config.load()
    except OSError as exc:  # ssl.SSLError is one too
        raise SettingsError(
            f"tls_certificate {config.ssl_certfile} and tls_key {config.ssl_keyfile} "
            f"cannot be used: {exc}; both must be PEM files that belong together"
        ) from exc
    return config


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that answers nothing."""


def _leave(signum: int, frame: object) -> None:
    raise SystemExit(0)
