"""How many words the model read of each passage: a column beside the embeddings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kbserver.index.arrays import open_array, save_array

FILE = "lengths.npy"
MOST = 255
"""A longer passage counts as one of so many words."""

Lengths = NDArray[np.uint8]
"""Shape (rows,)."""


def open_lengths(folder: Path) -> Lengths | None:
    """Open the column of a folder; None if it was written before there was one."""
    if not (folder / FILE).exists():
        return None
    lengths: Lengths = open_array(folder / FILE)
    return lengths


def check_lengths(lengths: Lengths, size: int) -> None:
    """Check the column of a snapshot of `size` rows.

    Raises:
        ValueError: it is no column of lengths, or has not one a row.
    """
    if lengths.dtype != np.uint8 or lengths.shape != (size,):
        raise ValueError(f"{FILE}: not one length for each of {size} rows")


class LengthWriter:
    """Collects the lengths of passages in row order."""

    def __init__(self) -> None:
        self._lengths = bytearray()

    def add(self, embedded_text: str) -> None:
        """Take what the model reads of the next row."""
        self._lengths.append(min(len(embedded_text.split()), MOST))

    def write(self, folder: Path) -> None:
        """Write the column."""
        save_array(folder / FILE, np.frombuffer(self._lengths, np.uint8))
