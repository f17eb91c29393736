"""Files of arrays and bytes: the small ones held in memory, the large ones mapped.

A mapped file that is truncated ends the process that touches it. So what is small is copied when
it is opened, and an array that is filled through a mapping has its room on the disk beforehand.
"""

from __future__ import annotations

import io
import math
import mmap
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from kbserver.files import reserve

SMALL_BYTES = 8 << 20
"""Files up to this size are held in memory while a snapshot is open, and hashed when it opens."""

# Characters; what `write_header` writes has some 120, and Python's parser is not for strangers.
_LONGEST_HEADER = 1_000
_PREAMBLE_BYTES = 12  # before the header: magic, version and length

_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def open_bytes(file: Path) -> bytes | mmap.mmap:
    """Return a file's bytes, read-only; slices are `bytes`.

    Raises:
        OSError: the file cannot be read.
    """
    with file.open("rb") as stream:
        size = file.stat().st_size
        if size == 0:
            return b""  # nothing cannot be mapped
        if size > SMALL_BYTES:
            return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        held = mmap.mmap(-1, size, access=mmap.ACCESS_COPY)  # begins at a page
        held.write(stream.read(size))
        return held


def open_array(file: Path) -> NDArray[Any]:
    """Return the array of a `.npy` file, read-only; a plain array, whose slices cost a tenth.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no array, or more or less than its header says.
    """
    content = open_bytes(file)
    header = io.BytesIO(content[: _PREAMBLE_BYTES + _LONGEST_HEADER])
    version = np.lib.format.read_magic(header)
    if version not in _READERS:
        raise ValueError(f"{file.name}: .npy version {version}, wanted 1.0 or 2.0")
    shape, fortran_order, dtype = _READERS[version](
        header, max_header_size=_LONGEST_HEADER
    )
    wanted = header.tell() + math.prod(shape) * dtype.itemsize
    plain = not fortran_order and not dtype.hasobject and min(shape, default=0) >= 0
    if not plain or wanted != len(content):
        raise ValueError(
            f"{file.name}: {len(content)} bytes, {dtype} of shape {shape} has {wanted}"
        )
    array: NDArray[Any] = np.ndarray(shape, dtype, content, header.tell())
    array.flags.writeable = False
    return array


def save_array(file: Path, array: NDArray[Any]) -> None:
    """Write an array as a `.npy` file. `np.save` does not say why the disk took no more.

    Raises:
        OSError: the file cannot be written.
    """
    with file.open("wb") as stream:
        write_header(stream, array.dtype, array.shape)
        stream.write(np.ascontiguousarray(array).data)


def new_array(file: Path, dtype: DTypeLike, shape: tuple[int, ...]) -> NDArray[Any]:
    """Make a `.npy` file for an array too large for memory; return the array, zeros, mapped.

    Its room is taken at once: storing into a mapped hole of a full disk kills the process.

    Raises:
        OSError: the disk is full, or the file cannot be written.
    """
    kind = np.dtype(dtype)
    with file.open("wb") as stream:
        write_header(stream, kind, shape)
        reserve(stream, math.prod(shape) * kind.itemsize)
    array: NDArray[Any] = np.load(file, mmap_mode="r+").view(np.ndarray)
    return array


def check_starts(starts: NDArray[Any], count: int, end: int, what: str) -> None:
    """Check where each of some runs begins, and that the last one ends where it should.

    Raises:
        ValueError: they are not `count + 1` ascending int64 from 0 to `end`; it names `what`.
    """
    right = starts.dtype == np.int64 and starts.shape == (count + 1,)
    if not right or starts[0] != 0 or starts[-1] != end or (np.diff(starts) < 0).any():
        raise ValueError(f"{what}: not {count} runs that end at {end}")


def check_rows(rows: NDArray[Any], size: int, what: str) -> None:
    """Check row numbers.

    Raises:
        ValueError: they are no integers in one dimension, or one is not from 0 to below `size`.
    """
    if rows.dtype.kind != "i" or rows.ndim != 1:
        raise ValueError(f"{what}: no row numbers")
    if rows.size and not 0 <= rows.min() <= rows.max() < size:
        raise ValueError(f"{what}: rows from {rows.min()} to {rows.max()} of {size}")


def write_header(
    stream: IO[bytes], dtype: np.dtype[Any], shape: tuple[int, ...]
) -> None:
    """Write the header of a `.npy` file whose array, in C order, is written after it."""
    header = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": shape,
    }
    np.lib.format.write_array_header_2_0(stream, header)
