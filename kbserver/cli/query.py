"""`kbserver query` and `kbserver routes`: what would be answered, and why."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from kbserver.cli.connection import endpoint_url
from kbserver.cli.options import AsJson, Config, Label, StorePath
from kbserver.cli.terminal import (
    err,
    hanging,
    line,
    log_to_terminal,
    out,
    print_json,
    print_table,
)
from kbserver.errors import StoreError

if TYPE_CHECKING:
    from kbserver.endpoint.app import KBServer
    from kbserver.endpoint.ground import Grounding
    from kbserver.endpoint.routing import RouteTable
    from kbserver.endpoint.trace import Trace
    from kbserver.settings import Settings, TurnSettings
    from kbserver.types import Hit

_SHOWN = ("top_k", "min_score", "max_context_bytes", "deadline_ms")
"""Settings of a route that are shown even if they are the defaults."""

_ARMS = ("lexical", "dense")
_ORIGINS = {
    "route": "of the route (or --min-score)",
    "calibrated": "as kbserver calibrate stored it",
    "default": "the default: nothing was calibrated; see kbserver calibrate",
}
_REQUESTS = {
    "action": "something to be done",
    "moment": "this very moment",
}
_LONGEST_SHOWN = 70  # characters of a passage


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
    why: Annotated[
        bool,
        typer.Option(
            "--why",
            help="Show what was heard, the threshold and where it is from, and what came near.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Answer one turn here, without a server: the context, the hits, the time of each stage.

    **--why** shows more: the query as it was searched for, the threshold in force (of the route,
    calibrated, or the default), and the best candidates below it. JSON has all of it always.

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
    if why:
        _explain_search(grounding.trace)
    if grounding.trace.reason == "unknown_label":
        asked = "a call without a label"
        if label is not None:
            asked = f"the label {label!r}"
        known = ", ".join(route.pattern.pattern for route in server.table.routes)
        err.print(
            Text(f"{asked} reaches nothing; give one that fits with --label: {known}")
        )


async def _ground(server: KBServer, text: str, label: str | None) -> Grounding:
    async with server.running():
        await server.until_ready()
        return await server.ground(text, label)


def as_dict(grounding: Grounding) -> dict[str, Any]:
    """Return a grounding as JSON values: context, hits with the score of each arm, trace."""
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
        "searches": grounding.trace.why(),
    }


def _show(grounding: Grounding) -> None:
    trace = grounding.trace
    out.print(Text("context", style="bold"))
    nothing = "(empty: an honest agent says that it does not know)"
    if trace.outcome == "gated":
        nothing = "(small talk: nothing to look up, and the agent answers by itself)"
    context = grounding.context.text or nothing
    for shown in context.splitlines():
        out.print(Text(hanging(shown, out, 0)))
    if grounding.hits:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in ("score", *_ARMS):
            table.add_column(column, justify="right")
        table.add_column("source")
        table.add_column("passage", no_wrap=True)
        for hit in grounding.hits:
            table.add_row(
                f"{hit.score:.3f}",
                *(_score(hit, arm) for arm in _ARMS),
                line(hit.passage.source),
                line(_beginning(hit.passage.text)),
            )
        out.print()
        print_table(table)
    out.print()
    outcome: str = trace.outcome
    if trace.reason:
        outcome += f" ({trace.reason})"
    route = trace.route or "–"
    out.print(line(f"route {route}   outcome {outcome}   {trace.total_ms:.1f} ms"))
    stages = [f"{stage} {ms:.1f}" for stage, ms in trace.stages_ms.items()]
    out.print(Text("   ".join(stages)))


def _explain_search(trace: Trace) -> None:
    """Show what was searched for in each corpus, and what came near."""
    out.print()
    if not trace.searches:
        out.print(Text("nothing was searched: no corpus was asked"))
    for search in trace.searches:
        threshold = search.threshold
        leaned = ""
        if search.leaned:
            leaned = "   with the turn before"
        out.print(line(f"heard        {search.heard}{leaned}"))
        if search.requests:
            asked = " and ".join(_REQUESTS[request] for request in search.requests)
            out.print(line(f"asks for     {asked}: every score is lower for it"))
        out.print(line(f"searched     {search.corpus}, generation {search.generation}"))
        origin = _ORIGINS[threshold.origin]
        out.print(line(f"min_score    {threshold.min_score:.3f}, {origin}"))
        for hit in search.near:
            below = threshold.min_score - hit.score
            scored = f"{hit.score:.3f}, {below:.3f} too low"
            out.print(line(f"came near    {scored}   {hit.passage.source}"))
            out.print(line(f"             {_beginning(hit.passage.text)}"))
        if not search.near:
            out.print("came near    nothing below the threshold")


def _score(hit: Hit, arm: str) -> str:
    if arm not in hit.arms:
        return "–"
    return f"{hit.arms[arm]:.3f}"


def _beginning(text: str) -> str:
    said = " ".join(text.split())
    if len(said) <= _LONGEST_SHOWN:
        return said
    return said[:_LONGEST_SHOWN] + "…"


def _min_score_of(settings: Settings, corpora: Sequence[str], *, in_scope: bool) -> str:
    """Say which least score holds for a route without one of its own."""
    from kbserver.index.store import Store as CorpusStore
    from kbserver.retrieval.calibration import default_min_score, read_min_score
    from kbserver.retrieval.reading import scores_by

    store = CorpusStore(settings.store)
    found = []
    for corpus in corpora or store.corpora():
        try:
            made_by = scores_by(store.manifest(corpus))
            calibrated = read_min_score(store.path / corpus, made_by)
        except StoreError:
            found.append(f"cannot be told of {corpus}: kbserver verify {corpus}")
            continue
        if calibrated is None:
            default = default_min_score(in_scope=in_scope)
            found.append(f"{default} (the default; {corpus} is not calibrated)")
        else:
            found.append(f"{calibrated:.3f} (calibrated for {corpus})")
    return ", ".join(found)


def routes(
    explain: Annotated[
        str | None,
        typer.Option(help="Say which route answers this session label, and why."),
    ] = None,
    doors: Annotated[
        bool,
        typer.Option("--doors", help="List the open doors with their URLs instead."),
    ] = False,
    config: Config = None,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """List the routes in the order they are tried, or explain one label; the first fit answers."""
    from kbserver.endpoint.routing import table_for
    from kbserver.index.store import Store as CorpusStore
    from kbserver.settings import read_settings

    settings = read_settings(config, store=store)
    if doors:
        _list_doors(settings, config, as_json=as_json)
        return
    table = table_for(settings, (), CorpusStore(settings.store).corpora())
    if explain is None:
        _list_routes(table, as_json=as_json)
    else:
        _explain(table, explain, settings, as_json=as_json)


def _list_doors(settings: Settings, config: Path | None, *, as_json: bool) -> None:
    from kbserver.endpoint.doors import doors_of

    base = endpoint_url(config).removesuffix(settings.path)
    listing = [
        {
            "door": door.name,
            "url": base + door.path.replace("{label}", "LABEL"),
            "form": "written" if door.manner.written else "spoken",
            "deadline_ms": door.manner.deadline_ms or settings.deadline_ms,
        }
        for door in doors_of(settings)
    ]
    if as_json:
        print_json({"doors": listing})
        return
    for one in listing:
        text = f"{one['door']:<8} {one['url']:<60} {one['form']}, {one['deadline_ms']:g} ms"
        out.print(line(text))


def _list_routes(table: RouteTable, *, as_json: bool) -> None:
    if as_json:
        print_json({"routes": [route.as_dict() for route in table.routes]})
        return
    for route in table.routes:
        out.print(line(str(route)))
    if not table.routes:
        out.print("no routes: no corpora in the store and none configured")
    for route, earlier in table.never_reached():
        pattern = route.pattern.pattern
        above = f"{earlier.pattern.pattern}, above it, fits the same labels"
        err.print(line(f"{pattern} never answers: {above}", style="yellow"))


def _explain(
    table: RouteTable, label: str, settings: Settings, *, as_json: bool
) -> None:
    """Show which routes fit a label, and what holds for the one that answers."""
    tried = table.explain(label)
    match = table.resolve(label)
    if as_json:
        answer = None
        if match is not None:
            answer = {"parameters": match.parameters, "scope": match.scope}
        listing = [route.as_dict() | {"fits": fits} for route, fits in tried]
        print_json({"label": label, "tried": listing, "match": answer})
        return
    for route, fits in tried:
        mark = "✓" if fits else "✗"
        out.print(Text(f"{mark} {route}"))
    if match is None:
        out.print(
            f"no route fits {label!r}: it gets an empty grounding. "
            'A default route is written  label = "*"'
        )
        return
    out.print(line(f"parameters  {match.parameters or '–'}"))
    out.print(line(f"scope       {match.scope or 'the whole corpus'}"))
    route = match.route
    shown = [f"{name} {value}" for name, value in _notable(route.settings)]
    if route.settings.min_score is None:
        in_force = _min_score_of(settings, route.corpora, in_scope=bool(match.scope))
        shown.insert(1, f"min_score {in_force}")
    out.print(line("settings    " + "   ".join(shown)))


def _notable(settings: TurnSettings) -> Iterator[tuple[str, object]]:
    """Give the settings of a route that differ from the defaults, and those always shown."""
    from kbserver.settings import TurnSettings

    defaults = TurnSettings().model_dump()
    for name, value in settings.model_dump().items():
        if name == "min_score" and value is None:
            continue
        if name in _SHOWN or value != defaults[name]:
            yield name, value
