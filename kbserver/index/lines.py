"""Lines of one file, any of them read without reading the others."""

from __future__ import annotations

import mmap
from array import array
from pathlib import Path
from types import TracebackType

import numpy as np

from kbserver.index.arrays import check_starts, open_array, open_bytes, save_array
from kbserver.types import Rows

_PIECE_BYTES = 1024 * 1024


class LineTable:
    """Lines by row: of a large file only those asked for are read."""

    def __init__(self, lines: bytes | mmap.mmap, offsets: Rows) -> None:
        self._lines = lines
        self._offsets = offsets

    @classmethod
    def open(cls, stem: Path) -> LineTable:
        """Open what `LineWriter` wrote at the same stem."""
        return cls(
            open_bytes(stem.with_suffix(".jsonl")),
            open_array(stem.with_suffix(".offsets.npy")),
        )

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, row: int) -> bytes:
        """The line of a row from 0 on, with its end."""
        return self._lines[self._offsets[row] : self._offsets[row + 1]]

    def row_that_begins(self, beginning: bytes) -> int | None:
        """Return the first row whose line begins so; None if none does. Reads all lines."""
        size = len(self._lines)
        # To search holds every thread: not for longer than a piece takes.
        for start in range(0, size, _PIECE_BYTES):
            end = min(size, start + _PIECE_BYTES + len(beginning) - 1)
            at = self._lines.find(beginning, start, end)
            while at >= 0:
                row = int(np.searchsorted(self._offsets, at))
                if self._offsets[row] == at:
                    return row
                at = self._lines.find(beginning, at + 1, end)
        return None

    def check(self, rows: int) -> None:
        """Check where the lines begin.

        Raises:
            ValueError: there are not as many as rows, or they do not fill the file.
        """
        check_starts(self._offsets, rows, len(self._lines), "offsets of lines")


class LineWriter:
    """Writes lines to `STEM.jsonl`, and where each begins to `STEM.offsets.npy`."""

    def __init__(self, stem: Path) -> None:
        self._offsets_file = stem.with_suffix(".offsets.npy")
        self._offsets = array("q", [0])
        self._stream = stem.with_suffix(".jsonl").open("wb")

    def add(self, line: bytes) -> None:
        """Write the line of the next row, which brings its end."""
        self._offsets.append(self._offsets[-1] + self._stream.write(line))

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __enter__(self) -> LineWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()
        if kind is None:
            offsets = np.frombuffer(self._offsets, dtype=np.int64)
            save_array(self._offsets_file, offsets)
