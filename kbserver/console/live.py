"""Turns as they come, as server-sent events: pieces of a page, which a few lines of script add.

Source: HTML Living Standard, section 9.2 "Server-sent events".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable

from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from kbserver.console.reading.turns import wanted_turns
from kbserver.console.rendering import Templates
from kbserver.console.resources import Asked
from kbserver.errors import KbServerError
from kbserver.record.turns import last_number, later, newest

log = logging.getLogger("kbserver")

LOOK_S = 0.5
"""Between two looks for new turns: the writer writes as often."""

QUIET_S = 15.0
"""After which a line says that the connection lives."""

MOST_AT_ONCE = 50


async def live_turns(
    asked: Asked,
    templates: Templates,
    after: str | None,
    *,
    is_in: Callable[[], bool],
) -> StreamingResponse:
    """Answer with every turn that comes from now on, or after the one named.

    Args:
        after: number of the last turn that the browser has, from before it lost the connection.
        is_in: whether the visitor may still come in; asked before each look.

    Raises:
        WireError, StoreError: a parameter cannot be used, or the record not be read.
    """
    number: int | None = None
    if after is not None and after.isascii() and after.isdigit():
        number = int(after[:18])
    first = await run_in_threadpool(_since, asked, templates, number)
    return StreamingResponse(
        _pieces(asked, templates, *first, is_in), media_type="text/event-stream"
    )


async def _pieces(
    asked: Asked,
    templates: Templates,
    number: int,
    html: str,
    is_in: Callable[[], bool] = lambda: True,
) -> AsyncGenerator[str]:
    """Yield what was found, then what is found from then on; ends when that cannot be read."""
    quiet_s = QUIET_S
    while is_in():
        if html or quiet_s >= QUIET_S:
            lines = "".join(f"data: {line}\n" for line in html.splitlines())
            yield f"id: {number}\n{lines or ': still here'}\n\n"
            quiet_s = 0.0
        await asyncio.sleep(LOOK_S)
        quiet_s += LOOK_S
        try:
            number, html = await run_in_threadpool(_since, asked, templates, number)
        except KbServerError as exc:
            log.warning("live turns end: %s", exc)
            return


def _since(asked: Asked, templates: Templates, number: int | None) -> tuple[int, str]:
    """Return the number of the newest turn, and the rows of those after a number."""
    with asked.source.record() as record:
        record.execute("BEGIN")  # the same moment for both
        wanted = wanted_turns(asked, record)
        last = last_number(record)
        if number is None or number > last:  # the record was begun anew
            return last, ""
        if number == last:
            return last, ""
        found = newest(record, later(record, wanted, number), most=MOST_AT_ONCE)
    values = {"turns": found, "now": asked.source.clock()}
    return last, templates.render("live_rows.html", values)
