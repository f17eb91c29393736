"""Files to documents, in processes that may die: no file ends or holds up an ingest.

Parsers are other people's, many of them in C. A file may crash one, fill the memory or
keep it busy for ever. Each process here converts one file at a time inside limits; the
file that ends it is unreadable, and a fresh process goes on with the next one.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TypeAlias, TypeVar

from kbserver.embedding.cores import usable_cores
from kbserver.errors import DocumentUnreadable, IngestError
from kbserver.ingest.blocks import Block, BlockKind, Document
from kbserver.ingest.cells import write_cells
from kbserver.ingest.formats.shared.source import Ocr
from kbserver.ingest.load import NEEDS_MEMORY
from kbserver.ingest.walk import FoundFile
from kbserver.types import Cells

Convert: TypeAlias = Callable[[FoundFile], Future[list[Document]]]
"""Begins to read a file; the result raises DocumentUnreadable if it cannot be read."""
OnPage: TypeAlias = Callable[[], None]
Load: TypeAlias = Callable[..., list[Document]]
"""Reads the file at a path under the name of a source, as `load.load` does."""
Begun = TypeVar("Begun")

_LOAD = "kbserver.ingest.load:load"

_MOST_AHEAD = 32
"""Files that are converted before their turn."""
_MOST_AHEAD_BYTES = 64 * 1024**2
"""And together at most so large, so that few large ones are in memory."""
_FILES_A_PROCESS = 64
_BYTES_A_PROCESS = 4 * 1024**2
"""Fewer or smaller files are converted sooner than a further process is started."""

_MOST_ANSWER_BYTES = 512 * 1024**2
"""Of one file's documents; 256 MiB of records take about 350."""
_MOST_WRITTEN_BYTES = 16 * 1024**2
"""Of a file that a converter writes: none of them has a reason to."""
_WORN_AT = 0.5
"""Of its memory limit: a process that holds more after a file is replaced."""

_MOST_REASON_CHARACTERS = 300
_LEAVES_IN_S = 5.0
"""A process that hung up, or was told that no file comes any more."""

_LENGTH = struct.Struct("!Q")
"""Stands before an answer."""
_GOING_ON = 1
"""In place of that length: a page begins to be recognised, and may take as long again."""
_MOST_PAGES = 10_000
"""Of one file; a converter that names more was taken over by it."""
_RECEIVED_AT_ONCE = 1024**2
_START = (
    "import sys; sys.path[:] = sys.argv[2:]; "
    "from kbserver.ingest.conversion import serve; serve(sys.argv[1])"
)
_PR_SET_PDEATHSIG = 1
"""Source: prctl(2) of Linux."""


@dataclass(frozen=True, slots=True)
class ConversionLimits:
    """What the conversion of one file may take; a file that needs more is skipped."""

    seconds: float = 120.0
    """Of processor time."""
    patience: float = 5.0
    """Times these seconds by the clock on the wall: others may hold the cores, too."""
    memory_bytes: int = 4 * 1024**3
    """Of data; the largest file of records takes about half. Only Linux enforces it."""

    @property
    def wall_seconds(self) -> float:
        """By the clock on the wall."""
        return self.patience * self.seconds


def _nothing() -> None:
    """Do nothing."""


class Conversion:
    """A few processes that convert files side by side; they end with the `with` block.

    They are started when there is work for them, and end with this process, too.
    """

    def __init__(
        self,
        limits: ConversionLimits,
        *,
        processes: int = 1,
        ocr: Ocr | None = None,
        on_page: OnPage | None = None,
        cells: Cells | None = None,
        load: str = _LOAD,
    ) -> None:
        """Start nothing yet.

        Args:
            processes: files that are converted at a time, at least 1.
            ocr: how text on pictures is recognised; None if it is not. The limits of
                time hold for each of their pages.
            on_page: called whenever a page begins to be recognised, by any thread.
            cells: the words that are written for ticks, truth values, months; None: English.
            load: `module:function` that reads one file, as `load.load` does.
        """
        self.processes = processes
        self._limits = limits
        self._ocr = ocr and replace(ocr, threads=max(usable_cores() // processes, 1))
        self._on_page = on_page or _nothing
        self._cells = cells or Cells()
        self._load = load
        self._threads = ThreadPoolExecutor(processes, "kbserver-convert")
        self._lock = threading.Lock()
        self._idle: list[_Process] = []
        self._busy: set[_Process] = set()
        self._is_closed = False

    @classmethod
    def of(
        cls,
        files: Sequence[FoundFile],
        limits: ConversionLimits,
        ocr: Ocr | None = None,
        on_page: OnPage | None = None,
        *,
        cells: Cells | None = None,
    ) -> Conversion:
        """Return one with as many processes as files of this number and size are worth."""
        size = sum(file.size for file in files)
        worth = 1 + len(files) // _FILES_A_PROCESS + size // _BYTES_A_PROCESS
        processes = min(worth, usable_cores())
        return cls(limits, processes=processes, ocr=ocr, on_page=on_page, cells=cells)

    def convert(self, file: FoundFile) -> Future[list[Document]]:
        """Begin to read a file, and return the documents that `load` will give.

        Its result raises DocumentUnreadable for whatever goes wrong with the file.
        """
        return self._threads.submit(self._convert, file)

    def close(self) -> None:
        """End all processes; files that were not converted by now are cancelled."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
            for process in self._busy:
                process.kill()
        self._threads.shutdown(cancel_futures=True)
        for process in idle:
            process.close()

    def __enter__(self) -> Conversion:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _convert(self, file: FoundFile) -> list[Document]:
        """Convert a file; one that ends a used process gets another: it may be innocent."""
        while True:
            process = self._take(file.source)
            is_fresh = not process.is_used
            try:
                return process.convert(file.path, file.source)
            except DocumentUnreadable:
                if is_fresh or not process.has_crashed:
                    raise
            finally:
                self._put_back(process)

    def _take(self, source: str) -> _Process:
        """Return an idle process, or a new one.

        Raises:
            DocumentUnreadable: the system starts no further process.
        """
        with self._lock:
            if self._is_closed:
                raise CancelledError
            if self._idle:
                process = self._idle.pop()
            else:
                process = self._started(source)
            self._busy.add(process)
            return process

    def _started(self, source: str) -> _Process:
        try:
            options = {"load": self._load, "cells": asdict(self._cells)}
            return _Process(self._limits, options, self._ocr, self._on_page)
        except OSError as exc:
            reason = f"no process could be started to convert it ({exc.strerror})"
            raise DocumentUnreadable(source, reason) from exc

    def _put_back(self, process: _Process) -> None:
        with self._lock:
            self._busy.remove(process)
            if not self._is_closed and not process.is_worn:
                self._idle.append(process)
                return
        process.close()


def ahead(
    begun: Iterable[Begun], file_of: Callable[[Begun], FoundFile]
) -> Iterator[Begun]:
    """Yield what was begun in its order, while some of what follows is begun.

    Args:
        begun: each is begun when it is taken from here.
        file_of: returns the file that one of them is about.
    """
    waiting: deque[Begun] = deque()
    waiting_bytes = 0
    for one in begun:
        waiting.append(one)
        waiting_bytes += file_of(one).size
        while len(waiting) > _MOST_AHEAD or waiting_bytes > _MOST_AHEAD_BYTES:
            first = waiting.popleft()
            waiting_bytes -= file_of(first).size
            yield first
    yield from waiting


class _Process:
    """One process that converts files, seen from outside."""

    def __init__(
        self,
        limits: ConversionLimits,
        options: Mapping[str, object],
        ocr: Ocr | None,
        on_page: OnPage,
    ) -> None:
        self._limits = limits
        self._on_page = on_page
        self.is_used = False
        """Whether it was given a file before."""
        self.is_worn = False
        """Whether it shall convert no further file, or cannot."""
        self.has_crashed = False
        """Whether it ended by itself, or by what an earlier file did to it."""
        self._socket, theirs = socket.socketpair()
        told = {
            **options,
            "socket": theirs.fileno(),
            "parent": os.getpid(),
            "ocr": ocr and asdict(ocr),
            **asdict(limits),
        }
        # -P: no module is taken from the folder that this process happens to be in. -S: the
        # path is this process's; what an installation runs at every start (.pth) stays out.
        command = [
            sys.executable,
            "-P",
            "-S",
            "-c",
            _START,
            json.dumps(told),
            *sys.path,
        ]
        with theirs, _closed_on_failure(self._socket):
            self._process = subprocess.Popen(  # noqa: S603  all of it is ours
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                process_group=0,  # Ctrl-C is for the ingest, which ends this process
            )

    def convert(self, path: Path, source: str) -> list[Document]:
        """Return a file's documents.

        Raises:
            DocumentUnreadable: the file cannot be read, or not inside the limits.
        """
        self.is_used = True
        request = json.dumps([os.fspath(path.absolute()), source]) + "\n"
        try:
            self._socket.settimeout(self._limits.wall_seconds)
            self._socket.sendall(request.encode("ascii"))
            answer = json.loads(self._answer())
            self.is_worn = answer["is_worn"]
            if answer["reason"]:
                raise DocumentUnreadable(
                    source, answer["reason"][:_MOST_REASON_CHARACTERS]
                )
            return [_document(*fields) for fields in answer["documents"]]
        except IngestError:
            raise
        except Exception as exc:  # of a process that died or was taken over by a file
            self.is_worn = True
            raise DocumentUnreadable(source, self._why(exc)) from exc

    def kill(self) -> None:
        """End it in the middle of a file."""
        self._process.kill()

    def close(self) -> None:
        """End it: it leaves when nothing more can come."""
        self._socket.close()
        if self.is_worn:
            self._process.kill()
        self._exit_code()

    def _exit_code(self) -> int:
        """Wait until it has ended, and make it if it does not."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_LEAVES_IN_S)
        self._process.kill()
        return self._process.wait()

    def _answer(self) -> bytearray:
        """Return its answer, which may take as long again after each page it names."""
        for _ in range(_MOST_PAGES):
            give_up_at = time.monotonic() + self._limits.wall_seconds
            [size] = _LENGTH.unpack(self._received(_LENGTH.size, give_up_at))
            if size != _GOING_ON:
                return self._received(size, give_up_at)
            self._on_page()
        raise OverflowError(_MOST_PAGES)

    def _received(self, size: int, give_up_at: float) -> bytearray:
        """Return the next bytes of its answer.

        Raises:
            OverflowError: that would be too many.
            EOFError: it died before.
            TimeoutError: it takes too long.
        """
        if size > _MOST_ANSWER_BYTES:
            raise OverflowError(size)
        received = bytearray()
        while len(received) < size:
            self._socket.settimeout(max(give_up_at - time.monotonic(), 0.001))
            most = min(size - len(received), _RECEIVED_AT_ONCE)
            part = self._socket.recv(most)
            if not part:
                raise EOFError
            received += part
        return received

    def _why(self, problem: Exception) -> str:
        """Say why there is no answer, and end the process."""
        if isinstance(problem, EOFError | ConnectionError):
            code = self._exit_code()
            self.has_crashed = code != -signal.SIGPROF
            return _cause_of_death(code, self._limits)
        self._process.kill()
        if isinstance(problem, TimeoutError):
            return _too_long(f"{self._limits.wall_seconds:g} s")
        return "its converter gave no proper answer; save it anew or leave it out"


@contextmanager
def _closed_on_failure(connection: socket.socket) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _cause_of_death(code: int, limits: ConversionLimits) -> str:
    """Return in words why a process ended before it answered.

    Args:
        code: its exit status, or the negative number of the signal that ended it.
    """
    if code == -signal.SIGPROF:
        return _too_long(f"{limits.seconds:g} s of processor time")
    if code == -signal.SIGKILL:
        return "its converter was killed; is the machine short of memory? Ingest again"
    how = f"exit code {code}"
    if code < 0:
        how = signal.Signals(-code).name
    return f"its converter crashed ({how}): damaged or too large; save it anew"


def _too_long(limit: str) -> str:
    return f"not converted in {limit}: split it, or raise --file-seconds"


def _document(
    source: str,
    title: str,
    blocks: list[tuple[BlockKind, str, int, int, float | None]],
    lead_ins: list[str],
    metadata: dict[str, object],
    notes: list[str],
    shown: dict[str, str],
) -> Document:
    """Return a document as `_fields` took it apart."""
    whole = tuple(
        Block(kind, text, level, lead_ins[at], sure)
        for kind, text, level, at, sure in blocks
    )
    return Document(source, title, whole, metadata, tuple(notes), shown)


def serve(options: str) -> None:
    """Convert one file after the other, as told by the process that started this one.

    Args:
        options: a JSON object: the number of the connected `socket`, the process id of
            the `parent`, what is to `load` a file, the words of the corpus's language for
            `cells`, how text on pictures is recognised (`ocr`), and the limits.
    """
    given = json.loads(options)
    seconds, memory_bytes = given["seconds"], given["memory_bytes"]
    _end_with(given["parent"])
    _limit(memory_bytes)
    module, function = given["load"].split(":")
    load: Load = getattr(import_module(module), function)
    with socket.socket(fileno=given["socket"]) as connection:

        def going_on() -> None:
            signal.setitimer(signal.ITIMER_PROF, seconds)
            connection.sendall(_LENGTH.pack(_GOING_ON))

        if given["ocr"]:
            load = partial(load, ocr=Ocr(**given["ocr"]), going_on=going_on)
        # what a parser prints may be words of the document
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stderr.fileno())
        write_cells(Cells(**given["cells"]))
        for line in connection.makefile("rb"):
            path, source = json.loads(line)
            signal.setitimer(signal.ITIMER_PROF, seconds)
            answer = _answer(load, Path(path), source, memory_bytes)
            connection.sendall(_LENGTH.pack(len(answer)) + answer)
            signal.setitimer(signal.ITIMER_PROF, 0.0)


def _end_with(parent: int) -> None:
    """Have this process killed when its parent ends, as far as the system can.

    Elsewhere than on Linux it leaves after the file it is converting.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(0)


def _limit(memory_bytes: int) -> None:
    """Limit what this process may take from the machine."""
    limits = {
        resource.RLIMIT_DATA: memory_bytes,
        resource.RLIMIT_FSIZE: _MOST_WRITTEN_BYTES,
        resource.RLIMIT_CORE: 0,
    }
    for kind, limit in limits.items():
        with suppress(ValueError, OSError):  # it is limited to less already
            resource.setrlimit(kind, (limit, limit))


def _answer(load: Load, path: Path, source: str, memory_bytes: int) -> bytes:
    """Return the documents of a file, or the reason why there are none, as JSON."""
    try:
        answer = _packed("", load(path, source), memory_bytes)
    except DocumentUnreadable as exc:
        reason = exc.reason
    except IngestError as exc:
        reason = str(exc)
    except MemoryError:
        reason = NEEDS_MEMORY
    except Exception as exc:  # such as metadata that JSON cannot hold
        reason = f"cannot be converted ({type(exc).__name__}); leave it out"
    else:
        if len(answer) <= _MOST_ANSWER_BYTES:
            return answer
        reason = f"holds over {_MOST_ANSWER_BYTES // 1024**2} MiB of text; split it"
    return _packed(reason, [], memory_bytes)


def _packed(reason: str, documents: list[Document], memory_bytes: int) -> bytes:
    answer = {
        "reason": reason,
        "is_worn": _data_bytes() > _WORN_AT * memory_bytes,
        "documents": [_fields(document) for document in documents],
    }
    text = json.dumps(answer, ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def _data_bytes() -> int:
    """Return how much of its memory limit this process holds; 0 where that is unknown.

    Source: proc_pid_statm(5); its sixth number are the pages of data and stack.
    """
    try:
        pages = Path("/proc/self/statm").read_text().split()[5]
    except OSError:
        return 0
    return int(pages) * resource.getpagesize()


def _fields(document: Document) -> list[object]:
    """Take a document apart; a lead-in that many rows have in common comes once."""
    lead_ins: dict[str, int] = {}
    blocks = []
    for block in document.blocks:
        at = lead_ins.setdefault(block.lead_in, len(lead_ins))
        sure = block.confidence
        blocks.append((block.kind, block.text, block.level, at, sure))
    return [
        document.source,
        document.title,
        blocks,
        list(lead_ins),
        dict(document.metadata),
        document.notes,
        dict(document.shown),
    ]
