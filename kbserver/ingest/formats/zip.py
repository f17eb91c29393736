"""ZIP archives of documents: each file in them, one by one, in memory alone."""

from __future__ import annotations

import unicodedata
import zipfile
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import counted, not_spoken
from kbserver.ingest.formats.shared.archive import (
    MAX_UNPACKED_BYTES,
    entry_problem,
    open_zip,
    unpacked,
)
from kbserver.ingest.formats.shared.source import SourceFile

MAX_FILES = 10_000
"""Of an archive and the archives in it."""
MAX_FILE_BYTES = 64 * 1024**2
MAX_DEPTH = 3
"""Of archives in archives."""

_MOST_NAMED = 20
"""Of the files that are not read."""
_MOST_NAME_CHARACTERS = 500
_MIB = 1024**2
_OF_SYSTEMS = frozenset(("__MACOSX", "Thumbs.db", "desktop.ini"))
"""What operating systems write into archives."""


@dataclass
class Allowance:
    """What an archive and the archives in it may still hold."""

    files: int = MAX_FILES
    unpacked_bytes: int = MAX_UNPACKED_BYTES
    file_bytes: int = MAX_FILE_BYTES
    """Of each."""
    depth: int = MAX_DEPTH


class Unread:
    """The files of an archive that are not read, and why."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}
        self.hidden = 0
        """Files that their owner does not see."""

    def add(self, source: str, reason: str) -> None:
        """Remember a file."""
        self._reasons[source] = reason

    def notes(self) -> list[str]:
        """Return a note for each file; those beyond the first few are counted."""
        instead = "mend it, or leave it out of the archive"
        notes = [
            not_spoken(f"{_printable(source)} ({reason})", instead)
            for source, reason in list(self._reasons.items())[:_MOST_NAMED]
        ]
        further = len(self._reasons) - _MOST_NAMED
        if further > 0:
            what = f"{counted(further, 'further file')} of the archive"
            notes.append(not_spoken(what, "unpack it to see which"))
        if self.hidden:
            notes.append(f"left out {counted(self.hidden, 'hidden file')}")
        return notes

    def summary(self) -> str:
        """Return why none of the files is read."""
        if not self._reasons:
            return "no document in it"
        source, reason = next(iter(self._reasons.items()))
        return f"no document in it can be read: {_printable(source)} ({reason}), …"


def members(
    file: SourceFile,
    problem_of: Callable[[PurePosixPath], str | None],
    allowance: Allowance,
    unread: Unread,
) -> Generator[SourceFile, None, None]:
    """Yield the files of an archive by name, each when the one before was read.

    Args:
        problem_of: returns why a file of a name is not read, or None.
        allowance: is used up.
        unread: gets what is not yielded.

    Raises:
        DocumentUnreadable: no archive, too many files, or archives in too many others.
    """
    if allowance.depth == 0:
        reason = f"an archive in {MAX_DEPTH} others: unpack it"
        raise DocumentUnreadable(file.source, reason)
    with open_zip(file) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(entries) > allowance.files:
            reason = f"holds {len(entries):,} files; at most {MAX_FILES:,} are read"
            raise DocumentUnreadable(file.source, f"{reason}: split it")
        allowance.files -= len(entries)
        allowance.depth -= 1
        named = _named(file, entries, unread)
        beside = frozenset(file.path / name for name in named)
        try:
            for name, entry in sorted(named.items()):
                path = PurePosixPath(name)
                source = f"{file.source}/{name}"
                problem = problem_of(path) or _entry_problem(entry, allowance)
                if problem:
                    unread.add(source, problem)
                    continue
                try:
                    content = b"".join(unpacked(archive, entry))
                except ValueError as exc:
                    unread.add(source, str(exc))
                else:
                    allowance.unpacked_bytes -= len(content)
                    yield replace(
                        file,
                        path=file.path / name,
                        source=source,
                        content=content,
                        beside=beside,
                    )
        finally:
            allowance.depth += 1


def _named(
    file: SourceFile, entries: list[zipfile.ZipInfo], unread: Unread
) -> dict[str, zipfile.ZipInfo]:
    """Return the entries with a name that a document can have, by that name."""
    named: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        name = entry.filename.replace("\\", "/")
        parts = PurePosixPath(name).parts
        if _is_unfit(name):
            unread.add(f"{file.source}/{name}", "its name is no path in the archive")
        elif any(part in _OF_SYSTEMS or part.startswith((".", "~$")) for part in parts):
            unread.hidden += 1
        elif str(PurePosixPath(name)) in named:
            unread.add(f"{file.source}/{name}", "two files have this name")
        else:
            named[str(PurePosixPath(name))] = entry
    return named


def _is_unfit(name: str) -> bool:
    """Return whether a name leads out of the archive, or cannot be shown."""
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or parts[0].endswith(":"):
        return True
    if len(name) > _MOST_NAME_CHARACTERS:
        return True
    return any(unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") for one in name)


def _entry_problem(entry: zipfile.ZipInfo, allowance: Allowance) -> str | None:
    """Return why an entry is not unpacked, or None."""
    if problem := entry_problem(entry):
        return problem
    size = entry.file_size
    if size > allowance.file_bytes:
        most = f"at most {allowance.file_bytes / _MIB:,.1f}"
        return f"too large: {size / _MIB:,.1f} MiB, {most}"
    if size > allowance.unpacked_bytes:
        most = f"over {MAX_UNPACKED_BYTES / _MIB:,.0f} MiB"
        return f"the archive unpacks to {most}; split it"
    return None


def _printable(source: str) -> str:
    if source.isprintable():
        return source[:_MOST_NAME_CHARACTERS]
    return ascii(source[:_MOST_NAME_CHARACTERS])
