"""Commands run in process, against an endpoint in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from kbserver import cli
from kbserver.errors import KbServerError
from kbserver.notes import TurnNote
from kbserver.omni.serving import base_url, serving
from kbserver.record.database import call_of, key_of, open_for_writing
from kbserver.record.rows import Rows
from tests.omni.conftest import Endpoint
from tests.record.conftest import candidate, plain, turn

ROOT = Path(__file__).parents[2]
TOKEN = "s3cr3t-token-of-32-characters-xx"
NOW = time.time()


def silent(number: int, **more: Any) -> TurnNote:
    """Return a turn of a minute ago that a document came near, and none answered."""
    near = candidate("p9", answered=False, score=0.1, document="billing.md")
    ending = {"outcome": "empty", "reason": "below_min_score", "candidates": (near,)}
    return turn(number, **(ending | {"at": NOW - 60 + number} | more))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command; an error that kbserver raises on purpose comes out as it is."""
    monkeypatch.setenv("KB_TOKEN", TOKEN)
    monkeypatch.setenv("KBSERVER_DEADLINE_MS", "10000")
    monkeypatch.setenv("PYAI_API_KEY", "pyai_test_key")

    def invoke(*arguments: str) -> Result:
        result = CliRunner().invoke(cli.app, list(arguments))
        if isinstance(result.exception, KbServerError):
            raise result.exception
        return result

    return invoke


@pytest.fixture
def own_store(tmp_path: Path) -> Path:
    """A store of a test's own, for a record alone."""
    return tmp_path / "store"


@pytest.fixture
def fill(own_store: Path) -> Callable[..., str | None]:
    """Record turns; return the key of `call-1`."""

    def write(*turns: TurnNote) -> str | None:
        connection = open_for_writing(own_store / ".record")
        key = key_of(own_store / ".record")
        Rows(connection, key=key, mask=plain).add(turns, [])
        connection.close()
        return call_of("call-1", key)

    return write


@pytest.fixture
def ask(run: Callable[..., Result], own_store: Path) -> Callable[..., Result]:
    """Run a command over a test's own store, to its end."""

    def invoke(*arguments: str) -> Result:
        result = run(*arguments, "--store", str(own_store))
        assert result.exit_code == 0, result.output
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
    assert ready.wait(60)
    yield served
    stop.set()
    thread.join(60)
