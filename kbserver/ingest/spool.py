"""Passages on their way into a snapshot, kept on disk: a folder of a gigabyte must not need a gigabyte of memory."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

import numpy as np

from kbserver.index.durable import disk_trouble
from kbserver.types import Passage, Rows


@dataclass(frozen=True, slots=True)
class Prepared:
    """A passage with what its two indexes are built from."""

    passage: Passage
    embedded: str
    """What the embedding model reads."""
    lexical: str
    """What the passage is found by in the lexical index."""


class Spool:
    """The passages of a generation in row order, read as often as needed.

    A row is either new, and lies in a file, or is taken over: then only its number in the live generation is
    kept, so that 10,000 unchanged files cost nothing to hold.
    """

    def __init__(self, file: Path, taken_over: Callable[[int], Prepared]) -> None:
        """Start an empty spool.

        Args:
            file: where new passages go; its folder exists.
            taken_over: gives the passage of a row of the live generation.

        Raises:
            StoreError: the file cannot be written.
        """
        self._file = file
        self._taken_over = taken_over
        with disk_trouble("write to the store", file.parent):
            self._stream = file.open("w+b")
        self._offsets = array("q", [0])
        self._places = array(
            "q"
        )  # row → n-th new passage, or ~row of the live generation
        self.lengths = array("i")
        """Characters of each embedded text, 0 for what is taken over: what batches of similar length are made by."""

    def __len__(self) -> int:
        return len(self._places)

    def add(self, prepared: Prepared) -> None:
        """Append a new passage.

        Raises:
            StoreError: the disk is full.
        """
        record = [asdict(prepared.passage), prepared.embedded, prepared.lexical]
        line = (
            json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass")
            + b"\n"
        )
        with disk_trouble("write to the store", self._file.parent):
            self._stream.seek(self._offsets[-1])
            self._stream.write(line)
        self._places.append(len(self._offsets) - 1)
        self._offsets.append(self._offsets[-1] + len(line))
        self.lengths.append(len(prepared.embedded))

    def take_over(self, row: int) -> None:
        """Append the passage of a row of the live generation."""
        self._places.append(~row)
        self.lengths.append(0)

    def origins(self) -> Rows:
        """Return for each row the row of the live generation it was taken over from, -1 for new ones."""
        places = np.array(self._places, dtype=np.int64)
        return np.where(places < 0, ~places, -1)

    def __getitem__(self, row: int) -> Prepared:
        place = self._places[row]
        if place < 0:
            return self._taken_over(~place)
        with disk_trouble(
            "write to the store", self._file.parent
        ):  # seeking flushes what was added
            self._stream.seek(self._offsets[place])
            line = self._stream.read(self._offsets[place + 1] - self._offsets[place])
        passage, embedded, lexical = json.loads(line.decode("utf-8", "surrogatepass"))
        return Prepared(
            Passage(**passage | {"heading_path": tuple(passage["heading_path"])}),
            embedded,
            lexical,
        )

    def __iter__(self) -> Iterator[Prepared]:
        for row in range(len(self)):
            yield self[row]

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with disk_trouble("write to the store", self._file.parent):
            self._stream.close()
