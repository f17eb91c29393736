"""What each of several processes counted, kept beyond its end: a file that has no name.

A process has a place in the file for as long as it lives: a lock tells so, and is gone with the
process, however that ends. The next process takes over a place that was left, with what stands
there, so that no count ever falls.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable
from multiprocessing import reduction
from struct import Struct
from threading import Lock
from typing import IO, Any, NamedTuple, TypeAlias

MOST_PLACES = 256
"""Processes that live at once."""

HALF_BYTES = 1 << 20
"""Of a place, which has two halves; what was never written takes no memory."""

FRESH_S = 10.0
"""A process that has written nothing for so long tells nothing of now."""

Sample: TypeAlias = tuple[str, dict[str, str], float]
"""Name, labels, value."""

_COUNTS = ("_total", "_bucket", "_sum", "_count")
_SHARED = "kbserver_record"
"""Metrics whose names begin so are of all processes together, whichever tells them."""

_HEAD = Struct("<QdII")  # number, monotonic seconds, bytes, checksum
_PLACE_BYTES = 2 * HALF_BYTES


def is_count(name: str) -> bool:
    """Whether the samples of a name are counts, which add up."""
    return name.endswith(_COUNTS) and not name.startswith(_SHARED)


def key_of(sample: Sample) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return what samples that belong together have in common: name and labels."""
    name, labels, _ = sample
    return name, tuple(sorted(labels.items()))


def on_top(before: Iterable[Sample], now: Iterable[Sample]) -> list[Sample]:
    """Return what a process tells: its samples, its counts on top of those in its place before."""
    values = {key_of(sample): sample for sample in before if is_count(sample[0])}
    for sample in now:
        name, labels, value = sample
        key = key_of(sample)
        if is_count(name) and key in values:
            value += values[key][2]
        values[key] = name, labels, value
    return list(values.values())


class Written(NamedTuple):
    """What a process wrote last."""

    number: int
    at: float
    """Monotonic seconds."""
    samples: list[Sample]
    place: int

    @property
    def is_fresh(self) -> bool:
        """Whether it tells of now."""
        return time.monotonic() - self.at < FRESH_S


class Shelf:
    """One file for all processes of a server. Can be given to a process being started."""

    def __init__(
        self, file: IO[bytes], *, take: Callable[[int], bool] | None = None
    ) -> None:
        """Take an open file; `make_shelf` makes one.

        Args:
            take: takes a place for this process; False if another has it. None: by a lock.
        """
        self._file = file
        self._take = take or self._locked
        self._place: int | None = None
        self._before: list[Sample] = []
        self._number = 0
        self._lock = Lock()

    def put(self, of: Callable[[list[Sample]], list[Sample]]) -> None:
        """Write what this process counted.

        Args:
            of: makes it, from what stood in the place before this process took it.

        Raises:
            OSError: there is no place, or no memory.
        """
        with self._lock:
            place = self._taken()
            text = json.dumps(of(self._before), separators=(",", ":"))
            data = zlib.compress(text.encode(), level=1)
            if len(data) > HALF_BYTES - _HEAD.size:
                raise OSError(f"{len(data)} bytes of counts are too many for a place")
            self._number += 1
            head = _HEAD.pack(
                self._number, time.monotonic(), len(data), zlib.crc32(data)
            )
            half = place * _PLACE_BYTES + self._number % 2 * HALF_BYTES
            os.pwrite(self._file.fileno(), head + data, half)

    def all(self) -> list[Written]:
        """Return what stands in each place, those of processes that ended too."""
        found = map(self._read, range(MOST_PLACES))
        return [written for written in found if written is not None]

    @property
    def place(self) -> int | None:
        """This process's; None before it has written."""
        return self._place

    def close(self) -> None:
        """Let the file go, and the place with it."""
        self._file.close()

    def _taken(self) -> int:
        if self._place is not None:
            return self._place
        for place in range(MOST_PLACES):
            if not self._take(place):
                continue
            written = self._read(place)
            if written is not None:
                self._before = written.samples
                self._number = written.number
            self._place = place
            return place
        raise OSError(f"{MOST_PLACES} processes count already")

    def _locked(self, place: int) -> bool:
        try:
            fcntl.lockf(
                self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place * _PLACE_BYTES
            )
        except OSError:
            return False
        return True

    def _read(self, place: int) -> Written | None:
        """Return the newest half of a place that is whole."""
        halves = []
        for half in range(2):
            found = self._half(place * _PLACE_BYTES + half * HALF_BYTES)
            if found is not None:
                halves.append(found)
        if not halves:
            return None
        number, at, data = max(halves)
        return Written(number, at, _samples(data), place)

    def _half(self, offset: int) -> tuple[int, float, bytes] | None:
        descriptor = self._file.fileno()
        head = os.pread(descriptor, _HEAD.size, offset)
        if len(head) < _HEAD.size:
            return None
        number, at, size, checksum = _HEAD.unpack(head)
        if not 0 < size <= HALF_BYTES:
            return None
        data = os.pread(descriptor, size, offset + _HEAD.size)
        if len(data) != size or zlib.crc32(data) != checksum:  # being written
            return None
        return number, at, data

    def __reduce__(self) -> tuple[Callable[..., Shelf], tuple[Any, ...]]:
        """Send the descriptor along to a process that is being started."""
        return _opened, (reduction.DupFd(self._file.fileno()),)


def make_shelf() -> Shelf:
    """Make an empty shelf, in memory where the system can."""
    if hasattr(os, "memfd_create"):
        return Shelf(os.fdopen(os.memfd_create("kbserver-counts"), "r+b", buffering=0))
    return Shelf(tempfile.TemporaryFile(buffering=0))


def _opened(descriptor: Any) -> Shelf:
    return Shelf(os.fdopen(descriptor.detach(), "r+b", buffering=0))


def _samples(data: bytes) -> list[Sample]:
    found = json.loads(zlib.decompress(data))
    return [(name, labels, value) for name, labels, value in found]
