"""What a turn costs through each door, beside /kb.

    python -m benchmarks.doors --store FOLDER --label NAME --query TEXT [--rounds 400]
        [--mcp-python PYTHON]

In one process and without sockets, each round asks every door the same, in a random order, so that
another load on the machine falls on all of them; what is shown are medians of the differences to
/kb within a round. The passages come from the cache after the first round: what is left is what a
door adds. With `--mcp-python`, a Python that has `mcp==2.3.0`, its client asks `lookup` over one
kept-alive connection, in turn with `/kb` from the same process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

from starlette.types import Message

from kbserver.endpoint.app import KBServer
from kbserver.endpoint.doors import DOORS
from kbserver.settings import read_settings
from tests.endpoint.conftest import serving
from tests.endpoint.doors.test_init import CALLS

TOKEN = "token-of-this-benchmark"
PATIENT_MS = 5_000  # no turn is refused for the load of others
WARM = 20
"""Rounds that do not count."""

AGAINST = """
import asyncio, json, statistics, sys, time
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

url, token, label, query, rounds = sys.argv[1:]
bearer = {"authorization": f"Bearer {token}"}

async def main():
    plain = httpx2.AsyncClient(headers=bearer)
    http = httpx2.AsyncClient(headers=bearer)
    transport = streamable_http_client(f"{url}/{label}/mcp", http_client=http)
    times = {"kb": [], "lookup": []}
    async with Client(transport) as client:
        for _ in range(int(rounds)):
            began = time.perf_counter()
            await plain.post(f"{url}/kb", json={"session_label": label, "query": query})
            middle = time.perf_counter()
            await client.call_tool("lookup", {"query": query})
            times["kb"].append(middle - began)
            times["lookup"].append(time.perf_counter() - middle)
    print(json.dumps({name: 1000 * statistics.median(of) for name, of in times.items()}))

asyncio.run(main())
"""


async def asked(server: KBServer, path: str, body: bytes) -> float:
    """Send one request through the application; return its milliseconds."""
    headers = [
        (b"authorization", f"Bearer {TOKEN}".encode()),
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    status = 0

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)

    await asyncio.sleep(0)  # as between two requests, else the loop looks held
    began = time.perf_counter()
    await server(scope, receive, send)
    took_ms = 1000.0 * (time.perf_counter() - began)
    if status != 200:
        raise SystemExit(f"{path} answered {status}")
    return took_ms


async def measured(
    server: KBServer, label: str, query: str, rounds: int
) -> dict[str, list[float]]:
    """Return the milliseconds of each door, one a round."""
    requests = {}
    for door, (path, body) in CALLS.items():
        content: Any = body(label, query)
        requests[door] = path.format(label=label), json.dumps(content).encode()
    times: dict[str, list[float]] = {door: [] for door in requests}
    async with server.running():
        await server.until_ready()
        for number in range(WARM + rounds):
            for door in random.sample(list(requests), len(requests)):
                took_ms = await asked(server, *requests[door])
                if number >= WARM:
                    times[door].append(took_ms)
    return times


def main() -> None:
    """Print a line for each door."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--label", required=True)
    parser.add_argument("--query", required=True)
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--mcp-python")
    options = parser.parse_args()

    def server() -> KBServer:
        doors: dict[str, dict[str, object]] = {name: {} for name in DOORS}
        tokens = [{"value": TOKEN}]
        return KBServer(
            read_settings(
                store=options.store,
                doors=doors,
                tokens=tokens,
                follow_up=False,
                deadline_ms=PATIENT_MS,
            )
        )

    times = asyncio.run(
        measured(server(), options.label, options.query, options.rounds)
    )
    for door, ms in times.items():
        more = [one - kb for one, kb in zip(ms, times["omni"], strict=True)]
        print(
            f"{door:<8} median {statistics.median(ms):.3f} ms   "
            f"more than /kb {statistics.median(more):+.3f} ms"
        )
    if options.mcp_python:
        with serving(server()) as url:
            command = [options.mcp_python, "-c", AGAINST, url, TOKEN]
            command += [options.label, options.query, str(options.rounds)]
            run = subprocess.run(command, check=True, capture_output=True, text=True)
        found = json.loads(run.stdout)
        print(
            f"mcp client: lookup {found['lookup']:.2f} ms, /kb {found['kb']:.2f} ms, "
            f"ratio {found['lookup'] / found['kb']:.2f}"
        )


if __name__ == "__main__":
    main()
