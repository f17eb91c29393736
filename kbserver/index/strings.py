"""Many strings in one file, sorted: found without being read one by one."""

from __future__ import annotations

import mmap
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kbserver.index.arrays import check_starts, open_array, open_bytes, save_array

_STEP = 32  # strings a landmark; with 64, finding one takes a fifth longer


class SortedStrings:
    """Distinct strings by ascending UTF-8 bytes, each with its number.

    Finding a string takes about 4 µs.
    """

    def __init__(self, blob: bytes | mmap.mmap, offsets: NDArray[np.int64]) -> None:
        self._blob = blob
        self._offsets = offsets

    @classmethod
    def open(cls, stem: Path) -> SortedStrings:
        """Open what `write_strings` wrote at the same stem."""
        return cls(
            open_bytes(stem.with_suffix(".bin")), open_array(stem.with_suffix(".npy"))
        )

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, number: int) -> bytes:
        """The string of this number, in UTF-8."""
        if not 0 <= number < len(self):
            raise IndexError(number)
        return self._blob[self._offsets[number] : self._offsets[number + 1]]

    def __iter__(self) -> Iterator[str]:
        for number in range(len(self)):
            yield self[number].decode("utf-8", "surrogatepass")

    def find(self, text: str) -> int:
        """Return the number of a string, or -1."""
        wanted = text.encode("utf-8", "surrogatepass")
        blob = self._blob
        first = _STEP * max(0, bisect_right(self._landmarks, wanted) - 1)
        bounds = self._offsets[first : first + _STEP + 1].tolist()
        low, high = 0, len(bounds) - 1
        while low < high:  # `bisect` would get every string by way of NumPy
            middle = (low + high) // 2
            string = blob[bounds[middle] : bounds[middle + 1]]
            if string == wanted:
                return first + middle
            if string < wanted:
                low = middle + 1
            else:
                high = middle
        return -1

    def starting_with(self, prefix: str) -> Iterator[str]:
        """Every string that begins with a prefix, in order."""
        wanted = prefix.encode("utf-8", "surrogatepass")
        for number in range(bisect_left(self, wanted), len(self)):
            found = self[number]
            if not found.startswith(wanted):
                return
            yield found.decode("utf-8", "surrogatepass")

    def check(self, what: str) -> None:
        """Read them all.

        Raises:
            ValueError: they are not what `write_strings` writes; it names `what`.
        """
        count = len(self._offsets) - 1
        check_starts(self._offsets, count, len(self._blob), what)
        for _ in self:
            pass  # reading one raises UnicodeDecodeError

    @cached_property
    def _landmarks(self) -> list[bytes]:
        """Every `_STEP`-th string: of 3,000,000 terms 5 MB, read at the first look-up."""
        starts = self._offsets[:-1:_STEP].tolist()
        ends = self._offsets[1::_STEP].tolist()
        return [self._blob[start:end] for start, end in zip(starts, ends, strict=True)]


def write_strings(strings: Iterable[str], stem: Path) -> list[str]:
    """Write distinct strings to `STEM.bin` (UTF-8, end to end) and their starts to `STEM.npy`.

    Returns:
        The strings in the order of their numbers.
    """
    ordered = sorted(text.encode("utf-8", "surrogatepass") for text in set(strings))
    offsets = np.zeros(len(ordered) + 1, dtype=np.int64)
    np.cumsum([len(text) for text in ordered], out=offsets[1:])
    stem.with_suffix(".bin").write_bytes(b"".join(ordered))
    save_array(stem.with_suffix(".npy"), offsets)
    return [text.decode("utf-8", "surrogatepass") for text in ordered]
