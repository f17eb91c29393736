"""What is done about gaps: their state, and the generation that closed them.

A gap is found anew each time from the turns there are, so what was said of it is kept with the
embedding of its question, and found again by that.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kbserver.record.database import call_of
from kbserver.record.gaps.grouping import SAME_QUESTION, Gap, State, unit_vectors

_COLUMNS = "id, state, by, embedding, closed_by, closed_at, closed_document"
_KEEP = """
INSERT INTO gaps (id, at, by, state, call, embedding)
VALUES (:id, :at, :by, :state, :call, :embedding)
ON CONFLICT (id) DO UPDATE SET at = excluded.at, by = excluded.by, state = excluded.state
"""
_CLOSE = """
UPDATE gaps SET closed_by = ?, closed_at = ?, closed_document = ?,
    state = CASE state WHEN 'being_written' THEN 'done' ELSE state END
WHERE id = ?
"""


@dataclass(frozen=True, slots=True)
class _Kept:
    id: str
    state: State
    by: str
    embedding: bytes
    closed_by: str | None
    closed_at: float | None
    closed_document: str | None


def with_states(connection: sqlite3.Connection, gaps: Sequence[Gap]) -> list[Gap]:
    """Return gaps with what is known of them, under the id of the first time; open ones first.

    A gap that was closed and is asked in vain of the generation that closed it, or of a later one,
    is open again. What is known of one gap is of no other, however like it is.
    """
    kept = [
        _Kept(*row)
        for row in connection.execute(f"SELECT {_COLUMNS} FROM gaps")  # noqa: S608  # ours
    ]
    waiting = {one.id: one for one in kept}
    theirs = {gap.id: waiting.pop(gap.id) for gap in gaps if gap.id in waiting}
    for gap in gaps:
        if gap.id in theirs:
            continue
        like = _like(gap, waiting.values())
        if like is not None:
            theirs[gap.id] = waiting.pop(like.id)
    found = [_with_state(gap, theirs.get(gap.id)) for gap in gaps]
    return sorted(found, key=_is_done)


def keep_state(
    connection: sqlite3.Connection, gap: Gap, state: State, *, by: str, at: float
) -> None:
    """Keep what is done about a gap.

    Args:
        at: now, seconds since the epoch.

    Raises:
        sqlite3.Error: it cannot be written.
    """
    values = {
        "id": gap.id,
        "at": at,
        "by": by,
        "state": state,
        "call": gap.call,
        "embedding": gap.embedding,
    }
    connection.execute(_KEEP, values)


def close(
    connection: sqlite3.Connection,
    gap: Gap,
    *,
    generation: str,
    document: str | None,
    at: float,
) -> None:
    """Keep that a generation answers the question of a gap.

    Raises:
        sqlite3.Error: it cannot be written.
    """
    keep_state(connection, gap, gap.state, by=gap.by or "kbserver", at=at)
    connection.execute(_CLOSE, (generation, at, document, gap.id))


def asked_before(
    connection: sqlite3.Connection, gaps: Iterable[Gap], generation: str, key: bytes
) -> set[str]:
    """Return the ids of gaps that a generation was asked already.

    Args:
        key: of the record; the questions are kept as keyed digests.
    """
    rows = connection.execute(
        "SELECT question FROM asked_again WHERE generation = ?", (generation,)
    )
    digests = {digest for (digest,) in rows}
    return {gap.id for gap in gaps if call_of(gap.examples[0], key) in digests}


def note_asked(
    connection: sqlite3.Connection,
    gap: Gap,
    generation: str,
    document: str | None,
    key: bytes,
) -> None:
    """Keep what a generation answers to the question of a gap."""
    connection.execute(
        "INSERT OR REPLACE INTO asked_again VALUES (?, ?, ?)",
        (call_of(gap.examples[0], key), generation, document),
    )


def _like(gap: Gap, kept: Iterable[_Kept]) -> _Kept | None:
    """Return what is kept of the same question; of several the one that is most like it."""
    same = [one for one in kept if len(one.embedding) == len(gap.embedding)]
    if not same:
        return None
    vectors = unit_vectors([gap.embedding, *(one.embedding for one in same)])
    likeness = vectors[1:] @ vectors[0]
    best = int(np.argmax(likeness))
    if likeness[best] < SAME_QUESTION:
        return None
    return same[best]


def _with_state(gap: Gap, kept: _Kept | None) -> Gap:
    if kept is None:
        return gap
    found = replace(gap, id=kept.id, state=kept.state, by=kept.by)
    if kept.closed_by is None:
        return found
    if (gap.generation or "") >= kept.closed_by:  # asked in vain since
        state: State = kept.state
        if state == "done":
            state = "new"
        return replace(found, state=state)
    return replace(
        found, closed_by=kept.closed_by, closed_document=kept.closed_document
    )


def _is_done(gap: Gap) -> bool:
    return not gap.is_open
