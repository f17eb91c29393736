"""How long each page of the console takes over a record of a million turns.

    python -m benchmarks.console --turns 1000000 --store /tmp/console

The record is made if the store holds none: a month of calls, a half of them with words. Pages are
asked in process, one after the other; printed are the median and the slowest of some tries, and
their CPU time, which other work on the machine changes less. The first is not counted: it opens
templates, and reads the file from the disk.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import httpx2

from kbserver.console.access import Doors, Grant
from kbserver.console.app import Console
from kbserver.console.pages import PAGES
from kbserver.console.source import Source
from kbserver.notes import (
    CandidateNote,
    EventNote,
    SearchNote,
    TurnNote,
    WordsNote,
    new_id,
)
from kbserver.record.database import FILE, key_of, open_for_writing
from kbserver.record.rows import Rows
from kbserver.record.turns import last_number
from kbserver.settings import read_settings

TOKEN = "a-token-of-the-benchmark"
HOST = "127.0.0.1"
MONTH_S = 30 * 86_400
DOCUMENTS = 500
ROUTES = ("support", "billing-*", "hotel-{id}", "*", "")
WORDS = ("reset", "router", "bill", "cancel", "light", "pay", "when", "how", "my", "is")
TRIES = 7
ENDINGS = (
    ("full", None),
    ("full", None),
    ("full", None),
    ("empty", "below_min_score"),
    ("gated", "greeting"),
    ("degraded", "busy"),
)


def turns(count: int, began: float) -> Iterator[TurnNote]:
    """Yield turns of calls of six, over a month up to now."""
    chance = random.Random(7)
    for number in range(count):
        at = began + MONTH_S * number / count
        outcome, reason = chance.choice(ENDINGS)
        candidates = []
        for place in range(4):
            name = chance.randrange(DOCUMENTS)
            answered = outcome in ("full", "degraded") and place == 0
            score = chance.random() * (0.8 if answered else 0.15)
            candidates.append(
                CandidateNote(
                    "docs", f"p{name}", f"d{name}.md", score, 5.0, 0.5, answered
                )
            )
        words: WordsNote | None = None
        if number % 2:
            said = " ".join(chance.choices(WORDS, k=6))
            words = WordsNote(f"call-{number // 6}", said, said, chance.randbytes(384))
        yield TurnNote(
            id=new_id(at),
            at=at,
            label=f"call-{number // 6}",
            route=ROUTES[number // 6 % len(ROUTES)],
            outcome=outcome,
            reason=reason,
            cached=False,
            leaned=False,
            in_budget=chance.random() < 0.99,
            total_ms=8.0,
            budget_ms=150.0,
            waited_ms=0.1,
            stages_ms={"embed": 5.0, "lexical": 2.0},
            answer_bytes=700,
            spoken_s=11.0,
            token="static",
            probe=None,
            searches=(SearchNote("docs", "000001-a", 0.15, "default"),),
            candidates=tuple(candidates),
            words=words,
            traceparent=None,
        )


def fill(folder: Path, count: int, now: float) -> None:
    """Write a record as the writer does, in transactions of some thousand turns."""
    connection = open_for_writing(folder)
    rows = Rows(connection, key=key_of(folder), mask=str)
    waiting = turns(count, now - MONTH_S)
    while batch := list(islice(waiting, 5_000)):
        event = EventNote(batch[-1].at, "generation", "docs", "1 added", {})
        rows.add(batch, [event])
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()


def paths_of(source: Source) -> list[str]:
    """Return the address of every page, with something to show, and of its slowest filters."""
    with source.record() as record:
        id, call = record.execute(
            "SELECT id, call FROM turns ORDER BY at DESC LIMIT 1"
        ).fetchone()
    plain = [page.path for page in PAGES if "{" not in page.path]
    return [
        *plain,
        "/?since=7d",
        "/?since=30d",
        f"/calls/{call}",
        f"/turns/{id}",
        "/calls?outcome=busy",
        "/calls?search=router",
        "/turns?search=router+bill",
        "/turns?outcome=below_min_score&since=30d",
        "/turns?outcome=no_match",
        "/api/v1/thresholds/docs",
    ]


async def timed(console: Console, paths: list[str], tries: int) -> None:
    """Print what each page takes, in milliseconds."""
    headers = {"host": HOST, "authorization": f"Bearer {TOKEN}"}
    transport = httpx2.ASGITransport(console)
    async with httpx2.AsyncClient(transport=transport, headers=headers) as client:
        for path in paths:
            taken, worked = [], []
            for _ in range(tries + 1):
                began, at_work = time.perf_counter(), time.process_time()
                answer = await client.get(f"http://{HOST}{path}")
                taken.append((time.perf_counter() - began) * 1000.0)
                worked.append((time.process_time() - at_work) * 1000.0)
            assert answer.status_code == 200, (path, answer.text)
            first, *others = taken
            print(
                f"{path:<46} {statistics.median(others):7.1f} ms   slowest {max(others):7.1f}"
                f"   CPU {statistics.median(worked[1:]):7.1f}   first {first:7.1f}",
                flush=True,
            )


def main() -> None:
    """Make the record if there is none, and time the pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=1_000_000)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--tries", type=int, default=TRIES)
    given = parser.parse_args()
    settings = read_settings(store=given.store, record={"max_mb": 10_000})
    now = time.time()
    if not (settings.record_folder / FILE).exists():
        fill(settings.record_folder, given.turns, now)
    size = (settings.record_folder / FILE).stat().st_size
    source = Source(settings)
    with source.record() as record:
        turns_there = last_number(record)
    print(
        f"{turns_there:,} turns, {size / turns_there:.0f} bytes each, every second with words"
    )
    console = Console(source, Doors([(TOKEN, Grant("publish"))]))
    asyncio.run(timed(console, paths_of(source), given.tries))


if __name__ == "__main__":
    main()
