"""The command line: one module a command, or a group of them.

Heavy imports wait until their command runs.

Exit codes: 0 done · 1 failed · 2 usage or settings · 3 store · 4 model · 5 documents · 6 Omni · 7
release held back · 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from kbserver.cli import (
    calibrate,
    call,
    calls,
    configure,
    doctor,
    documents,
    evaluate,
    ingest,
    lint,
    query,
    serve,
    show,
    simulate,
    store,
    token,
)
from kbserver.cli.at_doors import connect
from kbserver.cli.recorded import console
from kbserver.cli.releases import gaps, judge, replay
from kbserver.cli.replicas import sharing
from kbserver.cli.terminal import complain
from kbserver.errors import KbServerError
from kbserver.extras import EXTRAS

_COMMANDS = (
    ingest,
    show,
    store,
    lint,
    serve,
    sharing,
    query,
    calls,
    gaps,
    documents,
    judge,
    replay,
    console,
    evaluate,
    calibrate,
    token,
    configure,
    simulate,
    call,
    doctor,
    connect,
)
"""In the order in which the help lists them."""


def _epilog() -> str:
    extras = [
        f"`pip install 'kbserver[{name}]'` for {extra.needed_by}"
        for name, extra in EXTRAS.items()
    ]
    start = "Start with:  kbserver ingest ./docs   then   KB_TOKEN=… kbserver serve"
    return f"{start}\n\nOptional packages:  {';  '.join(extras)}"


app = typer.Typer(
    name="kbserver",
    help=(
        "Ground a voice agent in your own documents: ingest a folder, serve it, "
        "and point Omni at it."
    ),
    epilog=_epilog(),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in _COMMANDS:
    command.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"kbserver {version('kbserver')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_version,
            is_eager=True,
            help="Print the version and leave.",
        ),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; errors are one line on stderr and an exit code, never a traceback."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        app()
    except KbServerError as exc:
        complain(str(exc))
        sys.exit(exc.exit_code)
    except KeyboardInterrupt:
        complain("interrupted")
        sys.exit(130)
    except BrokenPipeError:  # `kbserver … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
