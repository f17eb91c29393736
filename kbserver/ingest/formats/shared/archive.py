"""Zip files: checked before any parser opens them, unpacked a little at a time."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.formats.shared.source import SourceFile

MAX_ENTRIES = 20_000
MAX_UNPACKED_BYTES = 1024**3
"""Of all entries, pictures included."""
MAX_MARKUP_BYTES = 64 * 1024**2
"""Of the XML alone: parsers hold it as a tree of 10 to 30 times the size."""
MAX_RATIO = 300
"""Of unpacked to packed bytes: real XML has 5 to 60, a bomb of zeros 1,000."""
RATIO_FROM_BYTES = 1024**2
"""Below this size the ratio says nothing."""

_MIB = 1024**2
_UNPACKED_AT_ONCE = 256 * 1024
_MARKUP = (".xml", ".rels", ".xhtml", ".html", ".htm", ".opf", ".ncx", ".vml")
# OSError: an offset before the beginning of the file
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    ValueError,
)
_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""Begins old Office files, and encrypted new ones."""


def open_checked_zip(file: SourceFile) -> zipfile.ZipFile:
    """Open a file that is a zip whose directory is harmless and true; the caller closes it.

    Every entry is unpacked once, a little at a time: to read an entry at once, `zipfile`
    unpacks all there is, and the size that the directory states may be a lie.

    Raises:
        DocumentUnreadable: no zip file, cut short, encrypted, or one that would unpack
            to too much.
    """
    with file.open() as opened:
        start = opened.read(len(_OLE2))
    if start == _OLE2:
        reason = "protected by a password, or in the old binary Office format"
        raise DocumentUnreadable(file.source, reason)
    archive = open_zip(file)
    if problem := _problem(archive):
        archive.close()
        raise DocumentUnreadable(file.source, problem)
    return archive


def open_zip(file: SourceFile) -> zipfile.ZipFile:
    """Open a zip file, nothing of it checked; the caller closes it.

    Raises:
        DocumentUnreadable: no zip file, or cut short.
    """
    content: Any = file.path
    if file.content is not None:
        content = file.open()
    try:
        return zipfile.ZipFile(content)
    except _BROKEN as exc:
        reason = f"corrupt or cut short: no readable {file.path.suffix} file"
        raise DocumentUnreadable(file.source, reason) from exc


def entry_problem(entry: zipfile.ZipInfo) -> str | None:
    """Return why an entry of an archive is not unpacked, or None."""
    if entry.flag_bits & 0x1:
        return "protected by a password"
    if _is_bomb(entry):
        unpacked = f"{entry.file_size / _MIB:,.0f} MiB"
        packed = f"{entry.compress_size / 1024:,.0f} KiB"
        return f"a zip bomb: {unpacked} packed into {packed}"
    return None


def unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield the content of an entry, a little at a time.

    Raises:
        ValueError: it is not what the directory says; the message says how.
    """
    try:
        with archive.open(entry) as content:
            while part := content.read(_UNPACKED_AT_ONCE):
                yield part
    except _BROKEN as exc:
        raise ValueError(f"not what its directory says ({exc})") from exc


def _problem(archive: zipfile.ZipFile) -> str | None:
    """Return why an archive is not read, or None."""
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        return f"holds {len(entries):,} files; at most {MAX_ENTRIES:,} are unpacked"
    for entry in entries:
        if problem := entry_problem(entry):
            return problem
    size = sum(entry.file_size for entry in entries)
    if size > MAX_UNPACKED_BYTES:
        most = f"at most {MAX_UNPACKED_BYTES / _MIB:,.0f} are read"
        return f"would unpack to {size / _MIB:,.0f} MiB; {most}"
    markup = sum(entry.file_size for entry in entries if _is_markup(entry))
    if markup > MAX_MARKUP_BYTES:
        most = f"at most {MAX_MARKUP_BYTES / _MIB:,.0f} are read"
        return f"holds {markup / _MIB:,.0f} MiB of XML; {most}"
    for entry in entries:
        if damage := _damage(archive, entry):
            return damage
    return None


def _is_bomb(entry: zipfile.ZipInfo) -> bool:
    if entry.file_size < RATIO_FROM_BYTES:
        return False
    return entry.file_size > MAX_RATIO * max(entry.compress_size, 1)


def _is_markup(entry: zipfile.ZipInfo) -> bool:
    return entry.filename.lower().endswith(_MARKUP)


def _damage(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> str | None:
    """Unpack an entry and return what is wrong with it, or None."""
    try:
        for _ in unpacked(archive, entry):
            pass
    except ValueError as exc:
        return f"corrupt: {entry.filename} in it is {exc}"
    return None
