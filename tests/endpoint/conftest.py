"""Servers in process and on a real socket."""

import asyncio
import contextlib
import os
import threading
import time

import httpx2
import pytest
import uvicorn

from kbserver.endpoint.app import KBServer
from kbserver.endpoint.asking.ask import Ask
from kbserver.endpoint.figures.metrics import Metrics
from kbserver.endpoint.figures.shelf import Shelf, make_shelf
from kbserver.endpoint.ground import Call
from kbserver.endpoint.live import LiveCorpora
from kbserver.endpoint.serve import listen
from kbserver.settings import Settings, read_settings

TOKEN = "test-token"
PATIENT_MS = 10_000  # a budget that a machine shared with many others does not use up
LIMIT_S = 60.0  # what takes longer has failed; a test that passes does not come near


def said(query, label=None, **more) -> Call:
    """A turn as Omni asks it: the label is the session, too."""
    return Call(Ask(query, label, session=label), **more)


@contextlib.contextmanager
def serving(server: KBServer, *, ready: bool = True):
    """Run a server on a free port of 127.0.0.1 in a thread; yields its URL.

    Args:
        ready: wait until its models are warm.
    """
    listener = listen("127.0.0.1", 0)
    config = uvicorn.Config(
        server, log_config=None, lifespan="on", timeout_graceful_shutdown=5
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(
        target=lambda: asyncio.run(running.serve(sockets=[listener])), daemon=True
    )
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        wait_until(lambda: running.started or not thread.is_alive())
        if ready:
            wait_until(lambda: httpx2.get(f"{url}/readyz").status_code == 200)
        yield url
    finally:
        running.should_exit = True
        thread.join(timeout=LIMIT_S)
        listener.close()


def wait_until(holds, limit_s=LIMIT_S):
    """Wait until something holds; returns what it gave."""
    began = time.monotonic()
    while True:
        held = holds()
        if held:
            return held
        assert time.monotonic() - began < limit_s, "it never came to hold"
        time.sleep(0.01)


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


class Shelves:
    """Makes shelves of one file in this process, each as if it were of a process of its own."""

    def __init__(self):
        self._first = make_shelf()
        self._taken = set()
        self._made = [self._first]

    def __call__(self):
        descriptor = os.dup(self._first._file.fileno())
        file = os.fdopen(descriptor, "r+b", buffering=0)
        self._made.append(Shelf(file, take=self._take))
        return self._made[-1]

    def left(self, place):
        """Have the process of a place end."""
        self._taken.discard(place)

    def _take(self, place):
        is_free = place not in self._taken
        self._taken.add(place)
        return is_free

    def close(self):
        for shelf in self._made:
            shelf.close()


@pytest.fixture
def shelves():
    with contextlib.closing(Shelves()) as made:
        yield made


@pytest.fixture(scope="module")
def loop():
    """An event loop of the test module's own: `loop.run(coroutine)`."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def corpora(loop, store):
    """The corpora of the store, opened in `loop` with their models warm."""
    settings = read_settings(store=store)
    live = LiveCorpora(store, settings, Metrics())

    async def open_them():
        await live.open()
        await live.until_ready()

    loop.run(open_them())
    yield live
    loop.run(live.close())
