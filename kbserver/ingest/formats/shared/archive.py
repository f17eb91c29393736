"""Zip files that formats are made of: looked at before any parser opens them."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from kbserver.errors import DocumentUnreadable

MAX_ENTRIES = 20_000
MAX_UNPACKED_BYTES = 1024**3  # pictures and all
MAX_MARKUP_BYTES = (
    64 * 1024**2
)  # the XML alone: parsers hold it as a tree of 10 to 30 times the size
MAX_RATIO = 300  # real XML packs 5 to 60 to 1; a bomb of zeros 1000 to 1
RATIO_FROM_BYTES = 1024**2  # below this size the ratio says nothing

_UNPACKED_AT_ONCE = 256 * 1024  # bytes
_MARKUP = (".xml", ".rels", ".xhtml", ".html", ".htm", ".opf", ".ncx", ".vml")
_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the container of old Office files and of encrypted new ones


def open_checked_zip(path: Path, source: str) -> zipfile.ZipFile:
    """Open a zip file whose directory promises nothing dangerous and keeps its promises; the caller closes it.

    Every entry is unpacked once, a little at a time: `zipfile` gives out no more than the directory says, but to read
    an entry at once it unpacks all there is, and a directory may lie.

    Raises:
        DocumentUnreadable: no zip file, cut short, encrypted, or one that would unpack to too much.
    """
    with path.open("rb") as file:
        start = file.read(len(_OLE2))
    if start == _OLE2:
        raise DocumentUnreadable(
            source, "protected by a password, or in the old binary Office format"
        )
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as exc:
        raise DocumentUnreadable(
            source, f"corrupt or cut short: no readable {path.suffix} file"
        ) from exc
    if problem := _problem(archive):
        archive.close()
        raise DocumentUnreadable(source, problem)
    return archive


def _problem(archive: zipfile.ZipFile) -> str | None:
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        return f"holds {len(entries):,} files; at most {MAX_ENTRIES:,} are unpacked"
    if any(entry.flag_bits & 0x1 for entry in entries):
        return "protected by a password"
    for entry in entries:
        if entry.file_size >= RATIO_FROM_BYTES and entry.file_size > MAX_RATIO * max(
            entry.compress_size, 1
        ):
            return f"a zip bomb: {entry.file_size / 1024**2:,.0f} MiB packed into {entry.compress_size / 1024:,.0f} KiB"
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED_BYTES:
        return f"would unpack to {unpacked / 1024**2:,.0f} MiB; at most {MAX_UNPACKED_BYTES / 1024**2:,.0f} are read"
    markup = sum(
        entry.file_size for entry in entries if entry.filename.lower().endswith(_MARKUP)
    )
    if markup > MAX_MARKUP_BYTES:
        return f"holds {markup / 1024**2:,.0f} MiB of XML; at most {MAX_MARKUP_BYTES / 1024**2:,.0f} are read"
    return next(filter(None, (_damage(archive, entry) for entry in entries)), None)


def _damage(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> str | None:
    try:
        with archive.open(entry) as content:
            while content.read(_UNPACKED_AT_ONCE):
                pass
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as exc:
        return f"corrupt: {entry.filename} in it is not what its directory says ({exc})"
    return None
