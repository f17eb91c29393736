"""The file that a converter is given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kbserver.ingest.formats.shared.encoding import decode


@dataclass(frozen=True, slots=True)
class SourceFile:
    """Where a document's bytes are, and its name in the corpus."""

    path: Path
    source: str

    def bytes(self) -> bytes:
        """Read the whole file."""
        return self.path.read_bytes()

    def text(self) -> tuple[str, tuple[str, ...]]:
        """Read the whole file as text with notes on its encoding.

        Raises:
            DocumentUnreadable: it is no text in any known encoding.
        """
        return decode(self.bytes(), self.source)
