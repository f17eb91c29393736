"""The sets of questions of `benchmarks/quality.py`, and what was measured of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from kbserver.evaluation.dataset import Dataset, Question, read_dataset
from kbserver.evaluation.evaluate import Evaluation
from kbserver.evaluation.target import Target, find_target


@dataclass(frozen=True)
class Row:
    """One wording of one set's questions."""

    name: str
    target: Target
    dataset: Dataset


@dataclass
class Result:
    """What was measured of a row."""

    row: Row
    full: Evaluation
    """All questions in every arm."""
    ablated: Evaluation
    """Some of them with each step switched off."""
    passages: int
    nothing: Evaluation | None = None
    """What should get nothing, in the same scopes."""


@dataclass
class Set:
    """One folder."""

    folder: Path
    target: Target
    rows: list[Row] = field(default_factory=list)
    nothing: list[Question] = field(default_factory=list)


def find_sets(folders: Sequence[Path], cache: Path) -> list[Set]:
    """Read every set in some folders, in the order of their names."""
    sets = []
    for folder in sorted(
        inner for outer in folders for inner in outer.iterdir() if inner.is_dir()
    ):
        files = sorted(folder.glob("queries*.jsonl"))
        if files and any(
            (folder / name).exists() for name in ("corpus.jsonl", "CORPUS", "docs")
        ):
            sets.append(
                read_set(
                    folder, files, find_target(str(folder), store=cache, cache=cache)
                )
            )
    return sets


def read_set(folder: Path, files: Sequence[Path], target: Target) -> Set:
    """Read the questions of one folder; a file that repeats one of its variants is left out."""
    found = Set(folder, target)
    variants = [file for file in files if file.name != "queries.jsonl"]
    primary = [file for file in files if file.name == "queries.jsonl"]
    repeated = {file.read_bytes() for file in variants}
    for file in [
        *(one for one in primary if one.read_bytes() not in repeated),
        *variants,
    ]:
        dataset = read_dataset([file], target.qrels)
        kept = [
            one
            for one in dataset.questions
            if dataset.judgement(one) in ("documents", "answer")
        ]
        found.nothing += [
            one
            for one in dataset.questions
            if dataset.judgement(one) in ("nothing", "smalltalk")
        ]
        variant = file.stem.removeprefix("queries").removeprefix(".")
        name = f"{folder.name} {variant}".strip()
        asked = replace(dataset, questions=tuple(kept))
        if any(question.scope for question in kept):
            found.rows.append(Row(f"{name}, in its scope", target, asked))
            anywhere = tuple(replace(question, scope={}) for question in kept)
            found.rows.append(Row(name, target, replace(dataset, questions=anywhere)))
        elif kept:
            found.rows.append(Row(name, target, asked))
    return found
