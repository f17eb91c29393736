"""When a passage may be spoken: `valid_from` and `valid_until` of its document."""

from __future__ import annotations

from array import array
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from kbserver.index.arrays import open_array, save_array
from kbserver.types import Metadata, Rows

_ALWAYS = -(2**62)  # seconds since the epoch: before everything
_FOREVER = 2**62
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_A_DAY = 86_400
_WANTED = "write an ISO date or time, like 2025-12-31"
_MOST_SHOWN = 40  # characters of what cannot be read
_FILES = ("valid_from.npy", "valid_until.npy")


class Validity:
    """The rows that are valid at a moment; computed when they change, not at every turn."""

    def __init__(self, valid_from: Rows, valid_until: Rows) -> None:
        self._from = valid_from
        self._until = valid_until
        moments = np.unique(np.concatenate([valid_from, valid_until]))
        self._moments = moments[(moments > _ALWAYS) & (moments < _FOREVER)]
        self._known: tuple[int, Rows] | None = None

    @classmethod
    def open(cls, folder: Path) -> Validity | None:
        """Open the columns of a folder; None if no passage there is limited in time."""
        if not (folder / _FILES[0]).exists():
            return None
        return cls(*(open_array(folder / name) for name in _FILES))

    def rows(self, now_s: float) -> Rows:
        """Return the rows valid at a moment, ascending.

        Args:
            now_s: seconds since the epoch, UTC.
        """
        stage = int(np.searchsorted(self._moments, now_s, side="right"))
        known = self._known
        if known is not None and known[0] == stage:
            return known[1]
        valid = (self._from <= now_s) & (now_s < self._until)
        rows: Rows = np.flatnonzero(valid).astype(np.int64)
        self._known = (stage, rows)
        return rows

    def check(self, size: int) -> None:
        """Check the columns of a snapshot of `size` rows.

        Raises:
            ValueError: they are no seconds, or not one a row.
        """
        for column in (self._from, self._until):
            if column.dtype != np.int64 or column.shape != (size,):
                raise ValueError(f"validity: not one moment for each of {size} rows")


class ValidityWriter:
    """Collects the validity of passages in row order."""

    def __init__(self) -> None:
        self._from = array("q")
        self._until = array("q")

    def add(self, metadata: Metadata) -> None:
        """Take the metadata of the next row.

        Raises:
            ValueError: a date cannot be read; see `parse_validity`.
        """
        valid_from, valid_until = parse_validity(metadata)
        self._from.append(valid_from)
        self._until.append(valid_until)

    def write(self, folder: Path) -> None:
        """Write the two columns, unless no passage is limited."""
        columns = [
            np.frombuffer(column, dtype=np.int64)
            for column in (self._from, self._until)
        ]
        if (columns[0] == _ALWAYS).all() and (columns[1] == _FOREVER).all():
            return
        for name, column in zip(_FILES, columns, strict=True):
            save_array(folder / name, column)


def parse_validity(metadata: Metadata) -> tuple[int, int]:
    """Return when a document is valid: the first second, and the second after the last.

    Both count from the epoch, UTC. `valid_from` and `valid_until` are ISO 8601 dates or times;
    without a zone they are UTC. A day given as `valid_until` is valid until it ends.

    Raises:
        ValueError: one of them is neither; the message names key and value.
    """
    first, after = _ALWAYS, _FOREVER
    start = metadata.get("valid_from")
    if start is not None:
        first = _seconds(_moment("valid_from", start))
    end = metadata.get("valid_until")
    if end is not None:
        after = _seconds(_moment("valid_until", end), end_of_day=True)
    return first, after


def _seconds(moment: date, *, end_of_day: bool = False) -> int:
    """Unix seconds of a time, or of a day's begin or end; clipped to what a calendar can name."""
    if isinstance(moment, datetime):
        seconds = (moment - _EPOCH).total_seconds()
        return int(seconds)
    days = moment.toordinal() - _EPOCH.toordinal()
    if end_of_day:
        days += 1
    return days * _SECONDS_A_DAY


def _moment(key: str, value: object) -> date:
    if isinstance(value, date):
        value = value.isoformat()
    if not isinstance(value, str):  # a number may be too long to be written down
        raise ValueError(f"{key} is of the type {type(value).__name__}; {_WANTED}")
    text = value.strip()
    try:
        return date.fromisoformat(text)
    except ValueError:
        return _time_of_day(key, text)


def _time_of_day(key: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        shown = text[:_MOST_SHOWN]
        raise ValueError(f"{key} is {shown!r}; {_WANTED}") from None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment
