"""A generation as one file: a plain tar, its manifest first; it is read without being trusted.

The members stand in the order of the manifest and each is a plain file of exactly the size it
says. So whatever else a tar may hold (links, holes, names twice or outside) stands where
something else should, and is refused before it is looked at.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import TracebackType

from kbserver.errors import SnapshotCorrupt, StoreError
from kbserver.files import replacing
from kbserver.index.foreign import VECTOR_INDEX, check_manifest
from kbserver.index.manifest import (
    CHECKSUM,
    LONGEST_MANIFEST,
    MANIFEST,
    Manifest,
    parse_manifest,
    read_manifest,
)

_COPIED_AT_ONCE = 1 << 20  # bytes
_PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE)

_WRITE_AGAIN = "write the file again with: kbserver export CORPUS FILE"


BESIDE = "calibration.json"
"""What may stand last: it is of the corpus, not of the generation."""

LONGEST_BESIDE = 1 << 20  # bytes


def pack(folder: Path, file: Path, *, beside: bytes | None = None) -> None:
    """Write a generation's folder as one file, in one step; equal generations give equal bytes.

    Args:
        beside: what the corpus knows of itself; None: nothing.
    """
    names = (MANIFEST, CHECKSUM, *read_manifest(folder).files)
    with (
        replacing(file) as packed,
        # GNU's headers hold any size by themselves, those of POSIX need a second one.
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for name in names:
            member = tarfile.TarInfo(name)  # no owner, no mode, no time
            member.size = (folder / name).stat().st_size
            with (folder / name).open("rb") as stream:
                tar.addfile(member, stream)
        if beside is not None:
            member = tarfile.TarInfo(BESIDE)
            member.size = len(beside)
            tar.addfile(member, BytesIO(beside))


class Archive:
    """A file that claims to be written by `pack`. A context manager."""

    def __init__(self, file: Path) -> None:
        """Open the file and read its manifest.

        Raises:
            OSError: the file cannot be read.
            SnapshotCorrupt: it is no such file, or its manifest was changed, says what no ingest
                writes, or promises more than the file holds.
        """
        self._file = file
        self._stream = file.open("rb")
        try:
            text, checksum_line = map(self._small_member, (MANIFEST, CHECKSUM))
            self.manifest: Manifest = parse_manifest(
                text, checksum_line, where=file, next_step=_WRITE_AGAIN
            )
            try:
                check_manifest(self.manifest)
            except (StoreError, ValueError) as exc:
                raise self.refused(str(exc)) from exc
            held = file.stat().st_size
            if self.manifest.bytes > held:
                raise self.refused(
                    f"its manifest promises {self.manifest.bytes} bytes, there are {held}"
                )
        except BaseException:
            self._stream.close()
            raise

    def extract(self, folder: Path) -> bytes | None:
        """Write the files of the manifest into an empty folder, but for the vector index.

        Returns:
            What `pack` was given as `beside`, unread; None if it was given nothing.

        Raises:
            SnapshotCorrupt: a file is missing, is no plain file, or differs from what the manifest
                says in its size or SHA-256; or something stands where nothing should.
        """
        for name, facts in self.manifest.files.items():
            size = self._next(name)
            if size != facts.bytes:
                raise self.refused(
                    f"{name} has {size} bytes, the manifest says {facts.bytes}"
                )
            digest = hashlib.sha256()
            if name.startswith(VECTOR_INDEX):
                self._copy(name, size, digest.update)
            else:
                target = folder / name
                target.parent.mkdir(exist_ok=True)
                with target.open("xb") as stream:
                    self._copy(name, size, digest.update, stream.write)
            if digest.hexdigest() != facts.sha256:
                raise self.refused(
                    f"{name}: its SHA-256 is {digest.hexdigest()}, "
                    f"the manifest says {facts.sha256}"
                )
        beside: bytes | None = None
        block = self._stream.read(tarfile.BLOCKSIZE)
        if block.strip(b"\0"):
            size = self._size_of(block, BESIDE)
            if not 0 <= size <= LONGEST_BESIDE:
                raise self.refused(f"{BESIDE} has {size} bytes, 1 MB is read")
            content = bytearray()
            self._copy(BESIDE, size, content.extend)
            beside = bytes(content)
        # `tarfile` fills the last record with zeros.
        rest = self._stream.read(2 * tarfile.RECORDSIZE)
        if rest.strip(b"\0") or not 0 < len(rest) < 2 * tarfile.RECORDSIZE:
            raise self.refused("it does not end after the last file of the manifest")
        return beside

    def refused(self, why: str) -> SnapshotCorrupt:
        """Return the error that the file cannot be used for a reason."""
        return SnapshotCorrupt(f"{self._file}: {why}; {_WRITE_AGAIN}")

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()

    def _next(self, name: str) -> int:
        """Read the header of the next member, which must have this name; return its size."""
        return self._size_of(self._stream.read(tarfile.BLOCKSIZE), name)

    def _size_of(self, block: bytes, name: str) -> int:
        try:
            member = tarfile.TarInfo.frombuf(block, "utf-8", "backslashreplace")
        except tarfile.TarError as exc:
            raise self.refused(f"no member of a tar where {name} should be") from exc
        if member.type not in _PLAIN:
            raise self.refused(f"{name} is no plain file")
        if member.name != name:
            raise self.refused(f"{member.name!r} stands where {name} should")
        return member.size

    def _small_member(self, name: str) -> bytes:
        size = self._next(name)
        if not 0 <= size <= LONGEST_MANIFEST:
            raise self.refused(
                f"{name} has {size} bytes, up to {LONGEST_MANIFEST:,} are read"
            )
        content = bytearray()
        self._copy(name, size, content.extend)
        return bytes(content)

    def _copy(self, name: str, size: int, *takers: Callable[[bytes], object]) -> None:
        """Hand the content of a member to some functions, block by block."""
        left = size
        while left > 0:
            block = self._stream.read(min(left, _COPIED_AT_ONCE))
            if not block:
                raise self.refused(f"cut off inside {name}")
            for take in takers:
                take(block)
            left -= len(block)
        self._stream.read(-size % tarfile.BLOCKSIZE)
