"""Turns at random moments, up to twice the capacity: latency and answers against load.

    python -m benchmarks.overload --store FOLDER --queries FILE [--seconds 60] [--label NAME]
        [--json FILE] [--svg FOLDER]

Capacity is measured first, in the same run: full answers a second in a closed loop of eight
clients. Then turns come at random moments (Poisson) at shares of it; then at twice of it for
`--seconds`; then gently, to see when every answer is full again. A turn's time counts from when it
was due. Every query is new to the server, so no cache helps.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import uvloop
from rich.table import Table

from benchmarks.drawing import Line, draw
from benchmarks.load import Ask, Connection, closed_loop, open_loop, unrepeated
from benchmarks.served import Served, by_both_arms, outcomes, served
from benchmarks.turns import console, queries_of

SHARES = (0.25, 0.5, 0.75, 0.9, 1.0, 1.25, 1.5, 2.0)
LIMIT_MS = 150.0


@dataclass
class AtRate:
    """An open loop at one rate."""

    of_capacity: float
    rate: float
    answered: float
    """Share of all turns sent that were answered with 200."""
    within_150_ms: float
    """Share of all turns sent that were answered with 200 within 150 ms, as the client saw it."""
    full: float
    """Share of the answered ones with both arms."""
    median_ms: float
    p99_ms: float
    p999_ms: float
    lost: int
    wrong: int
    """Answers to another question."""
    refused: int
    memory_mb: float
    outcomes: dict[str, int]


def capacity_of(server: Served, ask: Ask, seconds: float) -> float:
    """Full answers a second in a closed loop of eight clients."""
    before = server.counters()
    load = uvloop.run(closed_loop(server.url, ask, clients=8, seconds=seconds))
    return by_both_arms(outcomes(before, server.counters())) / load.seconds


def at_rate(
    server: Served, ask: Ask, rate: float, seconds: float, of_capacity: float
) -> AtRate:
    before = server.counters()
    load = uvloop.run(open_loop(server.url, ask, rate=rate, seconds=seconds))
    said = outcomes(before, server.counters())
    sent = sum(load.statuses.values())
    return AtRate(
        of_capacity=of_capacity,
        rate=rate,
        answered=load.statuses[200] / sent,
        within_150_ms=load.within(LIMIT_MS),
        full=by_both_arms(said) / max(1, load.statuses[200]),
        median_ms=load.percentile(50),
        p99_ms=load.percentile(99),
        p999_ms=load.percentile(99.9),
        lost=load.statuses[0],
        wrong=load.wrong,
        refused=load.statuses[503],
        memory_mb=server.memory_mb(),
        outcomes=said,
    )


async def seconds_until_full(
    url: str, ask: Ask, in_a_row: int = 5, limit_s: float = 20.0
) -> float:
    """Return the seconds until answers are full again, asking ten times a second."""
    connection = await Connection.open(url)
    began, first, good = time.perf_counter(), 0.0, 0
    while good < in_a_row and time.perf_counter() - began < limit_s:
        sent = time.perf_counter() - began
        _, body = await connection.ask(ask())
        full = json.loads(body or b"{}").get("trace", {}).get("outcome") == "full"
        first = sent if full and good == 0 else first
        good = good + 1 if full else 0
        await asyncio.sleep(0.1)
    connection.close()
    return first if good >= in_a_row else float("inf")


def pictures(rates: list[AtRate], folder: Path) -> None:
    load = [one.of_capacity for one in rates]
    latency = [
        Line("median", load, [one.median_ms for one in rates]),
        Line("p99", load, [one.p99_ms for one in rates]),
    ]
    (folder / "latency-by-load.svg").write_text(
        draw(
            "Latency of a turn against load",
            "offered turns, of capacity",
            "ms",
            latency,
            marks={"budget": LIMIT_MS},
        )
    )
    shares = [
        Line(
            "answered within 150 ms", load, [100 * one.within_150_ms for one in rates]
        ),
        Line("answered with both arms", load, [100 * one.full for one in rates]),
    ]
    (folder / "share-in-budget.svg").write_text(
        draw(
            "Share of turns under overload",
            "offered turns, of capacity",
            "%",
            shares,
            top=100.0,
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument(
        "--queries", type=Path, required=True, help="JSON lines with `text`"
    )
    parser.add_argument("--label")
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="at twice the capacity"
    )
    parser.add_argument(
        "--step-seconds", type=float, default=10.0, help="at each share of the capacity"
    )
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--svg", type=Path, help="folder for the pictures")
    given = parser.parse_args()
    queries = queries_of(given.queries, 500)

    with served(
        given.store, "--workers", str(given.workers), KBSERVER_DEBUG="1"
    ) as server:
        ask = unrepeated(server.url, queries, given.label)
        traced = unrepeated(server.url, queries, given.label, x_kbserver_debug="1")
        uvloop.run(closed_loop(server.url, ask, clients=4, seconds=2.0))
        capacity = capacity_of(server, ask, given.step_seconds)
        console.print(
            f"capacity: {capacity:.0f} full answers a second; memory {server.memory_mb():.0f} MB"
        )
        steps = [
            at_rate(server, ask, share * capacity, given.step_seconds, share)
            for share in SHARES
        ]
        twice = at_rate(server, ask, 2.0 * capacity, given.seconds, 2.0)
        recovered_s = uvloop.run(seconds_until_full(server.url, traced))

    rows = [*steps, twice]
    table = Table(
        *(name for name in asdict(twice) if name != "outcomes"),
        title="open loop; the last line is the long run",
    )
    for row in rows:
        values = [value for name, value in asdict(row).items() if name != "outcomes"]
        table.add_row(
            *(
                f"{value:.3f}" if isinstance(value, float) else str(value)
                for value in values
            )
        )
    console.print(table)
    console.print(
        f"the long run: {twice.outcomes}; full again {recovered_s:.2f} s after its end"
    )
    if given.svg:
        given.svg.mkdir(parents=True, exist_ok=True)
        pictures(steps, given.svg)
    if given.json:
        figures = {
            "capacity": capacity,
            "rates": [asdict(row) for row in rows],
            "full_again_s": recovered_s,
        }
        given.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
