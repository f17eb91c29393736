"""A generation as one file: a plain tar, its manifest first; it is read without being trusted."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO

from kbserver.errors import SnapshotCorrupt
from kbserver.files import replacing
from kbserver.index.manifest import (
    CHECKSUM,
    MANIFEST,
    Manifest,
    parse_manifest,
    read_manifest,
)
from kbserver.index.names import checked_corpus, is_generation

_LONGEST_MANIFEST = 64 << 20  # bytes; read into memory before anything in it is trusted
_COPIED_AT_ONCE = 1 << 20  # bytes

_WRITE_AGAIN = "write the file again with: kbserver export CORPUS FILE"


def pack(folder: Path, file: Path) -> None:
    """Write a generation's folder as one file, in one step; equal generations give equal bytes."""
    names = (MANIFEST, CHECKSUM, *read_manifest(folder).files)
    with replacing(file) as beside:
        with tarfile.open(beside, "w", format=tarfile.PAX_FORMAT) as tar:
            for name in names:
                member = tarfile.TarInfo(name)  # no owner, no mode, no time
                member.size = (folder / name).stat().st_size
                with (folder / name).open("rb") as stream:
                    tar.addfile(member, stream)


class Archive:
    """A file that claims to be written by `pack`. A context manager."""

    def __init__(self, file: Path) -> None:
        """Open the file and read its manifest.

        Raises:
            SnapshotCorrupt: it is no such file, or its manifest was changed or names a file that
                may not be written.
        """
        self._file = file
        try:
            self._tar = tarfile.open(file, "r:")
        except tarfile.TarError as exc:
            raise self._refused(f"not a tar file ({exc})") from exc
        try:
            text, checksum_line = (
                self._small_member(name) for name in (MANIFEST, CHECKSUM)
            )
            self.manifest: Manifest = parse_manifest(
                text, checksum_line, where=file, next_step=_WRITE_AGAIN
            )
            self._check_names()
        except BaseException:
            self._tar.close()
            raise

    def extract(self, folder: Path) -> None:
        """Write the files the manifest names, and no others, into an empty folder.

        Checksums are not compared.

        Raises:
            SnapshotCorrupt: a file is missing, is no plain file, or is not as large as it should.
        """
        for name in (MANIFEST, CHECKSUM, *self.manifest.files):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            member = self._member(name)
            if (
                name in self.manifest.files
                and member.size != self.manifest.files[name].bytes
            ):
                wanted = self.manifest.files[name].bytes
                raise self._refused(
                    f"{name} has {member.size} bytes, the manifest says {wanted}"
                )
            with target.open("xb") as stream:
                self._copy(member, stream)

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._tar.close()

    def _member(self, name: str) -> tarfile.TarInfo:
        try:
            member = self._tar.getmember(name)
        except (KeyError, tarfile.TarError) as exc:
            raise self._refused(f"{name} is missing") from exc
        if not member.isreg():
            raise self._refused(f"{name} is no plain file")
        return member

    def _small_member(self, name: str) -> bytes:
        try:
            member = self._tar.next()
        except tarfile.TarError as exc:
            raise self._refused(f"cut off before {name}") from exc
        if (
            member is None
            or member.name != name
            or not member.isreg()
            or member.size > _LONGEST_MANIFEST
        ):
            found = "nothing"
            if member is not None:
                found = repr(member.name)
            raise self._refused(f"{found} stands where {name} should")
        content = io.BytesIO()
        self._copy(member, content)
        return content.getvalue()

    def _copy(self, member: tarfile.TarInfo, target: IO[bytes]) -> None:
        source = self._tar.extractfile(member)
        if source is None:
            raise self._refused(f"{member.name} is no plain file")
        try:
            shutil.copyfileobj(source, target, _COPIED_AT_ONCE)
        except tarfile.TarError as exc:
            raise self._refused(f"cut off inside {member.name}") from exc

    def _check_names(self) -> None:
        checked_corpus(self.manifest.corpus)
        if not is_generation(self.manifest.generation):
            raise self._refused(
                f"{self.manifest.generation!r} cannot be the name of a generation"
            )
        for name in self.manifest.files:
            path = PurePosixPath(name)
            strange = (
                path.is_absolute()
                or not path.parts
                or ".." in path.parts
                or path.as_posix() != name
            )
            if strange or "\\" in name or "\0" in name:
                raise self._refused(
                    f"its manifest names {name!r}, which would be written outside the snapshot"
                )

    def _refused(self, why: str) -> SnapshotCorrupt:
        return SnapshotCorrupt(f"{self._file}: {why}; {_WRITE_AGAIN}")
