"""`kbserver serve`."""

from __future__ import annotations

import json
import re
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from kbserver.cli.connection import check_session
from kbserver.cli.ingest import corpus_name, model_of
from kbserver.cli.terminal import err, log_to_terminal

if TYPE_CHECKING:
    from kbserver.endpoint.app import KBServer
    from kbserver.endpoint.routing import RouteTable
    from kbserver.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(serve)


def serve(
    config: Annotated[
        Path | None, typer.Option(help="Configuration file; without it kbserver.toml, if there is one.")
    ] = None,
    store: Annotated[
        Path | None, typer.Option(help="Folder that `kbserver ingest` filled.  \\[default: store]")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.  \\[default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.  \\[default: 8080]")] = None,
    open_: Annotated[bool, typer.Option("--open", help="Serve without a bearer token: anyone may ask.")] = False,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that share the port. One already uses every core; see benchmarks/.")
    ] = 1,
    watch: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[CORPUS=]PATH",
            help="Ingest this folder now and whenever it changes, beside the server. May be repeated.",
        ),
    ] = None,
    access_log: Annotated[bool, typer.Option("--access-log", help="Log a line for every request.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
) -> None:
    """Serve the store as an Omni **kb_endpoint**.

    The bearer token comes from the environment: **KB_TOKEN** (several, separated by commas, while one is
    rotated out), or from \\[\\[tokens]] in the configuration file.

    Stop it with Ctrl-C; turns in flight are finished first.

    With several **--workers** follow-ups are not remembered, and metrics, limits and a token's turns are
    counted by each process for itself.
    """
    from kbserver.endpoint.app import KBServer
    from kbserver.endpoint.serve import serve as run
    from kbserver.endpoint.serve import serve_workers
    from kbserver.settings import read_settings

    log_to_terminal(serving=True, verbose=verbose)
    settings = read_settings(
        config, store=store, host=host, port=port, open=open_ or None, access_log=access_log or None
    )
    server = KBServer(settings)
    server.check_tokens()
    check_session(settings)
    with ExitStack() as stack:
        for folder in watch or ():
            stack.enter_context(_watching(folder, settings.store))
        if workers == 1:
            run(server, on_open=lambda url: _announce(server, url))
            return
        server.look_at_store()
        make = partial(_worker, _for_workers(settings, workers), verbose)
        serve_workers(settings, make, workers=workers, on_open=lambda url: _announce(server, url))


def _watching(named: str, store: Path) -> AbstractContextManager[None]:
    """Bring one `[CORPUS=]PATH` up to date, then follow it in a process of its own while the block runs."""
    from kbserver.index.store import Store
    from kbserver.ingest.build import IngestOptions, ingest
    from kbserver.ingest.watch import watching_beside

    corpus, equals, path = named.partition("=")
    folder = Path(path if equals else named)
    corpora = Store(store)
    name = corpus if equals else corpus_name(folder.resolve().name)
    options = IngestOptions(model=model_of(corpora, name))
    err.print(Text(f"ingesting {folder} as {name} …"))
    ingest([folder], store=corpora, corpus=name, options=options)
    return watching_beside([folder], store=store, corpus=name, options=options, prepare=log_to_terminal)


def _worker(settings: Settings, verbose: bool) -> KBServer:
    """The server of one of several processes."""
    from kbserver.endpoint.app import KBServer

    log_to_terminal(serving=True, verbose=verbose)
    return KBServer(settings)


def _for_workers(settings: Settings, workers: int) -> Settings:
    """What holds in each of several processes: no memory between turns, and a share of the cores."""
    from kbserver.embedding.cores import usable_cores

    forgetful = {"follow_up": False}
    routes = tuple(route.model_copy(update=forgetful) for route in settings.routes)
    threads = settings.embed_threads or max(1, usable_cores() // workers)
    return settings.model_copy(update={"routes": routes, "embed_threads": threads} | forgetful)


def _announce(server: KBServer, url: str) -> None:
    """Say where the endpoint is, who may ask, and which labels reach which corpora."""
    settings = server.settings
    token = "none: --open lets anyone ask" if settings.open else "the value of KB_TOKEN"
    if not settings.open and settings.tokens:
        token = f"{len(server.settings.static_tokens())} known"
    err.print(Text("kbserver is listening.", style="bold green"))
    err.print(f"  kb_endpoint   {url}{settings.path}")
    err.print(f"  kb_token      {token}")
    err.print("  labels        first match answers:")
    for route in server.table.routes:
        what = ", ".join(route.corpora) or "own handler"
        err.print(Text(f"                {route.pattern.pattern:<20} → {what}   ({route.origin})"))
    if not any(route.pattern.match("") is not None for route in server.table.routes):
        err.print("                any other label, or none, reaches nothing")
    body = json.dumps(_example_label(server.table) | {"query": "how do i …"}, ensure_ascii=False)
    curl = f"curl {url}{settings.path} -H 'Content-Type: application/json' -d '{body}'"
    err.print(Text(f"  try it        {curl}" + ("" if settings.open else ' -H "Authorization: Bearer $KB_TOKEN"')))


def _example_label(table: RouteTable) -> dict[str, str]:
    """A label that has a route, as the field of a request; {} where a call without one has a route too."""
    if not table.routes or any(route.pattern.match("") is not None for route in table.routes):
        return {}
    return {"session_label": re.sub(r"\*|\{[^}]*\}", "1", table.routes[0].pattern.pattern)}
