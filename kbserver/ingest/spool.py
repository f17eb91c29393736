"""Passages on their way into a snapshot, kept on disk so that memory does not grow with them."""

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
    """A passage with the texts its two indexes are built from."""

    passage: Passage
    embedded: str
    """What the embedding model reads."""
    lexical: str
    """What the lexical index finds the passage by."""


class Spool:
    """The passages of a generation in row order, read as often as needed.

    A row is either new and lies in a file, or is taken over from the live generation.
    Of a row taken over only the row number there is kept, so that 10,000 unchanged
    files cost nothing to hold.
    """

    def __init__(self, file: Path, taken_over: Callable[[int], Prepared]) -> None:
        """Start an empty spool.

        Args:
            file: holds the new passages; its folder exists.
            taken_over: returns the passage of a row of the live generation.

        Raises:
            StoreError: the file cannot be written.
        """
        self._file = file
        self._taken_over = taken_over
        with disk_trouble("write to the store", file.parent):
            self._stream = file.open("w+b")
        # byte offsets of the new passages in the file, and of its end
        self._offsets = array("q", [0])
        # by row: n for the n-th new passage, ~row for a row of the live generation
        self._places = array("q")
        self.lengths = array("i")
        """Characters of each embedded text, 0 for a row taken over.

        Batches of similar length are made by them.
        """

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._places)

    def add(self, prepared: Prepared) -> None:
        """Append a new passage.

        Raises:
            StoreError: the disk is full.
        """
        record = [asdict(prepared.passage), prepared.embedded, prepared.lexical]
        text = json.dumps(record, ensure_ascii=False) + "\n"
        line = text.encode("utf-8", "surrogatepass")
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
        """Return the live generation's row of each row taken over, -1 for a new row."""
        places = np.array(self._places, dtype=np.int64)
        return np.where(places < 0, ~places, -1)

    def __getitem__(self, row: int) -> Prepared:
        """Return one row.

        Raises:
            IndexError: there is no such row.
        """
        place = self._places[row]
        if place < 0:
            return self._taken_over(~place)
        start, end = self._offsets[place], self._offsets[place + 1]
        # seeking flushes what was added, so a full disk may show here
        with disk_trouble("write to the store", self._file.parent):
            self._stream.seek(start)
            line = self._stream.read(end - start)
        fields, embedded, lexical = json.loads(line.decode("utf-8", "surrogatepass"))
        fields["heading_path"] = tuple(fields["heading_path"])
        return Prepared(Passage(**fields), embedded, lexical)

    def __iter__(self) -> Iterator[Prepared]:
        """Yield the rows in order."""
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
