"""What was found on pictures, kept on disk: reading a page takes seconds."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from kbserver.ingest.formats.ocr.found import Found, Pixels

_MOST_BYTES = 256 * 1024**2
"""Of all pages kept; one takes about 20 KB."""


class FoundCache:
    """One file a picture, below a folder; used by several processes at a time."""

    def __init__(self, folder: Path, engine: str) -> None:
        """Keep what one engine finds.

        Args:
            folder: made when there is something to keep.
            engine: its name and version.
        """
        self._folder = folder
        self._engine = engine

    def get(self, pixels: Pixels) -> list[Found] | None:
        """Return what was found on a picture; None if it was not read yet."""
        file = self._file(pixels)
        try:
            found = [Found(*fields) for fields in json.loads(file.read_bytes())]
            os.utime(file)
        except (OSError, ValueError, TypeError):
            return None
        return [one._replace(confidences=tuple(one.confidences)) for one in found]

    def put(self, pixels: Pixels, found: list[Found]) -> None:
        """Keep what was found on a picture, if the disk takes it."""
        file = self._file(pixels)
        beside = file.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps(found), encoding="ascii")
            beside.replace(file)

    def _file(self, pixels: Pixels) -> Path:
        digest = hashlib.sha256(f"{self._engine} {pixels.shape}".encode())
        digest.update(pixels.tobytes())
        return self._folder / f"{digest.hexdigest()}.json"


def shorten(folder: Path, most_bytes: int = _MOST_BYTES) -> None:
    """Remove the files that were not used for longest, until the rest is small enough."""
    with suppress(OSError):
        facts = [(file, file.stat()) for file in folder.iterdir()]
        facts.sort(key=lambda one: one[1].st_mtime, reverse=True)
        total = 0
        for file, stat in facts:
            total += stat.st_size
            if total > most_bytes:
                file.unlink(missing_ok=True)
