"""Whole folders flushed to the disk and read from it, and what to do about a disk that refuses."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kbserver.errors import StoreError
from kbserver.files import fsync

_BLOCK_BYTES = 8 << 20  # of one read: keeps the disk busy, is not felt in memory


def fsync_tree(folder: Path) -> None:
    """Flush every file below a folder, then the folders themselves, innermost first."""
    for where, _, names in os.walk(folder, topdown=False):
        for name in names:
            fsync(Path(where, name))
        fsync(Path(where))


def read_ahead(file: Path) -> None:
    """Read a file once so that the operating system holds its pages.

    A mapped file that is cold costs a disk access for every page a search touches: the first query
    over 1,000,000 vectors took 50 s that way.
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
        file = ""
        if exc.filename:
            file = f" ({exc.filename})"
        step = _NEXT_STEPS.get(exc.errno or 0, "see the reason given")
        raise StoreError(
            f"{where}: cannot {doing}: {exc.strerror or exc}{file}; {step}. "
            "The live generation is untouched"
        ) from exc


def is_of_the_machine(error: OSError) -> bool:
    """Whether the machine lacks something at the moment; the file itself may be whole."""
    return error.errno in _LACKING


_LACKING = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE}

_NEXT_STEPS = {
    errno.ELOOP: "no symbolic link is followed there; delete it",
    errno.ENOSPC: "free some space, run kbserver prune, or name another place with --store",
    errno.EDQUOT: "free some space, run kbserver prune, or name another place with --store",
    errno.EACCES: "run as the owner of the store, or name another place with --store",
    errno.EPERM: "run as the owner of the store, or name another place with --store",
    errno.EROFS: "the file system is read-only: name another place with --store",
    errno.ENOTDIR: "a file stands where a folder should be: name another place with --store",
    errno.EEXIST: "a file stands where a folder should be: name another place with --store",
    errno.EISDIR: "a folder stands where a file should be: remove it",
    errno.ENAMETOOLONG: "name a shorter place with --store",
    errno.EMFILE: "too many files are open: raise the limit (ulimit -n, LimitNOFILE=)",
    errno.ENFILE: "too many files are open on this machine: raise fs.file-max",
    errno.ENOMEM: "free some memory, or allow more mappings (vm.max_map_count)",
    errno.EIO: "the disk does not answer: see the system's log",
    errno.ESTALE: "the network drive has gone away: mount it again",
}
