"""The terminal: answers on stdout, everything else on stderr."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
import textwrap
import threading
from collections.abc import AsyncIterator
from typing import Any

from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table
from rich.text import Text

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

_NARROWEST = 20  # columns; a text in fewer is a column of words
_WIDEST = 160  # columns of a table; eleven figures and a name take about 130


def complain(message: str) -> None:
    """Print an error, one paragraph on stderr."""
    err.print(Text("error: ", style="bold red") + Text(message))


def hanging(text: str, console: Console, margin: int) -> str:
    """Return a text broken between words where a terminal is too narrow for it.

    Args:
        text: to be printed at column `margin`.
        console: where it is printed. Without a terminal the text stays one line.
        margin: columns before the text; further lines begin below the first.
    """
    wide = console.width - margin
    if not console.is_terminal or len(text) <= wide or wide < _NARROWEST:
        return text
    return ("\n" + " " * margin).join(textwrap.wrap(text, wide))


def print_table(table: Table) -> None:
    """Print a table whole, whatever the width of the terminal: no heading broken, none cut."""
    Console(highlight=False, width=max(out.width, _WIDEST)).print(table, crop=False)


def print_json(value: Any) -> None:
    """Print a value for a script to read: JSON on stdout, nothing else."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def log_to_terminal(*, serving: bool = False, verbose: bool = False) -> None:
    """Send the log to stderr: our own lines, and of libraries only warnings.

    Args:
        serving: the command is a server: also log what it serves, and how the turns go.
        verbose: log everything.
    """
    handler: logging.Handler = logging.StreamHandler()
    form = "%(asctime)s %(levelname)s %(message)s"
    if err.is_terminal:
        handler = RichHandler(console=err, show_path=False, markup=False)
        form = "%(message)s"
    handler.setFormatter(logging.Formatter(form))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    level = logging.INFO
    endpoint_level = logging.WARNING
    if verbose:
        level = logging.DEBUG
    if serving or verbose:
        endpoint_level = logging.NOTSET
    logging.getLogger("kbserver").setLevel(level)
    logging.getLogger("kbserver.endpoint").setLevel(endpoint_level)


async def typed_lines() -> AsyncIterator[str]:
    """Yield the lines of standard input as they come, without the white space around them.

    A daemon thread reads them, so that Ctrl-C ends the program: a thread of a pool would be joined
    first, and wait for one more line.
    """
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            for line in sys.stdin:
                loop.call_soon_threadsafe(lines.put_nowait, line.strip())
            loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, daemon=True).start()
    line = await lines.get()
    while line is not None:
        yield line
        line = await lines.get()
