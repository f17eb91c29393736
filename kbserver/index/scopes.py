"""Metadata filters: which rows have a value, written once."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kbserver.index.arrays import check_rows, check_starts, open_array, save_array
from kbserver.index.strings import SortedStrings, write_strings
from kbserver.types import Metadata, Rows, Scope

_STEM = "scopes"


class ScopeTable:
    """The rows of every metadata value of a snapshot."""

    def __init__(self, values: SortedStrings, starts: Rows, rows: Rows) -> None:
        self._values = values
        self._starts = starts
        self._rows = rows

    @classmethod
    def open(cls, folder: Path) -> ScopeTable:
        """Open what `ScopeWriter` wrote into a folder."""
        return cls(
            SortedStrings.open(folder / f"{_STEM}.values.bin"),
            open_array(folder / f"{_STEM}.starts.npy"),
            open_array(folder / f"{_STEM}.rows.npy"),
        )

    def rows(self, scope: Scope) -> Rows | None:
        """Return the rows that have every value of the scope, ascending; None if it is empty.

        A key or value that no passage has gives no rows, never all of them. `folder` matches the
        folder itself and everything below it; a slash at either end does not matter.
        """
        if not scope:
            return None
        found = sorted(
            (self._rows_of(key, value) for key, value in scope.items()), key=len
        )
        rows = found[0]
        for others in found[1:]:
            at = np.searchsorted(others, rows)
            at[at == others.size] = 0
            if not others.size:
                return others
            rows = rows[others[at] == rows]
        return rows

    def values(self, key: str) -> list[str]:
        """Return every value some passage has for a key, sorted; [] for an unknown key."""
        prefix = _entry(key, "")
        return [
            entry.removeprefix(prefix) for entry in self._values.starting_with(prefix)
        ]

    def check(self, size: int) -> None:
        """Check every number in the table of a snapshot of `size` rows.

        Raises:
            ValueError: one is not what `ScopeWriter` writes.
        """
        self._values.check("scopes.values")
        check_starts(self._starts, len(self._values), len(self._rows), "scopes.starts")
        check_rows(self._rows, size, "scopes.rows")

    def _rows_of(self, key: str, value: str) -> Rows:
        if key == "folder":
            value = value.strip("/")
        number = self._values.find(_entry(key, value))
        if number < 0:
            return self._rows[:0]
        return self._rows[self._starts[number] : self._starts[number + 1]]


class ScopeWriter:
    """Collects the metadata of passages in row order."""

    def __init__(self) -> None:
        self._runs: defaultdict[str, array[int]] = defaultdict(lambda: array("q"))
        self._row = 0
        self._last: Metadata = {}
        self._last_entries: frozenset[str] = frozenset()

    def add(self, metadata: Metadata) -> None:
        """Take the metadata of the next row."""
        # The passages of a document share their metadata.
        if metadata is not self._last and metadata != self._last:
            self._last = metadata
            self._last_entries = frozenset(_entries(metadata))
        for entry in self._last_entries:
            runs = self._runs[entry]  # first row, row after the last; first row, ...
            if runs and runs[-1] == self._row:
                runs[-1] += 1
            else:
                runs.extend((self._row, self._row + 1))
        self._row += 1

    def write(self, folder: Path) -> None:
        """Write the table; `ScopeTable.open` reads it."""
        entries = write_strings(self._runs, folder / f"{_STEM}.values.bin")
        parts = [_expanded(self._runs[entry]) for entry in entries]
        starts = np.zeros(len(parts) + 1, dtype=np.int64)
        np.cumsum([part.size for part in parts], out=starts[1:])
        save_array(folder / f"{_STEM}.starts.npy", starts)
        rows = np.empty(0, dtype=np.int64)
        if parts:
            rows = np.concatenate(parts)
        save_array(folder / f"{_STEM}.rows.npy", rows)


def _expanded(runs: array[int]) -> Rows:
    return np.concatenate(
        [
            np.arange(first, after, dtype=np.int64)
            for first, after in zip(runs[::2], runs[1::2], strict=True)
        ]
    )


def _entries(metadata: Metadata) -> Iterator[str]:
    for key, value in metadata.items():
        for text in _texts(value):
            if key == "folder":
                for folder in _folder_and_above(text.strip("/")):
                    yield _entry(key, folder)
            else:
                yield _entry(key, text)


def _entry(key: str, value: str) -> str:
    # The length keeps {"a": "bc"} and {"ab": "c"} apart.
    return f"{len(key)}:{key}{value}"


def _texts(value: object) -> Iterator[str]:
    """The strings a value is found by: a scalar as JSON writes it, or each element of a list."""
    match value:
        case bool():
            yield str(value).lower()
        case str() | int() | float():
            yield str(value)
        case list() | tuple():
            for element in value:
                yield from _texts(element)


def _folder_and_above(folder: str) -> Iterator[str]:
    """`a/b` gives `a/b`, `a` and the root, which is empty."""
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
    yield ""
