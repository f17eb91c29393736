"""A folder of questions about the shared store's `support` corpus."""

import json
from pathlib import Path

import pytest

QUESTIONS = [
    {"_id": "q1", "text": "how do i reset my router", "kind": "spoken"},
    {"_id": "q2", "text": "what does the red light mean", "kind": "spoken"},
    {
        "_id": "q3",
        "text": "how much is a paper bill",
        "kind": "spoken",
        "answer": "£2.25  A month",
    },
    {"_id": "q4", "text": "um how do i uh cancel", "kind": "disfluent"},
    {"_id": "n1", "text": "who painted the starry night", "kind": "unanswerable"},
    {"_id": "n2", "text": "how do i bake a sourdough bread", "kind": "unanswerable"},
    {"_id": "s1", "text": "thanks very much", "kind": "smalltalk"},
]
QRELS = {"q1": "router/reset.md", "q2": "router/lights.md", "q4": "billing/cancel.txt"}


def write_questions(path: Path, questions: list[dict[str, object]]) -> Path:
    path.write_text(
        "".join(json.dumps(question) + "\n" for question in questions), encoding="utf-8"
    )
    return path


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    return write_questions(tmp_path / "queries.jsonl", QUESTIONS)


@pytest.fixture
def qrels(tmp_path: Path) -> Path:
    lines = [
        "query-id\tcorpus-id\tscore",
        *(f"{query}\t{document}\t1" for query, document in QRELS.items()),
    ]
    path = tmp_path / "qrels.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
