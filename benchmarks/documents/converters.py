"""The converters that are compared, each a process in an environment of its own."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

OURS = "kbserver"
PEERS = ("docling", "markitdown", "unstructured")
SCRIPTS = Path(__file__).parents[1] / "peers" / "converters"
HERE = Path(__file__).parents[2]

_STARTS_IN_S = 300.0
"""Imports and models of the slowest, from a cold disk."""


@dataclass(frozen=True, slots=True)
class Converted:
    """What a converter made of one file."""

    text: str
    reason: str
    """Why there is none; "" if there is."""
    seconds: float
    """By the clock on the wall, inside the converter's process."""
    cpu_s: float
    """Of processor time, of all its threads and children."""


@dataclass(slots=True)
class Converter:
    """One converter; its process is started when it is needed, and ends with `with`."""

    name: str
    python: Path
    script: Path
    path: Path = HERE
    """A checkout of kbserver that comes first on its path."""
    seconds: float = 120.0
    """Longest time for a file; its process is ended then."""
    _process: subprocess.Popen[str] | None = field(default=None, init=False)

    def convert(self, file: Path) -> Converted:
        """Return a file's Markdown, or why there is none."""
        was_running = self._process is not None
        process = self._started()
        assert process.stdin is not None and process.stdout is not None
        print(json.dumps(os.fspath(file.resolve())), file=process.stdin, flush=True)
        limit = self.seconds
        if not was_running:
            limit += _STARTS_IN_S
        ready, _, _ = select.select([process.stdout], [], [], limit)
        if not ready:
            self.close()
            return Converted("", f"not converted in {self.seconds:g} s", limit, limit)
        line = process.stdout.readline()
        if not line:
            self.close()
            return Converted("", "its process ended", 0.0, 0.0)
        return Converted(**json.loads(line))

    def version(self) -> str:
        """Return its name with the version that is installed; ours is this checkout."""
        if self.name == OURS:
            return OURS
        code = f"from importlib.metadata import version; print(version({self.name!r}))"
        command = [os.fspath(self.python), "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return f"{self.name} {done.stdout.strip()}"

    def close(self) -> None:
        """End its process, if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def __enter__(self) -> Converter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(
                [os.fspath(self.python), os.fspath(self.script)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=_environment(self.path),
            )
        return self._process


def ours(name: str = OURS, path: Path = HERE) -> Converter:
    """Return kbserver of a checkout, on the packages of this environment."""
    script = SCRIPTS / "kbserver_converter.py"
    return Converter(name, Path(sys.executable), script, path)


def peers(environments: Path) -> list[Converter]:
    """Return the peers whose environment lies in a folder, under their names."""
    found = []
    for name in PEERS:
        python = environments / name / "bin" / "python"
        if python.exists():
            found.append(Converter(name, python, SCRIPTS / f"{name}_converter.py"))
    return found


def _environment(path: Path) -> dict[str, str]:
    """Return variables for a process that reaches no site and takes one core."""
    own: dict[str, Any] = {
        "PYTHONPATH": os.fspath(path),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    return os.environ | own
