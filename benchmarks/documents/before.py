"""The conversion of a whole folder by this checkout and by another one, alternating.

Each run is a new process on the packages of this environment. It reads the folder as an ingest
does, with the processes that its code starts for it, and stops before documents are cut. Then
every file is read alone, by one warm process of each.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.documents.converters import HERE, ours

_SCRIPT = Path(__file__).with_name("reading.py")
_LEAST_S = 0.02
"""Of a file: the clock is too coarse for shorter ones."""


@dataclass(frozen=True, slots=True)
class Run:
    """One reading of the folder."""

    seconds: float
    cpu_s: float
    documents: int
    blocks: int


def whole(folder: Path, other: Path, rounds: int) -> dict[str, list[Run]]:
    """Return the runs of `this` and the `other` checkout."""
    found: dict[str, list[Run]] = {"this": [], "other": []}
    for _ in range(rounds):
        for name, checkout in (("other", other), ("this", HERE)):
            command = [sys.executable, "-P", os.fspath(_SCRIPT), os.fspath(folder)]
            environment = os.environ | {"PYTHONPATH": os.fspath(checkout)}
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=True
            )
            found[name].append(Run(**json.loads(done.stdout)))
    return found


def alone(files: Sequence[Path], other: Path, rounds: int) -> dict[Path, float]:
    """Return how many times as long each file takes as before, slowest first.

    Of a file's rounds the fastest counts, in seconds of processor time.
    """
    ratios: dict[Path, float] = {}
    with ours("this") as this, ours("other", other) as before:
        for file in files:
            taken: dict[str, list[float]] = {"this": [], "other": []}
            for _ in range(rounds):
                for one in (before, this):
                    done = one.convert(file)
                    if not done.reason:
                        taken[one.name].append(done.cpu_s)
            if all(taken.values()) and max(map(min, taken.values())) >= _LEAST_S:
                ratios[file] = min(taken["this"]) / min(taken["other"])
    return dict(sorted(ratios.items(), key=lambda one: -one[1]))


def table(found: Mapping[str, Sequence[Run]], ratios: Mapping[Path, float]) -> str:
    """Return both as Markdown."""
    lines = ["| checkout | s | s of processors | documents |", "|---|--:|--:|--:|"]
    for name, runs in found.items():
        seconds = statistics.median(run.seconds for run in runs)
        cpu_s = statistics.median(run.cpu_s for run in runs)
        lines.append(f"| {name} | {seconds:.1f} | {cpu_s:.1f} | {runs[0].documents} |")
    pairs = zip(found["this"], found["other"], strict=True)
    faster = statistics.median(other.seconds / this.seconds for this, other in pairs)
    lines += ["", f"The whole folder: {faster:.2f} × as fast."]
    if ratios:
        slowest, ratio = next(iter(ratios.items()))
        median = statistics.median(ratios.values())
        lines.append(
            f"File by file, in one process: {median:.2f} × the time in the median, "
            f"{ratio:.2f} × at most ({slowest.name})."
        )
    return "\n".join(lines)
