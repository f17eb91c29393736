"""The console on uvicorn: in this process, or in one of its own beside a server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from kbserver.console.app import Console
from kbserver.console.source import Source
from kbserver.endpoint.serve import listen, url_of
from kbserver.errors import KbServerError, SettingsError
from kbserver.http_protocol import BoundedHttp
from kbserver.priority import (
    once_parent_ended,
    process_beside,
    yield_process_to_turns,
)
from kbserver.settings import Settings
from kbserver.urls import is_loopback

GRACE_S = 1
"""For what is on its way when the console ends: a page is drawn in a third of it."""

log = logging.getLogger("kbserver")


def check_address(settings: Settings) -> None:
    """Check that nothing which is typed into the console travels in the clear.

    Raises:
        SettingsError: it would listen beyond this machine, without TLS or a proxy that has it.
    """
    console = settings.console
    is_safe = settings.tls_certificate is not None or console.trusted_proxies
    if not is_loopback(console.host) and not is_safe:
        raise SettingsError(
            f"the console would listen on {console.host} without TLS; set tls_certificate and "
            "tls_key, or name the proxy that has TLS in  [console] trusted_proxies, or let it "
            "listen on 127.0.0.1"
        )


def serve_console(
    settings: Settings,
    *,
    server: str | None = None,
    on_open: Callable[[str, Console], None] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; this process gives way to turns (nice) from then on.

    Args:
        server: URL of a running server that is looked at.
        on_open: called with the console's URL once the port is listened on.

    Raises:
        SettingsError: the address, a token or the TLS files cannot be used.
    """
    check_address(settings)
    console = Console(Source(settings, server))
    config = uvicorn.Config(console, **_options(settings))
    try:
        config.load()
    except OSError as exc:
        raise SettingsError(
            f"tls_certificate {config.ssl_certfile} and tls_key {config.ssl_keyfile} "
            f"cannot be used: {exc}"
        ) from exc
    listener = listen(settings.console.host, settings.console.port)
    tls = settings.tls_certificate is not None
    if on_open is not None:
        on_open(url_of(listener, tls=tls) + settings.console.root_path, console)
    yield_process_to_turns()
    with contextlib.suppress(KeyboardInterrupt), contextlib.closing(listener):
        asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))


@contextmanager
def console_beside(
    settings: Settings,
    *,
    server: str | None,
    prepare: Callable[[], None],
    on_open: Callable[[str, Console], None],
) -> Iterator[None]:
    """Serve in a process of its own while the block runs; for a server.

    Writing pages holds the interpreter's lock, and turns would wait for it. The process ends with
    this one, however that ends.

    Args:
        prepare: called first in the new process, to set up its log; importable by name.
        on_open: as of `serve_console`; importable by name.

    Raises:
        SettingsError: the console's address or tokens cannot be used.
    """
    check_address(settings)
    Console(Source(settings))  # an error in its tokens shows here
    what = (settings, server, prepare, on_open)
    with process_beside(_serve_until_orphaned, *what, name="kbserver-console"):
        yield


def _serve_until_orphaned(
    settings: Settings,
    server: str | None,
    prepare: Callable[[], None],
    on_open: Callable[[str, Console], None],
) -> None:
    prepare()
    once_parent_ended(lambda: os.kill(os.getpid(), signal.SIGTERM))
    try:
        serve_console(settings, server=server, on_open=on_open)
    except KbServerError as exc:
        log.error("no console: %s", exc)


def _options(settings: Settings) -> dict[str, Any]:
    """Return our choices for `uvicorn.Config`."""
    return {
        "http": BoundedHttp,
        "ws": "none",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,  # the guard reads them, of the peers it knows
        "lifespan": "on",
        "timeout_graceful_shutdown": GRACE_S,
        "ssl_certfile": settings.tls_certificate,
        "ssl_keyfile": settings.tls_key,
    }
