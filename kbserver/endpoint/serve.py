"""KBServer on uvicorn: the socket, the signals, the shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import signal
import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Protocol

import uvicorn
from starlette.types import Message, Receive, Scope, Send
from uvicorn.supervisors import Multiprocess

from kbserver.accepting import LOOP
from kbserver.errors import KbServerError, SettingsError
from kbserver.http_protocol import BoundedHttp
from kbserver.settings import Settings

try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]


class Server(Protocol):
    """What is served: an ASGI application that opens and closes what it needs itself. `app.KBServer` is one."""

    settings: Settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI."""

    def check_tokens(self) -> object:
        """Raise SettingsError if nobody could be let in."""

    def running(self) -> AbstractAsyncContextManager[None]:
        """Open the store, and close it at the end."""

    async def until_ready(self) -> None:
        """Wait until the models are warm."""


FULL_COLLECTION_AFTER = 1_000  # smaller ones: minutes under the heaviest load; Python's own 10 are four seconds
GRACE_S = 10  # turns in flight are over within their deadline; this is for slow readers


def serve(
    server: Server,
    *,
    on_open: Callable[[str], None] | None = None,
    **uvicorn_options: Any,
) -> None:
    """Serve until SIGINT or SIGTERM. Turns in flight are finished first.

    Args:
        on_open: called with the server's URL once the store is open and the port is listened on.
        uvicorn_options: over our own choices, as for `uvicorn.Config`.

    Raises:
        SettingsError: no token, or the address cannot be used.
        StoreError: the store is missing or cannot be read.
    """
    settings = server.settings
    server.check_tokens()
    listener = listen(settings.host, settings.port)
    # The lifespan is entered here, so that an error at the start is one line and not uvicorn's traceback.
    config = _loaded(
        uvicorn.Config(
            server, **(_options(settings) | {"lifespan": "off"} | uvicorn_options)
        )
    )
    allow_open_files()

    async def run() -> None:
        async with server.running():
            if on_open is not None:
                on_open(url_of(listener, tls=settings.tls_certificate is not None))
            settling = asyncio.create_task(_settle(server))
            await uvicorn.Server(config).serve(sockets=[listener])
            settling.cancel()

    # uvicorn raises the signal it was stopped by once more when it is done; ending the process is then up to us.
    signal.signal(signal.SIGTERM, _leave)
    try:
        with (
            contextlib.suppress(KeyboardInterrupt),
            asyncio.Runner(loop_factory=config.get_loop_factory()) as runner,
        ):
            runner.run(run())
    finally:
        listener.close()


def serve_workers(
    settings: Settings,
    make_server: Callable[[], Server],
    *,
    workers: int,
    on_open: Callable[[str], None] | None = None,
) -> None:
    """Serve with several processes that accept from one socket and map the same snapshots, until SIGINT or SIGTERM.

    Each has a model of its own (200 MB) and counts turns, places and metrics for itself; one that dies is replaced.
    A label's turns go to whichever process its connection went to: what is remembered between turns must be off.

    Args:
        make_server: makes the server of one process, in that process: it must be picklable.
        on_open: called with the servers' URL once the port is listened on.

    Raises:
        SettingsError: the address or the TLS files cannot be used.
    """
    listener = listen(settings.host, settings.port)
    options = _options(settings) | {
        "lifespan": "on",
        "factory": True,
        "workers": workers,
    }
    _loaded(
        uvicorn.Config(_nothing, **(options | {"factory": False}))
    )  # an error in the options shows here
    allow_open_files()
    if on_open is not None:
        on_open(url_of(listener, tls=settings.tls_certificate is not None))
    try:
        Multiprocess(
            uvicorn.Config(partial(Worker, make_server), **options), sockets=[listener]
        ).run()
    finally:
        listener.close()


class Worker:
    """The application of one of several processes: a server that is settled once it is open."""

    def __init__(self, make_server: Callable[[], Server]) -> None:
        self._server = make_server()
        self._settling: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI."""
        if scope["type"] != "lifespan":
            await self._server(scope, receive, send)
            return

        async def send_and_settle(message: Message) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                self._settling = asyncio.create_task(_settle(self._server))

        try:
            await self._server(scope, receive, send_and_settle)
        finally:
            if self._settling is not None:
                self._settling.cancel()


def allow_open_files() -> None:
    """Raise the limit on open files to what the system allows: each connection needs one, idle ones too."""
    if resource is not None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != hard:
            with contextlib.suppress(
                OSError, ValueError
            ):  # macOS says "unlimited" and means 10,240
                resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to the address; port 0 takes a free one.

    Raises:
        SettingsError: the port is taken, not allowed, or the host is not one of this machine's.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise SettingsError(
            f"cannot listen on host {host!r}: {exc}; use 127.0.0.1 or 0.0.0.0"
        ) from exc
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted connections inherit it: a peer that vanished without a word is let go after some two minutes.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (
            ("TCP_KEEPIDLE", 60),
            ("TCP_KEEPINTVL", 15),
            ("TCP_KEEPCNT", 4),
        ):
            if hasattr(socket, option):
                listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as exc:
        listener.close()
        if exc.errno == errno.EADDRINUSE:
            raise SettingsError(
                f"port {port} on {host} is taken; stop what uses it or choose another with --port"
            ) from exc
        if exc.errno == errno.EACCES:
            raise SettingsError(
                f"port {port} needs more rights than this user has; choose one above 1023 with --port"
            ) from exc
        raise SettingsError(
            f"cannot listen on {host}:{port}: {exc.strerror}; choose another --host or --port"
        ) from exc
    listener.setblocking(False)
    return listener


def url_of(listener: socket.socket, *, tls: bool = False) -> str:
    """Return the URL of a listening socket, without a path."""
    host, port = listener.getsockname()[:2]
    return f"http{'s' * tls}://{f'[{host}]' if ':' in host else host}:{port}"


def _options(settings: Settings) -> dict[str, Any]:
    """Our choices for `uvicorn.Config`."""
    return {
        "http": BoundedHttp,
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


def _loaded(config: uvicorn.Config) -> uvicorn.Config:
    try:
        config.load()
    except OSError as exc:  # ssl.SSLError is one too
        raise SettingsError(
            f"tls_certificate {config.ssl_certfile} and tls_key {config.ssl_keyfile} cannot be used: {exc}; both must be "
            "PEM files that belong together"
        ) from exc
    return config


async def _settle(server: Server) -> None:
    """Take what was loaded at the start out of garbage collection: walking it holds every thread for 30 ms.

    What is kept for later turns still takes 10. Turns leave next to nothing behind that only a full collection finds.
    """
    with contextlib.suppress(
        KbServerError
    ):  # the model cannot be opened; that is said elsewhere
        await server.until_ready()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], FULL_COLLECTION_AFTER)


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that answers nothing."""


def _leave(signum: int, frame: object) -> None:
    raise SystemExit(0)
