"""`kbserver serve`."""

from __future__ import annotations

import faulthandler
import json
import logging
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from kbserver.cli.connection import check_session, local_url
from kbserver.cli.ingest import corpus_name
from kbserver.cli.options import Config, StorePath
from kbserver.cli.replicas.sharing import read_following
from kbserver.cli.terminal import err, log_to_terminal
from kbserver.errors import SettingsError
from kbserver.extras import require

if TYPE_CHECKING:
    from kbserver.endpoint.app import KBServer
    from kbserver.endpoint.figures.shelf import Shelf
    from kbserver.endpoint.routing import RouteTable
    from kbserver.notes import Listener
    from kbserver.settings import Settings

log = logging.getLogger("kbserver")

# of a label pattern: what stands for other characters
_PART = re.compile(r"\*|\{[^{}]*\}")


class LogFormat(StrEnum):
    """How lines are written to stderr."""

    text = "text"
    json = "json"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(serve)


def serve(
    config: Config = None,
    store: StorePath = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on.  \\[default: 127.0.0.1]")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help="Port to listen on; 0 takes a free one.  \\[default: 8080]"),
    ] = None,
    open_: Annotated[
        bool,
        typer.Option("--open", help="Serve without a bearer token: anyone may ask."),
    ] = False,
    workers: Annotated[
        int,
        typer.Option(
            min=1,
            help="Processes that share the port. One already uses every core; see benchmarks/.",
        ),
    ] = 1,
    watch: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[CORPUS=]PATH",
            help="Ingest this folder now and whenever it changes, beside the server. "
            "May be repeated.",
        ),
    ] = None,
    follow: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Take generations from this object store, beside the server: "
            "s3://bucket/prefix, gs://…, az://… or file:///folder.",
        ),
    ] = None,
    console: Annotated[
        bool,
        typer.Option(
            "--console",
            help="Serve the console, too, in a process beside the server; see kbserver console.",
        ),
    ] = False,
    access_log: Annotated[
        bool, typer.Option("--access-log", help="Log a line for every request.")
    ] = False,
    log_format: Annotated[
        LogFormat | None,
        typer.Option(
            help="Of the lines on stderr: text, or a JSON object a line.  \\[default: text]"
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
) -> None:
    r"""Serve the store as an Omni **kb_endpoint**.

    The bearer token comes from the environment: **KB_TOKEN** (several, separated by commas, while
    one is rotated out), or from \[\[tokens]] in the configuration file.

    Stop it with Ctrl-C; turns in flight are finished first.

    Routes, tokens and thresholds are read again when the configuration file changes, and at SIGHUP.

    With **--follow** what `kbserver publish` made live in an object store is fetched, checked and
    taken over, while turns go on; an object store that is away leaves what is served. The store
    of this machine may be empty at the start: the server is ready once the first corpora are here.

    With several **--workers** follow-ups are not remembered, and limits and a token's turns are
    counted by each process for itself; metrics are of all together.
    """
    from kbserver.endpoint.app import KBServer
    from kbserver.endpoint.figures.shelf import make_shelf
    from kbserver.endpoint.figures.watched import WatchCounts
    from kbserver.endpoint.running.reloading import Source
    from kbserver.endpoint.serve import serve as run
    from kbserver.endpoint.serve import serve_workers
    from kbserver.record.keeper import recording
    from kbserver.settings import file_of

    log_to_terminal(serving=True, verbose=verbose)
    # Says where a bus error came from: a mapped file of the store was cut.
    if sys.__stderr__ is not None:
        faulthandler.enable(sys.__stderr__, all_threads=False)
    read = partial(
        read_following,
        config,
        follow,
        store=store,
        host=host,
        port=port,
        open=open_ or None,
        access_log=access_log or None,
        log_format=log_format and log_format.value,
    )
    source = Source(read, file_of(config))
    settings = source.read()
    log_as = partial(
        log_to_terminal, verbose=verbose, as_json=settings.log_format == "json"
    )
    log_as(serving=True)
    with ExitStack() as stack:
        listener = stack.enter_context(recording(settings))
        server = KBServer(settings, listener=listener)
        server.source = source
        server.check_tokens()
        check_session(settings)
        shelf = make_shelf()
        stack.callback(shelf.close)
        folders = _folders(watch or ())
        if workers > 1 or folders or settings.follow is not None:
            _share(server, shelf, folders)
        for corpus, folder in folders.items():
            tell = WatchCounts(shelf, corpus)
            stack.enter_context(
                _watching(
                    folder, corpus, store=settings.store, prepare=log_as, tell=tell
                )
            )
        if settings.follow is not None:
            stack.enter_context(_following(settings, shelf, log_as))
        if console:
            stack.enter_context(_console(settings, log_as))
        if workers == 1:
            run(server, on_open=lambda url: _announce(server, url))
            return
        server.look_at_store()
        server.corpora.check()
        worker = _Worker(
            partial(_read_for_workers, read, workers),
            file_of(config),
            _for_workers(settings, workers),
            log_as,
            listener,
            shelf,
            list(folders),
            server.first_corpus,
        )
        serve_workers(
            worker.settings,
            worker,
            workers=workers,
            on_open=lambda url: _announce(server, url),
        )


def _folders(watched: Iterable[str]) -> dict[str, Path]:
    """Return the folder of each corpus that is watched.

    Raises:
        SettingsError: two folders are of one corpus: each would take the place of the other.
    """
    folders: dict[str, Path] = {}
    for corpus, folder in map(_named, watched):
        if corpus in folders:
            raise SettingsError(
                f"--watch: {folders[corpus]} and {folder} are both the corpus {corpus!r}; "
                "name another with  --watch CORPUS=FOLDER"
            )
        folders[corpus] = folder
    return folders


def _named(watch: str) -> tuple[str, Path]:
    """Return corpus and folder of `[CORPUS=]PATH`."""
    name, equals, path = watch.partition("=")
    if equals:
        return name, Path(path)
    folder = Path(watch)
    return corpus_name(folder.resolve().name), folder


def _watching(
    folder: Path,
    corpus: str,
    *,
    store: Path,
    prepare: Callable[[], None],
    tell: Callable[[str], None],
) -> AbstractContextManager[None]:
    """Ingest a folder now, then follow it in a process of its own while the block runs.

    Args:
        prepare: sets up the log of the new process.
        tell: is told what became of each ingest.
    """
    from kbserver.index.store import Store
    from kbserver.ingest.build import ingest, options_of
    from kbserver.ingest.watch import watching_beside

    corpora = Store(store)
    options = options_of(corpora, corpus)
    err.print(Text(f"ingesting {folder} as {corpus} …"))
    paths: Sequence[Path] = [folder]
    ingest(paths, store=corpora, corpus=corpus, options=options)
    return watching_beside(
        paths, store=store, corpus=corpus, options=options, prepare=prepare, tell=tell
    )


def _following(
    settings: Settings, shelf: Shelf, prepare: Callable[..., None]
) -> AbstractContextManager[None]:
    """Follow the object store in a process of its own while the block runs."""
    require("s3", "following an object store")
    from kbserver.endpoint.figures.followed import FollowCounts
    from kbserver.endpoint.running.following import following_beside

    serving = partial(prepare, serving=True)
    return following_beside(settings, prepare=serving, tell=FollowCounts(shelf))


def _console(
    settings: Settings, prepare: Callable[[], None]
) -> AbstractContextManager[None]:
    """Serve the console in a process of its own while the block runs."""
    from kbserver.cli.recorded.console import announce
    from kbserver.console.serve import console_beside

    return console_beside(
        settings, server=local_url(settings), prepare=prepare, on_open=announce
    )


@dataclass(frozen=True)
class _Worker:
    """Makes the server of one of several processes, in that process."""

    read: Callable[[], Settings]
    file: Path | None
    settings: Settings
    """Of the start."""
    log_as: Callable[..., None]
    listener: Listener | None
    shelf: Shelf
    watched: Sequence[str]
    first_corpus: str | None

    def __call__(self) -> KBServer:
        """Make it."""
        from kbserver.endpoint.app import KBServer
        from kbserver.endpoint.running.reloading import Source, taken_over

        self.log_as(serving=True)
        source = Source(self.read, self.file)
        settings = self.settings
        try:  # in place of one that died: what the others have taken over since the start
            settings = taken_over(settings, source.read())
        except SettingsError as exc:
            log.error("the settings are those of the start: %s", exc)
        server = KBServer(settings, listener=self.listener)
        server.source = source
        server.first_corpus = self.first_corpus
        _share(server, self.shelf, self.watched)
        return server


def _share(server: KBServer, shelf: Shelf, watched: Iterable[str]) -> None:
    """Let a server count together with the processes of a shelf."""
    server.metrics.share(shelf)
    if server.settings.follow is not None:
        server.metrics.followed()
    for corpus in watched:
        server.metrics.watched(corpus)


def _read_for_workers(read: Callable[[], Settings], workers: int) -> Settings:
    return _for_workers(read(), workers)


def _for_workers(settings: Settings, workers: int) -> Settings:
    """Return the settings of each of several processes: no follow-ups, a share of the cores."""
    from kbserver.embedding.cores import usable_cores

    forgetful = {"follow_up": False}
    routes = tuple(route.model_copy(update=forgetful) for route in settings.routes)
    threads = settings.embed_threads or max(1, usable_cores() // workers)
    return settings.model_copy(
        update={"routes": routes, "embed_threads": threads} | forgetful
    )


def _announce(server: KBServer, url: str) -> None:
    """Print where the endpoint is, which tokens are good, and which labels reach which corpora."""
    settings = server.settings
    if settings.log_format == "json":
        endpoint = f"{url}{settings.path}"
        facts = {"kb_endpoint": endpoint, "labels": server.table.summary()}
        extra = {"event": "listening", "facts": facts}
        log.info("kbserver is listening: %s", endpoint, extra=extra)
        return
    err.print(Text("kbserver is listening.", style="bold green"))
    err.print(f"  kb_endpoint   {url}{settings.path}")
    err.print(Text(f"  kb_token      {_tokens(settings)}"))
    if settings.follow is not None:
        err.print(Text(f"  follows       {settings.follow.url}"))
    if not server.table.routes:
        err.print("  labels        none yet: ready once the first corpora are here")
        return
    err.print("  labels        first match answers:")
    for route in server.table.routes:
        err.print(Text(f"                {route}"))
    if server.table.resolve(None) is None:
        err.print("                any other label, or none, reaches nothing")
    err.print(Text(f"  try it        {_curl(settings, server.table, url)}"))


def _tokens(settings: Settings) -> str:
    """Say which bearer tokens are good, without showing one."""
    if settings.open:
        return "none: --open lets anyone ask"
    kinds = []
    count = _values_of_variable(settings)
    if count == 1:
        kinds.append("the value of KB_TOKEN")
    elif count > 1:
        kinds.append(f"any of {count} values of KB_TOKEN")
    if settings.tokens:
        kinds.append(f"{len(settings.tokens)} of [[tokens]]")
    if settings.signing_key or settings.signing_key_files:
        kinds.append("signed ones (kbserver token)")
    return ", or ".join(kinds)


def _curl(settings: Settings, table: RouteTable, url: str) -> str:
    """Return a command that asks something, with a label that reaches something."""
    question = {"query": "how do i …"}
    if table.resolve(None) is None:
        label = min(
            (route.pattern.pattern for route in table.routes),
            key=lambda pattern: bool(_PART.search(pattern)),
        )
        question = {"session_label": _PART.sub("1", label)} | question
    body = shlex.quote(json.dumps(question, ensure_ascii=False))
    curl = f"curl {url}{settings.path} -d {body}"
    if settings.open:
        return curl
    known = {0: "TOKEN", 1: "$KB_TOKEN"}
    token = known.get(_values_of_variable(settings), "${KB_TOKEN%%,*}")
    return f'{curl} -H "Authorization: Bearer {token}"'


def _values_of_variable(settings: Settings) -> int:
    return len(settings.static_tokens()) - len(settings.tokens)
