"""This checkout against another one, both serving the same passages in one run.

    python -m benchmarks.versions --other CHECKOUT --store FOLDER [--other-store FOLDER]
        --queries FILE [--label NAME]

Every query goes to both servers within the same hundredths of a second, and loads alternate, so
that another load on the machine falls on both. No query repeats, so no answer comes from a cache.
Both run on the packages of this environment; the other checkout's code comes first on its path.
Give each a store that its own ingest wrote: what other rules of speech have stored is not read,
and worked out in each turn instead.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.load import Client, closed_loop, request_bytes, unheard, unrepeated
from benchmarks.served import Served, by_both_arms, outcomes, served

HERE = Path(__file__).resolve().parents[1]
WARM_UP = 60  # turns that are not counted


def code_of(checkout: Path) -> dict[str, str]:
    """Return the environment in which Python imports kbserver from a checkout.

    Raises:
        SystemExit: it imports another one.
    """
    # Without the second, `-m` looks into the working directory first: at this checkout.
    environment = {"PYTHONPATH": str(checkout), "PYTHONSAFEPATH": "1"}
    found = subprocess.run(
        [sys.executable, "-c", "import kbserver; print(kbserver.__file__)"],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.strip()
    if not Path(found).is_relative_to(checkout):
        raise SystemExit(f"{found} would be served, wanted the code of {checkout}")
    return environment


@contextmanager
def both(checkouts: Mapping[str, tuple[Path, Path]]) -> Iterator[dict[str, Served]]:
    """Serve with each checkout its store; yields the servers by the checkouts' names."""
    with ExitStack() as stack:
        servers = {}
        for name, (checkout, store) in checkouts.items():
            environment = code_of(checkout) | {"KBSERVER_FOLLOW_UP": "false"}
            servers[name] = stack.enter_context(
                served(store, ready=True, **environment)
            )
        yield servers


def lone(
    servers: Mapping[str, Served],
    ask: Callable[[], bytes],
    *,
    pause_s: float,
    turns: int,
) -> dict[str, list[float]]:
    """One caller: milliseconds of each turn, by server, in an order drawn anew for each query."""
    clients = {name: Client(server.url) for name, server in servers.items()}
    taken: dict[str, list[float]] = {name: [] for name in servers}
    for number in range(WARM_UP + turns):
        for name in random.sample(sorted(clients), len(clients)):
            request = ask()
            time.sleep(pause_s)
            began = time.perf_counter()
            clients[name].ask(request)
            if number >= WARM_UP:
                taken[name].append((time.perf_counter() - began) * 1000.0)
    for client in clients.values():
        client.close()
    return taken


def load(
    server: Served,
    queries: list[str],
    label: str | None,
    *,
    callers: int,
    seconds: float,
) -> tuple[float, float, float]:
    """Callers without a pause: turns a second, the share by both arms, and the p99 in ms."""
    before = server.counters()
    ask = unrepeated(server.url, queries, label)
    found = asyncio.run(closed_loop(server.url, ask, clients=callers, seconds=seconds))
    said = outcomes(before, server.counters())
    turns = max(1, round(found.per_second * seconds))
    return found.per_second, by_both_arms(said) / turns, found.percentile(99)


def main() -> None:
    """Print each comparison as a line, with the ratio of this checkout to the other."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--other", type=Path, required=True, help="a checkout of the repository"
    )
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument(
        "--other-store", type=Path, help="of the other checkout; else the same"
    )
    parser.add_argument(
        "--queries", type=Path, required=True, help="JSON lines with `text`"
    )
    parser.add_argument(
        "--label", help="session label; needed if the store holds several corpora"
    )
    parser.add_argument("--turns", type=int, default=600, help="of one caller")
    parser.add_argument("--pauses", type=float, nargs="+", default=[0.0, 0.1])
    parser.add_argument("--callers", type=int, nargs="+", default=[16])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each load")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    lines = options.queries.read_text(encoding="utf-8").splitlines()
    queries = [str(json.loads(line)["text"]) for line in lines]
    question = unheard(queries)
    checkouts = {
        "this": (HERE, options.store),
        "other": (options.other.resolve(), options.other_store or options.store),
    }
    with both(checkouts) as servers:

        def ask() -> bytes:
            return request_bytes(servers["this"].url, question(), options.label)

        for pause_s in options.pauses:
            taken = lone(servers, ask, pause_s=pause_s, turns=options.turns)
            medians = {name: statistics.median(ms) for name, ms in taken.items()}
            tails = {
                name: statistics.quantiles(ms, n=100)[98] for name, ms in taken.items()
            }
            print(
                f"one caller, {pause_s:.2f} s pause: median {medians['this']:.2f} ms"
                f" ({medians['this'] / medians['other']:.3f} ×),"
                f" p99 {tails['this']:.1f} ms ({tails['this'] / tails['other']:.2f} ×)"
            )
        for callers in options.callers:
            rates: dict[str, list[tuple[float, float, float]]] = {
                "this": [],
                "other": [],
            }
            orders = itertools.cycle([("this", "other"), ("other", "this")])
            for order in itertools.islice(orders, options.rounds):
                for name in order:
                    figures = load(
                        servers[name],
                        queries,
                        options.label,
                        callers=callers,
                        seconds=options.seconds,
                    )
                    rates[name].append(figures)
            pairs = zip(rates["this"], rates["other"], strict=True)
            ratio = statistics.median(this[0] / other[0] for this, other in pairs)
            for name, rounds in rates.items():
                rate, share, p99 = (
                    statistics.median(column) for column in zip(*rounds, strict=True)
                )
                print(
                    f"{callers} callers, {name}: {rate:.0f} turns a second,"
                    f" {share:.2f} by both arms, p99 {p99:.0f} ms"
                )
            print(f"{callers} callers: {ratio:.3f} × the turns of the other")
        for name, server in servers.items():
            print(f"memory, {name}: {server.memory_mb():.0f} MB")


if __name__ == "__main__":
    main()
