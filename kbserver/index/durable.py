"""Files that survive a power cut: flushed to the disk, and renamed into place only when whole."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kbserver.errors import StoreError

_BLOCK_BYTES = (
    8 << 20
)  # one read: large enough to keep the disk busy, small enough not to be felt in memory


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hex digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fsync(path: Path) -> None:
    """Flush one file, or the entries of one folder, to the disk.

    Source: fsync(2): syncing a file does not sync the folder entry that names it.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fsync_tree(folder: Path) -> None:
    """Flush every file below a folder, then the folders themselves, innermost first."""
    for where, _, names in os.walk(folder, topdown=False):
        for name in names:
            fsync(Path(where, name))
        fsync(Path(where))


def replace_text(file: Path, text: str) -> None:
    """Give a file new content in one step: whoever reads it sees the old text or the new, never a part."""
    beside = file.with_name(f".tmp-{file.name}-{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
    fsync(file.parent)


def read_ahead(file: Path) -> None:
    """Read a file once so that the operating system holds its pages.

    A mapped file that is cold costs a disk access for every page a search touches: the first query over
    1,000,000 vectors took 50 s that way, and milliseconds after this.
    """
    buffer = bytearray(_BLOCK_BYTES)
    with file.open("rb", buffering=0) as stream:
        while stream.readinto(buffer):
            pass


@contextmanager
def disk_trouble(doing: str, where: Path) -> Iterator[None]:
    """Turn what the operating system refuses into a StoreError that says what to do about it.

    Args:
        doing: what was attempted, to be read after "cannot".
        where: the path it was attempted at.
    """
    try:
        yield
    except OSError as exc:
        file = f" ({exc.filename})" if exc.filename else ""
        step = _NEXT_STEPS.get(exc.errno or 0, "see the reason given")
        raise StoreError(
            f"{where}: cannot {doing}: {exc.strerror or exc}{file}; {step}. The live generation is untouched"
        ) from exc


_NEXT_STEPS = {
    errno.ENOSPC: "free some space, run kbserver prune, or name another place with --store",
    errno.EDQUOT: "free some space, run kbserver prune, or name another place with --store",
    errno.EACCES: "run as the owner of the store, or name another place with --store",
    errno.EPERM: "run as the owner of the store, or name another place with --store",
    errno.EROFS: "the file system is read-only: name another place with --store",
    errno.ENOTDIR: "a file stands where a folder should be: name another place with --store",
    errno.EEXIST: "a file stands where a folder should be: name another place with --store",
    errno.ENAMETOOLONG: "name a shorter place with --store",
}
