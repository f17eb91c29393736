"""What people say of turns: right, wrong, better silent, or which document should have answered.

A judgement outlives its turn. With the question it becomes one of the judged questions that
`kbserver eval` asks; where no words are recorded it has none, and only counts.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from kbserver.errors import StoreError
from kbserver.files import replace_text

Verdict: TypeAlias = Literal["right", "wrong", "missing", "silent"]
"""Of one question.

right: the document was a right answer. wrong: it was none. missing: it should have answered, and
did not. silent: no document has the answer, so nothing should have been said.
"""

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
UNANSWERABLE = "unanswerable"
"""The `kind` of a question to which the right answer is none."""

_RELEVANCE = {"right": 1, "missing": 1, "wrong": 0}
_ADD = """
INSERT INTO judgements (at, verdict, corpus, document, query, turn, call, route, origin)
VALUES (:at, :verdict, :corpus, :document, :query, :turn, :call, :route, :origin)
"""
_REPLACED = """
DELETE FROM judgements WHERE corpus = :corpus AND document IS :document AND
    CASE WHEN :turn IS NULL THEN turn IS NULL AND query IS :query ELSE turn = :turn END
"""
_SELECT = """
SELECT verdict, corpus, document, query, turn, call, route, origin, at, n
FROM judgements WHERE (:corpus IS NULL OR corpus = :corpus)
    AND (:turns IS NULL OR turn IN (SELECT value FROM json_each(:turns)))
ORDER BY at, n
"""


@dataclass(frozen=True, slots=True)
class Judgement:
    """One verdict of one person."""

    verdict: Verdict
    corpus: str
    document: str | None = None
    """Its source; None with `silent`."""
    query: str | None = None
    """As it was recorded, masked, or as a person typed it; None if no words are kept."""
    turn: str | None = None
    """Its id; None of a question that was typed."""
    call: str | None = None
    """The key of the turn's call: a call that is forgotten takes its judgements with it."""
    route: str = ""
    origin: str = "console"
    """Where it was given: `console`, `judge`, `feedback`."""
    at: float = 0.0
    """Seconds since the epoch; 0: now."""
    n: int | None = None
    """Its number, once it is stored."""

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


def add(connection: sqlite3.Connection, judgement: Judgement) -> int:
    """Store a judgement; it replaces one of the same question and document.

    Args:
        connection: as `database.open_for_writing` gives it.

    Returns:
        Its number.

    Raises:
        StoreError: the verdict is none, or names no document though it is about one.
    """
    _check(judgement)
    values = asdict(judgement) | {"at": judgement.at or time.time()}
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(_REPLACED, values)
    number = connection.execute(_ADD, values).lastrowid
    connection.execute("COMMIT")
    return int(number or 0)


def remove(connection: sqlite3.Connection, n: int) -> bool:
    """Take a judgement back; return whether there was one of that number."""
    return bool(connection.execute("DELETE FROM judgements WHERE n = ?", (n,)).rowcount)


def judgements(
    connection: sqlite3.Connection,
    *,
    corpus: str | None = None,
    turns: Iterable[str] | None = None,
) -> list[Judgement]:
    """Return judgements, oldest first.

    Args:
        corpus: only those of one corpus.
        turns: only those of turns with these ids.
    """
    ids: str | None = None
    if turns is not None:
        ids = json.dumps(list(turns))
    found = connection.execute(_SELECT, {"corpus": corpus, "turns": ids})
    return [Judgement(*row) for row in found]


def write_dataset(judged: Iterable[Judgement], folder: Path) -> tuple[int, int]:
    """Write judged questions as `kbserver eval` reads them: queries.jsonl and qrels/test.tsv.

    The same question asked twice is one; judgements without a question are left out.

    Returns:
        How many questions, and how many judgements of documents, were written.
    """
    relevant: defaultdict[str, dict[str, int]] = defaultdict(dict)
    silent: set[str] = set()
    for one in judged:
        if one.query is None:
            continue
        if one.document is None:
            silent.add(one.query)
        elif one.document.isprintable():  # else it would break the line
            relevant[one.query][one.document] = _RELEVANCE[one.verdict]
    questions = []
    lines = ["query-id\tcorpus-id\tscore"]
    for query in sorted(relevant.keys() | silent):
        id = question_id(query)
        question = {"_id": id, "text": query}
        if query in silent and not any(relevant[query].values()):
            question["kind"] = UNANSWERABLE
        questions.append(json.dumps(question, ensure_ascii=False))
        for document, relevance in sorted(relevant[query].items()):
            lines.append(f"{id}\t{document}\t{relevance}")
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    replace_text(folder / "queries.jsonl", "".join(f"{one}\n" for one in questions))
    replace_text(folder / "qrels" / "test.tsv", "".join(f"{one}\n" for one in lines))
    return len(questions), len(lines) - 1


def question_id(query: str) -> str:
    """Return the id of a question, the same for the same words."""
    return hashlib.sha256(query.encode("utf-8", "replace")).hexdigest()[:12]


def _check(judgement: Judgement) -> None:
    if judgement.verdict not in VERDICTS:
        listed = ", ".join(VERDICTS)
        raise StoreError(f"{judgement.verdict!r} is no verdict; give one of: {listed}")
    if (judgement.verdict == "silent") is not (judgement.document is None):
        raise StoreError(
            f"the verdict {judgement.verdict!r} with the document {judgement.document!r}: "
            "right, wrong and missing are about a document, silent about none"
        )
