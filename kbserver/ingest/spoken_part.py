"""Compute the spoken form of each passage of a corpus: a part of its snapshot."""

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


def write_spoken_forms(
    passages: Iterable[Passage], folder: Path, *, language: str = "english"
) -> None:
    """Make the folder of the part and write the spoken form of each passage, in row order.

    Args:
        passages: read once.
        folder: must not exist yet.
        language: of the corpus.
    """
    forms = (spoken_form_of(passage, language=language) for passage in passages)
    _write(map(line_of, forms), folder)


def write_spooled_spoken_forms(
    spool: Spool,
    folder: Path,
    *,
    language: str,
    previous: Snapshot | None,
    progress: OnProgress,
) -> None:
    """Make the folder of the part and write the spoken form of each passage of a spool.

    Args:
        spool: read once.
        folder: must not exist yet.
        language: of the corpus.
        previous: the live generation. Its lines of unchanged documents are taken over if the rules
            are the same.
        progress: called with the stage `word`.

    Raises:
        StoreError: the disk is full.
    """
    with disk_trouble("write to the store", folder.parent):
        _write(_lines(spool, language, previous, progress), folder)


def _lines(
    spool: Spool, language: str, previous: Snapshot | None, progress: OnProgress
) -> Iterator[bytes]:
    before = _table(previous)
    for row, origin in enumerate(spool.origins()):
        if row % _REPORTED_EVERY == 0:
            progress("word", row, len(spool))
        if before is not None and origin >= 0:
            yield before.line(int(origin))
        else:
            passage = spool[row].passage
            yield line_of(spoken_form_of(passage, language=language))
    progress("word", len(spool), len(spool))


def _table(previous: Snapshot | None) -> SpokenFormTable | None:
    if previous is None:
        return None
    try:
        return SpokenFormTable.open(previous)
    except SnapshotCorrupt:
        return None


def _write(lines: Iterable[bytes], folder: Path) -> None:
    folder.mkdir()
    with LineWriter(folder / STEM) as writer:
        for line in lines:
            writer.add(line)
