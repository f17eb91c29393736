"""`kbserver lint`: what in the documents should not be spoken as it stands."""

from __future__ import annotations

import datetime as dt
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from kbserver.cli.options import AsJson, StoreConfig, StorePath
from kbserver.cli.terminal import hanging, line, out, print_json
from kbserver.errors import IngestError

if TYPE_CHECKING:
    from kbserver.ingest.lint.findings import Finding

_SHOWN = 15  # of each kind; --json lists all


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(lint)


def lint(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            help="A corpus, or folders and files.  \\[default: every corpus]",
            metavar="[CORPUS|PATH]",
        ),
    ] = None,
    store: StorePath = None,
    config: StoreConfig = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Exit with 5 if there are findings other than hints; for CI.",
        ),
    ] = False,
    hints: Annotated[
        bool, typer.Option(help="Show hints, too: what often is honest text.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Look for what will sound wrong when it is spoken.

    Contradictions between documents, passages that cannot stand alone, what has expired,
    near-duplicates, hidden text, and sentences that speak to the model.

    Reads a corpus of the store as it is served, or documents that are not ingested yet. Changes
    nothing.

    Exit codes: 0 looked through, 3 no such corpus, 5 no such path, or with --strict: something was
    found.

    Example:  kbserver lint ./docs --strict
    """
    found = _findings(what or [], store, config)
    findings = [one for one in found if hints or not one.is_hint]
    if as_json:
        print_json([one.as_dict() for one in findings])
    else:
        _show(findings)
    if strict and any(not one.is_hint for one in findings):
        sys.exit(IngestError.exit_code)


def _findings(
    what: list[str], store: Path | None, config: Path | None
) -> list[Finding]:
    from kbserver.index.store import Store
    from kbserver.ingest.lint.lint import lint_folder, lint_snapshot
    from kbserver.settings import read_settings

    today = dt.date.today()
    paths = [Path(one) for one in what if "/" in one or Path(one).exists()]
    if paths:
        return lint_folder([Path(one) for one in what], today)
    known = Store(read_settings(config, store=store).store)
    findings: list[Finding] = []
    for corpus in what or known.corpora():
        with known.open(corpus) as snapshot:
            findings += lint_snapshot(snapshot, today)
    return findings


def _show(findings: list[Finding]) -> None:
    if not findings:
        out.print(Text("nothing found", style="green"))
        return
    for kind, count in Counter(one.kind for one in findings).items():
        of_kind = [one for one in findings if one.kind == kind]
        counted = str(count)
        if of_kind[0].is_hint:
            counted += ", hints"
        out.print(Text(f"{kind}  ({counted})", style="bold"))
        for one in of_kind[:_SHOWN]:
            place = f"  {one.source}"
            if one.other:
                place += f" ↔ {one.other}"
            out.print(line(place, style="cyan"))
            out.print(Text(f"    {hanging(one.said, out, 4)}"))
        if count > _SHOWN:
            out.print(f"  … and {count - _SHOWN} more (--json lists all)")
        out.print()
