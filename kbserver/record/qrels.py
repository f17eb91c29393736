"""Judgements as the field's files: queries.jsonl and qrels.tsv, which `eval` and `calibrate` read.

Source: BEIR (https://github.com/beir-cellar/beir); `kind` and `history` are this project's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from kbserver.errors import StoreError
from kbserver.record.judgements import RIGHT, Judgement

QUERIES = "queries.jsonl"
QRELS = "qrels.tsv"

JUDGED = "judged"
UNANSWERABLE = "unanswerable"
"""Kinds of questions; the second is one that `eval` knows as wanting no answer."""

_ID_DIGITS = 12
_BREAKS_A_LINE = "\t\n\r"


@dataclass(slots=True)
class JudgedQuestion:
    """One question with all that was judged of it."""

    id: str
    """Of its words: the same question has the same id in every export."""
    text: str
    history: tuple[str, ...]
    documents: dict[str, int] = field(default_factory=dict)
    """Document → 1 if it answers the question, 0 if it does not."""
    silent: bool = False
    """Whether nothing should be answered."""

    @property
    def kind(self) -> str:
        """The kind under which it is evaluated."""
        if self.silent:
            return UNANSWERABLE
        return JUDGED


def judged_questions(judgements: Iterable[Judgement]) -> list[JudgedQuestion]:
    """Gather judgements of one corpus by question, in the order they were first judged.

    Of judgements that contradict each other the last counts. Those without words are left out.
    """
    found: dict[str, JudgedQuestion] = {}
    for judgement in judgements:
        if not judgement.question:
            continue
        id = id_of(judgement.question, judgement.history)
        question = found.setdefault(
            id, JudgedQuestion(id, judgement.question, judgement.history)
        )
        if judgement.verdict == "silent":
            question.silent = True
            question.documents = dict.fromkeys(question.documents, 0)
        elif judgement.document is not None:
            is_right = judgement.verdict in RIGHT
            question.documents[judgement.document] = int(is_right)
            question.silent = question.silent and not is_right
    return list(found.values())


def id_of(question: str, history: Iterable[str] = ()) -> str:
    """Return the id of a question behind some turns: `j` and 12 hex digits."""
    said = json.dumps([*history, question], ensure_ascii=False)
    digest = hashlib.sha256(said.encode("utf-8", "surrogatepass"))
    return f"j{digest.hexdigest()[:_ID_DIGITS]}"


def write_dataset(questions: Iterable[JudgedQuestion], folder: Path) -> None:
    """Write `queries.jsonl` and `qrels.tsv` into a folder, which is made if it is not there.

    Raises:
        StoreError: a file cannot be written.
    """
    lines = []
    judged = ["query-id\tcorpus-id\tscore"]
    for question in questions:
        record: dict[str, object] = {
            "_id": question.id,
            "text": question.text,
            "kind": question.kind,
        }
        if question.history:
            record["history"] = [
                {"role": "user", "text": said} for said in question.history
            ]
        lines.append(json.dumps(record, ensure_ascii=False))
        for document, score in question.documents.items():
            if any(sign in document for sign in _BREAKS_A_LINE):
                continue
            judged.append(f"{question.id}\t{document}\t{score}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in ((QUERIES, lines), (QRELS, judged)):
            text = "".join(f"{row}\n" for row in rows)
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as exc:
        raise StoreError(f"cannot write {folder}: {exc.strerror}") from exc
