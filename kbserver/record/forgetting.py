"""Erases a call: afterwards no byte of its words is in the folder."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from kbserver.errors import StoreBusy, StoreMissing
from kbserver.record.database import (
    FILE,
    call_of,
    changing,
    checked_key,
    damaged_files,
    reading,
    transaction,
)
from kbserver.record.qrels import id_of
from kbserver.record.turns import label_of

WAIT_S = 10.0
"""For other programs to end their reading."""


def forget(folder: Path, label: str, *, wait_s: float = WAIT_S) -> int:
    """Erase every turn of a session label, in a file that a server may be writing.

    Files that were set aside as damaged are removed: what is in them cannot be told.

    Args:
        wait_s: for programs that are reading the file, seconds.

    Returns:
        How many turns were erased; 0 if none was there.

    Raises:
        StoreMissing: there is no record.
        StoreBusy: another program is reading the file, so old bytes of it cannot be dropped.
        StoreError: it cannot be written.
    """
    _check_there(folder)
    call = call_of(label, checked_key(folder))
    return _forgotten(folder, call, label, wait_s)


def forget_call(folder: Path, call: str, *, wait_s: float = WAIT_S) -> int:
    """Erase every turn of a call by its key; see `forget`."""
    _check_there(folder)
    with reading(folder) as connection:
        label = label_of(connection, call)
    return _forgotten(folder, call, label or "", wait_s)


def _check_there(folder: Path) -> None:
    file = folder / FILE
    if not file.is_file():
        raise StoreMissing(f"{file}: no turn was recorded, so there is none to forget")


def _forgotten(folder: Path, call: str | None, label: str, wait_s: float) -> int:
    key = checked_key(folder)
    with changing(folder) as connection:
        with transaction(connection):
            _erase_digests(connection, call, key)
            gone = _erased(connection, call, label)
        _drop_old_bytes(connection, folder / FILE, wait_s)
    for damaged in damaged_files(folder):
        damaged.unlink()
    return gone


def _erase_digests(
    connection: sqlite3.Connection, call: str | None, key: bytes
) -> None:
    """Erase what would tell of a guess whether it was said."""
    said = connection.execute(
        "SELECT query FROM words JOIN turns ON turns.n = words.turn WHERE call = ?",
        (call,),
    )
    asked = [(call_of(query, key),) for (query,) in said]
    connection.executemany("DELETE FROM asked_again WHERE question = ?", asked)
    judged = connection.execute(
        "SELECT question, history FROM judgements "
        "WHERE call = ? AND question IS NOT NULL",
        (call,),
    )
    ids = [id_of(question, json.loads(history)) for question, history in judged]
    connection.executemany(
        "UPDATE replays SET report = replace(report, ?1, '') WHERE instr(report, ?1)",
        [(id,) for id in ids],
    )


def _erased(connection: sqlite3.Connection, call: str | None, label: str) -> int:
    # The trigger takes the words out of the index; a cascade fires none.
    connection.execute(
        "DELETE FROM words WHERE turn IN (SELECT n FROM turns WHERE call = ?)", (call,)
    )
    # A label without digits may have been counted as unknown, by its own name.
    connection.execute(
        "DELETE FROM events WHERE kind = 'unknown_labels' AND EXISTS "
        "(SELECT 1 FROM json_each(details) WHERE key = ?)",
        (label,),
    )
    for table in ("judgements", "feedback", "gaps"):  # what people wrote of its words
        connection.execute(
            f"DELETE FROM {table} WHERE call = ?",  # noqa: S608  # our own names
            (call,),
        )
    gone = connection.execute("DELETE FROM turns WHERE call = ?", (call,)).rowcount
    connection.execute("INSERT INTO words_found (words_found) VALUES ('rebuild')")
    return gone


def _drop_old_bytes(connection: sqlite3.Connection, file: Path, wait_s: float) -> None:
    """Write the file anew, and empty the log beside it.

    Raises:
        StoreBusy: a reader needs the log for longer than `wait_s`.
    """
    connection.execute("VACUUM")
    connection.execute(f"PRAGMA busy_timeout = {int(wait_s * 1000)}")
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise StoreBusy(
            f"{file}: the call is erased, but another program is reading the file, so old "
            "bytes are still in the log beside it; close that program and forget again"
        )
