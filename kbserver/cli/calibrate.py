"""`kbserver calibrate`: below which score nothing is said."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from kbserver import extras
from kbserver.cli.options import AsJson, Config, StorePath
from kbserver.cli.questions import asked
from kbserver.cli.terminal import log_to_terminal, out, print_json, print_table
from kbserver.errors import SettingsError

if TYPE_CHECKING:
    from kbserver.retrieval.calibration import Calibration


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(calibrate)


def calibrate(
    corpus: Annotated[
        str, typer.Argument(help="A corpus of the store, or its folder.")
    ],
    queries: Annotated[
        list[Path] | None,
        typer.Option(
            help="Questions the corpus answers; those of kind unanswerable count as such."
        ),
    ] = None,
    qrels: Annotated[
        Path | None, typer.Option(help="qrels.tsv, or a folder of them.")
    ] = None,
    unanswerable: Annotated[
        list[Path] | None,
        typer.Option(
            help="Questions it does not answer, whatever their kind; may be repeated."
        ),
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            help="Without --unanswerable: also draw from this other corpus of the store; "
            "may be repeated.",
        ),
    ] = None,
    keep: Annotated[
        float,
        typer.Option(
            min=0.0, max=1.0, help="Share of the right passages that must stay."
        ),
    ] = 0.9,
    store: StorePath = None,
    config: Config = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            help="Where to draw the curve, SVG.  \\[default: beside the corpus]"
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the choice, and store nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Set the score below which nothing is said, from questions with an answer and without one.

    Without --queries they are made from titles and headings: a rough calibration, for a start.
    Without --unanswerable, everyday questions, and with --against also titles and headings of
    another corpus, stand for what callers ask in vain; real ones about your own subject are harder,
    so give some when you can. The result is stored beside the corpus, for routes without a
    `min_score` of their own.

    Example:  kbserver calibrate support --queries asked.jsonl --qrels judged.tsv --unanswerable
    in-vain.jsonl
    """
    extras.require("evaluation", "kbserver calibrate")
    from kbserver.evaluation.ask import asking
    from kbserver.evaluation.calibrate import calibrate
    from kbserver.evaluation.dataset import read_dataset, read_questions
    from kbserver.evaluation.plot import picture as draw
    from kbserver.evaluation.report import write
    from kbserver.evaluation.target import cache_folder, find_target
    from kbserver.retrieval.calibration import write_calibration
    from kbserver.settings import read_settings

    log_to_terminal()
    settings = read_settings(config, store=store)
    where = find_target(corpus, store=settings.store, cache=cache_folder())
    if where.documents is not None:
        raise SettingsError(
            f"{corpus} is no corpus of a store; make it one:  kbserver ingest {corpus}"
        )
    given = None
    if queries:
        given = read_dataset(queries, qrels)
    foreign = [
        question for path in unanswerable or () for question in read_questions(path)
    ]

    async def calibrated() -> Calibration:
        async with asking(settings, where.store) as server:
            return await calibrate(
                server,
                where.corpus,
                base=settings.turn_settings(),
                date=dt.datetime.now(dt.UTC).isoformat("T", "seconds"),
                given=given,
                foreign=foreign,
                against=against or (),
                keep=keep,
                on_progress=on_progress,
            )

    with asked() as on_progress:
        calibration = asyncio.run(calibrated())
    folder = where.store / where.corpus
    drawing = picture
    if drawing is None and not dry_run:
        drawing = folder / "calibration.svg"
    if drawing is not None:
        write(drawing, draw(calibration, where.corpus))
    if not dry_run:
        write_calibration(folder, calibration)
    if as_json:
        print_json(asdict(calibration) | {"stored": not dry_run})
        return
    _show(calibration, where.corpus)
    if drawing is None:
        out.print("dry run: nothing was stored")
    else:
        out.print(Text(f"picture: {drawing}"))


def _show(calibration: Calibration, corpus: str) -> None:
    chosen = calibration.at
    out.print(
        f"{corpus}: min_score {chosen.min_score:.3f} keeps {chosen.kept:.1%} of "
        f"{calibration.answerable} right passages and lets {chosen.false_groundings:.1%} of "
        f"{calibration.unanswerable} unanswerable questions through"
    )
    if calibration.rough:
        out.print(
            "A rough calibration: the questions were made from titles and headings, which are far "
            "easier to find than what callers say. Give real ones with --queries, --qrels and "
            "--unanswerable."
        )
    out.print()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("min_score", "kept", "false groundings"):
        table.add_column(column, justify="right")
    for point in sorted(
        {*calibration.curve, chosen}, key=lambda point: point.min_score
    ):
        mark = ""
        if point is chosen:
            mark = "bold"
        table.add_row(
            f"{point.min_score:.3f}",
            f"{point.kept:.1%}",
            f"{point.false_groundings:.1%}",
            style=mark,
        )
    print_table(table)
    out.print()
