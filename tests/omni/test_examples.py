"""The examples, run as their readers run them: as programs, against the simulator."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from kbserver.omni.serving import serving
from kbserver.omni.simulator.speech import tone

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-for-tests-only-0123456789abcdef"


@asynccontextmanager
async def program(name: str, *arguments: str, **environment: str) -> AsyncIterator[Any]:
    own = {"PYTHONPATH": str(ROOT), "PYAI_API_KEY": "pyai_test_x", "KB_TOKEN": TOKEN}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "examples" / name),
        *arguments,
        env=os.environ | own | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def test_the_python_client_completes_a_call_with_recordings(
    simulate, kb, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    with wave.open(str(tmp_path / "question.wav"), "wb") as audio:
        audio.setparams((1, 2, 16_000, 0, "NONE", ""))
        audio.writeframes(tone("a question", 16_000))
    async with simulate(
        script=("how do i reset my pin", "when is my refund here")
    ) as stage:
        environment = {"PYAI_BASE_URL": stage.http, "KB_ENDPOINT": kb.url}
        async with program(
            "python_client.py", *[str(tmp_path / "question.wav")] * 2, **environment
        ) as client:
            out, _ = await asyncio.wait_for(client.communicate(), 60)
    said = out.decode().splitlines()
    assert client.returncode == 0, said
    assert said[:3] == [
        "caller: how do i reset my pin",
        "lookup: ['kb-pin']",
        "agent:  You reset your PIN in the app under Security.",
    ]
    assert "agent:  Refunds reach your account within five days." in said
    assert int(said[-1].split()[0]) > 1_000  # ms of agent audio
    labels = {body["session_label"] for body in kb.bodies}
    assert len(labels) == 1 and all(label.startswith("support-") for label in labels)


LONG = "Refunds reach your account within five days. " * 2


def node_options() -> list[str] | None:
    """How to run Node so that it has a WebSocket; None if there is no such Node."""
    node = shutil.which("node")
    if node is None:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True)
    major = int(version.stdout.lstrip("v").split(".")[0])
    if major < 20:
        return None
    return [node, *(["--experimental-websocket"] * (major < 22))]


@pytest.mark.parametrize("client", ["python_client.py", "node_client.mjs"])
async def test_a_client_lets_the_agent_finish_long_answers(
    simulate, kb, client: str
) -> None:  # type: ignore[no-untyped-def]
    """At the pace of a voice, and with a voice that takes its time to begin."""
    command = [sys.executable]
    if client.endswith("mjs"):
        found = node_options()
        if found is None:
            pytest.skip("no Node of version 20 or newer")
        command = found
    kb.raw = json.dumps({"context": LONG, "results": []}).encode()
    async with simulate(
        script=("when is my refund here", "and again"), synthesize=slow_tone, pace=4.0
    ) as stage:
        environment = {
            "PYAI_BASE_URL": stage.http,
            "KB_ENDPOINT": kb.url,
            "KB_TOKEN": TOKEN,
            "PYAI_API_KEY": "pyai_test_x",
            "PYTHONPATH": str(ROOT),
        }
        process = await asyncio.create_subprocess_exec(
            *command,
            str(ROOT / "examples" / client),
            "--turns",
            "2",
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        out, _ = await asyncio.wait_for(process.communicate(), 120)
        turns = stage.records("turn")
    said = out.decode().splitlines()
    assert process.returncode == 0, said
    assert [turn["interrupted"] for turn in turns] == [False, False], said
    heard_ms = int(said[-1].split()[0])
    assert heard_ms == pytest.approx(
        2 * len(slow_tone(LONG.strip(), 24_000)) / 48, rel=0.02
    )


def slow_tone(text: str, rate: int) -> bytes:
    """A voice that begins when a client without patience would speak again."""
    time.sleep(0.7)
    return tone(text, rate)[: 3 * rate]


async def test_the_custom_endpoint_answers_with_both_handlers(
    simulate, store: Path, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    async with serving(lambda *_: None) as free:
        port = str(free.servers[0].sockets[0].getsockname()[1])
    url = f"http://127.0.0.1:{port}"
    environment = {
        "KBSERVER_PORT": port,
        "KBSERVER_STORE": str(store),
        "KBSERVER_DEADLINE_MS": "3000",
    }
    async with (
        program("custom_endpoint.py", **environment) as server,
        httpx2.AsyncClient() as http,
    ):
        await ready(http, f"{url}/readyz", server)
        headers = {"authorization": f"Bearer {TOKEN}"}

        async def ask(label: str, query: str) -> dict[str, Any]:
            body = {"session_label": label, "query": query}
            answer: dict[str, Any] = (
                await http.post(f"{url}/kb", headers=headers, json=body)
            ).json()
            return answer

        assert "by noon" in (await ask("status-north", "is there an outage"))["context"]
        assert (await ask("status-south", "is there an outage"))["context"] == ""
        reset = await ask("support-1", "how do i reset the router")
        assert len(reset["results"]) == 1 and "ten seconds" in reset["context"]

        async with simulate(script=("how do i reset the router",)) as stage:
            clients = {"PYAI_BASE_URL": stage.http, "KB_ENDPOINT": f"{url}/kb"}
            async with program("python_client.py", **clients) as client:
                out, _ = await asyncio.wait_for(client.communicate(), 60)
        assert "ten seconds" in out.decode()


async def ready(http: httpx2.AsyncClient, url: str, server: Any) -> None:
    async with asyncio.timeout(60):
        while server.returncode is None:
            try:
                if (await http.get(url)).status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            await asyncio.sleep(0.1)
    raise AssertionError((await server.stdout.read()).decode())
