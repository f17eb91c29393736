"""`kbserver console`: pages over what was recorded, and over the store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from kbserver.cli.connection import local_url
from kbserver.cli.options import Config, StorePath
from kbserver.cli.terminal import err, log_to_terminal
from kbserver.errors import SettingsError

if TYPE_CHECKING:
    from kbserver.console.app import Console
    from kbserver.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(console)


def console(
    config: Config = None,
    store: StorePath = None,
    server: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="A running server, to show its state.  \\[default: where the settings say "
            "that it listens]",
        ),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(
            help="Address to listen on; beyond this machine only with TLS or a trusted "
            "proxy.  \\[default: 127.0.0.1]"
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help="Port to listen on; 0 takes a free one.  \\[default: 8090]"),
    ] = None,
    root_path: Annotated[
        str | None,
        typer.Option(help="Path below which a proxy shows it: /console."),
    ] = None,
) -> None:
    r"""See every call in a browser: what was asked, what was found, and what to do about it.

    Reads the record of turns and the store; the server may run or not, and is never slowed. Open
    it with the token of the variable **KB_CONSOLE_TOKEN** or of \[\[console.tokens]]; without one
    it prints a link that works once. The pages are made from a JSON API, /api/v1.

    Example:  KB_CONSOLE_TOKEN=$(openssl rand -hex 24) kbserver console
    """
    from kbserver.console.serve import serve_console
    from kbserver.settings import read_settings

    log_to_terminal()
    settings = read_settings(config, store=store)
    changes = {"host": host, "port": port, "root_path": root_path}
    settings = with_console(settings, changes)
    url = server or local_url(settings)
    serve_console(settings, server=url.rstrip("/"), on_open=announce)


def with_console(settings: Settings, changes: Mapping[str, object]) -> Settings:
    """Return the settings with other keys of `[console]`; None leaves one as it is.

    Raises:
        SettingsError: a value does not fit.
    """
    given = {name: value for name, value in changes.items() if value is not None}
    values = settings.console.model_dump() | given
    try:
        checked = type(settings.console)(**values)
    except ValueError as exc:
        named = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise SettingsError(f"{named} cannot be used: {exc}") from None
    return settings.model_copy(update={"console": checked})


def announce(url: str, console: Console) -> None:
    """Print where the console is, and how to open it."""
    if console.doors.link_code:
        err.print(Text("The console is open, once, by this link:", style="bold green"))
        err.print(f"  {url}/open/{console.doors.link_code}")
    else:
        err.print(Text("The console is open to its tokens:", style="bold green"))
        err.print(f"  {url}/")
