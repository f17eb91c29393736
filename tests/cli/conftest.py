"""Commands run in process, against an endpoint in a thread of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from typer.testing import CliRunner, Result

from kbserver import cli
from kbserver.errors import KbServerError
from kbserver.omni.serving import base_url, serving
from tests.omni.conftest import Endpoint

ROOT = Path(__file__).parents[2]
SIGNALS = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)
"""A command may handle or ignore them, and processes started later would inherit that."""
TOKEN = "s3cr3t-token-of-32-characters-xx"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command; an error that kbserver raises on purpose comes out as it is."""
    monkeypatch.setenv("KB_TOKEN", TOKEN)
    monkeypatch.setenv("PYAI_API_KEY", "pyai_test_key")

    def invoke(*arguments: str) -> Result:
        result = CliRunner().invoke(cli.app, list(arguments))
        if isinstance(result.exception, KbServerError):
            raise result.exception
        return result

    return invoke


@pytest.fixture
def kbserver(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., CompletedProcess[str]]:
    """Run the whole program here, in `tmp_path` and with these variables, until it ends."""

    def invoke(*arguments: object, **environment: str) -> CompletedProcess[str]:
        for name in os.environ:
            if name.startswith("KB"):
                monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        command = ["kbserver", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", command)
        handlers = {signum: signal.getsignal(signum) for signum in SIGNALS}
        try:
            with pytest.raises(SystemExit) as ended:
                cli.main()
        finally:
            for signum, handler in handlers.items():
                signal.signal(signum, handler)
        out, err = capfd.readouterr()
        code = ended.value.code or 0
        return CompletedProcess(command, code, out, err)

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
