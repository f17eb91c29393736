"""Files that are whole or not there: checksums, flushing, room, and replacement in one step."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_ZEROS = 1 << 20  # bytes written at once
_NOT_OFFERED = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)  # by the file system


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hex digits.

    Raises:
        OSError: the file cannot be read.
    """
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def without_following(path: str, flags: int) -> int:
    """Open a file, but not what a symbolic link names: an `opener` for `open`.

    Raises:
        OSError: ELOOP: the path is a symbolic link; or the file cannot be opened.
    """
    return os.open(path, flags | _NO_LINK, 0o666)


_NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)  # Windows has no such flag


def read_small(file: Path, most: int) -> bytes:
    """Return the bytes of a plain file that should be small.

    A pipe in its place does not hold the reader up, nor does a large file fill the memory.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no plain file, or has more than `most` bytes.
    """
    try:
        with open(file, "rb", opener=_without_waiting) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise ValueError("found no plain file")
            content = stream.read(most + 1)
    except IsADirectoryError:
        raise ValueError("found a folder, wanted a file") from None
    if len(content) > most:
        raise ValueError(f"found more than the {most:,} bytes that it may have")
    return content


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def fsync(path: Path) -> None:
    """Flush one file, or the entries of one folder, to the disk.

    Source: fsync(2): syncing a file does not sync the folder entry that names it.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def reserve(stream: IO[bytes], size: int) -> None:
    """Append so many zeros to a file that is open for writing, with room on the disk for each.

    Raises:
        OSError: the disk is full, or the file cannot be written.
    """
    stream.flush()
    allocate = getattr(os, "posix_fallocate", None)  # missing on macOS and Windows
    if allocate is not None and size:
        try:
            allocate(stream.fileno(), stream.tell(), size)
        except OSError as exc:
            if exc.errno not in _NOT_OFFERED:
                raise
        else:
            return
    for start in range(0, size, _ZEROS):
        stream.write(bytes(min(_ZEROS, size - start)))


@contextmanager
def replacing(file: Path) -> Iterator[IO[bytes]]:
    """Open a new file beside a file; what the block writes to it replaces the file in one step.

    A reader sees the old content or the new, never a part of either, even after a power cut.
    If the block raises, the file stays as it was and nothing is left beside it. Neither name is
    followed where it is a symbolic link.
    """
    # Of a random name, so that nothing can be put in its place before.
    beside = file.with_name(f".tmp-{secrets.token_hex(8)}")
    try:
        with beside.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(file)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    fsync(file.parent)


def replace_text(file: Path, text: str) -> None:
    """Give a file new content, UTF-8, in one step; see `replacing`."""
    with replacing(file) as stream:
        stream.write(text.encode("utf-8"))
