"""`kbserver publish`, `kbserver follow` and `kbserver revoke`: generations in an object store."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from kbserver.cli.options import (
    AsJson,
    Config,
    CorpusName,
    ObjectStore,
    StoreConfig,
    StorePath,
    Wait,
)
from kbserver.cli.terminal import err, log_to_terminal, out, print_json
from kbserver.errors import StoreError
from kbserver.extras import require

if TYPE_CHECKING:
    from kbserver.index.sharing.publishing import Published
    from kbserver.index.sharing.remote import Remote
    from kbserver.index.store import Store
    from kbserver.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(publish)
    app.command()(follow)
    app.command()(revoke)


def publish(
    corpus: CorpusName,
    url: ObjectStore,
    generation: Annotated[
        str | None, typer.Option(help="Which generation.  \\[default: the live one]")
    ] = None,
    config: StoreConfig = None,
    store: StorePath = None,
    wait: Wait = 0.0,
    as_json: AsJson = False,
) -> None:
    """Make a generation of this store live in an object store, for every server that follows it.

    It is uploaded once and read back; then LIVE is moved there, unless another publisher moved it
    in the meantime: that one wins, and this command says so. Cut off before, it leaves LIVE as it
    was, and the next attempt goes on. The calibration of the corpus goes along.

    **URL** is s3://bucket/prefix, gs://bucket/prefix, az://container/prefix or file:///folder; the
    credentials come from the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, for
    MinIO and others AWS_ENDPOINT_URL as well.

    Exit codes: 0 live, 3 another was first, or a store cannot be read or written.

    Examples:  kbserver publish docs s3://bucket/kb  ·  kbserver rollback docs --at s3://bucket/kb
    """
    from kbserver.index.store import Store
    from kbserver.settings import read_settings

    log_to_terminal()
    known = Store(read_settings(config, store=store).store)
    done = published(
        known, corpus, remote_at(url, make=True), generation=generation, wait_s=wait
    )
    if as_json:
        print_json(as_values(done, url))
    else:
        show_published(done, url)


def follow(
    url: Annotated[
        str | None,
        typer.Argument(
            help="The object store.  \\[default: that of \\[follow] in the settings]",
            metavar="[URL]",
        ),
    ] = None,
    once: Annotated[
        bool,
        typer.Option(
            "--once", help="Look once, take over what is live there, and end."
        ),
    ] = False,
    config: Config = None,
    store: StorePath = None,
) -> None:
    """Keep the store on what is live in an object store, beside a server or before it starts.

    `kbserver serve --follow URL` does the same by itself. This is for a server of your own in
    Python, for a second container, and with --once for a container that runs before the server's.

    Exit codes: 0 all that is live there is live here, 3 it is not.
    """
    require("s3", "kbserver follow")
    from kbserver.endpoint.running.following import follow as run

    log_to_terminal(serving=True)
    settings = read_following(config, url, store=store)
    stop = threading.Event()
    if not once:
        signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    if not run(settings, once=once, stop=stop) and once:
        sys.exit(StoreError.exit_code)


def revoke(
    tokens: Annotated[
        list[str],
        typer.Argument(
            help="The `jti` of each, as `kbserver token` and --inspect print it.",
            metavar="JTI",
        ),
    ],
    at: Annotated[
        str,
        typer.Option(
            "--at", metavar="URL", help="The object store that the servers follow."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Revoke signed tokens at every server that follows an object store, within seconds.

    A server whose settings name a list of their own in `revoked_tokens` reads that one alone.
    """
    from kbserver.errors import SettingsError

    for token in tokens:
        if not token.strip() or token != token.strip() or "#" in token:
            raise SettingsError(
                f"{token!r} is no jti; print it with: kbserver token --inspect TOKEN"
            )
    remote = remote_at(at, make=True)
    from kbserver.index.sharing.publishing import revoke as add

    new = add(remote, tokens)
    if as_json:
        print_json({"url": remote.url, "new": new})
    else:
        out.print(f"revoked: {new}, there already: {len(set(tokens)) - new}")


def remote_at(url: str, *, make: bool = False) -> Remote:
    """Return the object store of a URL.

    Raises:
        ExtraMissing: its library is not installed.
        SettingsError: it is no such URL.
    """
    require("s3", "an object store")
    from kbserver.index.sharing.remote import Remote

    return Remote(url, make=make)


def published(
    store: Store,
    corpus: str,
    remote: Remote,
    *,
    generation: str | None = None,
    wait_s: float = 0.0,
) -> Published:
    """Publish a generation of a store with the calibration of its corpus."""
    from kbserver.index.sharing.publishing import publish as upload
    from kbserver.retrieval.calibration import stored_calibration

    store.generations(corpus)  # says so if there is none
    return upload(
        store,
        corpus,
        remote,
        generation=generation,
        calibration=stored_calibration(store.path / corpus),
        wait_s=wait_s,
    )


def as_values(done: Published, url: str) -> dict[str, Any]:
    """Return what was published as JSON values."""
    return {
        "corpus": done.corpus,
        "generation": done.generation,
        "before": done.before,
        "uploaded": done.uploaded,
        "url": url,
    }


def show_published(done: Published, url: str, *, on: Console = out) -> None:
    """Say what was published."""
    is_live = f"{done.corpus}: generation {done.generation} is live at {url}"
    if done.before == done.generation:
        on.print(Text(f"{is_live} already"))
        return
    on.print(Text(is_live))
    if not done.uploaded:
        err.print("it was there already, whole")
    if done.before is not None:
        back = f"kbserver rollback {done.corpus} --at {url}"
        err.print(Text(f"before: {done.before};  back:  {back}"))


def read_following(config: Path | None, url: str | None, **flags: Any) -> Settings:
    """Read the settings, with the object store of a flag over that of `[follow]`.

    Raises:
        SettingsError: they cannot be read, or it is no such URL.
    """
    from kbserver.errors import SettingsError
    from kbserver.settings import FollowSettings, read_settings
    from kbserver.urls import object_store_problem

    settings = read_settings(config, **flags)
    if url is None:
        return settings
    problem = object_store_problem(url)
    if problem is not None:
        raise SettingsError(f"the object store {problem}")
    follow = FollowSettings(url=url)
    if settings.follow is not None:
        follow = settings.follow.model_copy(update={"url": url})
    return settings.model_copy(update={"follow": follow})
