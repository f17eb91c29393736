"""How a converter answers `benchmarks.documents`: a file's path a line in, JSON a line out."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable


def answer(convert: Callable[[str], str]) -> None:
    """Convert each file that standard input names, until it ends.

    Args:
        convert: returns the Markdown of the file at a path.
    """
    # what a converter prints is no answer
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        path = json.loads(line)
        text, reason = "", ""
        cpu, began = _cpu_s(), time.perf_counter()
        try:
            with contextlib.redirect_stdout(sys.stderr):
                text = convert(path)
        except Exception as exc:
            reason = f"{type(exc).__name__}: {exc}"[:300]
        seconds, cpu = time.perf_counter() - began, _cpu_s() - cpu
        said = {"text": text, "reason": reason, "seconds": seconds, "cpu_s": cpu}
        print(json.dumps(said), file=answers, flush=True)


def _cpu_s() -> float:
    """Return the processor time of this process and its children."""
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)
