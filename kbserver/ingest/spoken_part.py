"""Work out how each passage of a corpus is said: a part of its snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from kbserver.errors import SnapshotCorrupt
from kbserver.index.durable import disk_trouble
from kbserver.index.lines import LineWriter
from kbserver.index.snapshot import Snapshot
from kbserver.ingest.report import OnProgress
from kbserver.ingest.spool import Spool
from kbserver.retrieval.spoken.form import spoken_form_of
from kbserver.retrieval.spoken.table import STEM, SpokenFormTable, line_of
from kbserver.types import Passage

_REPORTED_EVERY = 128  # passages; 40 ms


def write_wordings(passages: Iterable[Passage], folder: Path) -> None:
    """Make the folder of the part and write how each passage is said, in row order; read once."""
    _write((line_of(spoken_form_of(passage)) for passage in passages), folder)


def write_spooled_spoken_forms(
    spool: Spool, folder: Path, *, previous: Snapshot | None, progress: OnProgress
) -> None:
    """Make the folder of the part and write how each passage of a spool is said.

    Args:
        previous: the live generation; what it has of unchanged documents is taken over if the rules are the same.

    Raises:
        StoreError: the disk is full.
    """
    with disk_trouble("write to the store", folder.parent):
        _write(_lines(spool, previous, progress), folder)


def _lines(
    spool: Spool, previous: Snapshot | None, progress: OnProgress
) -> Iterator[bytes]:
    before = _table(previous)
    for row, origin in enumerate(spool.origins()):
        if row % _REPORTED_EVERY == 0:
            progress("word", row, len(spool))
        if before is not None and origin >= 0:
            yield before.line(int(origin))
        else:
            yield line_of(spoken_form_of(spool[row].passage))
    progress("word", len(spool), len(spool))


def _table(previous: Snapshot | None) -> SpokenFormTable | None:
    try:
        return SpokenFormTable.open(previous) if previous is not None else None
    except SnapshotCorrupt:
        return None


def _write(lines: Iterable[bytes], folder: Path) -> None:
    folder.mkdir()
    with LineWriter(folder / STEM) as writer:
        for line in lines:
            writer.add(line)
