"""Evaluates every public set in a folder and writes benchmarks/quality.md.

    python -m benchmarks.quality FOLDER [FOLDER …] [--out benchmarks/quality.md] [--cache FOLDER]
        [--precision fp32]

Each subfolder holds `corpus.jsonl` (or `CORPUS`, the relative path of one, or `docs/`),
`queries.jsonl`, further wordings of the same questions in `queries.VARIANT.jsonl`, and `qrels.tsv`
or `qrels/`. A file whose questions all want nothing is the set's unanswerable pool.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.quality_page import REFERENCE, STEPS, page
from benchmarks.quality_sets import Result, Row, Set, find_sets
from kbserver.endpoint.app import KBServer
from kbserver.evaluation.ask import ARMS, asking
from kbserver.evaluation.dataset import Dataset, Question
from kbserver.evaluation.evaluate import Evaluation, evaluate
from kbserver.evaluation.synthetic import EVERYDAY
from kbserver.evaluation.target import Target, cache_folder
from kbserver.settings import Settings
from kbserver.types import Scope

ABLATED = 200  # questions of a row that are asked again with a step switched off
TIMED = 60  # questions of a row whose time is measured
SCOPES_EACH = 2
"""In which an unanswerable question is asked, where the others have scopes."""


async def measure(server: KBServer, row: Row, settings: Settings) -> Result:
    """Ask the questions of one row: in all arms, and some of them with each step switched off."""
    base = settings.turn_settings()
    ask = partial(evaluate, server, row.target.corpus, base=base, min_score=REFERENCE)
    full = await ask(row.dataset, ARMS, timed=TIMED)
    sample = row.dataset.sample(ABLATED)
    asked = any(question.history for question in sample.questions)
    steps = [step for step in STEPS if asked or step.name != "no follow_up"]
    ablated = await ask(sample, steps, timed=0)
    size = server.corpora.retrievers[row.target.corpus].snapshot.size
    return Result(row, full, ablated, size)


async def measure_nothing(
    server: KBServer,
    target: Target,
    nothing: Sequence[Question],
    scopes: Sequence[Scope],
    settings: Settings,
) -> Evaluation:
    """Ask what should get nothing: everyday questions, and the set's own unanswerable ones."""
    everyday = [
        Question(f"everyday {number}", text, "unanswerable")
        for number, text in enumerate(EVERYDAY)
    ]
    pool = Dataset(tuple(in_scopes([*nothing, *everyday], scopes)))
    base = settings.turn_settings()
    return await evaluate(
        server, target.corpus, pool, ARMS[:1], base=base, min_score=REFERENCE, timed=0
    )


def in_scopes(nothing: Sequence[Question], scopes: Sequence[Scope]) -> list[Question]:
    """Unanswerable questions in the scopes of answerable ones, as a label binds a whole call."""
    if not scopes:
        return list(nothing)
    return [
        replace(
            question,
            id=f"{question.id} {turn}",
            scope=scopes[(place * SCOPES_EACH + turn) % len(scopes)],
        )
        for place, question in enumerate(nothing)
        for turn in range(SCOPES_EACH)
    ]


async def run(sets: Sequence[Set], settings: Settings) -> list[Result]:
    """Measure every row of every set."""
    results = []
    async with asking(settings, settings.store) as server:
        for found in sets:
            nothing: dict[bool, Evaluation] = {}
            for row in found.rows:
                begun = time.monotonic()
                result = await measure(server, row, settings)
                scopes = [
                    question.scope
                    for question in row.dataset.questions
                    if question.scope
                ]
                if (
                    bool(scopes) not in nothing
                ):  # asked once a set, not once a spoken_form
                    nothing[bool(scopes)] = await measure_nothing(
                        server, found.target, found.nothing, scopes, settings
                    )
                result.nothing = nothing[bool(scopes)]
                results.append(result)
                hybrid = result.full.summary("hybrid")["ndcg@10"]
                print(
                    f"{row.name}: nDCG@10 {hybrid:.3f}  ({time.monotonic() - begun:.0f} s)",
                    file=sys.stderr,
                    flush=True,
                )
    return results


def main() -> None:
    """Read the arguments, ingest what is due, measure, and write the page."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path, help="folders of sets")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/quality.md"))
    parser.add_argument(
        "--cache",
        type=Path,
        default=cache_folder(),
        help="store the corpora are ingested into",
    )
    parser.add_argument(
        "--precision",
        choices=("auto", "fp32", "int8"),
        default="auto",
        help="of the weights for queries",
    )
    parser.add_argument(
        "--only", action="append", help="names of sets to take; may be repeated"
    )
    given = parser.parse_args()
    begun = time.monotonic()
    sets = [
        one
        for one in find_sets(given.folders, given.cache)
        if not given.only or one.folder.name in given.only
    ]
    for found in sets:
        started = time.monotonic()
        found.target.prepare()
        print(
            f"{found.folder.name}: ready after {time.monotonic() - started:.0f} s",
            file=sys.stderr,
            flush=True,
        )
    results = asyncio.run(
        run(sets, Settings(store=given.cache, precision=given.precision))
    )
    precision = ["--precision", given.precision] * (given.precision != "auto")
    command = " ".join(
        [
            "python -m benchmarks.quality",
            *(folder.name for folder in given.folders),
            *precision,
        ]
    )
    minutes = (time.monotonic() - begun) / 60
    given.out.write_text(
        page(results, command, minutes, ABLATED, TIMED), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
