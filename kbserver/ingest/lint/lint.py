"""Look through documents for what should not be spoken as it stands. Changes nothing."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path

from kbserver.errors import DocumentUnreadable
from kbserver.index.snapshot import Snapshot
from kbserver.ingest.blocks import Document
from kbserver.ingest.chunk import chunk
from kbserver.ingest.conversion import Conversion, ConversionLimits, ahead
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
from kbserver.ingest.reader import passage_id
from kbserver.ingest.walk import FoundFile, walk
from kbserver.types import Passage

_TOKENS_A_CHARACTER = 0.25
"""Of English text and the default model: near enough to cut as an ingest would."""
_MAX_TOKENS = 256


def lint_folder(paths: Sequence[Path], today: dt.date) -> list[Finding]:
    """Look through the documents of some folders and files, without model or store.

    Raises:
        IngestError: a path does not exist.
    """
    findings: list[Finding] = []
    passages: list[Passage] = []
    files = [file for file in walk(paths) if isinstance(file, FoundFile)]
    with Conversion.of(files, ConversionLimits()) as conversion:
        begun = ((file, conversion.convert(file)) for file in files)
        for file, converted in ahead(begun, itemgetter(0)):
            try:
                documents = converted.result()
            except DocumentUnreadable as exc:
                findings.append(Finding("unreadable", file.source, exc.reason))
                continue
            for document in documents:
                findings += _hidden_in(document)
                passages += _passages_of(document)
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


def _passages_of(document: Document) -> Iterator[Passage]:
    """Cut a document about as an ingest would."""
    seen: Counter[str] = Counter()
    drafts = chunk(document, count_tokens=_about_tokens, max_tokens=_MAX_TOKENS)
    for draft in drafts:
        occurrence = seen[draft.text]
        seen[draft.text] += 1
        yield Passage(
            id=passage_id("", document.source, draft.text, occurrence),
            text=draft.text,
            title=draft.title,
            heading_path=draft.heading_path,
            source=document.source,
            position=draft.position,
            metadata=document.metadata,
        )


def _about_tokens(text: str) -> int:
    return int(len(text) * _TOKENS_A_CHARACTER) + 2
