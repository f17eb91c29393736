"""What stands between a new generation and callers: shared by `replay` and `ingest --replay`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kbserver import extras
from kbserver.cli.questions import asked
from kbserver.cli.terminal import err, line, out
from kbserver.durations import duration_s
from kbserver.errors import ReleaseHeld, StoreError

if TYPE_CHECKING:
    from kbserver.evaluation.gate import Gate
    from kbserver.evaluation.replay import Replay
    from kbserver.settings import Settings

_SHOWN = 20  # questions of each sort that are listed; --json and --report have more

_TITLES = {
    "gone": "answered by a document that is gone",
    "silent": "newly silent",
    "changed": "with another document first",
    "answered": "newly answered",
}


def replayed(
    gate: Gate, before: str, after: str, file: Path | None
) -> tuple[Replay, dict[str, Any]]:
    """Ask both generations, and write the report where it is wanted; return it with its values.

    Raises:
        StoreError, ModelError: one of them cannot be served.
        SettingsError: the file cannot be written.
    """
    from kbserver.evaluation.replay_report import as_dict, page
    from kbserver.evaluation.report import write

    with asked() as on_progress:
        found = gate.replayed(before, after, on_progress)
    try:
        values = gate.report(found)
    except StoreError as exc:  # a record that is only read
        err.print(line(f"the report is not kept in the record: {exc}", "yellow"))
        values = as_dict(found, gate.requirements)
    if file is not None:
        text = page(values)
        if file.suffix == ".json":
            text = json.dumps(values, ensure_ascii=False, indent=1) + "\n"
        write(file, text)
    return found, values


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
    from kbserver.evaluation.replay_report import first_of

    for kind, title in _TITLES.items():
        listed = [one for one in values["questions"] if one["kind"] == kind]
        if not listed:
            continue
        out.print(line(f"{title}:"))
        for one in listed[:_SHOWN]:
            change = " → ".join(first_of(one[side]) for side in ("before", "after"))
            out.print(line(f"  {one['turns']:4} × “{one['question']}”  {change}"))
        if len(listed) > _SHOWN:
            out.print(f"  … and {len(listed) - _SHOWN} more (--json lists them)")


def _show_judged(judged: dict[str, Any] | None) -> None:
    if judged is None:
        return
    values = [
        f"{name} {judged['before'][name]:.3f} → {judged['after'][name]:.3f}"
        for name in ("ndcg@10", "recall@3", "answered", "false_grounding")
        if name in judged["before"] and name in judged["after"]
    ]
    said = ", ".join(values) or "not measured on both"
    out.print(line(f"{judged['questions']} judged questions: {said}"))


class Release:
    """The gate of one ingest: asked when its generation is whole."""

    def __init__(self, gate: Gate, file: Path | None) -> None:
        """Take what is asked and required, and where the report is written."""
        self._gate = gate
        self._file = file
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
        extras.require("evaluation", "kbserver ingest --replay")
        from kbserver.evaluation.gate import Gate
        from kbserver.evaluation.require import read_release_requirement

        duration_s(since)
        requirements = [read_release_requirement(text) for text in require]
        return cls(Gate(settings, corpus, requirements, since), report)

    def may_publish(self, generation: str) -> bool:
        """Ask a generation beside the live one; return whether all holds that is required."""
        from kbserver.index.store import Store

        live = Store(self._gate.settings.store).live(self._gate.corpus)
        self._found, self.values = replayed(self._gate, live, generation, self._file)
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
