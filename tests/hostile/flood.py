"""Strangers against one server: unfinished connections, bodies that stay out, heads without end.

    python -m tests.hostile.flood --store STORE

Prints what a caller's turns take and what the server holds, before and during each flood. The
strangers come at a network's pace: 1,000 connections a second, and header lines as fast as a line
of 100 Mbit/s brings them. They run beside the server, so their work counts against its turns: each
flood comes to a program first that reads and drops, which says what the strangers alone cost.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import multiprocessing
import os
import selectors
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import httpx2

from kbserver.bodies import AT_ONCE

TOKEN = "flood-token"
QUERY = {"session_label": "broadband", "query": "how do i reset the router"}
STATES = (
    b"",
    b"POS",
    b"POST /kb HTTP/1.1\r\nHost: x\r\nAuthor",
    b"GET /healthz HTTP/1.1\r\n\r\nGET /heal",
    b"POST /kb HTTP/1.1\r\nContent-Length: 60000\r\n\r\n{",
    b"POST /kb HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 9\r\n\r\n",
    b"POST /nowhere HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
)
SPAWN = multiprocessing.get_context("spawn")
HEADER = b"X-Padding: " + b"a" * 100 + b"\r\n"
TURNS_A_SECOND = 20
CONNECTIONS_A_SECOND = 1_000
BYTES_A_SECOND = 12_500_000


@contextlib.contextmanager
def server(store: Path) -> Iterator[tuple[int, int]]:
    """Run `kbserver serve` on a store; yields (port, process id)."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "KB_TOKEN": TOKEN,
        "KBSERVER_STORE": str(store),
        "KBSERVER_PORT": str(port),
        "KBSERVER_GATE": "false",
    }
    command = [sys.executable, "-m", "kbserver", "serve"]
    with subprocess.Popen(
        command, env=environment, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_until_ready(port)
            yield port, process.pid
        finally:
            process.terminate()


def wait_until_ready(port: int) -> None:
    """Return once the server answers in full."""
    for _ in range(600):
        with contextlib.suppress(httpx2.HTTPError):
            if httpx2.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                return
        time.sleep(0.1)
    raise SystemExit("the server did not become ready within a minute")


def resident_mb(process: int) -> float:
    """Memory of a process that is in RAM, in MB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Caller(threading.Thread):
    """Asks `TURNS_A_SECOND` over one connection."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        self.ms: list[float] = []
        self.failed = 0
        self.stopped = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.stopped.wait(1 / TURNS_A_SECOND):
            number += 1
            begun = time.perf_counter()
            try:
                self.failed += self.ask(number) != 200
            except OSError:
                self.failed += 1
            self.ms.append((time.perf_counter() - begun) * 1000)

    def ask(self, number: int) -> int:
        """Ask one question over the kept connection; the status of the answer."""
        body = json.dumps(QUERY | {"query": f"{QUERY['query']} number {number}"})
        headers = {"authorization": f"Bearer {TOKEN}"}
        self.connection.request("POST", "/kb", body, headers)
        answer = self.connection.getresponse()
        answer.read()
        return answer.status

    def report(self, name: str, memory: float) -> None:
        """Print one line, and begin anew."""
        taken, self.ms = self.ms, []
        failed, self.failed = self.failed, 0
        p99 = statistics.quantiles(taken, n=100)[98]
        middle = statistics.median(taken)
        print(
            f"{name:42} {len(taken):5} turns  {failed:3} failed  "
            f"median {middle:5.1f} ms  p99 {p99:5.1f} ms  {memory:6.1f} MB"
        )


def keep_pace(begun: float, done: int, per_second: float) -> None:
    """Wait until so much may have been done since `begun` (monotonic, seconds)."""
    time.sleep(max(0.0, begun + done / per_second - time.monotonic()))


def open_unfinished(port: int, count: int) -> None:
    """Open connections, each in one of `STATES`, and keep them."""
    clients = []
    begun = time.monotonic()
    for number in range(count):
        keep_pace(begun, number, CONNECTIONS_A_SECOND)
        try:
            client = socket.create_connection(("127.0.0.1", port), timeout=5)
            client.sendall(STATES[number % len(STATES)])
            client.setblocking(False)
            clients.append(client)
        except OSError:
            continue
    time.sleep(600)


def stall_bodies(port: int, count: int) -> None:
    """Announce bodies with a good token, never send them, and begin anew when given up."""
    head = f"POST /kb HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    stalled = head.encode() + b"Content-Length: 500\r\n\r\n{"
    clients: deque[socket.socket] = deque()
    while True:
        client = socket.create_connection(("127.0.0.1", port), timeout=5)
        client.sendall(stalled)
        clients.append(client)
        if len(clients) > count:
            clients.popleft().close()
            time.sleep(0.001)


def send_headers(port: int, total: int, connections: int = 20) -> None:
    """Send header lines until `total` bytes are sent; open a closed connection again."""
    selector = selectors.DefaultSelector()

    def begin() -> None:
        client = socket.create_connection(("127.0.0.1", port), timeout=5)
        client.sendall(b"GET /healthz HTTP/1.1\r\n")
        client.setblocking(False)
        selector.register(client, selectors.EVENT_WRITE)

    for _ in range(connections):
        begin()
    sent = 0
    begun = time.monotonic()
    while sent < total:
        keep_pace(begun, sent, BYTES_A_SECOND)
        for key, _ in selector.select(1.0):
            client = key.fileobj
            try:
                sent += client.send(HEADER * 100)
            except OSError:
                selector.unregister(client)
                client.close()
                begin()
    for key in list(selector.get_map().values()):
        key.fileobj.close()


def drop_everything(ports: multiprocessing.Queue[int]) -> None:
    """Take connections and read what they bring; tells its port first."""
    selector = selectors.DefaultSelector()
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        listener.setblocking(False)
        selector.register(listener, selectors.EVENT_READ)
        ports.put(listener.getsockname()[1])
        while True:
            for key, _ in selector.select():
                with contextlib.suppress(OSError):
                    if key.fileobj is listener:
                        client, _ = listener.accept()
                        client.setblocking(False)
                        selector.register(client, selectors.EVENT_READ)
                    elif not key.fileobj.recv(65_536):
                        selector.unregister(key.fileobj)
                        key.fileobj.close()


@contextlib.contextmanager
def sink() -> Iterator[int]:
    """Run `drop_everything` in a process of its own; yields its port."""
    ports: multiprocessing.Queue[int] = SPAWN.Queue()
    process = SPAWN.Process(target=drop_everything, args=(ports,), daemon=True)
    process.start()
    try:
        yield ports.get()
    finally:
        process.terminate()
        process.join()


def main() -> None:
    """Run every flood, beside the server and against it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--bodies", type=int, default=2 * AT_ONCE)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="of turns, of each part"
    )
    options = parser.parse_args()
    with server(options.store) as (port, process), sink() as elsewhere:
        caller = Caller(port)
        caller.start()
        time.sleep(options.seconds)
        before = resident_mb(process)
        caller.report("before", before)
        most = 0.0
        for flood, size, name in (
            (open_unfinished, options.connections, "{} unfinished connections"),
            (stall_bodies, options.bodies, "{} bodies that stay out"),
            (send_headers, options.megabytes * 1_000_000, "{} bytes of headers"),
        ):
            for target, to in ((elsewhere, "elsewhere"), (port, "here")):
                stranger = SPAWN.Process(target=flood, args=(target, size), daemon=True)
                stranger.start()
                ends = time.monotonic() + options.seconds
                while time.monotonic() < ends:
                    time.sleep(0.2)
                    most = max(most, resident_mb(process))
                caller.report(f"{name.format(size)}, {to}", most)
                stranger.terminate()
                stranger.join()
        caller.stopped.set()
        print(f"memory {most - before:+.1f} MB at most")


if __name__ == "__main__":
    main()
