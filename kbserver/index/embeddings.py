"""Embeddings as a snapshot stores them, exact or quantised, and how they are read back.

Beside them lies how many words the model read of each passage.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from kbserver.errors import SnapshotCorrupt
from kbserver.index.arrays import open_array, save_array
from kbserver.index.manifest import VectorPrecision, repair
from kbserver.types import FloatMatrix, FloatVector

Embeddings = NDArray[np.float32] | NDArray[np.float16] | NDArray[np.void]
"""float32 and float16: shape (n, dim). int8: shape (n,), symmetric quantisation by row.

A row of int8 is a record of its `scale` (float32) and its `steps` (dim levels of int8); a component
is scale * level. Sliced and indexed by rows; for numbers see `decoded`.
"""

LENGTHS = "lengths.npy"
MOST_WORDS = 255
"""A longer passage counts as one of so many words."""

Lengths = NDArray[np.uint8]
"""Words that the model read of each passage: shape (rows,)."""

_MAX_LEVEL = np.float32(127)
"""Level of a row's largest component.

Divided by 127, multiplied and divided again, every float32 gives the first quotient again. So an
embedding that was quantised once is quantised to the same bytes at every later ingest.
"""

_LEAST_SCALE = np.finfo(np.float32).tiny
"""Below it that does not hold; and a row of zeros needs a scale, too."""

_SEED = 20240229


def encoded(block: FloatMatrix, precision: VectorPrecision) -> Embeddings:
    """Return some rows as they are stored.

    Args:
        block: unit vectors, shape (n, dim), float32; finite.
        precision: `float16` moves a component by at most 2^-11 of itself, `int8` by half of the
            row's scale, which is 1/127 of its largest component. `float32` moves nothing.

    Returns:
        n rows in C order. Encoding what `decoded` gives of them gives the same bytes.
    """
    if precision != "int8":
        return np.ascontiguousarray(block, dtype=precision)
    stored = np.empty(block.shape[0], dtype=_record(block.shape[1]))
    highest = block.max(axis=1, initial=0.0)
    lowest = block.min(axis=1, initial=0.0)
    largest = np.maximum(highest, -lowest)
    stored["scale"] = np.maximum(largest / _MAX_LEVEL, _LEAST_SCALE)
    levels = block / stored["scale"][:, np.newaxis]
    stored["steps"] = np.rint(levels, out=levels)
    return stored


def decoded(stored: Embeddings) -> FloatMatrix:
    """Return stored rows as float32: shape (n, dim), or (dim,) for a single one. A copy."""
    if _is_record(stored):
        rows: FloatMatrix = stored["scale"][..., np.newaxis] * stored["steps"]
        return rows
    return stored.astype(np.float32)


def inner_products(stored: Embeddings, query: FloatVector) -> FloatVector:
    """Return the inner product of each stored row with a query, shape (n,), float32.

    Equal rows get equal products. The scale is multiplied once a row, not once a component.
    """
    if _is_record(stored):
        levels = stored["steps"].astype(np.float32)
        products: FloatVector = stored["scale"] * _row_by_row(levels, query)
        return products
    return _row_by_row(stored.astype(np.float32), query)


def shape_of(embeddings: Embeddings) -> tuple[int, int]:
    """Return the number of rows and the length of each."""
    if _is_record(embeddings):
        count, dim = embeddings["steps"].shape
    else:
        count, dim = embeddings.shape
    return count, dim


def is_exact(embeddings: Embeddings) -> bool:
    """Whether they are float32, so that FAISS can read them in place."""
    return embeddings.dtype == np.float32


def open_embeddings(file: Path) -> Embeddings:
    """Open the embeddings of a snapshot, read-only.

    Raises:
        SnapshotCorrupt: their dtype or shape is not one of `Embeddings`.
        OSError, ValueError: the file cannot be read, or is no `.npy`.
    """
    found = open_array(file)
    embeddings = as_embeddings(found)
    if embeddings is not None:
        return embeddings
    raise SnapshotCorrupt(
        f"{file}: {found.dtype} of shape {found.shape}, wanted rows of float32 or float16, "
        f"or records of a scale and int8 steps; {repair(file.parent)}"
    )


def as_embeddings(array: NDArray[Any]) -> Embeddings | None:
    """Return an array as embeddings; None if its dtype or shape is not one of `Embeddings`."""
    if array.ndim == 2 and array.dtype in (np.float32, np.float16):
        return array
    if array.ndim == 1 and array.dtype.names == ("scale", "steps"):
        steps = array.dtype["steps"].shape
        if len(steps) == 1 and array.dtype == _record(steps[0]):
            return array
    return None


class EmbeddingsFile:
    """Embeddings on disk, mapped anew for every block: one mapping would fill the memory."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.shape = shape_of(open_embeddings(file))

    def blocks(self, rows: int) -> Iterator[FloatMatrix]:
        """All of them, so many rows at a time."""
        for start in range(0, self.shape[0], rows):
            yield decoded(open_embeddings(self._file)[start : start + rows])

    def sample(self, count: int) -> FloatMatrix:
        """At most `count` rows, always the same ones, in row order."""
        rows = np.arange(self.shape[0])
        if rows.size > count:
            chance = np.random.default_rng(_SEED)
            rows = np.sort(chance.choice(rows.size, count, replace=False))
        return decoded(open_embeddings(self._file)[rows])


def _record(dim: int) -> np.dtype[np.void]:
    return np.dtype([("scale", "<f4"), ("steps", "i1", (dim,))])


def _is_record(stored: Embeddings) -> TypeGuard[NDArray[np.void]]:
    return stored.dtype.names is not None


def _row_by_row(rows: FloatMatrix, query: FloatVector) -> FloatVector:
    # Not `@`: BLAS sums some rows in another order than others, and wakes threads for many.
    products: FloatVector = np.einsum("ij,j->i", rows, query)
    return products


def open_lengths(folder: Path) -> Lengths | None:
    """Open the column of a folder; None if it was written before there was one."""
    if not (folder / LENGTHS).exists():
        return None
    lengths: Lengths = open_array(folder / LENGTHS)
    return lengths


def check_lengths(lengths: Lengths, size: int) -> None:
    """Check the column of a snapshot of `size` rows.

    Raises:
        ValueError: it is no column of lengths, or has not one a row.
    """
    if lengths.dtype != np.uint8 or lengths.shape != (size,):
        raise ValueError(f"{LENGTHS}: not one length for each of {size} rows")


class LengthWriter:
    """Collects the lengths of passages in row order."""

    def __init__(self) -> None:
        self._lengths = bytearray()

    def add(self, embedded_text: str) -> None:
        """Take what the model reads of the next row."""
        self._lengths.append(min(len(embedded_text.split()), MOST_WORDS))

    def write(self, folder: Path) -> None:
        """Write the column."""
        save_array(folder / LENGTHS, np.frombuffer(self._lengths, np.uint8))
