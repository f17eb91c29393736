"""Look through documents for what should not be spoken as it stands. Changes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path

from kbserver.index.snapshot import Snapshot
from kbserver.ingest.blocks import Document
from kbserver.ingest.lint.contradictions import contradictions
from kbserver.ingest.lint.duplicates import near_duplicates
from kbserver.ingest.lint.expired import expired
from kbserver.ingest.lint.findings import Finding
from kbserver.ingest.lint.hidden import is_about_hidden
from kbserver.ingest.lint.prompt_injection import (
    prompt_injection_in,
    steering_in,
)
from kbserver.ingest.lint.self_contained import dangling
from kbserver.ingest.preview import converted, passages_of
from kbserver.ingest.walk import FoundFile, Skipped, walk
from kbserver.types import Passage


def lint_folder(paths: Sequence[Path], today: dt.date) -> list[Finding]:
    """Look through the documents of some folders and files, without model or store.

    Raises:
        IngestError: a path does not exist.
    """
    findings: list[Finding] = []
    passages: list[Passage] = []
    files = [file for file in walk(paths) if isinstance(file, FoundFile)]
    for documents in converted(files):
        if isinstance(documents, Skipped):
            unreadable = Finding("unreadable", documents.source, documents.reason)
            findings.append(unreadable)
            continue
        for document in documents:
            findings += _hidden_in(document)
            passages += passages_of(document)
    return [*findings, *lint_passages(passages, today)]


def lint_snapshot(snapshot: Snapshot, today: dt.date) -> list[Finding]:
    """Look through a generation: its passages, and what was withheld from it."""
    entries = list(snapshot.documents())
    findings = [
        Finding("speaks to the model", entry.source, f"withheld: {words}")
        for entry in entries
        for words in entry.extra.get("withheld", ())
    ]
    findings += [
        Finding("hidden text", entry.source, str(note))
        for entry in entries
        for note in entry.extra.get("hidden", ())
    ]
    return [*findings, *lint_passages(list(snapshot.passages), today)]


def lint_passages(passages: Sequence[Passage], today: dt.date) -> Iterator[Finding]:
    """Yield what is found in passages, kind by kind."""
    for passage in passages:
        text = "\n".join((passage.title, *passage.heading_path, passage.text))
        source = passage.source
        if words := prompt_injection_in(text):
            yield Finding("speaks to the model", source, words, passage=passage.id)
        elif words := steering_in(text):
            yield Finding("steers an answer", source, words, passage=passage.id)
    yield from contradictions(passages)
    yield from expired(passages, today)
    yield from dangling(passages)
    yield from near_duplicates(passages)


def _hidden_in(document: Document) -> Iterator[Finding]:
    for note in document.notes:
        if is_about_hidden(note):
            yield Finding("hidden text", document.source, note)
