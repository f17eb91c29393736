"""Notes → rows of the record. Masks, and makes the call's key, before anything is stored."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence

from kbserver.lru import LruCache
from kbserver.notes import (
    CandidateNote,
    EventNote,
    FeedbackNote,
    SearchNote,
    TurnNote,
    WordsNote,
)
from kbserver.record.database import call_of, storable
from kbserver.record.masking import Mask
from kbserver.record.tallies import Tallies, take_back

_KNOWN_BYTES = 4_000_000  # of some 20,000 passages whose numbers are known
_INSERT_TURN = """
INSERT OR IGNORE INTO turns (id, at, call, route, outcome, reason, cached, leaned, in_budget,
    total_ms, budget_ms, waited_ms, stages_ms, answer_bytes, spoken_s, token, probe)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_FEEDBACK = """
INSERT INTO feedback (call, turn, at, verdict)
SELECT :call, :turn, :at, :verdict WHERE EXISTS
    (SELECT 1 FROM turns WHERE call = :call AND (id = :turn OR :turn = ''))
ON CONFLICT (call, turn) DO UPDATE SET at = excluded.at, verdict = excluded.verdict
"""
"""Of a call or a turn that is not recorded, nothing: there is no more feedback than turns."""


class Rows:
    """Writes notes into one open record."""

    def __init__(
        self, connection: sqlite3.Connection, *, key: bytes, mask: Mask
    ) -> None:
        """Take an open record.

        Args:
            key: of its folder; see `database.call_of`.
            mask: applied to words; the label that is kept with them stays as it is.
        """
        self._connection = connection
        self._key = key
        self._mask = mask
        self._passages: LruCache[tuple[str, str, str], int] = LruCache(_KNOWN_BYTES)

    def add(
        self,
        turns: Sequence[TurnNote],
        events: Sequence[EventNote],
        feedback: Sequence[FeedbackNote] = (),
        gone_on: Sequence[str] = (),
    ) -> None:
        """Write notes in one transaction: all of them, or none.

        Args:
            gone_on: ids of turns whose words went on; their rows go, and count no more.

        Raises:
            sqlite3.Error: it cannot be written.
        """
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            tallies = Tallies()
            for turn in turns:
                self._add_turn(turn, tallies)
            tallies.write(self._connection)
            self._connection.executemany(
                "INSERT INTO events (at, kind, corpus, text, details) VALUES (?, ?, ?, ?, ?)",
                map(_event, events),
            )
            self._connection.executemany(
                _INSERT_FEEDBACK, map(self._feedback, feedback)
            )
            for id in gone_on:
                self._remove(id)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self.renew()
            raise

    def renew(self) -> None:
        """Look the numbers of passages up anew: some of their rows were removed."""
        self._passages = LruCache(_KNOWN_BYTES)

    def _add_turn(self, turn: TurnNote, tallies: Tallies) -> None:
        call = call_of(turn.label, self._key)
        route = storable(turn.route)
        values = (
            turn.id,
            turn.at,
            call,
            route,
            turn.outcome,
            turn.reason,
            turn.cached,
            turn.leaned,
            turn.in_budget,
            round(turn.total_ms, 3),
            turn.budget_ms,
            round(turn.waited_ms, 3),
            _stages(turn),
            turn.answer_bytes,
            round(turn.spoken_s, 1),
            turn.token,
            turn.probe,
        )
        cursor = self._connection.execute(_INSERT_TURN, values)
        if not cursor.rowcount:  # sent twice
            return
        number = cursor.lastrowid or 0
        self._add_searches(number, turn.searches)
        self._add_candidates(number, turn.candidates)
        tallies.add(turn, route=route, begins=self._begins(call, number))
        if turn.words is not None:
            self._add_words(number, turn.words)

    def _remove(self, id: str) -> None:
        """Remove a turn, if it is there, as if it had never been asked."""
        row = self._connection.execute("SELECT n FROM turns WHERE id = ?", (id,))
        for (number,) in row.fetchall():
            take_back(self._connection, number)
            # The trigger takes the words out of the index; a cascade fires none.
            self._connection.execute("DELETE FROM words WHERE turn = ?", (number,))
            self._connection.execute("DELETE FROM turns WHERE n = ?", (number,))

    def _feedback(self, note: FeedbackNote) -> dict[str, object]:
        values = note._asdict() | {"call": call_of(note.label, self._key)}
        del values["label"]
        return values

    def _begins(self, call: str | None, turn: int) -> bool:
        """Whether a turn is the first of its call."""
        earlier = self._connection.execute(
            "SELECT 1 FROM turns WHERE call = ? AND n <> ? LIMIT 1", (call, turn)
        )
        return call is not None and earlier.fetchone() is None

    def _add_searches(self, turn: int, searches: Iterable[SearchNote]) -> None:
        self._connection.executemany(
            "INSERT INTO searches VALUES (?, ?, ?, ?, ?, ?)",
            [(turn, place, *search) for place, search in enumerate(searches)],
        )

    def _add_candidates(self, turn: int, candidates: Iterable[CandidateNote]) -> None:
        rows = []
        for place, candidate in enumerate(candidates):
            passage = self._number_of(candidate)
            scores = (candidate.score, candidate.lexical, candidate.dense)
            rows.append((turn, place, passage, candidate.answered, *scores))
        self._connection.executemany(
            "INSERT INTO candidates VALUES (?, ?, ?, ?, ?, ?, ?)", rows
        )

    def _number_of(self, candidate: CandidateNote) -> int:
        """Return the number of a passage; a new one is written down."""
        names = (candidate.corpus, candidate.passage, candidate.document)
        key = tuple(map(storable, names))
        where = (key[0], key[1], key[2])
        known = self._passages.get(where)
        if known is not None:
            return known
        self._connection.execute(
            "INSERT OR IGNORE INTO passages (corpus, passage, document) VALUES (?, ?, ?)",
            where,
        )
        row = self._connection.execute(
            "SELECT n FROM passages WHERE corpus = ? AND passage = ? AND document = ?",
            where,
        ).fetchone()
        number = int(row[0])
        self._passages.put(where, number)
        return number

    def _add_words(self, turn: int, words: WordsNote) -> None:
        try:
            query = storable(self._mask(storable(words.query)))
            heard = storable(self._mask(storable(words.heard)))
            label = storable(words.label or "") or None
        except Exception:  # own code of a mask; unmasked words are not kept
            return
        values = (turn, label, query, heard, words.embedding)
        self._connection.execute("INSERT INTO words VALUES (?, ?, ?, ?, ?)", values)


def _stages(turn: TurnNote) -> str:
    stages_ms = {name: round(ms, 2) for name, ms in turn.stages_ms.items()}
    return json.dumps(stages_ms, separators=(",", ":"))


def _event(event: EventNote) -> tuple[object, ...]:
    details = json.dumps(event.details, ensure_ascii=False, separators=(",", ":"))
    return event.at, event.kind, event.corpus, storable(event.text), storable(details)
