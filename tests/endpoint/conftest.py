"""Servers in process and on a real socket."""

import asyncio
import contextlib
import threading
import time

import httpx2
import pytest
import uvicorn

from kbserver.endpoint.app import KBServer
from kbserver.endpoint.serve import listen
from kbserver.settings import Settings, read_settings

TOKEN = "test-token"
PATIENT_MS = 5000  # these tests share two cores with many others and are not about time


@contextlib.contextmanager
def serving(server: KBServer, *, ready: bool = True):
    """Run a server on a free port of 127.0.0.1 in a thread; yields its URL, once it is ready unless told otherwise."""
    listener = listen("127.0.0.1", 0)
    running = uvicorn.Server(
        uvicorn.Config(
            server, log_config=None, lifespan="on", timeout_graceful_shutdown=5
        )
    )
    thread = threading.Thread(
        target=lambda: asyncio.run(running.serve(sockets=[listener])), daemon=True
    )
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        deadline = time.monotonic() + 30
        while not running.started and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        while (
            ready
            and time.monotonic() < deadline
            and httpx2.get(f"{url}/readyz").status_code != 200
        ):
            time.sleep(0.02)
        yield url
    finally:
        running.should_exit = True
        thread.join(timeout=20)
        listener.close()


@pytest.fixture(scope="module")
def settings(store) -> Settings:
    return read_settings(
        store=store,
        deadline_ms=PATIENT_MS,
        follow_up=False,
        tokens=[{"value": TOKEN}, {"value": "billing-token", "labels": ["support"]}],
    )


@pytest.fixture(scope="module")
def url(settings):
    with serving(KBServer(settings)) as url:
        yield url


@pytest.fixture
def client(url):
    with httpx2.Client(
        base_url=url,
        headers={"Authorization": f"Bearer {TOKEN}"},
        follow_redirects=False,
    ) as client:
        yield client
