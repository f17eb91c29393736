"""A real server on a real socket, and clients that speak raw bytes."""

import asyncio
import contextlib
import socket
import ssl
import threading
import time

import pytest
import uvicorn

from kbserver.endpoint.app import KBServer
from kbserver.endpoint.serve import _options, listen
from kbserver.http_protocol import BoundedHttp, HttpLimits
from kbserver.settings import read_settings

TOKEN = "hostile-token"
TURN = b'{"session_label": "support", "query": "how do i reset the router"}'


class QuickHttp(BoundedHttp):
    """The same limits but for seconds, which a test would have to wait for."""

    limits = HttpLimits(head_s=1.0, linger_s=0.5, strangers=50)


@contextlib.contextmanager
def serving(app, http=QuickHttp, **options):
    """Run an application on a free port of 127.0.0.1 in a thread; yields (port, server).

    Args:
        options: over these choices, as for `uvicorn.Config`.
    """
    listener = listen("127.0.0.1", 0)
    choices = {
        "http": http,
        "log_config": None,
        "lifespan": "on",
        "timeout_keep_alive": 30,
        "timeout_graceful_shutdown": 2,
    }
    config = uvicorn.Config(app, **(choices | options))
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True
    )
    thread.start()
    port = listener.getsockname()[1]
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield port, server
    finally:
        server.should_exit = True
        thread.join(timeout=60)
        listener.close()


@pytest.fixture(scope="module", autouse=True)
def without_coverage(unmeasured):
    """Processes that are started here are not measured."""


@pytest.fixture(scope="module")
def port(store):
    settings = read_settings(
        store=store, deadline_ms=10_000, follow_up=False, tokens=[{"value": TOKEN}]
    )
    options = _options(settings) | {"http": QuickHttp, "timeout_graceful_shutdown": 2}
    with serving(KBServer(settings), **options) as (port, _):
        yield port


def connect(
    port: int, timeout_s: float = 60.0, trust: ssl.SSLContext | None = None
) -> socket.socket:
    """A connection to a server here; over TLS with an authority to trust."""
    client = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if trust is None:
        return client
    return trust.wrap_socket(client, server_hostname="127.0.0.1")


def received(client: socket.socket) -> bytes:
    """All that comes until the server closes the connection."""
    parts = []
    with contextlib.suppress(ConnectionResetError, ssl.SSLError):
        while part := client.recv(65536):
            parts.append(part)
    return b"".join(parts)


def turn(body: bytes = TURN, *more: bytes, token: str = TOKEN) -> bytes:
    """One whole request to /kb."""
    lines = [
        b"POST /kb HTTP/1.1",
        b"Host: localhost",
        b"Authorization: Bearer " + token.encode(),
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
        *more,
    ]
    return b"\r\n".join([*lines, b"", body])


def status(answer: bytes) -> int:
    """The status of the first answer; 0 if there is none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0
