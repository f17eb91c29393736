"""Measures when a turn says nothing, and whether it should have: as served, by default.

    python -m benchmarks.silence FOLDER [FOLDER …] [--only SET …] [--cache FOLDER]

Folders and sets are those of `benchmarks.quality`. Every question takes the path of a turn, in
process, under the least score that holds without a calibration. Asked are the set's questions
(how many of the right passages among the first three are kept, and MRR@3 of all hits and of those
served), its unanswerable ones (`near`), turns that ask for an action, a look-up, another product
or nothing in particular (`turns`, in silence.jsonl), everyday questions, and questions of the
other sets in its language (`foreign`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.quality_sets import Row, Set, find_sets
from kbserver.endpoint.app import KBServer
from kbserver.evaluation.ask import ARMS, asking
from kbserver.evaluation.dataset import SMALLTALK, Dataset, Question
from kbserver.evaluation.evaluate import JudgedAnswer, evaluate
from kbserver.evaluation.synthetic import EVERYDAY
from kbserver.evaluation.target import cache_folder
from kbserver.evaluation.threshold import choose
from kbserver.retrieval.calibration import default_min_score
from kbserver.settings import Settings

TURNS = Path(__file__).with_suffix(".jsonl")
SPOKEN = 3  # passages a turn speaks
ASKED = 400  # questions of a row at most
FOREIGN = 25  # questions of each other set
WRONG = ("near", "turns", "everyday", "foreign")


@dataclass
class Measured:
    """The answers to one row's questions, and to those that should get none."""

    name: str
    least: float
    right: Sequence[JudgedAnswer]
    wrong: Mapping[str, Sequence[JudgedAnswer]] = field(default_factory=dict)

    def kept(self, least: float) -> float:
        """Share of the right passages among the first three that are served."""
        scores = [one.right_score(SPOKEN) for one in self.right]
        found = [score for score in scores if score is not None]
        return _share(score >= least for score in found)

    def mrr(self, least: float) -> float:
        """Mean reciprocal rank of the first right document among the first three hits."""
        return float(np.mean([_reciprocal(one, least) for one in self.right]))

    def spoken(self, sort: str, least: float) -> float | None:
        """Share of a sort of questions without an answer that get one; None without any."""
        answers = self.wrong.get(sort, ())
        if not answers:
            return None
        return _share(one.speaks(least) and not one.gated for one in answers)

    def calibrated(self) -> float | None:
        """The least score that `kbserver calibrate` would choose; None with too few questions."""
        right = [score for one in self.right if (score := one.right_score(SPOKEN))]
        near = [*self.wrong.get("near", ()), *self.wrong.get("turns", ())]
        wrong = [one.best_score for one in near if not one.gated]
        if min(len(right), len(wrong)) < 10:
            return None
        return choose(right, wrong).min_score


def _share(values: Iterator[bool]) -> float:
    listed = list(values)
    return sum(listed) / max(1, len(listed))


def _reciprocal(answer: JudgedAnswer, least: float) -> float:
    documents: dict[str, None] = {}
    for hit in answer.hits[:SPOKEN]:
        documents.setdefault(hit.document)
        if hit.relevance:
            return (hit.score >= least) / len(documents)
    return 0.0


def is_small_talk(question: Question) -> bool:
    """Whether a question asks nothing; `benchmarks.quality` counts those."""
    return any(word in question.kind for word in SMALLTALK)


async def measure(
    server: KBServer, found: Set, others: Sequence[Set], settings: Settings
) -> list[Measured]:
    """Measure every row of a set."""
    base = settings.turn_settings()
    ask = partial(
        evaluate, server, found.target.corpus, base=base, min_score=0.0, timed=0
    )
    wanting: dict[str, list[Question]] = {
        "near": [one for one in found.nothing if not is_small_talk(one)],
        "turns": list(_turns(found.folder.name)),
        "everyday": [
            Question(f"e{number}", text) for number, text in enumerate(EVERYDAY)
        ],
        "foreign": [q for other in others for q in _foreign(found, other)],
    }
    sorts = [(sort, question) for sort in WRONG for question in wanting[sort]]
    pool = tuple(
        replace(question, id=f"{place}", kind="unanswerable", history=question.history)
        for place, (_, question) in enumerate(sorts)
    )
    measured = []
    wrong: dict[bool, dict[str, list[JudgedAnswer]]] = {}
    for row in found.rows:
        in_scope = any(question.scope for question in row.dataset.questions)
        if in_scope not in wrong:
            asked = Dataset(tuple(_in_scope(pool, row, in_scope=in_scope)))
            answers = (await ask(asked, ARMS[:1])).variants["hybrid"].answers
            by_sort: dict[str, list[JudgedAnswer]] = {}
            for place, (sort, _) in enumerate(sorts):
                by_sort.setdefault(sort, []).append(answers[f"{place}"])
            wrong[in_scope] = by_sort
        sample = row.dataset.sample(ASKED)
        answers = (await ask(sample, ARMS[:1])).variants["hybrid"].answers
        right = [answers[question.id] for question in sample.questions]
        least = default_min_score(in_scope=in_scope)
        measured.append(Measured(row.name, least, right, wrong[in_scope]))
    return measured


def _in_scope(
    pool: Sequence[Question], row: Row, *, in_scope: bool
) -> Iterator[Question]:
    """Bind questions without a scope to those of a row's own, one after the other."""
    scopes = [question.scope for question in row.dataset.questions if question.scope]
    for place, question in enumerate(pool):
        if in_scope:
            yield replace(question, scope=scopes[place % len(scopes)])
        else:
            yield replace(question, scope={})


def _turns(name: str) -> Iterator[Question]:
    for number, line in enumerate(TURNS.read_text("utf-8").splitlines()):
        turn = json.loads(line)
        if turn["set"] == name:
            yield Question(f"t{number}", turn["text"])


def _foreign(found: Set, other: Set) -> Sequence[Question]:
    if other.target.language != found.target.language or not other.rows:
        return ()
    if {found.folder.name, other.folder.name} <= ENCYCLOPAEDIC:
        return ()
    rows = [row for row in other.rows if not row.name.endswith("in its scope")]
    return [
        replace(question, history=(), scope={})
        for question in rows[-1].dataset.sample(FOREIGN).questions
    ]


ENCYCLOPAEDIC = {"clapnq", "disflqa_dev", "mtrag", "noiseqa"}
"""Sets over pages of one encyclopaedia: one may answer what is asked of another."""


def table(results: Sequence[Measured]) -> str:
    """Return the results as a table in Markdown."""
    lines = [
        "| set | least | right | kept | MRR@3 | served | near | turns | everyday | foreign "
        "| calibrated: kept | near and turns |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for one in results:
        wrong = [one.spoken(sort, one.least) for sort in WRONG]
        chosen = one.calibrated()
        calibrated: list[float | None] = [None, None]
        if chosen is not None:
            both = [*one.wrong.get("near", ()), *one.wrong.get("turns", ())]
            spoken = _share(hit.speaks(chosen) and not hit.gated for hit in both)
            calibrated = [one.kept(chosen), spoken]
        cells = [one.kept(one.least), one.mrr(0.0), one.mrr(one.least), *wrong]
        lines.append(
            f"| {one.name} | {one.least} | {len(one.right)} | "
            + " | ".join(
                "–" if v is None else f"{v:.3f}" for v in [*cells, *calibrated]
            )
            + " |"
        )
    return "\n".join(lines)


async def run(sets: Sequence[Set], settings: Settings) -> list[Measured]:
    """Measure every row of every set."""
    results = []
    async with asking(settings, settings.store) as server:
        for found in sets:
            others = [other for other in sets if other is not found]
            results += await measure(server, found, others, settings)
    return results


def main() -> None:
    """Read the arguments, ingest what is due, measure, and print the table."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path, help="folders of sets")
    parser.add_argument("--only", action="append", help="names of sets to take")
    parser.add_argument("--cache", type=Path, default=cache_folder())
    given = parser.parse_args()
    sets = [
        one
        for one in find_sets(given.folders, given.cache)
        if not given.only or one.folder.name in given.only
    ]
    for found in sets:
        found.target.prepare()
    print(table(asyncio.run(run(sets, Settings(store=given.cache)))))


if __name__ == "__main__":
    main()
