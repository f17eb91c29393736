"""One caller, many callers, cached and gated turns, start and memory, beside the bare encoder.

    python -m benchmarks.turns --store FOLDER --queries FILE [--label NAME]
        [--only single,load,quick,start] [--json FILE]

The store is one of `benchmarks/passages.py` or of `kbserver ingest`. Whatever is compared takes
turns in one run: the same query goes to the server and to each bare encoder within the same few
hundredths of a second, so that another load on the machine falls on all of them. The server is a
process of its own, as it is served.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import uvloop
from rich.console import Console
from rich.table import Table
from sentence_transformers import SentenceTransformer

from benchmarks.encoders import onnx_session
from benchmarks.load import Client, Load, closed_loop, cycled, request_bytes, unrepeated
from benchmarks.served import Served, by_both_arms, outcomes, served
from kbserver.embedding.exports import Exports, export_folders
from kbserver.embedding.source import resolve
from kbserver.settings import DEFAULT_MODEL

TURN = "POST /kb"
BARE = "SentenceTransformer.encode"
ONE, TWO = "ONNX Runtime, 1 thread", "ONNX Runtime, 2 threads"
CLIENTS = (1, 8, 16, 32)

console = Console(
    width=None if sys.stdout.isatty() else 180
)  # a file has room for every column


@dataclass
class Times:
    """Milliseconds of one kind of call, and median ratios to the others, query by query."""

    what: str
    median_ms: float
    p99_ms: float
    of_encode: float
    of_onnx_1: float
    of_onnx_2: float


def exported(store: Path) -> Path:
    """The default model's fp32 export, of the user or of the store."""
    exports = Exports(export_folders(None, store), DEFAULT_MODEL)
    with exports.open("fp32", threads=1) as encoder:
        return encoder.folder


def queries_of(file: Path, most: int) -> list[str]:
    """Questions of 6 to 16 words, in an order that is always the same."""
    texts = [
        json.loads(line)["text"]
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    fitting = sorted({text for text in texts if 6 <= len(text.split()) <= 16})
    random.Random(0).shuffle(fitting)
    return fitting[:most]


def single(
    server: Served,
    queries: Sequence[str],
    label: str | None,
    store: Path,
    pauses_s: Sequence[float],
) -> dict[float, list[Times]]:
    """One caller on one kept-alive connection, alternating with the bare encoders; new queries.

    Args:
        pauses_s: silences before each call; each gets its share of the queries. After a pause
            the caches hold other things and the cores are asleep.
    """
    folder = exported(store)
    torch = SentenceTransformer(str(resolve(DEFAULT_MODEL).folder), device="cpu")
    one, two = onnx_session(folder, 1), onnx_session(folder, 2)
    client = Client(server.url)
    calls: dict[str, Callable[[str], object]] = {
        TURN: lambda query: client.ask(request_bytes(server.url, query, label)),
        BARE: lambda query: torch.encode([query], show_progress_bar=False),
        ONE: lambda query: one([query]),
        TWO: lambda query: two([query]),
    }
    for query in queries[:5]:
        for call in calls.values():
            call(query + " warm up")
    found = {}
    for place, pause_s in enumerate(pauses_s):
        ms: dict[str, list[float]] = {what: [] for what in calls}
        for query in queries[place :: len(pauses_s)]:
            for what, call in calls.items():
                time.sleep(pause_s)
                began = time.perf_counter()
                call(query)
                ms[what].append((time.perf_counter() - began) * 1000.0)
        found[pause_s] = _times(ms)
    client.close()
    return found


def _times(ms: Mapping[str, Sequence[float]]) -> list[Times]:
    ratio = {
        base: {what: _ratio(ms[what], ms[base]) for what in ms}
        for base in (BARE, ONE, TWO)
    }
    return [
        Times(
            what,
            statistics.median(times),
            float(np.percentile(times, 99)),
            ratio[BARE][what],
            ratio[ONE][what],
            ratio[TWO][what],
        )
        for what, times in ms.items()
    ]


def _ratio(ms: Sequence[float], base: Sequence[float]) -> float:
    return float(np.median(np.array(ms) / np.array(base)))


@dataclass
class UnderLoad:
    """A closed loop of some clients, and the bare encoder in the seconds before and after it."""

    clients: int
    per_second: float
    """Turns answered with 200."""
    full_per_second: float
    """Those of them that the model had its part in."""
    median_ms: float
    p99_ms: float
    bare_per_second: float
    """Vectors of the bare encoder, one query a run."""
    bare_batched: float
    """Four queries a run."""
    of_bare: float
    """Turns answered, against the batched encoder's vectors."""
    full_of_bare: float
    """Full answers against them."""
    outcomes: dict[str, int]


def under_load(
    server: Served,
    queries: Sequence[str],
    label: str | None,
    store: Path,
    *,
    seconds: float,
    rounds: int,
) -> list[UnderLoad]:
    """Closed loops beside two single-threaded ONNX runs, of one query and of four."""
    embed = onnx_session(exported(store), 1)
    found = []
    ask = unrepeated(server.url, queries, label)
    for clients in CLIENTS:
        loads: list[Load] = []
        bare: list[float] = []
        batched: list[float] = []
        before = server.counters()
        for _ in range(rounds):
            bare.append(_bare_rate(embed, queries, seconds / 4, together=1))
            batched.append(_bare_rate(embed, queries, seconds / 4, together=4))
            loads.append(
                uvloop.run(
                    closed_loop(server.url, ask, clients=clients, seconds=seconds)
                )
            )
            batched.append(_bare_rate(embed, queries, seconds / 4, together=4))
            bare.append(_bare_rate(embed, queries, seconds / 4, together=1))
        ms = [one for load in loads for one in load.ms]
        said, floor = outcomes(before, server.counters()), statistics.mean(batched)
        per_second = statistics.mean(load.per_second for load in loads)
        full = by_both_arms(said) / sum(load.seconds for load in loads)
        found.append(
            UnderLoad(
                clients,
                per_second,
                full,
                statistics.median(ms),
                float(np.percentile(ms, 99)),
                statistics.mean(bare),
                floor,
                per_second / floor,
                full / floor,
                said,
            )
        )
    return found


def _bare_rate(
    embed: Callable[[Sequence[str]], object],
    queries: Sequence[str],
    seconds: float,
    *,
    together: int,
) -> float:
    """Queries a second of two threads that run the encoder side by side, so many queries a run."""
    end = time.perf_counter() + seconds

    def run(start: int) -> int:
        done = 0
        while time.perf_counter() < end:
            embed(
                [
                    queries[(start + done + more) % len(queries)]
                    for more in range(together)
                ]
            )
            done += together
        return done

    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(run, (0, len(queries) // 2))) / seconds


@dataclass
class Quick:
    """Turns that need no model."""

    what: str
    median_ms: float
    per_second: float
    p99_ms: float
    """At 16 clients, as `per_second`."""


def quick(
    server: Served, queries: Sequence[str], label: str | None, seconds: float
) -> list[Quick]:
    """Turns whose embedding is cached, gated turns, and the HTTP floor beside them."""
    known = list(queries[:50])
    kinds = {
        "embedding cached": cycled(
            [request_bytes(server.url, query, label) for query in known]
        ),
        "gated (small talk)": cycled(
            [request_bytes(server.url, "thank you very much", label)]
        ),
        "GET /healthz": lambda: b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n",
    }
    client = Client(server.url)
    found = []
    for what, ask in kinds.items():
        for _ in range(2 * len(known)):
            client.ask(ask())
        ms = []
        for _ in range(500):
            began = time.perf_counter()
            client.ask(ask())
            ms.append((time.perf_counter() - began) * 1000.0)
        load = uvloop.run(closed_loop(server.url, ask, clients=16, seconds=seconds))
        found.append(
            Quick(what, statistics.median(ms), load.per_second, load.percentile(99))
        )
    client.close()
    return found


LONGEST_START_S = 60.0


@dataclass
class Start:
    """From the start of the process, in seconds; and memory."""

    first_answer_s: float
    """A turn answered with passages, by the lexical arm alone if the model is still loading."""
    ready_s: float
    first_full_s: float
    memory_mb: float


def start(store: Path, query: str, label: str | None) -> Start:
    """Start a server and ask it from the moment it listens."""
    with served(store, ready=False, KBSERVER_DEBUG="1") as server:
        client = Client(server.url)
        request = request_bytes(server.url, query, label, x_kbserver_debug="1")
        first = None
        while True:
            status, body = client.ask(request)
            now = time.perf_counter() - server.started
            answer = json.loads(body)
            first = (
                now if first is None and status == 200 and answer["results"] else first
            )
            outcome = answer.get("trace", {}).get("outcome")
            if outcome == "full":
                break
            if now > LONGEST_START_S:
                raise SystemExit(
                    f"after {now:.0f} s still {outcome}; a store of several corpora needs --label"
                )
            time.sleep(0.02)
        ready = server.wait_ready()
        client.close()
        return Start(first or now, ready, now, server.memory_mb())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument(
        "--queries", type=Path, required=True, help="JSON lines with `text`"
    )
    parser.add_argument(
        "--label", help="session label; needed if the store holds several corpora"
    )
    parser.add_argument("--most-queries", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each load")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument(
        "--pauses",
        type=float,
        nargs="+",
        default=[0.0, 0.1],
        help="seconds of silence before the calls of one caller",
    )
    parser.add_argument("--only", default="single,load,quick,start")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    parts = set(given.only.split(","))
    queries = queries_of(given.queries, given.most_queries)
    figures: dict[str, object] = {"queries": len(queries)}

    if "start" in parts:
        starts = [start(given.store, queries[0], given.label) for _ in range(3)]
        middle = sorted(starts, key=lambda one: one.first_full_s)[1]
        figures["start"] = asdict(middle)
        console.print(f"start: {middle}")
    with served(given.store) as server:
        if "single" in parts:
            by_pause = single(server, queries, given.label, given.store, given.pauses)
            figures["single"] = {
                pause_s: [asdict(one) for one in times]
                for pause_s, times in by_pause.items()
            }
            for pause_s, times in by_pause.items():
                _show(
                    f"one caller, alternating, {pause_s * 1000:.0f} ms of silence before each call",
                    times,
                )
        if "load" in parts:
            loads = under_load(
                server,
                queries,
                given.label,
                given.store,
                seconds=given.seconds,
                rounds=given.rounds,
            )
            figures["load"] = [asdict(one) for one in loads]
            _show("closed loop", loads)
        if "quick" in parts:
            turns = quick(server, queries, given.label, given.seconds)
            figures["quick"] = [asdict(one) for one in turns]
            _show("without the model", turns)
        figures["memory_mb"] = server.memory_mb()
        console.print(f"memory after all of it: {figures['memory_mb']:.0f} MB")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n")


def _show(
    title: str, rows: Sequence[Times] | Sequence[UnderLoad] | Sequence[Quick]
) -> None:
    values = [asdict(row) for row in rows]
    table = Table(*values[0], title=title)
    for row in values:
        table.add_row(
            *(
                f"{value:.2f}" if isinstance(value, float) else str(value)
                for value in row.values()
            )
        )
    console.print(table)


if __name__ == "__main__":
    main()
