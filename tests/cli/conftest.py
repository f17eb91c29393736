"""Commands run in process, against an endpoint in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import kbserver.cli
from kbserver.errors import KbServerError
from kbserver.omni.serving import base_url, serving
from tests.omni.conftest import Endpoint

ROOT = Path(__file__).parents[2]
TOKEN = "s3cr3t-token-of-32-characters-xx"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command; an error that kbserver raises on purpose comes out as it is."""
    monkeypatch.setenv("KB_TOKEN", TOKEN)
    monkeypatch.setenv("PYAI_API_KEY", "pyai_test_key")

    def invoke(*arguments: str) -> Result:
        result = CliRunner().invoke(kbserver.cli.app, list(arguments))
        if isinstance(result.exception, KbServerError):
            raise result.exception
        return result

    return invoke


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """Serve the hand-written knowledge endpoint in a thread of its own."""
    served, ready, stop = Endpoint(token=TOKEN), threading.Event(), threading.Event()

    async def serve() -> None:
        async with serving(served.app) as server:
            served.url = base_url(server) + "/kb"
            ready.set()
            while not stop.is_set():
                await asyncio.sleep(0.02)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(20)
    yield served
    stop.set()
    thread.join(20)
