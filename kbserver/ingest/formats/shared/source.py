"""The file that a converter is given."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from kbserver.ingest.formats.shared.encoding import decode

OCR_FLOOR = 0.8
"""Of a page's or a line's confidence; what is below is named and not spoken. Measured by
`benchmarks.ocr`: of the numbers read rightly about 2 % are less sure."""


@dataclass(frozen=True, slots=True)
class Ocr:
    """How text on pictures is recognised."""

    floor: float = OCR_FLOOR
    """In [0, 1]; what is recognised less surely is named and not spoken."""
    cache: str = ""
    """Folder that keeps what was found; "" for none."""
    threads: int = 1
    """With which one picture is read."""


def _nothing() -> None:
    """Tell no one."""


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
    ocr: Ocr | None = None
    """None if text on pictures is not recognised."""
    going_on: Callable[[], None] = _nothing
    """To be called before each step that may take as long as a whole file."""

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
