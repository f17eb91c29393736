"""Files beside a page that it shows: found below the folder that is ingested, nowhere else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from kbserver.ingest.formats.shared.source import SourceFile

MOST_BYTES = 64 * 1024**2
"""Of one such file."""

_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp"))


def shown_file(file: SourceFile, address: str) -> str | None:
    """Return the path below the ingested folder that a page's address leads to.

    Links of the file system are followed only inside of that folder.

    Args:
        file: the page.
        address: as it stands there.

    Returns:
        None for what lies elsewhere, is no picture, or stands in an archive.
    """
    path = unquote(address.partition("?")[0].partition("#")[0])
    is_local = path and not path.startswith(("/", "\\")) and ":" not in path
    if file.content is not None or not is_local or "\0" in path:
        return None
    with suppress(OSError, ValueError):
        root = root_of(file.path, file.source).resolve()
        found = (file.path.parent / path).resolve()
        if found.suffix.lower() in _SUFFIXES and found.is_relative_to(root):
            return found.relative_to(root).as_posix()
    return None


def root_of(path: Path, source: str) -> Path:
    """Return the ingested folder, or the file's own if its name does not tell it.

    Args:
        path: of a file below it.
        source: the file's name in the corpus.
    """
    parts = PurePosixPath(source).parts
    whole = path.absolute()
    if whole.parts[-len(parts) :] != parts:
        return whole.parent
    return whole.parents[len(parts) - 1]


def shown_content(path: Path) -> bytes | None:
    """Return a file's bytes; None if it is not there, too large or unreadable."""
    with suppress(OSError):
        if path.is_file() and path.stat().st_size <= MOST_BYTES:
            return path.read_bytes()
    return None


def digest_of(content: bytes | None) -> str:
    """Return the SHA-256 of what `shown_content` returns, "" of None."""
    if content is None:
        return ""
    return hashlib.sha256(content).hexdigest()


def with_shown(digest: str, shown: Mapping[str, str]) -> str:
    """Return a digest that changes with a page, and with what it shows.

    Args:
        digest: SHA-256 of the page.
        shown: those of the files that it shows, by their paths.
    """
    if not shown:
        return digest
    lines = [digest, *(f"{path} {shown[path]}" for path in sorted(shown))]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
