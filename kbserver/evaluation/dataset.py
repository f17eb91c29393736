"""Questions with judged answers, on the field's layout: corpus.jsonl, queries.jsonl, qrels/*.tsv.

Source: BEIR (https://github.com/beir-cellar/beir), whose `_id` and `text` are required; `kind`, `answer`, `history`
and `scope` are ours and optional.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from kbserver.errors import SettingsError

Qrels: TypeAlias = Mapping[str, Mapping[str, int]]
"""Query id → document id → relevance, 0 or more."""

Judgement: TypeAlias = Literal["documents", "answer", "nothing", "smalltalk", "none"]
"""How a question is judged: by its qrels, by whether a passage holds its answer, right if nothing is answered
(small talk apart from the rest), or not at all."""

SMALLTALK = ("smalltalk", "small-talk")
NOTHING = ("unanswerable", "not-knowledge-seeking", *SMALLTALK)
"""A question whose `kind` holds one of these words is answered rightly by nothing."""


@dataclass(frozen=True, slots=True)
class Question:
    """One query with what is known of its answer."""

    id: str
    text: str
    kind: str = ""
    answer: str = ""
    """Words that the right passage holds; empty if not given."""
    history: tuple[str, ...] = ()
    """What the caller said before, oldest first."""
    scope: Mapping[str, str] = field(default_factory=dict)
    """Metadata filter the question is asked in."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Questions and what is relevant to them."""

    questions: tuple[Question, ...]
    qrels: Qrels = field(default_factory=dict)

    def judgement(self, question: Question) -> Judgement:
        """Say how a question is judged. Its qrels come first, then its kind, then its answer."""
        if any(score > 0 for score in self.qrels.get(question.id, {}).values()):
            return "documents"
        if any(word in question.kind for word in SMALLTALK):
            return "smalltalk"
        if any(word in question.kind for word in NOTHING):
            return "nothing"
        return "answer" if question.answer.strip() else "none"

    def counts(self) -> dict[Judgement, int]:
        """How many questions are judged in which way; ways that no question is judged in are left out."""
        return dict(Counter(self.judgement(question) for question in self.questions))

    def sample(self, at_most: int) -> Dataset:
        """The same questions, or that many of them, evenly spaced."""
        step = max(1.0, len(self.questions) / at_most)
        places = sorted(
            {int(number * step) for number in range(at_most)}
            & set(range(len(self.questions)))
        )
        return replace(self, questions=tuple(self.questions[place] for place in places))


def read_dataset(queries: Sequence[Path], qrels: Path | None = None) -> Dataset:
    """Read some files of questions, and the judgements if there are any.

    Raises:
        SettingsError: a file cannot be read, an id comes twice, or no question can be judged.
    """
    questions: dict[str, Question] = {}
    for path in queries:
        for question in read_questions(path):
            if questions.setdefault(question.id, question) is not question:
                raise SettingsError(
                    f"{path}: the id {question.id!r} comes twice; an id names one question"
                )
    dataset = Dataset(
        tuple(questions.values()), read_qrels(qrels) if qrels is not None else {}
    )
    if not dataset.counts().keys() - {"none"}:
        where = ", ".join(str(path) for path in queries)
        raise SettingsError(
            f"{where}: none of the {len(questions)} questions can be judged: {qrels or 'there are no qrels, which'} "
            f'names none of them, and none has an "answer" or a kind such as unanswerable; name qrels with --qrels'
        )
    return dataset


def read_questions(path: Path) -> list[Question]:
    """Read a queries.jsonl.

    Raises:
        SettingsError: the file cannot be read, or a line is not a query; the message names the line.
    """
    return [_question(record, where) for record, where in _records(path)]


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Read judgements: a TSV `query-id  corpus-id  score` with a header, or a folder of them (`qrels/`).

    Raises:
        SettingsError: nothing there, or a line with other than three columns; the message names the line.
    """
    files = sorted(path.glob("*.tsv")) if path.is_dir() else [path]
    if not files:
        raise SettingsError(f"no *.tsv in {path}; name the qrels file with --qrels")
    qrels: dict[str, dict[str, int]] = {}
    for file in files:
        for number, line in enumerate(_lines(file), start=1):
            columns = line.split("\t")
            if number == 1 and columns[0] == "query-id" or not line.strip():
                continue
            try:
                query, document, score = columns
                qrels.setdefault(query, {})[document] = int(score)
            except ValueError:
                raise SettingsError(
                    f"{file}:{number}: found {line[:80]!r}; wanted query-id, corpus-id and score, tab separated"
                ) from None
    return qrels


def _question(record: Mapping[str, Any], where: str) -> Question:
    if not isinstance(record.get("_id"), str) or not isinstance(
        record.get("text"), str
    ):
        raise SettingsError(f'{where}: a query needs the strings "_id" and "text"')
    history, scope = record.get("history") or [], record.get("scope") or {}
    if not isinstance(history, list) or not all(
        isinstance(turn, dict) and isinstance(turn.get("text"), str) for turn in history
    ):
        raise SettingsError(
            f'{where}: "history" is a list of {{"role": "user", "text": …}}, oldest first'
        )
    if not isinstance(scope, dict):
        raise SettingsError(
            f'{where}: "scope" is an object of metadata keys and values'
        )
    return Question(
        id=record["_id"],
        text=record["text"],
        kind=str(record.get("kind") or ""),
        answer=str(record.get("answer") or ""),
        history=tuple(turn["text"] for turn in history if turn.get("role") == "user"),
        scope={str(key): str(value) for key, value in scope.items()},
    )


def _records(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            record = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as exc:
            reason = (
                exc.msg
                if isinstance(exc, json.JSONDecodeError)
                else "nested too deeply"
            )
            raise SettingsError(f"{where}: not JSON: {reason}") from None
        if not isinstance(record, dict):
            raise SettingsError(
                f"{where}: found {type(record).__name__}, wanted an object a line"
            )
        yield record, where


def _lines(path: Path) -> list[str]:
    """The lines of a file; only line feeds part them, because JSON strings may hold other separators as they are."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SettingsError(
            f"no file {path}; name it with --queries or --qrels"
        ) from None
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"cannot read {path}: {exc}") from exc
    return [line.removesuffix("\r") for line in text.split("\n")]
