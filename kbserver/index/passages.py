"""The passages of a snapshot: one JSON object a line, any of them read without reading the others."""

from __future__ import annotations

import json
import mmap
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Any, overload

import numpy as np

from kbserver.index.strings import map_array, map_bytes
from kbserver.types import Passage, Rows

_LINES = "passages.jsonl"
_OFFSETS = "passages.offsets.npy"
_FIELDS = tuple(field.name for field in fields(Passage))


class PassageTable(Sequence[Passage]):
    """Passages by row, mapped: a million of them open as fast as ten."""

    def __init__(self, lines: bytes | mmap.mmap, offsets: Rows) -> None:
        self._lines = lines
        self._offsets = offsets

    @classmethod
    def open(cls, folder: Path) -> PassageTable:
        """Map what `PassageWriter` wrote into a folder."""
        return cls(map_bytes(folder / _LINES), map_array(folder / _OFFSETS))

    def __len__(self) -> int:
        return len(self._offsets) - 1

    @overload
    def __getitem__(self, row: int) -> Passage: ...
    @overload
    def __getitem__(self, row: slice) -> list[Passage]: ...
    def __getitem__(self, row: int | slice) -> Passage | list[Passage]:
        """The passage of a row (negative ones count from the end).

        Raises:
            IndexError: there is no such row.
        """
        if isinstance(row, slice):
            return [self[number] for number in range(*row.indices(len(self)))]
        number = row + len(self) if row < 0 else row
        if not 0 <= number < len(self):
            raise IndexError(f"row {row} asked for, the snapshot holds {len(self)} passages")
        line = self._lines[self._offsets[number] : self._offsets[number + 1]]
        record: dict[str, Any] = json.loads(line.decode("utf-8", "surrogatepass"))
        return Passage(**record | {"heading_path": tuple(record["heading_path"])})

    def __iter__(self) -> Iterator[Passage]:
        for row in range(len(self)):
            yield self[row]


class PassageWriter:
    """Writes passages one after the other into a folder, in row order."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offsets = array("q", [0])
        self._stream = (folder / _LINES).open("wb")

    def add(self, passage: Passage) -> None:
        """Write the passage of the next row.

        Raises:
            TypeError: its metadata holds something that is no JSON value.
        """
        record = {name: getattr(passage, name) for name in _FIELDS}  # asdict copies every value: three times slower
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"
        self._offsets.append(self._offsets[-1] + self._stream.write(line.encode("utf-8", "surrogatepass")))

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __enter__(self) -> PassageWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        if kind is None:
            np.save(self._folder / _OFFSETS, np.frombuffer(self._offsets, dtype=np.int64))
