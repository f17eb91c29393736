"""Questions with judged answers, on the field's layout: corpus.jsonl, queries.jsonl, qrels/*.tsv.

Source: BEIR (https://github.com/beir-cellar/beir), whose `_id` and `text` are required. `kind`,
`answer`, `history` and `scope` are additions of this project, and optional.
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
"""How a question is judged.

documents: by its qrels. answer: by whether a passage holds its answer. nothing: right if nothing
is answered. smalltalk: the same, counted apart. none: not at all.
"""

SMALLTALK = ("smalltalk", "small-talk")
NOTHING = ("unanswerable", "not-knowledge-seeking", *SMALLTALK)
"""Words in the `kind` of questions to which the right answer is none."""


@dataclass(frozen=True, slots=True)
class Question:
    """One query with what is known of its answer."""

    id: str
    text: str
    kind: str = ""
    answer: str = ""
    """Words that the right passage holds; empty if not given."""
    history: tuple[str, ...] = ()
    """The caller's earlier turns, oldest first."""
    scope: Mapping[str, str] = field(default_factory=dict)
    """The metadata filter the question is asked with."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Questions, and what is relevant to them."""

    questions: tuple[Question, ...]
    qrels: Qrels = field(default_factory=dict)

    def judgement(self, question: Question) -> Judgement:
        """Say how a question is judged: by its qrels first, then its kind, then its answer."""
        if any(score > 0 for score in self.qrels.get(question.id, {}).values()):
            return "documents"
        if any(word in question.kind for word in SMALLTALK):
            return "smalltalk"
        if any(word in question.kind for word in NOTHING):
            return "nothing"
        if question.answer.strip():
            return "answer"
        return "none"

    def counts(self) -> dict[Judgement, int]:
        """How many questions are judged in each way; ways without a question are left out."""
        return dict(Counter(self.judgement(question) for question in self.questions))

    def sample(self, at_most: int) -> Dataset:
        """The same questions, or `at_most` of them, evenly spaced."""
        count = len(self.questions)
        if count <= at_most:
            return self
        step = count / at_most
        chosen = [self.questions[int(number * step)] for number in range(at_most)]
        return replace(self, questions=tuple(chosen))


def read_dataset(queries: Sequence[Path], qrels: Path | None = None) -> Dataset:
    """Read some files of questions, and their judgements if there are any.

    Raises:
        SettingsError: a file cannot be read, an id comes twice, or no question can be judged.
    """
    questions: dict[str, Question] = {}
    for path in queries:
        for question in read_questions(path):
            if question.id in questions:
                raise SettingsError(
                    f"{path}: the id {question.id!r} comes twice; an id names one question"
                )
            questions[question.id] = question
    judgements: Qrels = {}
    if qrels is not None:
        judgements = read_qrels(qrels)
    dataset = Dataset(tuple(questions.values()), judgements)
    if not dataset.counts().keys() - {"none"}:
        where = ", ".join(str(path) for path in queries)
        raise SettingsError(
            f"{where}: none of the {len(questions)} questions can be judged: "
            f"{qrels or 'there are no qrels, which'} names none of them, and none has an "
            f'"answer" or a kind such as unanswerable; name qrels with --qrels'
        )
    return dataset


def read_questions(path: Path) -> list[Question]:
    """Read a queries.jsonl.

    Raises:
        SettingsError: the file cannot be read, or a line is not a query; the message names the
            line.
    """
    return [_question(record, where) for record, where in _records(path)]


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Read judgements: a TSV with a header, or a folder of them (`qrels/`).

    The columns are `query-id`, `corpus-id` and `score`.

    Raises:
        SettingsError: there is no file, or a line has other than three columns; the message
            names the line.
    """
    files = [path]
    if path.is_dir():
        files = sorted(path.glob("*.tsv"))
    if not files:
        raise SettingsError(f"no *.tsv in {path}; name the qrels file with --qrels")
    qrels: dict[str, dict[str, int]] = {}
    for file in files:
        for query, document, score in _judgements(file):
            qrels.setdefault(query, {})[document] = score
    return qrels


def _judgements(file: Path) -> Iterator[tuple[str, str, int]]:
    for number, line in enumerate(_lines(file), start=1):
        columns = line.split("\t")
        is_header = number == 1 and columns[0] == "query-id"
        if is_header or not line.strip():
            continue
        try:
            query, document, score = columns
            yield query, document, int(score)
        except ValueError:
            raise SettingsError(
                f"{file}:{number}: found {line[:80]!r}; wanted query-id, corpus-id and score, "
                "tab separated"
            ) from None


def _question(record: Mapping[str, Any], where: str) -> Question:
    id, text = record.get("_id"), record.get("text")
    if not isinstance(id, str) or not isinstance(text, str):
        raise SettingsError(f'{where}: a query needs the strings "_id" and "text"')
    scope = record.get("scope") or {}
    if not isinstance(scope, dict):
        raise SettingsError(
            f'{where}: "scope" is an object of metadata keys and values'
        )
    return Question(
        id=id,
        text=text,
        kind=str(record.get("kind") or ""),
        answer=str(record.get("answer") or ""),
        history=_callers_turns(record.get("history") or [], where),
        scope={str(key): str(value) for key, value in scope.items()},
    )


def _callers_turns(history: object, where: str) -> tuple[str, ...]:
    """The texts of a history's turns that the caller said."""
    if not isinstance(history, list) or not all(map(_is_turn, history)):
        raise SettingsError(
            f'{where}: "history" is a list of {{"role": "user", "text": …}}, oldest first'
        )
    return tuple(turn["text"] for turn in history if turn.get("role") == "user")


def _is_turn(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("text"), str)


def _records(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """The objects of a JSON lines file, each with `path:line`."""
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            record = json.loads(line)
        except json.JSONDecodeError as exc:
            raise SettingsError(f"{where}: not JSON: {exc.msg}") from None
        except RecursionError:
            raise SettingsError(f"{where}: not JSON: nested too deeply") from None
        if not isinstance(record, dict):
            found = type(record).__name__
            raise SettingsError(f"{where}: found {found}, wanted an object a line")
        yield record, where


def _lines(path: Path) -> list[str]:
    """The lines of a file, split at line feeds only: JSON strings may hold other separators."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SettingsError(
            f"no file {path}; name it with --queries or --qrels"
        ) from None
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"cannot read {path}: {exc}") from exc
    return [line.removesuffix("\r") for line in text.split("\n")]
