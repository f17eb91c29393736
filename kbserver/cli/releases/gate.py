"""What stands between a new generation and callers: shared by `replay` and `ingest --replay`."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kbserver.cli.questions import asked
from kbserver.cli.terminal import err, line, out
from kbserver.durations import duration_s
from kbserver.errors import ReleaseHeld, StoreError, StoreMissing

if TYPE_CHECKING:
    from kbserver.evaluation.replay import Replay
    from kbserver.evaluation.require import Requirement
    from kbserver.record.qrels import JudgedQuestion
    from kbserver.record.releases.asked import AskedCall
    from kbserver.settings import Settings

MOST_TURNS = 5_000
_SHOWN = 20  # questions of each sort that are listed; --json and --report have more

_TITLES = {
    "gone": "answered by a document that is gone",
    "silent": "newly silent",
    "changed": "with another document first",
    "answered": "newly answered",
}


@dataclass(frozen=True, slots=True)
class Gate:
    """What a release is asked, and what must come of it."""

    settings: Settings
    corpus: str
    requirements: Sequence[Requirement]
    since: str
    """How far back recorded turns are asked: 7d."""
    most: int = MOST_TURNS
    report: Path | None = None

    def replayed(self, before: str, after: str) -> Replay:
        """Ask both generations.

        Raises:
            StoreError, ModelError: one of them cannot be served.
        """
        from kbserver.evaluation.replay import replay
        from kbserver.index.store import Store

        store = Store(self.settings.store)
        calls, left_out, judged = self._questions()
        with (
            store.open(self.corpus, before) as older,
            store.open(self.corpus, after) as newer,
            asked() as on_progress,
        ):
            found = replay(
                self.settings,
                self.corpus,
                older,
                newer,
                calls=calls,
                judged=judged,
                left_out=left_out,
                on_progress=on_progress,
            )
        return found.checked(self.requirements)

    def reported(self, found: Replay) -> dict[str, Any]:
        """Keep the report in the record and where it was wanted; return its values."""
        from kbserver.evaluation.replay_report import as_dict, page
        from kbserver.evaluation.report import write

        values = as_dict(found, self.requirements)
        self._keep(values)
        if self.report is not None:
            text = page(values)
            if self.report.suffix == ".json":
                text = json.dumps(values, ensure_ascii=False, indent=1) + "\n"
            write(self.report, text)
        return values

    def _questions(self) -> tuple[list[AskedCall], int, list[JudgedQuestion]]:
        """Return recorded calls, how many of their turns are too many, and judged questions."""
        from kbserver.record.database import open_for_reading
        from kbserver.record.judgements import judgements
        from kbserver.record.qrels import judged_questions
        from kbserver.record.releases.asked import asked_calls, count_asked

        since = time.time() - duration_s(self.since)
        try:
            connection = open_for_reading(self.settings.record_folder)
        except StoreMissing:
            return [], 0, []
        with closing(connection):
            calls = asked_calls(connection, self.corpus, since=since, most=self.most)
            there = count_asked(connection, self.corpus, since=since)
            judged = judged_questions(judgements(connection, corpus=self.corpus))
        return calls, max(0, there - self.most), judged

    def _keep(self, values: dict[str, Any]) -> None:
        """Add the report to the record; a record that cannot be written keeps none."""
        from kbserver.record.database import FILE, changing
        from kbserver.record.releases.replays import add

        folder = self.settings.record_folder
        if not (folder / FILE).is_file():
            return
        try:
            with changing(folder) as connection:
                add(connection, values, at=time.time())
        except (StoreError, sqlite3.Error) as exc:
            err.print(line(f"the report is not kept in the record: {exc}", "yellow"))


def held(found: Replay, settings: Settings) -> str:
    """Say what does not hold, and how to publish all the same."""
    failures = "; ".join(found.failures)
    return (
        f"{found.corpus}: generation {found.after} is not published: {failures}\n"
        f"publish anyway: kbserver rollback {found.corpus} --to {found.after} "
        f"--store {settings.store}"
    )


def show_replay(values: dict[str, Any]) -> None:
    """Print a report for people."""
    out.print(
        line(f"{values['corpus']}: {values['before']} → {values['after']}", "bold")
    )
    sources = {"recorded": "recorded turns", "judged": "judged and written questions"}
    asked = values["asked"]
    said = f"{asked['turns']} {sources[asked['source']]} asked again"
    if asked["left_out"]:
        said += f" (the {asked['left_out']} oldest left out)"
    counts = [f"{values['kinds']['same']} as before"]
    counts += [f"{values['kinds'][kind]} {name}" for kind, name in _TITLES.items()]
    out.print(line(f"{said}: {', '.join(counts)}"))
    documents = values["documents"]
    changes = [
        f"{len(documents[what])} {what}" for what in ("added", "changed", "gone")
    ]
    out.print(line(f"documents: {', '.join(changes)}"))
    for lost in documents["gone"]:
        out.print(
            line(f"  - {lost['document']}   answered {lost['questions']} of them")
        )
    for old, new in documents["moved"].items():
        out.print(line(f"  = {old} is {new} now"))
    _show_questions(values)
    _show_judged(values["judged"])


def _show_questions(values: dict[str, Any]) -> None:
    for kind, title in _TITLES.items():
        listed = [one for one in values["questions"] if one["kind"] == kind]
        if not listed:
            continue
        out.print(line(f"{title}:"))
        for one in listed[:_SHOWN]:
            change = " → ".join(_first(one[side]) for side in ("before", "after"))
            out.print(line(f"  {one['turns']:4} × “{one['question']}”  {change}"))
        if len(listed) > _SHOWN:
            out.print(f"  … and {len(listed) - _SHOWN} more (--json lists them)")


def _first(answer: dict[str, Any]) -> str:
    for document in answer["documents"]:
        return f"{document} ({answer['score']:.2f})"
    return "(silence)"


def _show_judged(judged: dict[str, Any] | None) -> None:
    if judged is None:
        return
    values = [
        f"{name} {judged['before'][name]:.3f} → {judged['after'][name]:.3f}"
        for name in ("ndcg@10", "recall@3", "answered", "false_grounding")
        if name in judged["before"] and name in judged["after"]
    ]
    out.print(line(f"{judged['questions']} judged questions: {', '.join(values)}"))


class Release:
    """The gate of one ingest: asked when its generation is whole."""

    def __init__(self, gate: Gate) -> None:
        """Take what is asked and required."""
        self._gate = gate
        self._found: Replay | None = None
        self.values: dict[str, Any] | None = None
        """The report; None while nothing was compared."""

    @classmethod
    def of(
        cls,
        settings: Settings,
        corpus: str,
        require: Sequence[str],
        since: str,
        report: Path | None,
    ) -> Release:
        """Read what is required.

        Raises:
            SettingsError: a requirement or a duration cannot be read.
        """
        from kbserver.evaluation.require import read_release_requirement

        duration_s(since)
        requirements = [read_release_requirement(text) for text in require]
        return cls(Gate(settings, corpus, requirements, since, report=report))

    def may_publish(self, generation: str) -> bool:
        """Ask a generation beside the live one; return whether all holds that is required."""
        from kbserver.index.store import Store

        live = Store(self._gate.settings.store).live(self._gate.corpus)
        self._found = self._gate.replayed(live, generation)
        self.values = self._gate.reported(self._found)
        return not self._found.failures

    def end(self, published: bool) -> None:
        """Say how the gate decided.

        Raises:
            ReleaseHeld: something does not hold.
        """
        if self._found is None:
            if published:
                err.print(
                    "nothing was live to compare with: published without a replay"
                )
            return
        if self._found.failures:
            raise ReleaseHeld(held(self._found, self._gate.settings))
