"""Everything that is tried against kbserver, as often as docs/security.md says: hours of one core.

    python -m tests.hostile [--share .01] [--only isolation crash]

Prints a line for each part: how often it was tried, how long that took, and whether it held.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Part:
    """One test module that takes a number of trials from the environment."""

    what: str
    variable: str
    count: int

    @property
    def module(self) -> str:
        return f"tests/hostile/test_{self.what}.py"


PARTS = (
    Part("fuzz_kb", "HOSTILE_FUZZ", 100_000),
    Part("doors", "HOSTILE_DOORS", 2_000),
    Part("isolation", "HOSTILE_ISOLATION", 100_000),
    Part("import", "HOSTILE_FUZZ_IMPORT", 20_000),
    Part("crash", "HOSTILE_CRASHES", 1_000),
    Part("full_disk", "HOSTILE_FILL_LEVELS", 217),
    Part("damage", "HOSTILE_DAMAGE", 5),
)
OTHERS = ("documents", "flood")


def tried(part: Part, count: int) -> bool:
    """Run one part; returns whether all of its tests passed, and shows what failed."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    began = time.monotonic()
    run = subprocess.run(
        [*command, part.module],
        cwd=ROOT,
        env=os.environ | {part.variable: str(count)},
        capture_output=True,
        text=True,
    )
    held = "held" if run.returncode == 0 else "FAILED"
    seconds = time.monotonic() - began
    print(f"{part.what:<10} {count:>7} tried  {seconds:>6.0f} s  {held}", flush=True)
    if run.returncode:
        print(run.stdout[-4000:], run.stderr[-2000:])
    return run.returncode == 0


def converted(count: int) -> bool:
    """Feed every converter so many damaged files."""
    documents = ["-m", "tests.hostile.documents", "--count", str(count)]
    return subprocess.run([sys.executable, *documents], cwd=ROOT).returncode == 0


def flooded() -> bool:
    """Run the floods over the demo corpus."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        ingest = ["-m", "kbserver", "ingest", "corpora/broadband/docs"]
        to = ["--corpus", "broadband", "--store", str(store)]
        subprocess.run([sys.executable, *ingest, *to], cwd=ROOT, check=True)
        flood = ["-m", "tests.hostile.flood", "--store", str(store)]
        return subprocess.run([sys.executable, *flood], cwd=ROOT).returncode == 0


def main() -> int:
    """Try every part; the exit code is 1 if one did not hold."""
    names = [part.what for part in PARTS]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--share", type=float, default=1.0, help="of the trials of each part"
    )
    parser.add_argument("--only", nargs="+", choices=[*names, *OTHERS])
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    chosen = options.only or [*names, *OTHERS]
    outcomes = [
        tried(part, max(1, round(part.count * options.share)))
        for part in PARTS
        if part.what in chosen
    ]
    if "documents" in chosen:
        outcomes.append(converted(max(1, round(1_000 * options.share))))
    if "flood" in chosen:
        outcomes.append(flooded())
    return int(not all(outcomes))


if __name__ == "__main__":
    sys.exit(main())
