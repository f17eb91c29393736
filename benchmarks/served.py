"""A kbserver process to be measured: started, waited for, looked at from outside, stopped."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread


class Served:
    """A running `kbserver serve` on 127.0.0.1."""

    def __init__(
        self, process: subprocess.Popen[str], url: str, started: float
    ) -> None:
        self.process = process
        self.url = url
        """Of `POST /kb`."""
        self.base = url.removesuffix("/kb")
        self.started = started
        """`time.perf_counter()` when the process was started."""

    def wait_ready(self, limit_s: float = 60.0) -> float:
        """Wait for `/readyz` and return the seconds since the process was started."""
        while time.perf_counter() < self.started + limit_s:
            try:
                with urllib.request.urlopen(
                    f"{self.base}/readyz"
                ) as answer:  # our own server
                    if answer.status == 200:
                        return time.perf_counter() - self.started
            except urllib.error.HTTPError:
                pass
            time.sleep(0.01)
        raise TimeoutError(f"the server was not ready within {limit_s:.0f} s")

    def memory_mb(self) -> float:
        """Resident memory of the process and its children, in MB."""
        total = 0
        for pid in (self.process.pid, *_children(self.process.pid)):
            status = Path(f"/proc/{pid}/status").read_text()
            [resident_kb] = re.findall(r"VmRSS:\s+(\d+)", status)
            total += int(resident_kb)
        return total / 1024

    def cpu_s(self) -> float:
        """CPU seconds the process has used."""
        fields = (
            Path(f"/proc/{self.process.pid}/stat")
            .read_text()
            .rpartition(")")[2]
            .split()
        )
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def counters(self) -> dict[str, float]:
        """Read `/metrics`: every sample by its name with labels."""
        with urllib.request.urlopen(f"{self.base}/metrics") as answer:  # our own server
            lines = answer.read().decode().splitlines()
        samples = (
            line.rpartition(" ") for line in lines if line and not line.startswith("#")
        )
        return {name: float(value) for name, _, value in samples}


def outcomes(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, int]:
    """Outcomes, causes and refusals of the turns between two looks at `/metrics`."""
    found: Counter[str] = Counter()
    for name, value in after.items():
        kind = re.match(
            r"kbserver_(turns|turns_degraded|turns_empty|requests_refused)_total\{"
            r'.*?(?:outcome|reason|code)="(.*?)"',
            name,
        )
        if kind and value > before.get(name, 0.0):
            prefix = {
                "turns": "",
                "turns_degraded": "degraded ",
                "turns_empty": "empty ",
            }.get(kind[1], "refused ")
            found[prefix + kind[2]] += int(value - before.get(name, 0.0))
    return dict(found)


def by_both_arms(said: Mapping[str, int]) -> int:
    """Turns that both arms searched, whether or not a hit was good enough to be said."""
    return sum(
        said.get(what, 0)
        for what in ("full", "empty below_min_score", "empty no_match")
    )


@contextmanager
def served(
    store: Path, *options: str, ready: bool = True, **environment: str
) -> Iterator[Served]:
    """Start `kbserver serve --open` on a free port and stop it at the end.

    Args:
        options: more of the command line.
        ready: wait until every model is warm.
        environment: settings as `KBSERVER_…` variables.
    """
    command = [
        sys.executable,
        "-m",
        "kbserver",
        "serve",
        "--store",
        str(store),
        "--port",
        "0",
        "--open",
        *options,
    ]
    with started(command, r"kb_endpoint\s+(\S+)", environment) as server:
        if ready:
            server.wait_ready()
        yield server


@contextmanager
def started(
    command: Sequence[str], pattern: str, environment: Mapping[str, str]
) -> Iterator[Served]:
    """Start a server and wait for the line on stderr that holds its URL."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env=os.environ | dict(environment),
    )
    lines = []
    try:
        assert process.stderr is not None
        for line in process.stderr:
            lines.append(line)
            if found := re.search(pattern, line):
                break
        else:
            raise RuntimeError(f"the server ended: {''.join(lines)[-2000:]}")
        # A full pipe would stop the server at its next log line, so it is emptied.
        Thread(target=process.stderr.read, daemon=True).start()
        yield Served(process, found[1], began)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found
