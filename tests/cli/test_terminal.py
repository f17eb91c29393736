"""Answers go to stdout, everything else to stderr, and nothing is cut."""

from __future__ import annotations

import io
import json
import logging
import sys

import pytest
from rich.console import Console
from rich.table import Table

from kbserver.cli.terminal import (
    complain,
    hanging,
    log_to_terminal,
    print_json,
    print_table,
    typed_lines,
)

LONG = "the lights on the router blink and it says nothing at all"


def terminal(width: int) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=width)


def test_a_long_text_hangs_below_its_first_line_on_a_terminal() -> None:
    lines = hanging(LONG, terminal(40), 9).split("\n")
    assert len(lines) > 1
    assert all(line.startswith(" " * 9) for line in lines[1:])
    assert all(len(line) <= 40 for line in lines[1:])
    assert " ".join(line.strip() for line in lines) == LONG


@pytest.mark.parametrize(
    "console", [Console(file=io.StringIO(), width=40), terminal(25)]
)
def test_a_text_stays_whole_in_a_file_and_on_the_narrowest_terminal(
    console: Console,
) -> None:
    assert hanging(LONG, console, 9) == LONG


def test_errors_go_to_stderr_and_json_to_stdout(
    capsys: pytest.CaptureFixture[str],
) -> None:
    complain("no store")
    print_json({"name": "Müller"})
    shown = capsys.readouterr()
    assert shown.err == "error: no store\n"
    assert json.loads(shown.out) == {"name": "Müller"} and "Müller" in shown.out


def test_a_table_is_printed_whole_where_the_terminal_is_narrow(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    table = Table(box=None)
    headings = [f"heading-{number}" for number in range(8)]
    for heading in headings:
        table.add_column(heading)
    table.add_row(*headings)
    print_table(table)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [headings, headings]


@pytest.mark.parametrize(
    ("flags", "levels"),
    [
        ({}, (logging.INFO, logging.WARNING)),
        ({"serving": True}, (logging.INFO, logging.INFO)),
        ({"verbose": True}, (logging.DEBUG, logging.DEBUG)),
    ],
)
def test_the_log_holds_our_own_lines_and_warnings_of_libraries(
    flags: dict[str, bool], levels: tuple[int, int]
) -> None:
    log_to_terminal(**flags)
    ours = logging.getLogger("kbserver.ingest").getEffectiveLevel()
    endpoint = logging.getLogger("kbserver.endpoint.app").getEffectiveLevel()
    assert (ours, endpoint) == levels
    assert logging.getLogger("faiss").getEffectiveLevel() == logging.WARNING


def test_typed_lines_end_with_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    monkeypatch.setattr(sys, "stdin", io.StringIO("  one \n\ntwo\n"))

    async def typed() -> list[str]:
        return [line async for line in typed_lines()]

    assert asyncio.run(typed()) == ["one", "", "two"]
