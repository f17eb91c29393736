"""Gaps of questions put several ways: are the groups pure, and is a subject one group?

    python -m benchmarks.gaps --judged SETS/stackfaq [--turns 1000000]

Each question is recorded as a silent turn, with the embedding that a turn would have had; then the
gaps are asked for, as `kbserver gaps` does. A subject is the document that answers its questions.

purity: share of the questions that are in a group of mostly their own subject. completeness: share
that is in the largest group of its subject. With --turns a week of so many turns is recorded first,
a tenth of them silent, and the time of `kbserver gaps` over it is measured.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from kbserver.embedding.models import open_encoder
from kbserver.endpoint.telling import in_bytes
from kbserver.evaluation.dataset import Dataset, read_dataset
from kbserver.notes import CandidateNote, SearchNote, TurnNote, WordsNote
from kbserver.record.database import changing, key_of
from kbserver.record.gaps.grouping import gaps, grouped, unit_vectors
from kbserver.record.rows import Rows
from kbserver.settings import DEFAULT_MODEL

WEEK_S = 7 * 86_400.0
BATCH = 5_000
SILENT = 0.1


def main() -> None:
    """Print purity, completeness and, if wanted, the time over many turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judged", type=Path, required=True)
    parser.add_argument("--queries", default="queries*.jsonl")
    parser.add_argument("--turns", type=int, default=0)
    options = parser.parse_args()
    for file in sorted(options.judged.glob(options.queries)):
        dataset = read_dataset([file], options.judged / "qrels.docs.tsv")
        embeddings = embedded([question.text for question in dataset.questions])
        show(file.name, dataset, embeddings)
    if options.turns:
        texts = [question.text for question in dataset.questions]
        show_time(texts, embeddings, options.turns)


def embedded(texts: Sequence[str]) -> list[bytes]:
    """Return what a turn of each text would record."""
    encoder = open_encoder(DEFAULT_MODEL, for_queries=True)
    try:
        return [in_bytes(encoder.embed_queries([text])[0]) for text in texts]
    finally:
        encoder.close()


def show(name: str, dataset: Dataset, embeddings: Sequence[bytes]) -> None:
    """Print how well the groups fit the subjects."""
    subjects = [next(iter(dataset.qrels[one.id])) for one in dataset.questions]
    groups = grouped(unit_vectors(embeddings))
    purity = sum(
        Counter(subjects[place] for place in group).most_common(1)[0][1]
        for group in groups
    )
    largest: Counter[str] = Counter()
    for group in groups:
        for subject, count in Counter(subjects[place] for place in group).items():
            largest[subject] = max(largest[subject], count)
    total = len(subjects)
    print(
        f"{name}: {total} questions, {len(set(subjects))} subjects, {len(groups)} groups, "
        f"purity {purity / total:.3f}, completeness {sum(largest.values()) / total:.3f}"
    )


def show_time(texts: Sequence[str], embeddings: Sequence[bytes], count: int) -> None:
    """Print how long the gaps of a week of turns take."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with changing(folder) as connection:
            rows = Rows(connection, key=key_of(folder), mask=lambda text: text)
            batch: list[TurnNote] = []
            for turn in turns_of(texts, embeddings, count):
                batch.append(turn)
                if len(batch) == BATCH:
                    rows.add(batch, [])
                    batch = []
            rows.add(batch, [])
            began_s, at_work_s = time.perf_counter(), time.process_time()
            found = gaps(connection, since=time.time() - 2 * WEEK_S)
            took_s = time.perf_counter() - began_s
            worked_s = time.process_time() - at_work_s
    print(
        f"{count} turns of a week: {len(found)} gaps in {took_s:.2f} s, "
        f"CPU {worked_s:.2f} s"
    )


def turns_of(
    texts: Sequence[str], embeddings: Sequence[bytes], count: int
) -> Iterator[TurnNote]:
    """Yield turns over a week, oldest first."""
    random = np.random.default_rng(7)
    chosen = random.integers(len(texts), size=count)
    silent = random.random(count) < SILENT
    began = time.time() - WEEK_S
    for number in range(count):
        place = int(chosen[number])
        at = began + WEEK_S * number / count
        is_silent = bool(silent[number])
        yield TurnNote(
            id=f"{int(at * 1000.0):012x}{number & 0xFFFFFFFF:08x}",
            at=at,
            label=f"call-{number // 4}",
            route="*",
            outcome="empty" if is_silent else "full",
            reason="below_min_score" if is_silent else None,
            cached=False,
            leaned=False,
            in_budget=True,
            total_ms=7.0,
            budget_ms=150.0,
            waited_ms=0.0,
            stages_ms={"embed": 5.0},
            answer_bytes=700,
            spoken_s=12.0,
            token="static",  # a kind
            probe=None,
            traceparent=None,
            searches=(SearchNote("help", "000001-a", 0.15, "default"),),
            candidates=tuple(_candidates(place, is_silent)),
            words=WordsNote(None, texts[place], texts[place], embeddings[place]),
        )


def _candidates(place: int, silent: bool) -> Iterable[CandidateNote]:
    for number in range(3):
        score = 0.1 if silent else 0.8
        name = f"{place % 125:03}.md"
        yield CandidateNote(
            "help", f"p{place}-{number}", name, score, 1.0, 0.5, not silent
        )


if __name__ == "__main__":
    main()
