"""The terminal: answers on stdout, everything else on stderr.

Whatever is printed or logged passes `printable` here.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import json
import logging
import os
import re
import sys
import textwrap
import threading
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.logging import RichHandler
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from kbserver.printable import UNSEEN, printable


def line(text: str, style: str = "") -> Text:
    """Return one line of a text from anywhere."""
    return Text(printable(text), style=style)


class Terminal(Console):
    """A console on which no text is markup, and no control character comes from a text."""

    def __init__(self, **options: Any) -> None:
        """Take the options of `Console`."""
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the segments of what is printed, those of a text made visible."""
        for segment in super().render(renderable, options):
            if segment.control is None:
                text = printable(segment.text, newlines=True)
                segment = Segment(text, segment.style)
            yield segment


out = Terminal(soft_wrap=True)
err = Terminal(stderr=True, soft_wrap=True)

_NARROWEST = 20  # columns; a text in fewer is a column of words
_BETWEEN = 2  # columns of the terminal between two of a table
_NARROWEST_COLUMN = 12  # of a table's texts
_WIDEST = 160  # columns of a table; eleven figures and a name take about 130


def complain(message: str) -> None:
    """Print an error, one paragraph on stderr."""
    margin = "error: "
    message = printable(message, newlines=True)
    hung = message.replace("\n", "\n" + " " * len(margin))
    err.print(Text(margin, style="bold red") + Text(hung))


def hanging(text: str, console: Console, margin: int) -> str:
    """Return a text made printable, broken between words where a terminal is too narrow for it.

    Args:
        text: from anywhere, to be printed at column `margin`.
        console: where it is printed. Without a terminal the text stays one line.
        margin: columns before the text; further lines begin below the first.
    """
    text = printable(text)
    wide = console.width - margin
    if not console.is_terminal or len(text) <= wide or wide < _NARROWEST:
        return text
    return ("\n" + " " * margin).join(textwrap.wrap(text, wide))


def print_table(table: Table) -> None:
    """Print a table whole: no heading broken, none cut.

    On a terminal that is too narrow, texts are broken within their columns. Elsewhere it is as
    wide as it needs to be.
    """
    width = max(out.width, _WIDEST)
    if out.is_terminal:
        least = _least_width(table)
        width = max(out.width, least)
    Terminal(width=width).print(table, crop=False)


def _least_width(table: Table) -> int:
    """Let the texts of a table be broken, and return what it takes at least.

    Figures stand on the right of their columns, and names in the first.
    """
    least = 0
    for place, column in enumerate(table.columns):
        texts = [str(cell) for cell in (column.header, *column.cells)]
        widest = max(map(cell_len, texts))
        column.no_wrap = place == 0 or column.justify != "left"
        if not column.no_wrap:
            column.overflow = "fold"
            widest = min(widest, _NARROWEST_COLUMN)
            column.min_width = widest
        least += widest + _BETWEEN
    return least


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Print a value for a script to read: JSON on stdout, nothing else.

    Args:
        value: strings, numbers, booleans, None, and lists and dictionaries of them.
        indent: columns of a level; None prints one line.
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    print(UNSEEN.sub(_escaped_in_json, text), flush=True)


def _escaped_in_json(found: re.Match[str]) -> str:
    """JSON's own escape: all that is found is inside of strings, and reads as it was."""
    return f"\\u{ord(found[0]):04x}"


def log_to_terminal(
    *, serving: bool = False, verbose: bool = False, as_json: bool = False
) -> None:
    """Send the log to stderr: our own lines, and of libraries only warnings.

    Args:
        serving: the command is a server: also log what it serves, and how the turns go.
        verbose: log everything.
        as_json: one object a line.
    """
    handler: logging.Handler = logging.StreamHandler()
    formatter: logging.Formatter = _OneLine("%(asctime)s %(levelname)s %(message)s")
    if as_json:
        formatter = _JsonLine()
    elif err.is_terminal:
        handler = RichHandler(
            console=err,
            show_path=False,
            markup=False,
            log_time_format=lambda local: Text(_said(local.astimezone(UTC))),
        )
        formatter = _OneLine("%(message)s")
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    level = logging.INFO
    endpoint_level = logging.WARNING
    if verbose:
        level = logging.DEBUG
    if serving or verbose:
        endpoint_level = logging.NOTSET
    logging.getLogger("kbserver").setLevel(level)
    logging.getLogger("kbserver.endpoint").setLevel(endpoint_level)


def _moment(record: logging.LogRecord) -> str:
    """Return when something was logged."""
    return _said(datetime.fromtimestamp(record.created, tz=UTC))


def _said(moment: datetime) -> str:
    """Return a time in UTC by RFC 3339."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _OneLine(logging.Formatter):
    """Formats a record as one line; below it a traceback, indented, so that none can be forged."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return _moment(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # logging's own name
        return printable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # logging's own name
        traceback = printable(super().formatException(ei), newlines=True)
        return textwrap.indent(traceback, "    ")


class _JsonLine(logging.Formatter):
    """Formats a record as a JSON object: time, level, event, message, and the event's facts.

    A record's `event` and `facts` come by `extra`; those of the access log from its arguments.
    """

    def format(self, record: logging.LogRecord) -> str:
        event = getattr(record, "event", "")
        facts = getattr(record, "facts", {})
        if record.name == "uvicorn.access":
            event, facts = "request", _of_request(record.args)
        values = {
            "time": _moment(record),
            "level": record.levelname.lower(),
            "event": event or "log",
            "logger": record.name,
            "message": record.getMessage(),
            **facts,
        }
        if record.exc_info:
            values["traceback"] = self.formatException(record.exc_info)
        text = json.dumps(values, ensure_ascii=False, default=str)
        return UNSEEN.sub(_escaped_in_json, text)


def _of_request(args: Any) -> dict[str, object]:
    """Return the facts of a line of uvicorn's access log."""
    match args:
        case (address, method, path, _, status):
            return {
                "address": address,
                "method": method,
                "path": path,
                "status": status,
            }
    return {}


def user() -> str:
    """Return the name of the user at the terminal; the number of one that has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # as in a container that runs with a number
        return str(os.getuid())


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
