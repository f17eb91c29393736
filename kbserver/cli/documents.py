"""`kbserver documents` and `kbserver diff`: what a generation holds, what is used, what changed."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from kbserver.cli.options import AsJson, Config, CorpusName, StorePath
from kbserver.cli.terminal import err, line, out, print_json, print_table
from kbserver.durations import duration_s
from kbserver.errors import StoreMissing

if TYPE_CHECKING:
    from pathlib import Path

    from kbserver.record.usage import Usage


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(documents)
    app.command()(diff)


def documents(
    corpus: CorpusName,
    unused: Annotated[
        str | None,
        typer.Option(
            help="Only documents that were not answered for so long: 30d.",
            metavar="DURATION",
        ),
    ] = None,
    generation: Annotated[
        str | None, typer.Option(help="Of this generation instead of the live one.")
    ] = None,
    config: Config = None,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """List the documents of a corpus, and what each did for callers.

    Of every document: its passages, in how many recorded turns it was answered, how often first,
    when last, and in how many turns it came near. Figures go back as far as turns are recorded.

    Example:  kbserver documents support --unused 30d
    """
    from kbserver.index.store import Store
    from kbserver.record.usage import Usage
    from kbserver.settings import read_settings

    settings = read_settings(config, store=store)
    with Store(settings.store).open(corpus, generation) as snapshot:
        held = sorted(snapshot.documents(), key=lambda entry: entry.source)
        live = snapshot.manifest.generation
    usage, began = _usage(settings.record_folder, corpus)
    rows = [(entry, usage.get(entry.source, Usage())) for entry in held]
    if unused is not None:
        before = time.time() - duration_s(unused)
        rows = [row for row in rows if (row[1].last_answered or 0.0) < before]
        if began is None or began > before:
            _warn_of_a_young_record(began)
    if as_json:
        listed = [
            {
                "document": entry.source,
                "passages": entry.passages,
                "turns": used.turns,
                "first_places": used.first_places,
                "last_answered": used.last_answered,
                "near_misses": used.near_misses,
            }
            for entry, used in rows
        ]
        print_json({"corpus": corpus, "generation": live, "documents": listed})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("passages", "turns", "first", "near"):
        table.add_column(column, justify="right")
    table.add_column("last answered")
    table.add_column("document", no_wrap=True)
    for entry, used in rows:
        figures = (entry.passages, used.turns, used.first_places, used.near_misses)
        last = _day(used.last_answered)
        table.add_row(*map(str, figures), last, line(entry.source))
    print_table(table)
    out.print(line(f"{len(rows)} of {len(held)} documents of {corpus}, {live}"))


def _usage(folder: Path, corpus: str) -> tuple[dict[str, Usage], float | None]:
    """Return what is recorded of a corpus, and since when; nothing without a record."""
    from kbserver.record.database import reading
    from kbserver.record.usage import began, usage_of

    try:
        with reading(folder) as connection:
            return usage_of(connection, corpus), began(connection)
    except StoreMissing:
        return {}, None


def _warn_of_a_young_record(began: float | None) -> None:
    since = "no turn is recorded yet"
    if began is not None:
        since = f"turns are recorded since {_day(began)} only"
    err.print(Text(f"{since}: what was answered before cannot be told", style="yellow"))


def _day(at: float | None) -> str:
    if at is None:
        return "never"
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%MZ}"


def diff(
    corpus: CorpusName,
    before: Annotated[str, typer.Argument(help="A generation.", metavar="A")],
    now: Annotated[
        str | None,
        typer.Argument(
            help="Another; without it the live one.", metavar="[B]", show_default=False
        ),
    ] = None,
    config: Config = None,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Compare the documents of two generations by name: added, changed, gone.

    `kbserver corpora` lists the generations there are; `kbserver rollback` goes back to one.

    Example:  kbserver diff support 000003-20261130T142043-6943a8
    """
    from kbserver.index.documents import differences
    from kbserver.index.store import Store
    from kbserver.settings import read_settings

    corpora = Store(read_settings(config, store=store).store)
    with (
        corpora.open(corpus, before) as older,
        corpora.open(corpus, now) as newer,
    ):
        found = differences(older.documents(), newer.documents())
        names = older.manifest.generation, newer.manifest.generation
    changes = {"added": found.added, "changed": found.changed, "gone": found.gone}
    if as_json:
        listed = {what: list(sources) for what, sources in changes.items()}
        print_json({"before": names[0], "now": names[1], "same": found.same} | listed)
        return
    marks = {"added": "+", "changed": "~", "gone": "-"}
    for what, sources in changes.items():
        for source in sources:
            out.print(line(f"{marks[what]} {source}"))
    out.print(line(f"{found}, {found.same} the same   ({names[0]} → {names[1]})"))
