"""`kbserver query` and `kbserver routes`: what would be answered, and why."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from kbserver.cli.options import AsJson, Config, Label, StorePath
from kbserver.cli.terminal import err, log_to_terminal, out, print_json, print_table

if TYPE_CHECKING:
    from kbserver.endpoint.app import KBServer
    from kbserver.endpoint.ground import Grounding

_SHOWN = (
    "top_k",
    "min_score",
    "max_context_bytes",
    "deadline_ms",
)  # of a route, though they be the defaults


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(query)
    app.command()(routes)


def query(
    text: Annotated[str, typer.Argument(help="What the caller says.")],
    label: Label = None,
    config: Config = None,
    store: StorePath = None,
    top_k: Annotated[int | None, typer.Option(help="Passages at most.")] = None,
    min_score: Annotated[
        float | None, typer.Option(help="Leave out hits below this score, 0 to 1.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Answer one turn here, without a server: the context the engine would get, the hits, the time of each stage.

    The first query of a process waits for the model to load; a server has it loaded.
    """
    from kbserver.endpoint.app import KBServer
    from kbserver.settings import read_settings

    log_to_terminal()
    settings = read_settings(
        config, store=store, top_k=top_k, min_score=min_score, reload_s=0
    )
    server = KBServer(settings)
    grounding = asyncio.run(_ground(server, text, label))
    if as_json:
        print_json(as_dict(grounding))
        return
    _show(grounding)
    if grounding.trace.reason == "unknown_label":
        asked = "a call without a label" if label is None else f"the label {label!r}"
        known = ", ".join(route.pattern.pattern for route in server.table.routes)
        err.print(
            Text(f"{asked} reaches nothing; give one that fits with --label: {known}")
        )


async def _ground(server: KBServer, text: str, label: str | None) -> Grounding:
    async with server.running():
        await server.until_ready()
        return await server.ground(text, label)


def as_dict(grounding: Grounding) -> dict[str, Any]:
    """JSON values of a grounding: context, hits with the score of each arm, trace."""
    hits = [
        {
            "id": hit.passage.id,
            "score": round(hit.score, 4),
            "corpus": hit.corpus,
            "source": hit.passage.source,
            "title": hit.passage.title,
            "heading_path": list(hit.passage.heading_path),
            "content": hit.passage.text,
            "arms": {arm: round(score, 4) for arm, score in hit.arms.items()},
        }
        for hit in grounding.hits
    ]
    return {
        "context": grounding.context.text,
        "hits": hits,
        "trace": grounding.trace.as_dict(),
    }


def _show(grounding: Grounding) -> None:
    trace = grounding.trace
    out.print(Text("context", style="bold"))
    out.print(
        Text(
            grounding.context.text
            or "(empty: an honest agent says that it does not know)"
        )
    )
    if grounding.hits:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in ("score", "lexical", "dense", "source", "passage"):
            table.add_column(
                column,
                justify="right" if column in ("score", "lexical", "dense") else "left",
                no_wrap=column == "passage",
            )
        for hit in grounding.hits:
            arms = [
                f"{hit.arms[arm]:.3f}" if arm in hit.arms else "–"
                for arm in ("lexical", "dense")
            ]
            said = " ".join(hit.passage.text.split())
            table.add_row(
                f"{hit.score:.3f}",
                *arms,
                Text(hit.passage.source),
                Text(said[:70] + "…" * (len(said) > 70)),
            )
        out.print()
        print_table(table)
    out.print()
    reason = f" ({trace.reason})" if trace.reason else ""
    out.print(
        Text(
            f"route {trace.route or '–'}   outcome {trace.outcome}{reason}   {trace.total_ms:.1f} ms"
        )
    )
    out.print(
        Text("   ".join(f"{stage} {ms:.1f}" for stage, ms in trace.stages_ms.items()))
    )


def routes(
    explain: Annotated[
        str | None,
        typer.Option(help="Say which route answers this session label, and why."),
    ] = None,
    config: Config = None,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """List the routes in the order they are tried, or explain one label. The first match answers."""
    from kbserver.endpoint.routing import table_for
    from kbserver.index.store import Store as CorpusStore
    from kbserver.settings import TurnSettings, read_settings

    settings = read_settings(config, store=store)
    table = table_for(settings, (), CorpusStore(settings.store).corpora())
    tried = (
        table.explain(explain)
        if explain is not None
        else [(route, False) for route in table.routes]
    )
    match = table.resolve(explain) if explain is not None else None
    if as_json:
        listing = [
            route.as_dict() | ({} if explain is None else {"fits": fits})
            for route, fits in tried
        ]
        answer = (
            {"parameters": match.parameters, "scope": match.scope} if match else None
        )
        print_json(
            {"routes": listing}
            if explain is None
            else {"label": explain, "tried": listing, "match": answer}
        )
        return
    for route, fits in tried:
        mark = "" if explain is None else ("✓ " if fits else "✗ ")
        out.print(Text(f"{mark}{route}"))
    if explain is None:
        if not table.routes:
            out.print("no routes: no corpora in the store and none configured")
    elif match is None:
        out.print(
            f'no route fits {explain!r}: it gets an empty grounding. A default route is written  label = "*"'
        )
    else:
        out.print(Text(f"parameters  {match.parameters or '–'}"))
        out.print(Text(f"scope       {match.scope or 'the whole corpus'}"))
        settings_of, defaults = (
            match.route.settings.model_dump(),
            TurnSettings().model_dump(),
        )
        shown = {
            name: value
            for name, value in settings_of.items()
            if name in _SHOWN or value != defaults[name]
        }
        shown["min_score"] = (
            "as calibrated" if shown["min_score"] is None else shown["min_score"]
        )
        out.print(
            Text(
                "settings    "
                + "   ".join(f"{name} {value}" for name, value in shown.items())
            )
        )
