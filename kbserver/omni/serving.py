"""An ASGI application on a local port for as long as a block of code runs."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from kbserver.errors import OmniError
from kbserver.http_protocol import BoundedHttp

MAX_MESSAGE_BYTES = 1 << 20
"""Of a WebSocket: 20 s of audio, or a configure frame with many tools."""

GRACE_S = 1  # a stopped simulator does not wait for its sessions


@asynccontextmanager
async def serving(
    app: Any, *, host: str = "127.0.0.1", port: int = 0, **options: Any
) -> AsyncIterator[uvicorn.Server]:
    """Serve `app` until the block is left; port 0 takes a free one.

    Args:
        options: over our own choices, as for `uvicorn.Config`.

    Yields:
        The running server; see `base_url`. Its `should_exit` becomes true at SIGINT and SIGTERM.

    Raises:
        OmniError: the address cannot be listened on.
    """
    try:
        listener = socket.create_server((host, port))
    except OSError as exc:
        reason = f"cannot be used: {exc.strerror}"
        if exc.errno == errno.EADDRINUSE:
            reason = "is taken; give another --port"
        raise OmniError(f"{host}:{port} {reason}") from None
    choices: dict[str, Any] = {
        "http": BoundedHttp,
        "log_config": None,
        "lifespan": "off",
        "ws": "websockets-sansio",
        "ws_per_message_deflate": False,
        "ws_max_size": MAX_MESSAGE_BYTES,
        "timeout_graceful_shutdown": GRACE_S,
    }
    server = uvicorn.Server(uvicorn.Config(app, **(choices | options)))
    log = logging.getLogger("uvicorn.error")
    log.addFilter(_is_a_fault)
    with listener:
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            while not server.started and not running.done():
                await asyncio.sleep(0.005)
            yield server
        finally:
            server.should_exit = True
            await running
            log.removeFilter(_is_a_fault)


def base_url(server: uvicorn.Server, scheme: str = "http") -> str:
    """Return the address a running server listens on, like `http://127.0.0.1:49321`."""
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    if ":" in host:
        host = f"[{host}]"
    return f"{scheme}://{host}:{port}"


def _is_a_fault(record: logging.LogRecord) -> bool:
    # uvicorn 0.54 says this of every WebSocket that is answered with an HTTP status, as it may be.
    return record.msg != "ASGI callable returned without completing handshake."
