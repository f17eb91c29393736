"""How the command line talks: answers on stdout, everything else on stderr."""

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
    """Return a text that is printed at column `margin`, broken between words where a terminal is too narrow for it.

    Further lines begin below the first. Where no terminal reads it, the text stays one line.
    """
    wide = console.width - margin
    if not console.is_terminal or len(text) <= wide or wide < _NARROWEST:
        return text
    return ("\n" + " " * margin).join(textwrap.wrap(text, wide))


def print_table(table: Table) -> None:
    """Print a table whole, on a terminal of whatever width and into a file: no heading broken, none cut."""
    Console(highlight=False, width=max(out.width, _WIDEST)).print(table, crop=False)


def print_json(value: Any) -> None:
    """Print a value for a script to read: JSON on stdout, nothing else."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def log_to_terminal(*, serving: bool = False, verbose: bool = False) -> None:
    """Send the log to stderr: our own lines, and of libraries only warnings.

    Args:
        serving: the command is a server: also say what it serves, and how the turns go.
        verbose: everything.
    """
    terminal = err.is_terminal
    handler: logging.Handler = (
        RichHandler(console=err, show_path=False, markup=False)
        if terminal
        else logging.StreamHandler()
    )
    handler.setFormatter(
        logging.Formatter(
            "%(message)s" if terminal else "%(asctime)s %(levelname)s %(message)s"
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("kbserver").setLevel(logging.DEBUG if verbose else logging.INFO)
    logging.getLogger("kbserver.endpoint").setLevel(
        logging.NOTSET if serving or verbose else logging.WARNING
    )


async def typed_lines() -> AsyncIterator[str]:
    """Give the lines of standard input as they come, without the white space around them.

    A thread of its own reads them, which Ctrl-C need not wait for: one of a pool is joined before the program ends,
    and then waits for a line that nobody types.
    """
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        with contextlib.suppress(
            RuntimeError
        ):  # the loop is closed: nobody listens any more
            for line in sys.stdin:
                loop.call_soon_threadsafe(lines.put_nowait, line.strip())
            loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, daemon=True).start()
    while (line := await lines.get()) is not None:
        yield line
