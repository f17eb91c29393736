"""`kbserver replay`: what callers would hear of another generation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kbserver import extras
from kbserver.cli.options import AsJson, Config, CorpusName, Since, StorePath
from kbserver.cli.releases.gate import held, replayed, show_replay
from kbserver.cli.terminal import log_to_terminal, print_json
from kbserver.errors import ReleaseHeld


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(replay)


def replay(
    corpus: CorpusName,
    to: Annotated[
        str,
        typer.Option(help="The generation that would be served.", metavar="GENERATION"),
    ],
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="The generation to compare it with.  \\[default: the live one]",
            metavar="GENERATION",
        ),
    ] = None,
    since: Since = "7d",
    most: Annotated[
        int, typer.Option("--most", min=1, help="The newest turns, at most so many.")
    ] = 5_000,
    require: Annotated[
        list[str] | None,
        typer.Option(
            help="What must hold, or the exit code is 7: 'gone<=0', 'changed<=0.05', "
            "'silent<=0.01', 'recall@3>=0.8'; may be repeated.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            help="Also write the report to this file: .json, or one HTML page.",
            metavar="FILE",
        ),
    ] = None,
    config: Config = None,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Ask another generation what callers asked, and say what they would hear differently.

    The recorded calls are asked turn by turn, so that follow-ups lean on the turns before them, of
    both generations; the same call from several callers is asked once, and counts as often. Where
    only facts are recorded, the judged questions and those that documents name (`questions:`) are
    asked instead. Judged questions are measured as by `kbserver eval`.

    Every question is named that another document answers first, that is not answered any more, or
    is answered now, and every document that is gone. Requirements: **gone** is a number of
    documents; **changed**, **silent** and **newly_answered** are shares of the turns. What was not
    measured does not hold.

    Exit codes: 0 done, 3 no such corpus or generation, 7 a requirement does not hold.

    Example:  kbserver replay support --to 000003-20261130T142043-6943a8 --require 'gone<=0'
    """
    extras.require("evaluation", "kbserver replay")
    from kbserver.evaluation.gate import Gate
    from kbserver.evaluation.require import read_release_requirement
    from kbserver.index.store import Store
    from kbserver.settings import read_settings

    log_to_terminal()
    requirements = [read_release_requirement(text) for text in require or ()]
    settings = read_settings(config, store=store)
    before = from_ or Store(settings.store).live(corpus)
    gate = Gate(settings, corpus, requirements, since, most=most)
    found, values = replayed(gate, before, to, report)
    if as_json:
        print_json(values)
    else:
        show_replay(values)
    if found.failures:
        raise ReleaseHeld(held(found, settings))
