"""`kbserver connect`: what to paste where, so that a platform asks this server."""

from __future__ import annotations

import os
import re
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Annotated

import typer

from kbserver.cli.at_doors.platforms import PLATFORMS, Platform, as_text
from kbserver.cli.connection import TOKEN_VARIABLE, endpoint_url
from kbserver.cli.options import Config
from kbserver.cli.terminal import err, line
from kbserver.durations import duration_s
from kbserver.errors import SettingsError
from kbserver.urls import url_problem

if TYPE_CHECKING:
    from kbserver.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(connect)


def connect(
    platform: Annotated[
        str,
        typer.Argument(help=f"One of {', '.join(PLATFORMS)}.", metavar="PLATFORM"),
    ],
    label: Annotated[
        str,
        typer.Option(
            "--label", "-l", help="Session label that has a route; it names the corpus."
        ),
    ],
    url: Annotated[
        str | None,
        typer.Option(
            help="The server's public URL, without a path.  "
            "\\[default: PUBLIC_URL, else where kbserver serve listens]"
        ),
    ] = None,
    ttl: Annotated[
        str, typer.Option(help="How long a signed token is good for: 8h, 90d.")
    ] = "90d",
    config: Config = None,
) -> None:
    """Print what to paste where, so that a platform asks this server, with a token fit for it.

    With a signing key the token is issued here, good for this label and this door alone. Without
    one, the table of a static token is shown that is to be added. What is pasted is printed to
    standard output, all else to standard error.

    Example: kbserver connect claude --label support --url https://kb.example.com
    """
    from kbserver.settings import read_settings

    chosen = PLATFORMS.get(platform)
    if chosen is None:
        raise SettingsError(
            f"unknown platform {platform!r}; known platforms: {', '.join(PLATFORMS)}"
        )
    settings = read_settings(config)
    base = _base(url, config, settings)
    token = _token(chosen, label, ttl, settings)
    _say(f"paste into  {chosen.where}:")
    print(chosen.filled(base, label, token))
    if chosen.note:
        _say(Template(chosen.note).safe_substitute(token=token))
    if chosen.door != "omni" and getattr(settings.doors, chosen.door) is None:
        _say(f"open the door first: add  [doors.{chosen.door}]  to kbserver.toml")
    if not base.startswith("https://"):
        _say(f"{base} is not public: give --url https://…, or set PUBLIC_URL")


def _say(text: str) -> None:
    err.print(line(text))


def _base(url: str | None, config: Path | None, settings: Settings) -> str:
    """Return the server's URL without a path.

    Raises:
        SettingsError: it is none.
    """
    given = url or os.environ.get("PUBLIC_URL", "")
    if not given:
        return endpoint_url(config).removesuffix(settings.path)
    problem = url_problem(given)
    if problem:
        raise SettingsError(f"the URL {problem}")
    return given.rstrip("/").removesuffix(settings.path)


def _token(chosen: Platform, label: str, ttl: str, settings: Settings) -> str:
    """Return a signed token, or the name of the variable that holds a static one."""
    from kbserver.endpoint.tokens.signed import SigningKeys

    keys = SigningKeys.from_settings(settings)
    if keys is not None:
        _say(f"the token is good for {label!r} at the door {chosen.door!r}, for {ttl}")
        return keys.issue(label, duration_s(ttl), doors=[chosen.door])
    variable = f"{TOKEN_VARIABLE}_{re.sub('[^A-Z0-9]', '_', label.upper())}"
    for text in (
        f"no signing key: replace ${variable} by a token of its own "
        "(openssl rand -hex 24), and add to kbserver.toml:",
        "  [[tokens]]",
        f'  env = "{variable}"',
        f"  labels = [{as_text(label)}]",
        f'  doors = ["{chosen.door}"]',
    ):
        _say(text)
    return f"${variable}"
