"""What the record of turns costs a turn, and what becomes of turns when the record suffers.

    python -m benchmarks.recorder --store FOLDER --queries FILE [--label NAME]
        [--only single,many,overload,soak,kills,disk] [--rounds N] [--seconds S]
        [--soak-turns N] [--small-disk FOLDER] [--json FILE]

Servers that record nothing, facts and words run side by side and take turns in one run, in an order
that changes from round to round, so that another load on the machine falls on all of them. The soak
asks as many turns as a day has at 100 a second (8,640,000), as fast as the server answers; with
`--soak-turns` fewer. The disk is a small file system of its own, made by the caller:
`mount -t tmpfs -o size=2m tmpfs FOLDER`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import uvloop

from benchmarks.load import (
    Ask,
    Client,
    Load,
    closed_loop,
    open_loop,
    request_bytes,
    unheard,
    unrepeated,
)
from benchmarks.overload import capacity_of
from benchmarks.served import Served, served
from benchmarks.turns import queries_of

MODES = ("off", "facts", "words")
ALLOWED = 0.01
"""By which median and p99.9 may be larger than without a record."""

DAY_TURNS = 100 * 86_400
KILLS = 50
DROPPED = "kbserver_record_dropped_total"


@dataclass
class Compared:
    """One mode beside `off`, over all rounds."""

    what: str
    mode: str
    turns: int
    median_ms: float
    p999_ms: float
    of_median: float
    """Median of the rounds' ratios to `off`; 1.0 is as without a record."""
    of_p999: float
    noise: float
    """How far the same ratio of two halves of `off` lies from 1, median of the rounds."""
    failed: int


@dataclass
class Suffered:
    """Turns under load while the record suffers."""

    what: str
    answered: int
    refused: int
    """For want of room, as without a record."""
    failed: int
    """Neither answered nor refused."""
    recorded: int
    dropped: dict[str, int]
    seconds: float
    kills: int = 0

    @property
    def unaccounted(self) -> int:
        """Turns that were answered and neither recorded nor counted as dropped."""
        return self.answered - self.recorded - sum(self.dropped.values())


@dataclass
class Soaked:
    """Memory over a long run, MB at equal distances."""

    turns: int
    seconds: float
    server_mb: list[float]
    writer_mb: list[float]
    file_mb: float

    @property
    def growth_mb(self) -> tuple[float, float]:
        """Of server and writer: medians of the last fifth less those of the second."""
        return _growth(self.server_mb), _growth(self.writer_mb)


def _growth(series: Sequence[float]) -> float:
    part = max(1, len(series) // 5)
    return statistics.median(series[-part:]) - statistics.median(
        series[part : 2 * part] or series
    )


@contextmanager
def recording(store: Path, mode: str, folder: Path, **more: str) -> Iterator[Served]:
    """Serve with a record of its own."""
    environment = {
        "KBSERVER_RECORD__MODE": mode,
        "KBSERVER_RECORD__FOLDER": str(folder),
        "KBSERVER_RELOAD_S": "0",
        **more,
    }
    with served(store, ready=True, **environment) as server:
        yield server


def single(
    servers: Mapping[str, Served], queries: Sequence[str], label: str | None
) -> dict[str, list[float]]:
    """Ask every server the same new question, one after the other; ms by mode."""
    question = unheard(queries)
    clients = {mode: Client(server.url) for mode, server in servers.items()}
    ms: dict[str, list[float]] = {mode: [] for mode in servers}
    order = list(servers)
    for _ in range(len(queries)):
        text = question()
        random.shuffle(order)
        for mode in order:
            request = request_bytes(servers[mode].url, text, label)
            began = time.perf_counter()
            status, _ = clients[mode].ask(request)
            ms[mode].append((time.perf_counter() - began) * 1000.0)
            assert status == 200, status
    for client in clients.values():
        client.close()
    return ms


def loaded(
    servers: Mapping[str, Served], run: Callable[[Served], Load]
) -> dict[str, Load]:
    """Run a load on each server, one after the other."""
    order = list(servers)
    random.shuffle(order)
    return {mode: run(servers[mode]) for mode in order}


def compared(
    what: str,
    rounds: Sequence[Mapping[str, Sequence[float]]],
    failed: Mapping[str, int],
) -> list[Compared]:
    """Compare the modes of some rounds with `off`, round by round."""
    found = []
    halves = [
        abs(_percentile(ms["off"][::2], 50) / _percentile(ms["off"][1::2], 50) - 1.0)
        for ms in rounds
    ]
    for mode in MODES:
        times = [ms for one in rounds for ms in one[mode]]
        found.append(
            Compared(
                what=what,
                mode=mode,
                turns=len(times),
                median_ms=_percentile(times, 50),
                p999_ms=_percentile(times, 99.9),
                of_median=_ratio(rounds, mode, 50),
                of_p999=_ratio(rounds, mode, 99.9),
                noise=statistics.median(halves),
                failed=failed.get(mode, 0),
            )
        )
    return found


def _ratio(
    rounds: Sequence[Mapping[str, Sequence[float]]], mode: str, percent: float
) -> float:
    return statistics.median(
        _percentile(ms[mode], percent) / _percentile(ms["off"], percent)
        for ms in rounds
    )


def _percentile(ms: Sequence[float], percent: float) -> float:
    return float(np.percentile(ms, percent))


def writer_of(server: Served) -> int | None:
    """The process that writes a server's record."""
    tasks = Path(f"/proc/{server.process.pid}/task")
    for task in tasks.iterdir():
        for child in (task / "children").read_text().split():
            if b"kbserver.record.writer" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
    return None


def memory_mb(pid: int) -> float:
    """Resident memory of one process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"process {pid} has no memory")


def dropped(server: Served) -> dict[str, int]:
    """Turns that were not recorded, by cause, without those of which there are none."""
    found = {
        name.split('"')[1]: int(value)
        for name, value in server.counters().items()
        if name.startswith(DROPPED)
    }
    return {cause: count for cause, count in found.items() if count}


def settled(server: Served, limit_s: float = 30.0) -> int:
    """Wait until nothing more is recorded; return how many turns were."""
    before, end = -1, time.monotonic() + limit_s
    while time.monotonic() < end:
        now = int(server.counters()["kbserver_record_turns_total"])
        if now == before:
            return now
        before = now
        time.sleep(2.5)
    return before


def kills(server: Served, ask: Ask, *, count: int, every_s: float) -> Suffered:
    """Kill the writer again and again while eight clients ask."""
    killed = 0
    before = settled(server), dropped(server)

    def kill() -> None:
        nonlocal killed
        for _ in range(count):
            time.sleep(every_s)
            pid = writer_of(server)
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
                killed += 1

    killing = threading.Thread(target=kill)
    killing.start()
    loads = []
    while killing.is_alive():
        run = closed_loop(server.url, ask, clients=8, seconds=5.0)
        loads.append(uvloop.run(run))
    suffered = _suffered("the writer is killed", server, loads, *before)
    suffered.kills = killed
    return suffered


def full_disk(server: Served, ask: Ask, seconds: float) -> Suffered:
    """Ask while the disk of the record has no room."""
    before = settled(server), dropped(server)
    loads = [uvloop.run(closed_loop(server.url, ask, clients=8, seconds=seconds))]
    return _suffered("the disk is full", server, loads, *before)


def _suffered(
    what: str,
    server: Served,
    loads: Sequence[Load],
    recorded_before: int,
    dropped_before: Mapping[str, int],
) -> Suffered:
    statuses = sum((load.statuses for load in loads), Counter())
    recorded = settled(server) - recorded_before
    lost = Counter(dropped(server)) - Counter(dropped_before)
    return Suffered(
        what=what,
        answered=statuses[200],
        refused=statuses[503],
        failed=statuses.total() - statuses[200] - statuses[503],
        recorded=recorded,
        dropped=dict(lost),
        seconds=sum(load.seconds for load in loads),
    )


def soak(server: Served, ask: Ask, turns: int, *, looks: int = 50) -> Soaked:
    """Ask a number of turns, and look at the memory of server and writer meanwhile."""
    asked, began = 0, time.monotonic()
    servers: list[float] = []
    writers: list[float] = []
    while asked < turns:
        load = uvloop.run(closed_loop(server.url, ask, clients=8, seconds=5.0))
        asked += sum(load.statuses.values())
        if asked >= len(servers) * turns / looks:
            servers.append(memory_mb(server.process.pid))
            writer = writer_of(server)
            assert writer is not None
            writers.append(memory_mb(writer))
    file_mb = server.counters()["kbserver_record_bytes"] / 1e6
    return Soaked(asked, time.monotonic() - began, servers, writers, file_mb)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--queries", type=Path, required=True)
    parser.add_argument("--label")
    parser.add_argument("--only", default="single,many,overload,kills,soak")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--turns", type=int, default=400, help="of a round of single")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--soak-turns", type=int, default=DAY_TURNS)
    parser.add_argument("--small-disk", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    wanted = set(options.only.split(","))
    queries = queries_of(options.queries, options.turns)
    found: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        servers = {
            mode: stack.enter_context(
                recording(options.store, mode, Path(scratch) / mode)
            )
            for mode in MODES
        }
        asks = {
            mode: unrepeated(server.url, queries, options.label)
            for mode, server in servers.items()
        }
        for ask_mode, server in servers.items():  # caches, and the model's first runs
            uvloop.run(closed_loop(server.url, asks[ask_mode], clients=4, seconds=3.0))
        if "single" in wanted:
            rounds = [
                single(servers, queries, options.label) for _ in range(options.rounds)
            ]
            found["single"] = report(compared("1 client", rounds, {}))
        if "many" in wanted:
            found["many"] = report(
                under_load(
                    "16 clients",
                    servers,
                    options.rounds,
                    lambda url, ask: closed_loop(
                        url, ask, clients=16, seconds=options.seconds
                    ),
                    asks,
                )
            )
        if "overload" in wanted:
            rate = 2.0 * capacity_of(servers["off"], asks["off"], options.seconds)
            found["overload"] = report(
                under_load(
                    f"2 × capacity ({rate:.0f}/s)",
                    servers,
                    options.rounds,
                    lambda url, ask: open_loop(
                        url, ask, rate=rate, seconds=options.seconds
                    ),
                    asks,
                )
            )
        if "kills" in wanted:
            suffered = kills(
                servers["facts"], asks["facts"], count=options.kills, every_s=2.0
            )
            found["kills"] = asdict(suffered) | {"unaccounted": suffered.unaccounted}
            print(json.dumps(found["kills"]))
    if "disk" in wanted:
        if options.small_disk is None:
            sys.exit("the full disk needs --small-disk FOLDER, a small file system")
        with recording(options.store, "words", options.small_disk / "record") as server:
            ask = unrepeated(server.url, queries, options.label)
            suffered = full_disk(server, ask, options.seconds)
        found["disk"] = asdict(suffered) | {"unaccounted": suffered.unaccounted}
        print(json.dumps(found["disk"]))
    if "soak" in wanted:
        with (
            tempfile.TemporaryDirectory() as scratch,
            recording(options.store, "facts", Path(scratch)) as server,
        ):
            ask = unrepeated(server.url, queries, options.label)
            soaked = soak(server, ask, options.soak_turns)
        found["soak"] = asdict(soaked) | {"growth_mb": soaked.growth_mb}
        print(json.dumps(found["soak"]))
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


def under_load(
    what: str,
    servers: Mapping[str, Served],
    rounds: int,
    load: Callable[[str, Ask], Coroutine[Any, Any, Load]],
    asks: Mapping[str, Ask],
) -> list[Compared]:
    """Compare the modes under the same load, in rounds."""
    modes = {server.url: mode for mode, server in servers.items()}

    def run(server: Served) -> Load:
        return uvloop.run(load(server.url, asks[modes[server.url]]))

    loads = [loaded(servers, run) for _ in range(rounds)]
    failed = {mode: sum(one[mode].statuses[0] for one in loads) for mode in MODES}
    times = [{mode: one[mode].ms for mode in MODES} for one in loads]
    return compared(what, times, failed)


def report(rows: Sequence[Compared]) -> list[dict[str, object]]:
    """Print a comparison, and return it as JSON values."""
    for row in rows:
        print(
            f"{row.what:<24} {row.mode:<6} median {row.median_ms:8.2f} ms ({row.of_median:.3f})"
            f"   p99.9 {row.p999_ms:8.2f} ms ({row.of_p999:.3f})   noise {row.noise:.3f}"
            f"   failed {row.failed}"
        )
    return [asdict(row) for row in rows]


if __name__ == "__main__":
    main()
