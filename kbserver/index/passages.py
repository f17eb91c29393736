"""The passages of a snapshot: one JSON object a line, each read by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Any, overload

from kbserver.index.lines import LineTable, LineWriter
from kbserver.types import Passage

_STEM = "passages"
_TIGHT = (",", ":")
_FIELDS = tuple(field.name for field in fields(Passage))


class PassageTable(Sequence[Passage]):
    """Passages by row, mapped: a million of them open as fast as ten."""

    def __init__(self, lines: LineTable) -> None:
        self._lines = lines

    @classmethod
    def open(cls, folder: Path) -> PassageTable:
        """Map what `PassageWriter` wrote into a folder."""
        return cls(LineTable.open(folder / _STEM))

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, row: int) -> Passage: ...
    @overload
    def __getitem__(self, row: slice) -> list[Passage]: ...
    def __getitem__(self, row: int | slice) -> Passage | list[Passage]:
        """The passage of a row (negative ones count from the end).

        Raises:
            IndexError: there is no such row.
        """
        if isinstance(row, slice):
            return [self[number] for number in range(*row.indices(len(self)))]
        number = row
        if row < 0:
            number += len(self)
        if not 0 <= number < len(self):
            raise IndexError(
                f"row {row} asked for, the snapshot holds {len(self)} passages"
            )
        record: dict[str, Any] = json.loads(
            self._lines[number].decode("utf-8", "surrogatepass")
        )
        return Passage(**record | {"heading_path": tuple(record["heading_path"])})

    def row_of(self, passage_id: str) -> int | None:
        """Return the row of a passage; None if there is none of this id. Reads all of them."""
        head = json.dumps({"id": passage_id}, ensure_ascii=False, separators=_TIGHT)
        # The id is the first key of a line, and a comma follows it.
        beginning = head[:-1].encode("utf-8", "surrogatepass") + b","
        return self._lines.row_that_begins(beginning)

    def __iter__(self) -> Iterator[Passage]:
        for row in range(len(self)):
            yield self[row]


class PassageWriter:
    """Writes passages one after the other into a folder, in row order."""

    def __init__(self, folder: Path) -> None:
        self._lines = LineWriter(folder / _STEM)

    def add(self, passage: Passage) -> None:
        """Write the passage of the next row.

        Raises:
            TypeError: its metadata holds something that is no JSON value.
        """
        # asdict copies every value, and takes three times as long.
        record = {name: getattr(passage, name) for name in _FIELDS}
        line = json.dumps(record, ensure_ascii=False, separators=_TIGHT) + "\n"
        self._lines.add(line.encode("utf-8", "surrogatepass"))

    def __len__(self) -> int:
        return len(self._lines)

    def __enter__(self) -> PassageWriter:
        self._lines.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lines.__exit__(kind, error, trace)
