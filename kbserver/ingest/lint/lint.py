"""Look through documents for what should not be spoken as it stands. Finds, and changes nothing."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from kbserver.errors import DocumentUnreadable, ExtraMissing
from kbserver.index.snapshot import Snapshot
from kbserver.ingest.chunk import chunk
from kbserver.ingest.lint.contradictions import contradictions
from kbserver.ingest.lint.duplicates import near_duplicates
from kbserver.ingest.lint.expired import expired
from kbserver.ingest.lint.findings import Finding
from kbserver.ingest.lint.hidden import is_about_hidden
from kbserver.ingest.lint.prompt_injection import (
    perhaps_said_to_the_model,
    said_to_the_model,
)
from kbserver.ingest.lint.self_contained import dangling
from kbserver.ingest.load import load
from kbserver.ingest.reader import passage_id
from kbserver.ingest.walk import FoundFile, walk
from kbserver.types import Passage

_TOKENS_A_CHARACTER = (
    0.25  # of English text and the default model: near enough to cut as an ingest would
)
_MAX_TOKENS = 256


def lint_folder(paths: Sequence[Path], today: dt.date) -> list[Finding]:
    """Look through the documents of some folders and files, without a model or a store.

    Raises:
        IngestError: a path does not exist.
    """
    findings: list[Finding] = []
    passages: list[Passage] = []
    for file in walk(paths):
        if isinstance(file, FoundFile):
            try:
                _cut(file, passages, findings)
            except (DocumentUnreadable, ExtraMissing) as exc:
                reason = exc.reason if isinstance(exc, DocumentUnreadable) else str(exc)
                findings.append(Finding("unreadable", file.source, reason))
    return findings + list(lint_passages(passages, today))


def lint_snapshot(snapshot: Snapshot, today: dt.date) -> list[Finding]:
    """Look through a generation: its passages, and what was withheld from it."""
    findings = [
        Finding("speaks to the model", entry.source, f"withheld: {said}")
        for entry in snapshot.documents()
        for said in entry.extra.get("withheld", ())
    ]
    findings += [
        Finding("hidden text", entry.source, str(note))
        for entry in snapshot.documents()
        for note in entry.extra.get("hidden", ())
    ]
    return findings + list(lint_passages(list(snapshot.passages), today))


def lint_passages(passages: Sequence[Passage], today: dt.date) -> Iterator[Finding]:
    """Yield what is found in passages, kind by kind."""
    for passage in passages:
        text = "\n".join((passage.title, *passage.heading_path, passage.text))
        if said := said_to_the_model(text):
            yield Finding(
                "speaks to the model", passage.source, said, passage=passage.id
            )
        elif said := perhaps_said_to_the_model(text):
            yield Finding("steers an answer", passage.source, said, passage=passage.id)
    yield from contradictions(passages)
    yield from expired(passages, today)
    yield from dangling(passages)
    yield from near_duplicates(passages)


def _cut(file: FoundFile, passages: list[Passage], findings: list[Finding]) -> None:
    for document in load(file.path, file.source):
        findings += [
            Finding("hidden text", document.source, note)
            for note in document.notes
            if is_about_hidden(note)
        ]
        seen = Counter[str]()
        for draft in chunk(
            document,
            count_tokens=lambda text: int(len(text) * _TOKENS_A_CHARACTER) + 2,
            max_tokens=_MAX_TOKENS,
        ):
            key = passage_id("", document.source, draft.text, seen[draft.text])
            seen[draft.text] += 1
            passages.append(
                Passage(
                    key,
                    draft.text,
                    draft.title,
                    draft.heading_path,
                    document.source,
                    draft.position,
                    document.metadata,
                )
            )
