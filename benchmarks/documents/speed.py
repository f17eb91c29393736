"""How fast each converter reads the same real files, format by format, in one run.

Each is one warm process, so neither its start nor its imports count. Files are taken in turn, the
converters in an order drawn anew for each; of a file's rounds the median counts. A ratio is over
the files that both read, and so is the page's: a format that a peer does not read has none.
"""

from __future__ import annotations

import random
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.documents.converters import OURS, Converter


@dataclass(slots=True)
class Times:
    """What one converter took for the files of a format, in seconds by file."""

    wall: dict[Path, float] = field(default_factory=dict)
    cpu: dict[Path, float] = field(default_factory=dict)
    failed: list[tuple[Path, str]] = field(default_factory=list)


def by_format(folder: Path, most: int) -> dict[str, list[Path]]:
    """Return a folder's files by suffix, at most so many of each, evenly by their size."""
    found: dict[str, list[Path]] = defaultdict(list)
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            found[file.suffix.lower().removeprefix(".")].append(file)
    return {name: _spread(files, most) for name, files in sorted(found.items())}


def timed(
    files: Sequence[Path], converters: Sequence[Converter], rounds: int
) -> dict[str, Times]:
    """Return what each converter took for some files of one format."""
    found = {one.name: Times() for one in converters}
    for one in converters:
        one.convert(files[0])  # its imports are not counted
    for file in files:
        taken: dict[str, list[tuple[float, float]]] = defaultdict(list)
        reasons: dict[str, str] = {}
        for _ in range(rounds):
            for one in random.sample(converters, len(converters)):
                if one.name in reasons:
                    continue
                done = one.convert(file)
                if done.reason or not done.text.strip():
                    reasons[one.name] = done.reason or "no text"
                taken[one.name].append((done.seconds, done.cpu_s))
        for name, times in found.items():
            if name in reasons:
                times.failed.append((file, reasons[name]))
                continue
            times.wall[file] = statistics.median(wall for wall, _ in taken[name])
            times.cpu[file] = statistics.median(cpu for _, cpu in taken[name])
    return found


def table(found: Mapping[str, Mapping[str, Times]], names: Iterable[str]) -> str:
    """Return documents a second by format, and how many times ours is as fast."""
    others = [name for name in names if name != OURS]
    lines = [
        f"| format | files | kbserver, documents/s | {' | '.join(others)} |",
        f"|---|--:|--:|{'---|' * len(others)}",
    ]
    for form, by_name in found.items():
        ours = by_name[OURS]
        files = len(ours.wall) + len(ours.failed)
        read = f"{len(ours.wall)} of {files}"
        cells = [_against(ours, by_name[name]) for name in others]
        rate = _rate(ours.wall.values())
        lines.append(f"| {form} | {read} | {rate} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _against(ours: Times, theirs: Times) -> str:
    """Return the rate of a peer, and the ratios of its times to ours."""
    both = ours.wall.keys() & theirs.wall.keys()
    if not both:
        return "not read"
    wall, cpu = (
        sum(peer[file] for file in both) / sum(own[file] for file in both)
        for peer, own in ((theirs.wall, ours.wall), (theirs.cpu, ours.cpu))
    )
    rate = _rate(theirs.wall[file] for file in both)
    return f"{rate} ({len(both)} files): {wall:.1f} ×, {cpu:.1f} × processor time"


def _rate(seconds: Iterable[float]) -> str:
    taken = list(seconds)
    if not taken:
        return "–"
    return f"{len(taken) / sum(taken):.1f}"


def _spread(files: list[Path], most: int) -> list[Path]:
    by_size = sorted(files, key=lambda file: (file.stat().st_size, file.name))
    step = max(len(by_size) / most, 1.0)
    return [by_size[int(at * step)] for at in range(min(most, len(by_size)))]
