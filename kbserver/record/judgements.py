"""What people judged: which document answers a question, and which questions nothing answers.

Judgements are people's work: no retention removes them. They hold the words of a question where
words were recorded when the turn was judged, or where the question was typed; `forget` erases
those of a call.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, TypeAlias, get_args

from kbserver.errors import SettingsError, StoreMissing
from kbserver.record.database import transaction
from kbserver.record.turns import Row, Wanted, newest, one

Verdict: TypeAlias = Literal["right", "wrong", "silent", "should_have_answered"]
"""right, wrong: what the document was for the question. silent: nothing should be answered.
should_have_answered: the document is right, and was not answered."""

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
RIGHT: tuple[Verdict, ...] = ("right", "should_have_answered")

MOST_HISTORY = 4
"""Turns before a follow-up that are kept with it: as many as a server remembers."""

_COLUMNS = (
    "n, at, by, verdict, turn, call, question, history, corpus, document, passage"
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """One verdict on a question, and on a document if it is about one."""

    verdict: Verdict
    corpus: str
    by: str
    at: float
    """Seconds since the epoch."""
    question: str | None = None
    """Masked as it was recorded, or as it was typed; None where no words were recorded."""
    history: tuple[str, ...] = ()
    """What the caller said before, oldest first, if the question leans on it."""
    document: str | None = None
    """None for `silent`."""
    passage: str | None = None
    turn: str | None = None
    """Id of the turn that was judged; None for a question that was typed."""
    call: str | None = None
    n: int = 0
    """Its number in the record; 0 before it is there."""

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self) | {"history": list(self.history)}


def add(connection: sqlite3.Connection, judgement: Judgement) -> Judgement:
    """Store a judgement, in place of those it contradicts; return it with its number.

    Contradicted are judgements of the same question on the same document, and `silent` on the one
    side and a right document on the other.

    Raises:
        sqlite3.Error: it cannot be written.
    """
    condition, values = _same_question(judgement)
    contradicted = ["document IS ?"]
    values.append(judgement.document)
    if judgement.verdict == "silent":
        contradicted.append("verdict IN ('right', 'should_have_answered')")
    elif judgement.verdict in RIGHT:
        contradicted.append("verdict = 'silent'")
    delete = (
        f"DELETE FROM judgements WHERE {condition} "  # noqa: S608  # our own conditions
        f"AND ({' OR '.join(contradicted)})"
    )
    with transaction(connection):
        connection.execute(delete, values)
        cursor = connection.execute(
            "INSERT INTO judgements (at, by, verdict, turn, call, question, history, corpus, "
            "document, passage) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                judgement.at,
                judgement.by,
                judgement.verdict,
                judgement.turn,
                judgement.call,
                judgement.question,
                json.dumps(judgement.history, ensure_ascii=False),
                judgement.corpus,
                judgement.document,
                judgement.passage,
            ),
        )
    return replace(judgement, n=cursor.lastrowid or 0)


def judge_turn(
    connection: sqlite3.Connection,
    id: str,
    verdict: Verdict,
    *,
    by: str,
    at: float,
    document: str | None = None,
    question: str | None = None,
) -> Judgement:
    """Judge a recorded turn.

    Args:
        id: of the turn, or its beginning.
        verdict: `right` of a turn that answered nothing means `silent`.
        document: which one is meant; None: the first that was answered.
        question: typed; None: what the caller said, where words were recorded.
        at: now, seconds since the epoch.

    Raises:
        StoreMissing: there is no such turn.
        StoreError: several turns begin so.
        SettingsError: the verdict needs a document, or another corpus was searched.
    """
    turn = one(connection, id)
    if turn is None:
        raise StoreMissing(
            f"no turn {id!r} is recorded; see which are with: kbserver calls"
        )
    if verdict == "right" and document is None and not _answered(turn):
        verdict = "silent"
    found: Row = {}
    if verdict != "silent":
        found = _meant(turn, verdict, document)
    corpus = found.get("corpus")
    if corpus is None:
        corpus = _corpus_of(turn)
    history: tuple[str, ...] = ()
    if turn["leaned"] and turn["query"]:
        history = said_before(connection, turn)
    judgement = Judgement(
        verdict=verdict,
        corpus=corpus,
        by=by,
        at=at,
        question=question or turn["query"],
        history=history,
        document=found.get("document"),
        passage=found.get("passage"),
        turn=turn["id"],
        call=turn["call"],
    )
    return add(connection, judgement)


def said_before(connection: sqlite3.Connection, turn: Row) -> tuple[str, ...]:
    """Return what the caller said before a turn of the same call, oldest first."""
    if turn["call"] is None:
        return ()
    rows = connection.execute(
        "SELECT words.query FROM turns JOIN words ON words.turn = turns.n "
        "WHERE turns.call = ? AND (turns.at, turns.id) < (?, ?) "
        "ORDER BY turns.at DESC, turns.id DESC LIMIT ?",
        (turn["call"], turn["at"], turn["id"], MOST_HISTORY),
    ).fetchall()
    return tuple(query for (query,) in reversed(rows))


def judgements(
    connection: sqlite3.Connection,
    *,
    corpus: str | None = None,
    turn: str | None = None,
) -> list[Judgement]:
    """Return what was judged, oldest first; of one corpus or one turn if it is named."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM judgements "  # noqa: S608  # our own columns
        "WHERE (?1 IS NULL OR corpus = ?1) AND (?2 IS NULL OR turn = ?2) ORDER BY at, n",
        (corpus, turn),
    )
    return [_judgement(row) for row in rows]


def remove(connection: sqlite3.Connection, number: int) -> bool:
    """Remove one judgement; return whether it was there."""
    cursor = connection.execute("DELETE FROM judgements WHERE n = ?", (number,))
    return bool(cursor.rowcount)


def to_judge(connection: sqlite3.Connection, *, since: float, most: int) -> list[Row]:
    """Return turns with words that were not judged, the newest of each wording; newest first.

    Raises:
        NoWords: none are recorded.
    """
    judged = {
        (row["question"], row["turn"])
        for row in connection.execute("SELECT question, turn FROM judgements")
    }
    questions = {question for question, _ in judged}
    turns = {turn for _, turn in judged}
    wanted = Wanted(since=since, callers=True)
    waiting: dict[str, Row] = {}
    for turn in reversed(newest(connection, wanted, most=50 * most)):
        said = turn["query"]
        is_new = said and said not in questions and turn["id"] not in turns
        if is_new and turn["searches"]:
            waiting.setdefault(said, turn)
    return list(waiting.values())[:most]


def _same_question(judgement: Judgement) -> tuple[str, list[object]]:
    """Return the condition that finds judgements of the same question, and its values."""
    if judgement.turn is not None:
        return "turn = ?", [judgement.turn]
    history = json.dumps(judgement.history, ensure_ascii=False)
    values: list[object] = [judgement.corpus, judgement.question, history]
    return "corpus = ? AND question IS ? AND history = ?", values


def _meant(turn: Row, verdict: Verdict, document: str | None) -> Row:
    """Return corpus, document and passage that a verdict is about.

    Raises:
        SettingsError: it needs a document, and none is named or was answered.
    """
    if document is None:
        if verdict == "should_have_answered":
            raise SettingsError(
                "which document should have answered? Name it with --document"
            )
        answered = _answered(turn)
        if not answered:
            raise SettingsError(
                f"turn {turn['id']} answered nothing that could be wrong; name a document "
                "that should have answered, or say that silence was right (--silent)"
            )
        return answered[0]
    for candidate in turn["candidates"]:
        if candidate["document"] == document:
            found: Row = candidate
            return found
    return {"document": document}


def _answered(turn: Row) -> list[Row]:
    return [candidate for candidate in turn["candidates"] if candidate["answered"]]


def _corpus_of(turn: Row) -> str:
    searches: Sequence[Row] = turn["searches"]
    if not searches:
        raise SettingsError(
            f"turn {turn['id']} searched no corpus ({turn['reason'] or turn['outcome']}); "
            "there is nothing to judge"
        )
    return str(searches[0]["corpus"])


def _judgement(row: Any) -> Judgement:
    n, at, by, verdict, turn, call, question, history, corpus, document, passage = row
    return Judgement(
        verdict=verdict,
        corpus=corpus,
        by=by,
        at=at,
        question=question,
        history=tuple(json.loads(history)),
        document=document,
        passage=passage,
        turn=turn,
        call=call,
        n=n,
    )
