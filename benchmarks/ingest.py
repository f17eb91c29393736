"""Ingest from end to end, beside plain encode and the machine's arithmetic; and ingest again.

    python -m benchmarks.ingest [--documents N] [--files N] [--rounds N] [--json FILE]

Three tables. *From nothing*: passages a second of a whole ingest (reading, cutting, embedding,
indexing, checking, publishing) beside plain `SentenceTransformer.encode` of the same texts in
batches sorted by length, in alternating rounds, and the floating-point operations a second beside
what the same cores reach in a matrix product. *Again*: a folder of many small files ingested again,
unchanged, with one file changed, with one added. *Memory*: the peak of the process of each ingest,
from the operating system.

Other load on the machine moves every figure; only ratios within one run say anything.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
from rich.console import Console
from rich.table import Table

from kbserver.embedding.models import open_encoder
from kbserver.embedding.source import resolve
from kbserver.index.store import Store
from kbserver.ingest.build import ingest
from kbserver.settings import DEFAULT_MODEL

CORPUS = "benchmark"
WORDS = (
    "router line bill plan speed engineer visit contract month fee price hour number account "
    "transfer service address card refund cable socket light filter phone call week email letter "
    "office form button signal letterbox notice"
).split()


@dataclass
class Rate:
    """How fast passages come out."""

    what: str
    passages: int
    seconds: float
    passages_per_s: float
    gflops: float


@dataclass
class Again:
    """One ingest of a folder that is in the store already."""

    what: str
    files: int
    seconds: float
    cpu_s: float
    embedded: int
    peak_mb: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--documents",
        type=int,
        default=60,
        help="documents of the first table, about 4 passages each",
    )
    parser.add_argument(
        "--files",
        type=int,
        default=10_000,
        help="small files of the second table; 0 leaves it out",
    )
    parser.add_argument(
        "--rounds", type=int, default=2, help="rounds of the first table"
    )
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="kbserver-benchmark-") as scratch:
        folder = Path(scratch)
        # First, while this process is small: Linux counts a child's peak from its parent's.
        again = ingest_again(folder, options.files) if options.files else []
        show_again(console, again)
        rates = from_nothing(folder, options.documents, options.rounds)
        show_rates(console, rates)
    if options.json:
        figures = {
            "from_nothing": [asdict(one) for one in rates],
            "again": [asdict(one) for one in again],
        }
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def from_nothing(folder: Path, documents: int, rounds: int) -> list[Rate]:
    """Alternate whole ingests, embedding alone, and plain encode over the same passages."""
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    write_long(folder / "long", documents)
    models = folder / "models"
    plain = SentenceTransformer(str(resolve(DEFAULT_MODEL).folder), device="cpu")
    peak = 0.0
    times: dict[str, list[float]] = {
        "plain encode, sorted by length": [],
        "embedding alone": [],
        "whole ingest": [],
    }
    texts: list[str] = []
    flops = 0.0
    with open_encoder(DEFAULT_MODEL, cache=models, for_queries=False) as encoder:
        for number in range(rounds):
            store = Store(folder / f"store-{number}")
            begun = time.perf_counter()
            ingest([folder / "long"], store=store, corpus=CORPUS, encoder=encoder)
            times["whole ingest"].append(time.perf_counter() - begun)
            if not texts:
                with store.open(CORPUS) as snapshot:
                    texts = [
                        "\n".join((one.title, *one.heading_path, one.text))
                        for one in snapshot.passages
                    ]
                flops = sum(arithmetic(encoder.count_tokens(text)) for text in texts)
                plain.encode(texts[:8], normalize_embeddings=True)
            peak = max(peak, sgemm_gflops())
            begun = time.perf_counter()
            encoder.embed_passages(texts)
            times["embedding alone"].append(time.perf_counter() - begun)
            by_length: list[str] = sorted(texts, key=len)
            begun = time.perf_counter()
            plain.encode(
                by_length,
                normalize_embeddings=True,
                show_progress_bar=False,
            )
            times["plain encode, sorted by length"].append(time.perf_counter() - begun)
    rates = []
    for what, measured in times.items():
        seconds = statistics.median(measured)
        rates.append(
            Rate(what, len(texts), seconds, len(texts) / seconds, flops / seconds / 1e9)
        )
    rates.append(
        Rate(
            "the cores' own matrix product (sgemm)",
            0,
            0.0,
            peak * 1e9 / (flops / len(texts)),
            peak,
        )
    )
    return rates


def arithmetic(tokens: int) -> float:
    """Floating-point operations of one passage in all-MiniLM-L6-v2 (6 layers, width 384)."""
    layers, width, inner = 6, 384, 1536
    projections = 2 * tokens * (4 * width * width + 2 * width * inner)
    attention = 2 * 2 * tokens * tokens * width
    return float(layers * (projections + attention))


def sgemm_gflops() -> float:
    """What NumPy's matrix product reaches on these cores, best of several."""
    one = np.random.default_rng(0).standard_normal((1536, 1536), dtype=np.float32)
    best = 0.0
    for _ in range(12):
        begun = time.perf_counter()
        one @ one
        best = max(best, 2 * 1536**3 / (time.perf_counter() - begun) / 1e9)
    return best


def ingest_again(folder: Path, files: int) -> list[Again]:
    """Ingest many small files, then again; each run is a process of its own, as a user's is."""
    docs, store = folder / "small", folder / "store"
    write_small(docs, files)
    (folder / "one").mkdir()
    (folder / "one" / "page.md").write_text(
        "# A page\n\nThe export of the model is made here, and not measured.\n"
    )
    run_once("export", folder / "one", store, 1, corpus="one")
    changed = docs / "d000" / "doc-00000.md"
    results = [run_once("first", docs, store, files)]
    results.append(run_once("unchanged", docs, store, files))
    changed.write_text(changed.read_text() + "One more sentence about the line.\n")
    results.append(run_once("one file changed", docs, store, files))
    (docs / "new.md").write_text(
        "# A new article\n\nIt says something about letters.\n"
    )
    results.append(run_once("one file added", docs, store, files))
    (docs / "d000").rename(docs / "moved")
    results.append(run_once("a folder of 500 moved", docs, store, files))
    return results


def run_once(
    what: str, docs: Path, store: Path, files: int, corpus: str = CORPUS
) -> Again:
    """Run `kbserver ingest` and ask the operating system what it took."""
    command = [
        sys.executable,
        "-m",
        "kbserver",
        "ingest",
        str(docs),
        "--store",
        str(store),
        "--corpus",
        corpus,
        "--json",
    ]
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        output = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)  # of this process alone
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begun
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    cpu_s = usage.ru_utime + usage.ru_stime
    peak_mb = usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    return Again(
        what, files, seconds, cpu_s, json.loads(output)["passages"]["embedded"], peak_mb
    )


def write_long(folder: Path, documents: int) -> None:
    """Documents that become about four passages of the usual length each."""
    chance = random.Random(1)
    folder.mkdir()
    for number in range(documents):
        sections = []
        for section in range(4):
            sentences = [
                " ".join(chance.choices(WORDS, k=12)).capitalize() + "."
                for _ in range(12)
            ]
            sections.append(f"## Part {section}\n\n{' '.join(sentences)}\n")
        (folder / f"{number}.md").write_text(
            f"# Article {number}\n\n" + "\n".join(sections)
        )


def write_small(folder: Path, files: int) -> None:
    """Files of one short passage, 500 in a folder."""
    chance = random.Random(2)
    for number in range(files):
        path = folder / f"d{number // 500:03}" / f"doc-{number:05}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"# Article {number}\n\n{' '.join(chance.choices(WORDS, k=15))} {number}.\n"
        )


def show_rates(console: Console, rates: list[Rate]) -> None:
    """Print the first table; ratios are to plain encode."""
    table = Table(
        "from nothing",
        "passages",
        "s",
        "passages/s",
        "× plain",
        "GFLOP/s",
        title="Ingest",
    )
    for one in rates:
        ratio = f"{one.passages_per_s / rates[0].passages_per_s:.2f}"
        passages, seconds = (
            (str(one.passages), f"{one.seconds:.1f}") if one.passages else ("", "")
        )
        table.add_row(
            one.what,
            passages,
            seconds,
            f"{one.passages_per_s:.1f}",
            ratio,
            f"{one.gflops:.0f}",
        )
    console.print(table)


def show_again(console: Console, again: list[Again]) -> None:
    """Print the second table."""
    if not again:
        return
    table = Table(
        "again",
        "files",
        "s",
        "CPU s",
        "embedded",
        "peak MB",
        title="A folder of small files",
    )
    for one in again:
        facts = (
            f"{one.seconds:.1f}",
            f"{one.cpu_s:.1f}",
            str(one.embedded),
            f"{one.peak_mb:.0f}",
        )
        table.add_row(one.what, f"{one.files:,}", *facts)
    console.print(table)


if __name__ == "__main__":
    main()
