"""What of the cases of a folder each converter gets right.

A case is a folder with `docs/` and `case.json`: a `kind`, and `tests` of a `question`, a pattern
that the spoken context must hold (`expect`) and one that it must not (`forbid`). kbserver ingests
the documents as they are. Of a peer it ingests the Markdown, so only the conversion differs.
"""

from __future__ import annotations

import json
import re
import shutil
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.documents.converters import OURS, Converter
from benchmarks.served import served
from kbserver.embedding.base import Encoder
from kbserver.embedding.models import open_encoder
from kbserver.errors import KbServerError
from kbserver.index.store import Store
from kbserver.ingest.build import IngestOptions, ingest
from kbserver.settings import DEFAULT_MODEL

_STARTS_IN_S = 600.0
"""A server of many small corpora, on a machine that does other work, too."""
_ANSWERS_IN_S = 10.0
_DEADLINE_MS = "2000"
"""Of a turn: what is found counts here, not how fast."""


@dataclass(frozen=True, slots=True)
class Case:
    """One small set of documents with questions."""

    name: str
    kind: str
    docs: Path
    turns: tuple[str, ...]
    """Said before each question."""
    tests: tuple[Mapping[str, str], ...]
    report: str
    """What the ingest report may name instead of speaking it; "" if nothing."""

    @property
    def formats(self) -> str:
        """The suffixes of its documents."""
        files = (file for file in self.docs.rglob("*") if file.is_file())
        return " ".join(sorted({file.suffix.removeprefix(".") for file in files}))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one question."""

    case: Case
    question: str
    is_spoken: bool
    """The context holds the fact and nothing forbidden."""
    is_named: bool
    """It is not spoken, nothing wrong is said, and the report names what is missing."""
    said: str


def cases_in(folder: Path) -> list[Case]:
    """Return the cases of a folder that ask something of a converter.

    Left out are those about a file that is changed between two ingests.
    """
    found = []
    for file in sorted(folder.glob("*/case.json")):
        told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if told.get("stale"):
            continue
        case = Case(
            told["name"],
            told["kind"],
            file.parent / "docs",
            tuple(told.get("turns", ())[:-1]),
            tuple(told["tests"]),
            told.get("report") or "",
        )
        found.append(case)
    return found


def facts(
    cases: Sequence[Case], converters: Iterable[Converter], scratch: Path
) -> dict[str, list[Verdict]]:
    """Return every question's verdict by the name of the converter."""
    found = {}
    with open_encoder(DEFAULT_MODEL, for_queries=False) as encoder:
        for converter in converters:
            folder = scratch / converter.name
            reports = {
                case.name: _ingested(case, converter, folder, encoder) for case in cases
            }
            found[converter.name] = list(_judged(cases, folder / "store", reports))
    return found


def _ingested(case: Case, converter: Converter, folder: Path, encoder: Encoder) -> str:
    """Ingest a case's documents as a corpus of its name; return what the report names."""
    docs = case.docs
    unread: list[str] = []
    if converter.name != OURS:
        docs = folder / "docs" / case.name
        unread = _as_markdown(case.docs, docs, converter)
    options = IngestOptions(allow_shrink=True)
    store = Store(folder / "store")
    try:
        report = ingest(
            [docs], store=store, corpus=case.name, options=options, encoder=encoder
        )
    except KbServerError as exc:
        return " | ".join((*unread, str(exc)))
    said = (*report.skipped, *report.notes, *report.withheld)
    return " | ".join((*unread, *(one.reason for one in said)))


def _as_markdown(docs: Path, into: Path, converter: Converter) -> list[str]:
    """Write the Markdown of every file; return why others have none."""
    unread = []
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    for file in sorted(docs.rglob("*")):
        if not file.is_file():
            continue
        converted = converter.convert(file)
        if converted.reason:
            unread.append(converted.reason)
            continue
        out = (into / file.relative_to(docs)).with_suffix(".md")
        if out.exists():
            out = out.with_name(f"{file.name}.md")
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(converted.text, encoding="utf-8")
    return unread


def _judged(
    cases: Sequence[Case], store: Path, reports: Mapping[str, str]
) -> Iterator[Verdict]:
    """Ask every question; those with earlier turns have a session that remembers."""
    for remembers in (False, True):
        those = [case for case in cases if bool(case.turns) == remembers]
        shared = str(not remembers).lower()
        environment = {
            "KBSERVER_DEADLINE_MS": _DEADLINE_MS,
            "KBSERVER_SHARED_LABEL": shared,
        }
        if not those:
            continue
        with served(store, ready=False, **environment) as server:
            server.wait_ready(_STARTS_IN_S)
            for case in those:
                for test in case.tests:
                    yield _verdict(server.url, case, test, reports[case.name])


def _verdict(url: str, case: Case, test: Mapping[str, str], report: str) -> Verdict:
    for turn in case.turns:
        _ask(url, case.name, turn)
    question, expect, forbid = (test[key] for key in ("question", "expect", "forbid"))
    said = _ask(url, case.name, question)
    is_wrong = bool(forbid and re.search(forbid, said, re.IGNORECASE))
    is_spoken = not is_wrong and bool(
        not expect or re.search(expect, said, re.IGNORECASE)
    )
    is_named = bool(case.report and re.search(case.report, report, re.IGNORECASE))
    if case.report and not expect:
        is_spoken = False  # the fact is what the report says
    return Verdict(
        case, question, is_spoken, not is_wrong and not is_spoken and is_named, said
    )


def _ask(url: str, label: str, query: str) -> str:
    body = json.dumps({"session_label": label, "query": query}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, body, headers)
    with urllib.request.urlopen(request, timeout=_ANSWERS_IN_S) as answer:
        return str(json.loads(answer.read())["context"])


def table(found: Mapping[str, Sequence[Verdict]]) -> str:
    """Return the facts that each gets right by format, then by kind, as Markdown."""
    lines = _table("format", found, lambda one: one.case.formats)
    return "\n".join([*lines, "", *_table("kind", found, lambda one: one.case.kind)])


def _table(what: str, found: Mapping[str, Sequence[Verdict]], of: Any) -> list[str]:
    lines = [
        f"| {what} | questions | {' | '.join(found)} |",
        f"|---|--:|{'--:|' * len(found)}",
    ]
    [first, *_] = found.values()
    for group in (*sorted({of(one) for one in first}, key=_by_number), None):
        chosen = {
            name: [one for one in verdicts if group is None or of(one) == group]
            for name, verdicts in found.items()
        }
        cells = " | ".join(_cell(verdicts) for verdicts in chosen.values())
        number = len(chosen[next(iter(chosen))])
        lines.append(f"| {group or '**all**'} | {number} | {cells} |")
    return lines


def _by_number(name: str) -> tuple[int, str]:
    digits = re.sub(r"\D", "", name)
    return (int(digits or 0), name)


def _cell(verdicts: Sequence[Verdict]) -> str:
    """Return how many are spoken, and how many more are named: `12 + 1`."""
    spoken = sum(one.is_spoken for one in verdicts)
    named = sum(one.is_named for one in verdicts)
    if named:
        return f"{spoken} + {named}"
    return str(spoken)
