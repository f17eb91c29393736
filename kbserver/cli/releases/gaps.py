"""`kbserver gaps`: what callers asked in vain, what is done about it, and what closed it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from kbserver.cli.options import AsJson, Config, Since, StorePath
from kbserver.cli.terminal import err, line, log_to_terminal, out, print_json, user
from kbserver.durations import duration_s
from kbserver.errors import ModelError, SettingsError, StoreError, StoreMissing

if TYPE_CHECKING:
    from kbserver.record.gaps.grouping import Gap, NearestDocument, State
    from kbserver.settings import Settings

_MOST_GAPS = 20


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(gaps)


def gaps(
    since: Since = "7d",
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown, for a ticket or a mail.")
    ] = False,
    most: Annotated[
        int, typer.Option("--most", min=1, help="So many gaps at most.")
    ] = _MOST_GAPS,
    stub: Annotated[
        str | None,
        typer.Option(
            help="Print the document that this gap asks for, begun, and mark it as being written.",
            metavar="ID",
        ),
    ] = None,
    mark: Annotated[
        tuple[str, str] | None,
        typer.Option(
            help="Keep what is done about a gap: new, being_written, done or not_ours.",
            metavar="ID STATE",
        ),
    ] = None,
    ask: Annotated[
        bool,
        typer.Option(
            "--ask/--no-ask",
            help="Ask open gaps again of a generation that was published since.",
        ),
    ] = True,
    config: Config = None,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """List what callers asked and got nothing for, or hardly anything; what most asked first.

    The same question in other words is one gap: questions are grouped by the embeddings their
    turns had anyway, without asking any model. Each gap shows examples, how many turns and calls,
    how many were handed over, and the document that came nearest: write the answer there, or a new
    document, which **--stub** begins.

    After the next publish each open gap is asked again: one that is answered now is **closed by**
    that generation. If callers ask it in vain of that generation, it is open again.

    Needs **mode = "words"**. Where only facts are recorded, silent turns are counted by the
    document that came nearest.

    Examples:  kbserver gaps --since 24h --markdown | mail -s "What to write" content@example.com
    ·  kbserver gaps --stub 3f9a2c1b00 > docs/shipping.md
    """
    from kbserver.settings import read_settings

    began = time.time() - duration_s(since)
    settings = read_settings(config, store=store)
    if mark is not None:
        _mark(settings, began, *mark)
        return
    if stub is not None:
        _stub(settings, began, stub)
        return
    if ask:
        log_to_terminal()
        _ask_again(settings, began, most)
    _list(settings, began, since, most, markdown=markdown, as_json=as_json)


def _list(
    settings: Settings,
    began: float,
    since: str,
    most: int,
    *,
    markdown: bool,
    as_json: bool,
) -> None:
    from kbserver.record.database import reading
    from kbserver.record.gaps.grouping import nearest_documents

    found = _found(settings, began)[:most]
    documents: list[NearestDocument] = []
    with reading(settings.record_folder) as connection:
        if not found:
            documents = nearest_documents(connection, since=began)[:most]
        words = bool(connection.execute("SELECT 1 FROM words LIMIT 1").fetchone())
    if as_json:
        print_json(
            {
                "words": words,
                "gaps": [gap.as_dict() for gap in found],
                "nearest_documents": [one.as_dict() for one in documents],
            }
        )
        return
    for gap in found:
        _print_gap(gap, markdown=markdown)
    if not found:
        _print_documents(documents, words=words, since=since)


def _found(settings: Settings, began: float) -> list[Gap]:
    """Return the gaps with their states."""
    from kbserver.record.database import reading
    from kbserver.record.gaps.grouping import gaps
    from kbserver.record.gaps.states import with_states

    with reading(settings.record_folder) as connection:
        return with_states(connection, gaps(connection, since=began))


def _one(settings: Settings, began: float, id: str) -> Gap:
    for gap in _found(settings, began):
        if gap.id == id:
            return gap
    raise StoreMissing(
        f"there is no gap {id!r} in that time; see which there are with: kbserver gaps "
        "(--since looks further back)"
    )


def _mark(settings: Settings, began: float, id: str, state: str) -> None:
    from kbserver.record.gaps.grouping import STATES

    known: dict[str, State] = {name: name for name in STATES}
    if state not in known:
        listed = ", ".join(known)
        raise SettingsError(f"--mark {id} {state}: no such state; say one of {listed}")
    _keep(settings, _one(settings, began, id), known[state])
    out.print(line(f"gap {id} is {state.replace('_', ' ')}"))


def _stub(settings: Settings, began: float, id: str) -> None:
    from kbserver.record.gaps.stub import stub

    gap = _one(settings, began, id)
    print(stub(gap), end="")
    try:
        _keep(settings, gap, "being_written")
    except StoreError as exc:  # a copy of a record that is only read
        err.print(line(f"not marked as being written: {exc}", "yellow"))


def _keep(settings: Settings, gap: Gap, state: State) -> None:
    from kbserver.record.database import changing
    from kbserver.record.gaps.states import keep_state

    with changing(settings.record_folder) as connection:
        keep_state(connection, gap, state, by=user(), at=time.time())


def _ask_again(settings: Settings, began: float, most: int) -> None:
    """Ask what is open of a newer generation; where that cannot be, say so."""
    from kbserver.evaluation.closing import ask_again
    from kbserver.record.database import FILE, changing

    if not (settings.record_folder / FILE).is_file():
        return
    found = _found(settings, began)[:most]
    if not any(gap.is_open for gap in found):
        return
    try:
        with changing(settings.record_folder) as connection:
            ask_again(settings, connection, found, at=time.time())
    except (StoreError, ModelError) as exc:
        err.print(line(f"gaps were not asked again: {exc}", "yellow"))


def _print_gap(gap: Gap, *, markdown: bool) -> None:
    from kbserver.record.gaps.stub import as_text

    first, *others = gap.examples
    counts = f"{gap.turns} turns of {gap.calls} calls, {gap.silent} silent"
    if gap.handed_over:
        counts += f", {gap.handed_over} calls handed over"
    nearest = "nothing came near"
    if gap.document is not None:
        nearest = f"nearest {gap.document} ({gap.corpus}) with {gap.score:.2f}"
    state = gap.state.replace("_", " ")
    if gap.closed_by is not None:
        state = f"closed by {gap.closed_by}: {gap.closed_document}"
    if markdown:
        out.print(line(f"## {as_text(first)}"))
        out.print()
        for other in others:
            out.print(line(f"* {as_text(other)}"))
        out.print(line(f"* {counts}; {as_text(nearest)}"))
        out.print(line(f"* {gap.id}: {as_text(state)}"))
        out.print()
        return
    out.print(line(f"{first}", "bold"))
    for other in others:
        out.print(line(f"  {other}"))
    out.print(line(f"  {counts}; {nearest}"))
    out.print(line(f"  {gap.id}   {state}"))


def _print_documents(
    documents: list[NearestDocument], *, words: bool, since: str
) -> None:
    if not words:
        err.print(
            Text(
                "which questions were asked cannot be told: no words are recorded "
                '([record] mode = "words", docs/recording.md). Silent turns by the '
                "document that came nearest:"
            )
        )
    for one in documents:
        name = one.document or "(nothing came near)"
        score = ""
        if one.score is not None:
            score = f"   best {one.score:.2f}"
        out.print(line(f"{one.turns:5} turns  {one.calls:5} calls   {name}{score}"))
    if not documents:
        err.print(Text(f"every turn was answered, or none came, in the last {since}"))
