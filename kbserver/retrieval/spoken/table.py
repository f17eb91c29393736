"""How each passage of a snapshot is said, as its ingest worked it out: a part of the snapshot, read by row."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

from kbserver.errors import SnapshotCorrupt, StoreError
from kbserver.index.lines import LineTable
from kbserver.index.manifest import repair
from kbserver.index.snapshot import Snapshot
from kbserver.retrieval.spoken.form import RULES, led_in
from kbserver.types import Passage, Sketch, SpokenForm

PART = f"wordings.{RULES}"
"""Named after the rules it was worked out by: what other rules gave is not found."""

STEM = "lines"

_SUM_BYTES = 9  # CRC-32 in hexadecimal digits, and a space


class SpokenFormTable:
    """Wordings by row, mapped."""

    def __init__(self, lines: LineTable, folder: Path) -> None:
        self._lines = lines
        self._folder = folder

    @classmethod
    def open(cls, snapshot: Snapshot) -> SpokenFormTable | None:
        """Map the part of a snapshot; None if there is none by these rules.

        Raises:
            SnapshotCorrupt: it is there and cannot be opened.
        """
        try:
            folder = snapshot.part(PART)
        except StoreError:
            return None
        try:
            lines = LineTable.open(folder / STEM)
        except (OSError, EOFError, ValueError) as exc:
            raise SnapshotCorrupt(
                f"{folder}: cannot be opened ({exc}); {repair(snapshot.folder)}"
            ) from exc
        if len(lines) != snapshot.size:
            raise SnapshotCorrupt(
                f"{folder}: {len(lines)} rows for {snapshot.size} passages; {repair(snapshot.folder)}"
            )
        return cls(lines, folder)

    def of(self, row: int, passage: Passage) -> SpokenForm:
        """Return how the passage of a row is said.

        Raises:
            SnapshotCorrupt: the row is not what was written.
        """
        lead, content, line, trigrams, bits = json.loads(
            self.line(row)[_SUM_BYTES:].decode("utf-8", "surrogatepass")
        )
        content = passage.text if content is None else content
        line = led_in(lead, content) if line is None else line
        return SpokenForm(passage, content, lead, line, Sketch(trigrams, int(bits, 16)))

    def line(self, row: int) -> bytes:
        """Return a row as it was written, for the next generation to take over.

        Raises:
            SnapshotCorrupt: it is not what was written.
        """
        line = self._lines[row]
        if line[:_SUM_BYTES] != _checksum(line[_SUM_BYTES:]):
            raise SnapshotCorrupt(
                f"{self._folder}: row {row} is damaged; {repair(self._folder.parent)}"
            )
        return line


def line_of(spoken_form: SpokenForm) -> bytes:
    """Write a spoken_form as a line; what equals the text, or lead and content, takes no room."""
    lead, content, line = spoken_form.lead, spoken_form.content, spoken_form.line
    sketch = spoken_form.sketch or Sketch(0, 0)
    record = [
        lead,
        None if content == spoken_form.passage.text else content,
        None if line == led_in(lead, content) else line,
        sketch.trigrams,
        f"{sketch.bits:x}",
    ]
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"
    written = text.encode("utf-8", "surrogatepass")
    return _checksum(written) + written


def _checksum(line: bytes) -> bytes:
    return b"%08x " % zlib.crc32(line)
