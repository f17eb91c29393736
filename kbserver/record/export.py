"""Turns as files for other programs: JSON lines, CSV, Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

from kbserver.extras import require
from kbserver.record.turns import COLUMNS, Row

FORMATS = ("jsonl", "csv", "parquet")

_FLAT = (
    *(name for name in COLUMNS if name != "stages_ms"),
    *("corpus", "generation", "min_score", "min_score_from"),
    *("document", "passage", "score", "near_document", "near_score"),
)
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_jsonl(turns: Iterable[Row], stream: IO[str]) -> None:
    """Write each turn whole, one JSON object a line."""
    for turn in turns:
        stream.write(json.dumps(turn, ensure_ascii=False) + "\n")


def write_csv(turns: Iterable[Row], stream: IO[str]) -> None:
    """Write a line a turn, with its best passage and its best near miss; see `write_rows`."""
    write_rows(map(flattened, turns), stream, _FLAT)


def write_rows(rows: Iterable[Row], stream: IO[str], columns: Sequence[str]) -> None:
    """Write rows as CSV, with a line of names in front; lists and objects as JSON.

    A text that a spreadsheet would work out as a formula gets an apostrophe in front.
    """
    writer = csv.DictWriter(stream, columns)
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _inert(row.get(name)) for name in columns})


def write_parquet(turns: Iterable[Row], file: Path) -> None:
    """Write the columns of the CSV into a Parquet file.

    Raises:
        ExtraMissing: `pyarrow` is not installed.
    """
    require("parquet", "kbserver calls --export parquet")
    import pyarrow
    from pyarrow import parquet

    table = pyarrow.Table.from_pylist([flattened(turn) for turn in turns])
    parquet.write_table(table, file)


def flattened(turn: Row) -> Row:
    """Return a turn as one flat row: its first search, best passage and best near miss."""
    answered = [one for one in turn["candidates"] if one["answered"]]
    near = [one for one in turn["candidates"] if not one["answered"]]
    nearest = _first(near)
    found = {
        **turn,
        **_first(turn["searches"]),
        **_first(answered),
        "near_document": nearest.get("document"),
        "near_score": nearest.get("score"),
    }
    return {name: found.get(name) for name in _FLAT}


def _first(rows: list[Row]) -> Row:
    if rows:
        return rows[0]
    return {}


def _inert(value: Any) -> Any:
    if isinstance(value, list | dict):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.startswith(_BEGINS_A_FORMULA):
        return f"'{value}"
    return value
