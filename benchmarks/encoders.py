"""Encoders side by side in one run: one query, passages, and the ten best hits in int8.

    python -m benchmarks.encoders [--corpus FOLDER]... [--queries FILE]... [--model NAME]
        [--json FILE]

Every figure comes from alternating rounds: all encoders take the same query or the same passages in
the same seconds, so that another load on the machine falls on all alike. Only ratios within one run
say anything. Two figures are given for one query: wall time, and CPU time, which other processes
disturb less.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import onnxruntime
from rich.console import Console
from rich.table import Table
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from transformers.utils import logging as transformers_logging

from kbserver.embedding.base import Encoder
from kbserver.embedding.cores import usable_cores
from kbserver.embedding.models import open_encoder
from kbserver.embedding.source import resolve
from kbserver.errors import DocumentUnreadable
from kbserver.ingest.chunk import chunk
from kbserver.ingest.load import load
from kbserver.ingest.walk import FoundFile, walk
from kbserver.settings import DEFAULT_MODEL

CORPORA = Path(__file__).parent.parent / "corpora"
BARE = "SentenceTransformer.encode"
BLOCK = 10

Embed = Callable[[Sequence[str]], np.ndarray]


@dataclass
class QueryTimes:
    """Milliseconds for one query."""

    encoder: str
    median_ms: float
    p99_ms: float
    cpu_ms: float
    of_bare: float
    """Ratio of the medians to the bare encode's."""


@dataclass
class LoadRate:
    """Queries answered under load, and the CPU time of one."""

    layout: str
    queries_per_s: float
    cpu_ms: float


@dataclass
class PassageRate:
    """How fast passages are embedded."""

    encoder: str
    passages_per_s: float
    per_cpu_s: float
    of_bare: float
    gflops: float


@dataclass
class Overlap:
    """What embedding queries in int8 changes, the passages staying exact."""

    queries: int
    passages: int
    top10_overlap: float
    same_first: float


def passages_of(folders: Sequence[Path], encoder: Encoder) -> list[str]:
    """Read and cut folders as `kbserver ingest` does; what cannot be read is left out."""
    texts: list[str] = []
    for found in walk(folders):
        if isinstance(found, FoundFile):
            try:
                documents = load(found.path, found.source)
            except DocumentUnreadable:
                continue
            limit = encoder.identity.max_tokens
            drafts = [
                d
                for doc in documents
                for d in chunk(doc, count_tokens=encoder.count_tokens, max_tokens=limit)
            ]
            texts += [draft.embedded for draft in drafts]
    return texts


def queries_of(files: Sequence[Path]) -> list[str]:
    return [
        json.loads(line)["text"]
        for file in files
        for line in file.read_text().splitlines()
        if line.strip()
    ]


def time_queries(
    encoders: dict[str, Embed], queries: Sequence[str]
) -> list[QueryTimes]:
    """Time every encoder on every query, in alternating blocks.

    torch's threads spin for a while after a call and would take the cores from the next encoder.
    """
    wall: dict[str, list[float]] = {name: [] for name in encoders}
    cpu: dict[str, list[float]] = {name: [] for name in encoders}
    for start in range(0, len(queries), BLOCK):
        for name, embed in encoders.items():
            time.sleep(0.05)
            embed(queries[:1])
            for query in queries[start : start + BLOCK]:
                began, cpu_began = time.perf_counter(), time.process_time()
                embed([query])
                wall[name].append((time.perf_counter() - began) * 1000.0)
                cpu[name].append((time.process_time() - cpu_began) * 1000.0)
    bare = float(np.median(wall[BARE]))
    return [
        QueryTimes(
            name,
            float(np.median(times)),
            float(np.percentile(times, 99)),
            float(np.median(cpu[name])),
            float(np.median(times)) / bare,
        )
        for name, times in wall.items()
    ]


def time_load(
    layouts: dict[str, tuple[int, int, Embed]], queries: Sequence[str], rounds: int
) -> list[LoadRate]:
    """Throughput of layouts (callers, queries a call, encoder) in alternating rounds."""
    wall, cpu = dict.fromkeys(layouts, 0.0), dict.fromkeys(layouts, 0.0)
    for _ in range(rounds):
        for name, (callers, together, embed) in layouts.items():
            time.sleep(0.05)
            calls = [
                queries[start : start + together]
                for start in range(0, len(queries), together)
            ]
            with ThreadPoolExecutor(callers) as pool:
                began, cpu_began = time.perf_counter(), time.process_time()
                list(pool.map(embed, calls))
                wall[name] += time.perf_counter() - began
                cpu[name] += time.process_time() - cpu_began
    asked = rounds * len(queries)
    return [
        LoadRate(name, asked / wall[name], 1000.0 * cpu[name] / asked)
        for name in layouts
    ]


def time_passages(
    encoders: dict[str, Embed], passages: Sequence[str], flop: float, rounds: int
) -> list[PassageRate]:
    wall: dict[str, list[float]] = {name: [] for name in encoders}
    cpu = dict.fromkeys(encoders, 0.0)
    for number in range(rounds):
        part = passages[number::rounds]
        for name, embed in encoders.items():
            time.sleep(0.05)
            began, cpu_began = time.perf_counter(), time.process_time()
            embed(part)
            wall[name].append((time.perf_counter() - began) / len(part))
            cpu[name] += time.process_time() - cpu_began
    bare = np.array(wall[BARE])
    return [
        PassageRate(
            name,
            1.0 / float(np.mean(times)),
            len(passages) / cpu[name],
            float(np.median(bare / np.array(times))),
            flop / float(np.mean(times)) / 1e9,
        )
        for name, times in wall.items()
    ]


def flop_per_passage(model: Path, tokens: Sequence[int]) -> float:
    """Operations of a BERT encoder for the mean passage: 24 h² + 4 t h a token and layer."""
    config = json.loads((model / "config.json").read_text())
    width, layers = config["hidden_size"], config["num_hidden_layers"]
    return float(
        np.mean([layers * t * (24 * width**2 + 4 * t * width) for t in tokens])
    )


def sgemm_gflops(rounds: int = 40) -> float:
    """What NumPy's matrix product reaches here on shapes of this kind, all threads."""
    left, right = np.ones((2048, 384), np.float32), np.ones((384, 1536), np.float32)
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        left @ right
        best = min(best, time.perf_counter() - began)
    return 2 * 2048 * 384 * 1536 / best / 1e9


def overlap_of(
    exact: Encoder, rounded: Encoder, queries: Sequence[str], passages: Sequence[str]
) -> Overlap:
    index = exact.embed_passages(passages)
    firsts = [
        np.argsort(-(encoder.embed_queries(queries) @ index.T), axis=1)[:, :10]
        for encoder in (exact, rounded)
    ]
    shared = [
        len(set(one) & set(other)) / len(one)
        for one, other in zip(*firsts, strict=True)
    ]
    same = float((firsts[0][:, 0] == firsts[1][:, 0]).mean())
    return Overlap(len(queries), len(passages), float(np.mean(shared)), same)


def onnx_session(folder: Path, threads: int) -> Embed:
    """ONNX Runtime and tokenizers alone, without any of kbserver's code: the floor."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )
    names = [given.name for given in session.get_inputs()]

    def embed(texts: Sequence[str]) -> np.ndarray:
        tokens = [tokenizer.encode(text).ids for text in texts]
        longest = max(map(len, tokens))
        ids = np.array(
            [[*some, *[0] * (longest - len(some))] for some in tokens], np.int64
        )
        mask = np.array(
            [[1] * len(some) + [0] * (longest - len(some)) for some in tokens], np.int64
        )
        known = {
            "input_ids": ids,
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(ids),
        }
        vectors: np.ndarray = session.run(None, {name: known[name] for name in names})[
            0
        ]
        return vectors

    return embed


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--corpus",
        action="append",
        type=Path,
        help="folder of documents; default: the demo corpora",
    )
    parser.add_argument(
        "--queries",
        action="append",
        type=Path,
        help="JSON lines with `text`; default: those beside",
    )
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--most-queries", type=int, default=120)
    parser.add_argument("--most-passages", type=int, default=240)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--json", type=Path, help="write the figures to this file as well"
    )
    given = parser.parse_args()
    folders = given.corpus or sorted(CORPORA.glob("*/docs"))
    files = given.queries or [
        file
        for folder in folders
        if (file := folder.parent / "queries.jsonl").is_file()
    ]
    console = Console(width=100)
    transformers_logging.disable_progress_bar()

    with tempfile.TemporaryDirectory() as scratch:
        cache, source = Path(scratch), resolve(given.model)
        exact = open_encoder(
            given.model,
            cache=cache,
            backend="onnx",
            threads=usable_cores(),
            for_queries=True,
        )
        rounded = open_encoder(
            exact.identity, cache=cache, precision="int8", for_queries=True
        )
        torch_one = open_encoder(
            given.model, cache=cache, backend="torch", device="cpu", for_queries=False
        )
        bare = SentenceTransformer(str(source.folder), device="cpu")
        fp32, int8 = cache / source.fingerprint, cache / f"{source.fingerprint}-int8"

        all_passages, all_queries = passages_of(folders, exact), queries_of(files)
        if not all_passages or not all_queries:
            sys.exit(
                f"{len(all_passages)} passages and {len(all_queries)} queries found; "
                "give --corpus and --queries"
            )
        step = max(1, len(all_queries) // given.most_queries)
        queries, passages = all_queries[::step], all_passages[: given.most_passages]
        tokens = [exact.count_tokens(text) for text in passages]

        one_query = time_queries(
            {
                BARE: lambda texts: bare.encode(list(texts), show_progress_bar=False),
                "kbserver torch": torch_one.embed_queries,
                "onnxruntime fp32, 1 thread": onnx_session(fp32, 1),
                "onnxruntime fp32, 2 threads": onnx_session(fp32, 2),
                "kbserver onnx fp32": exact.embed_queries,
                "kbserver onnx int8": rounded.embed_queries,
            },
            queries,
        )
        load_rates = time_load(
            {
                "2 runs side by side": (2, 1, onnx_session(fp32, 1)),
                "2 runs side by side, 2 queries each": (2, 2, onnx_session(fp32, 1)),
                "2 runs side by side, 4 queries each": (2, 4, onnx_session(fp32, 1)),
                "2 runs side by side, 8 queries each": (2, 8, onnx_session(fp32, 1)),
                "2 runs side by side, 4 queries each, int8": (
                    2,
                    4,
                    onnx_session(int8, 1),
                ),
                "1 run on 2 threads": (1, 1, onnx_session(fp32, 2)),
                "2 runs on 2 threads each": (2, 1, onnx_session(fp32, 2)),
            },
            queries,
            given.rounds,
        )
        rates = time_passages(
            {
                BARE: lambda texts: bare.encode(
                    list(texts), batch_size=32, show_progress_bar=False
                ),
                "kbserver torch": torch_one.embed_passages,
                "kbserver onnx fp32": exact.embed_passages,
            },
            passages,
            flop_per_passage(source.folder, tokens),
            given.rounds,
        )
        overlap = overlap_of(exact, rounded, all_queries, all_passages)

    table = Table(
        "one query",
        "median ms",
        "p99 ms",
        "CPU ms",
        "of encode",
        title=f"{len(queries)} queries",
    )
    for times in one_query:
        shown = (times.median_ms, times.p99_ms, times.cpu_ms, times.of_bare)
        table.add_row(times.encoder, *(f"{value:.2f}" for value in shown))
    console.print(table)
    table = Table("queries under load", "a second", "CPU ms")
    for load_rate in load_rates:
        table.add_row(
            load_rate.layout,
            f"{load_rate.queries_per_s:.0f}",
            f"{load_rate.cpu_ms:.2f}",
        )
    console.print(table)
    floor = sgemm_gflops()
    title = (
        f"{len(passages)} passages of {np.mean(tokens):.0f} tokens; "
        f"sgemm here: {floor:.0f} GFLOP/s"
    )
    table = Table(
        "passages", "a second", "a CPU second", "times encode", "GFLOP/s", title=title
    )
    for rate in rates:
        shown = (rate.passages_per_s, rate.per_cpu_s, rate.of_bare, rate.gflops)
        table.add_row(rate.encoder, *(f"{value:.2f}" for value in shown))
    console.print(table)
    console.print(
        f"int8 queries: {overlap.top10_overlap:.3f} of the first ten "
        f"and {overlap.same_first:.3f} of the first hits "
        f"stay ({overlap.queries} queries, {overlap.passages} passages)"
    )
    if given.json:
        figures = {
            "model": given.model,
            "cores": usable_cores(),
            "one_query": [asdict(times) for times in one_query],
            "load": [asdict(load_rate) for load_rate in load_rates],
            "passages": [asdict(rate) for rate in rates],
            "mean_tokens": float(np.mean(tokens)),
            "sgemm_gflops": floor,
            "int8": asdict(overlap),
        }
        given.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
