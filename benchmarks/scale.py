"""What a turn costs from a thousand passages to a million: one picture, one run.

    python -m benchmarks.scale --store REAL --scratch FOLDER --queries FILE
        [--sizes 1000,20000,200000] [--json FILE]

REAL is a store of `benchmarks/passages.py`. Its passages come first; beyond them synthetic ones are
made of them: an embedding is a mixture of two real ones and noise, a text is the first half of one
passage and the second half of another, so that words are as frequent as in real text. Every size is
a corpus of one store behind one server, and the same question goes to all of them within the same
tenth of a second. A million needs 5 GB of disk and some ten minutes. What is kept in SCRATCH is
taken by the next run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.table import Table

from benchmarks.drawing import Line, draw
from benchmarks.load import Client, request_bytes
from benchmarks.passages import BM25, CORPUS, parts_as_ingested
from benchmarks.served import served
from benchmarks.turns import console, queries_of
from kbserver.index.embeddings import decoded
from kbserver.index.snapshot import Snapshot
from kbserver.index.store import Store
from kbserver.index.writer import IndexedPassage, SnapshotFacts, write_snapshot
from kbserver.types import FloatMatrix, Passage

_BLOCK = 50_000


@dataclass
class AtSize:
    """Turns over one corpus; times in ms, those of the stages as medians."""

    passages: int
    index: str
    recall_at_10: float
    build_s: float
    disk_mb: float
    median_ms: float
    p99_ms: float
    dense_ms: float
    lexical_ms: float
    fuse_ms: float
    memory_mb: float
    """Resident memory of a server of this corpus alone, after its turns."""
    start_s: float
    """From the start of its process until it is ready."""


def name_of(size: int) -> str:
    return f"size-{size}"


def write(real: Snapshot, size: int, store: Path) -> float:
    """Write and publish a corpus of `size` passages; seconds it took."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=store) as scratch:
        embeddings = np.lib.format.open_memmap(
            Path(scratch) / "embeddings.npy",
            mode="w+",
            dtype=np.float32,
            shape=(size, real.manifest.model.dim),
        )
        _mix(decoded(real.embeddings), embeddings)
        folder = write_snapshot(
            store,
            name_of(size),
            (
                IndexedPassage(passage, passage.id, passage.text)
                for passage in _passages(real, size)
            ),
            embeddings,
            SnapshotFacts(real.manifest.model, bm25=BM25),
            parts=parts_as_ingested(
                _passages(real, size),
                (passage.text for passage in _passages(real, size)),
                size,
            ),
        )
    Store(store).publish(name_of(size), folder.name)
    return time.perf_counter() - began


def _mix(real: FloatMatrix, out: FloatMatrix) -> None:
    chance = np.random.default_rng(0)
    out[: len(real)] = real[: len(out)]
    for start in range(len(real), len(out), _BLOCK):
        count = min(_BLOCK, len(out) - start)
        noise = chance.standard_normal((count, real.shape[1]), dtype=np.float32)
        noise /= np.linalg.norm(noise, axis=1, keepdims=True)
        one, other = (real[chance.integers(0, len(real), count)] for _ in range(2))
        mixed = 0.75 * one + 0.35 * other + 0.45 * noise
        out[start : start + count] = mixed / np.linalg.norm(
            mixed, axis=1, keepdims=True
        )


def _passages(real: Snapshot, size: int) -> Iterator[Passage]:
    chance = np.random.default_rng(1)
    known = [real.passage(row) for row in range(real.size)]
    halves = [_halves(passage.text) for passage in known]
    yield from known[:size]
    for number in range(len(known), size):
        one, other = chance.integers(0, len(known), 2)
        yield Passage(
            id=f"synthetic-{number:07d}",
            text=f"{halves[one][0]} {halves[other][1]}",
            title=known[one].title,
            source=f"synthetic/{number // 10}",
        )


def _halves(text: str) -> tuple[str, str]:
    words = text.split()
    return " ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])


def measure(
    store: Path, sizes: Sequence[int], queries: Sequence[str]
) -> dict[int, dict[str, list[float]]]:
    """Ask every corpus the same questions in turn; milliseconds of turns and stages, by size."""
    found: dict[int, dict[str, list[float]]] = {size: {"turn": []} for size in sizes}
    with served(store, KBSERVER_DEBUG="1") as server:
        client = Client(server.url)
        for number, query in enumerate(queries):
            for size in sizes:
                words = f"{query} {size // 1000}"  # no cache of embeddings helps the second size
                request = request_bytes(
                    server.url, words, name_of(size), x_kbserver_debug="1"
                )
                began = time.perf_counter()
                _, body = client.ask(request)
                took = (time.perf_counter() - began) * 1000.0
                if number >= 10:
                    found[size]["turn"].append(took)
                    for stage, ms in json.loads(body)["trace"]["stages_ms"].items():
                        found[size].setdefault(stage, []).append(ms)
        client.close()
    return found


def alone(store: Path, size: int, queries: Sequence[str]) -> tuple[float, float]:
    """Serve one size; resident MB after its turns, and seconds until it was ready."""
    with tempfile.TemporaryDirectory() as folder:
        only = Path(folder)
        (only / name_of(size)).symlink_to((store / name_of(size)).resolve())
        with served(only, ready=False) as server:
            ready = server.wait_ready()
            client = Client(server.url)
            for query in queries[:50]:
                client.ask(request_bytes(server.url, query, name_of(size)))
            client.close()
            return server.memory_mb(), ready


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--store", type=Path, required=True, help="a store of benchmarks/passages.py"
    )
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--queries", type=Path, required=True)
    parser.add_argument("--sizes", default="1000,5000,20000,50000,100000,200000")
    parser.add_argument("--most-queries", type=int, default=150)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--svg", type=Path, help="folder for the picture")
    given = parser.parse_args()
    sizes = sorted(int(size) for size in given.sizes.split(","))
    queries = queries_of(given.queries, given.most_queries)
    given.scratch.mkdir(parents=True, exist_ok=True)
    scratch = Store(given.scratch)

    built: dict[int, float] = {}
    with Store(given.store).open(CORPUS) as real:
        for size in sizes:
            if name_of(size) not in scratch.corpora():
                built[size] = write(real, size, given.scratch)
                console.print(f"{size} passages written in {built[size]:.0f} s")
    found = measure(given.scratch, sizes, queries)

    rows = []
    for size in sizes:
        manifest = scratch.manifest(name_of(size))
        folder = given.scratch / name_of(size) / manifest.generation
        memory_mb, start_s = alone(given.scratch, size, queries)
        ms = found[size]
        rows.append(
            AtSize(
                passages=size,
                index=manifest.vectors.kind,
                recall_at_10=manifest.vectors.recall_at_10,
                build_s=built.get(size, float("nan")),
                disk_mb=sum(
                    file.stat().st_size for file in folder.rglob("*") if file.is_file()
                )
                / 2**20,
                median_ms=statistics.median(ms["turn"]),
                p99_ms=float(np.percentile(ms["turn"], 99)),
                dense_ms=statistics.median(ms.get("dense", [float("nan")])),
                lexical_ms=statistics.median(ms["lexical"]),
                fuse_ms=statistics.median(ms["fuse"]),
                memory_mb=memory_mb,
                start_s=start_s,
            )
        )
    table = Table(*asdict(rows[0]), title=f"{len(queries)} questions, alternating")
    for row in rows:
        table.add_row(
            *(
                f"{value:.2f}" if isinstance(value, float) else str(value)
                for value in asdict(row).values()
            )
        )
    console.print(table)
    if given.svg:
        given.svg.mkdir(parents=True, exist_ok=True)
        x = [float(row.passages) for row in rows]
        lines = [
            Line("whole turn, median", x, [row.median_ms for row in rows]),
            Line("dense search", x, [row.dense_ms for row in rows]),
            Line("lexical search", x, [row.lexical_ms for row in rows]),
        ]
        picture = draw(
            "Cost of a turn by size of the corpus", "passages", "ms", lines, log_x=True
        )
        (given.svg / "latency-by-size.svg").write_text(picture)
    if given.json:
        given.json.write_text(
            json.dumps([asdict(row) for row in rows], indent=2) + "\n"
        )


if __name__ == "__main__":
    main()
