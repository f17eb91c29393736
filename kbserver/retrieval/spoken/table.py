"""The spoken forms of a snapshot's passages, computed by its ingest: a part, read by row."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

from kbserver.errors import SnapshotCorrupt, StoreError
from kbserver.index.lines import LineTable
from kbserver.index.manifest import repair
from kbserver.index.snapshot import Snapshot
from kbserver.retrieval.near_duplicates import SKETCH_BITS
from kbserver.retrieval.spoken.form import RULES, led_in
from kbserver.types import Passage, Sketch, SpokenForm

PART = f"wordings.{RULES}"
"""Name of the part. It holds the rules, so that what other rules gave is not found."""

STEM = "lines"
"""Name of the files of the part, without their extensions."""

_CHECKSUM_BYTES = 9  # CRC-32 in hexadecimal digits, and a space


class SpokenFormTable:
    """Spoken forms by row, mapped into memory."""

    def __init__(self, lines: LineTable, folder: Path) -> None:
        self._lines = lines
        self._folder = folder

    @classmethod
    def open(cls, snapshot: Snapshot) -> SpokenFormTable | None:
        """Map the part of a snapshot; None if it has none by these rules.

        Raises:
            SnapshotCorrupt: the part is there and cannot be opened.
        """
        try:
            folder = snapshot.part(PART)
        except StoreError:
            return None
        try:
            lines = LineTable.open(folder / STEM)
        except (OSError, EOFError, ValueError) as exc:
            step = repair(snapshot.folder)
            raise SnapshotCorrupt(
                f"{folder}: cannot be opened ({exc}); {step}"
            ) from exc
        if len(lines) != snapshot.size:
            step = repair(snapshot.folder)
            found = f"{len(lines)} rows for {snapshot.size} passages"
            raise SnapshotCorrupt(f"{folder}: {found}; {step}")
        return cls(lines, folder)

    def of(self, row: int, passage: Passage) -> SpokenForm:
        """Return the spoken form of the passage of a row.

        Raises:
            SnapshotCorrupt: the row is not what was written.
        """
        written = self.line(row)[_CHECKSUM_BYTES:]
        try:
            return _form_of(written, passage)
        except (ValueError, TypeError, RecursionError) as exc:
            step = repair(self._folder.parent)
            raise SnapshotCorrupt(
                f"{self._folder}: row {row} is no wording; {step}"
            ) from exc

    def line(self, row: int) -> bytes:
        """Return a row as it was written, for the next generation to take over.

        Raises:
            SnapshotCorrupt: the row is not what was written.
        """
        line = self._lines[row]
        if line[:_CHECKSUM_BYTES] != _checksum(line[_CHECKSUM_BYTES:]):
            step = repair(self._folder.parent)
            raise SnapshotCorrupt(f"{self._folder}: row {row} is damaged; {step}")
        return line


def check_spoken_forms(snapshot: Snapshot) -> None:
    """Read the spoken form of every passage of a snapshot that need not be trusted.

    Raises:
        ValueError: one is not what an ingest writes.
    """
    try:
        table = SpokenFormTable.open(snapshot)
    except SnapshotCorrupt as exc:
        raise ValueError(f"{PART}: cannot be opened") from exc
    if table is None:
        return
    for row, passage in enumerate(snapshot.passages):
        try:
            table.of(row, passage)
        except SnapshotCorrupt as exc:
            raise ValueError(f"{PART}: row {row} is not what an ingest writes") from exc


def line_of(form: SpokenForm) -> bytes:
    """Return a spoken form as one line of the table, with its checksum.

    Content that equals the passage's text, and a line that equals lead and content, take no room.
    """
    content: str | None = form.content
    if content == form.passage.text:
        content = None
    line: str | None = form.line
    if line == led_in(form.lead, form.content):
        line = None
    sketch = form.sketch or Sketch(0, 0)
    record = [form.lead, content, line, sketch.trigrams, f"{sketch.bits:x}"]
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"
    written = text.encode("utf-8", "surrogatepass")
    return _checksum(written) + written


def _form_of(written: bytes, passage: Passage) -> SpokenForm:
    """Read what `line_of` wrote after the checksum.

    Raises:
        ValueError, TypeError, RecursionError: it wrote no such line.
    """
    record = json.loads(written.decode("utf-8", "surrogatepass"))
    lead, content, line, trigrams, bits = record
    if content is None:
        content = passage.text
    if line is None:
        line = led_in(lead, content)
    sketch = Sketch(trigrams, int(bits, 16))
    texts = all(isinstance(text, str) for text in (lead, content, line))
    if not texts or not _is_sketch(sketch):
        raise ValueError("values of another kind")
    return SpokenForm(passage, content, lead, line, sketch)


def _is_sketch(sketch: Sketch) -> bool:
    numbers = type(sketch.trigrams) is int and sketch.trigrams >= 0
    return numbers and 0 <= sketch.bits < 1 << SKETCH_BITS


def _checksum(line: bytes) -> bytes:
    return b"%08x " % zlib.crc32(line)
