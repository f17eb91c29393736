"""The file that a converter is given."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from kbserver.ingest.formats.shared.encoding import decode


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A document's bytes, and its name in the corpus."""

    path: Path
    """Where it is; below the path of its archive if it stands in one."""
    source: str
    content: bytes | None = None
    """Of a file in an archive, which is never unpacked to the disk; else None."""
    beside: frozenset[Path] = frozenset()
    """The paths of all files in its archive."""

    @property
    def size(self) -> int:
        """Bytes."""
        if self.content is None:
            return self.path.stat().st_size
        return len(self.content)

    def open(self) -> BinaryIO:
        """Open it to be read; the caller closes it."""
        if self.content is None:
            return self.path.open("rb")
        return io.BytesIO(self.content)

    def bytes(self) -> bytes:
        """Read the whole file."""
        if self.content is None:
            return self.path.read_bytes()
        return self.content

    def text(self) -> tuple[str, tuple[str, ...]]:
        """Read the whole file as text with notes on its encoding.

        Raises:
            DocumentUnreadable: it is no text in any known encoding.
        """
        return decode(self.bytes(), self.source)

    def is_beside(self, path: Path) -> bool:
        """Return whether there is a file of this path, in its archive if it has one."""
        if self.content is None:
            return path.exists()
        return path in self.beside
