"""Answers go to stdout, everything else to stderr, and nothing is cut."""

from __future__ import annotations

import io
import json
import logging
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.progress import Progress, TextColumn
from rich.table import Table
from rich.text import Text

from kbserver.cli.terminal import (
    Terminal,
    complain,
    hanging,
    line,
    log_to_terminal,
    print_json,
    print_table,
    typed_lines,
    user,
)
from kbserver.printable import printable

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


ESCAPES = "\x1b]0;title\x07\x1b[2J\x9b1A\u202etxt\u2028\ud800\x7f"
VISIBLE = r"\x1b]0;title\x07\x1b[2J\x9b1A\u202etxt\u2028\ud800\x7f"


def test_control_characters_are_visible() -> None:
    assert printable(ESCAPES) == VISIBLE
    assert printable("a\rb\nc\td") == r"a\rb\nc" + "\td"
    assert printable("a\rb\nc", newlines=True) == "a\\rb\nc"


@pytest.mark.parametrize(
    "text", ["Müller", "日本語", "שלום", "👩‍👩‍👧", "می‌خواهم", "a\\x1b"]
)
def test_words_of_any_script_stay_as_they_are(text: str) -> None:
    assert printable(text) == text


@given(st.text())
def test_no_text_keeps_what_a_terminal_obeys(text: str) -> None:
    shown = printable(text)
    assert not any(
        unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(one) in ("RLO", "LRO", "RLI", "LRI", "FSI", "PDI")
        for one in shown.replace("\t", "")
    )
    assert printable(shown) == shown
    shown.encode()


def output_of(*printed: object, width: int = 200) -> str:
    stream = io.StringIO()
    console = Terminal(file=stream, force_terminal=True, color_system=None, width=width)
    console.print(*printed)
    return stream.getvalue()


def test_whatever_is_printed_is_visible() -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("source")
    table.add_row(ESCAPES)
    for printed in (ESCAPES, Text("x\x1b[2J"), table):
        shown = output_of(printed)
        assert "\x1b" not in shown and r"\x1b" in shown


def test_a_text_is_never_markup() -> None:
    assert output_of("[red]a[/red] [/] :smile:") == "[red]a[/red] [/] :smile:\n"


def test_a_bar_shows_what_it_is_told_as_it_is() -> None:
    stream = io.StringIO()
    console = Terminal(file=stream, force_terminal=True, color_system=None, width=80)
    column = TextColumn("{task.description}", markup=False)
    with Progress(column, console=console) as progress:
        progress.add_task("\x1b]0;title")
    assert r"\x1b]0" in stream.getvalue()
    assert "\x1b]0" not in stream.getvalue()


def test_a_line_is_one_line() -> None:
    assert output_of(line("a.md\nerror: forged\r")) == "a.md\\nerror: forged\\r\n"


def test_a_text_that_hangs_is_visible() -> None:
    assert hanging(ESCAPES, terminal(200), 9) == VISIBLE


def test_an_error_of_two_lines_is_one_error(capsys: pytest.CaptureFixture[str]) -> None:
    complain("a\nerror: forged\x1b[2J")
    assert capsys.readouterr().err == "error: a\n       error: forged\\x1b[2J\n"


@given(st.recursive(st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_json_holds_no_control_characters_and_reads_as_it_was(value: object) -> None:
    stream = io.StringIO()
    before, sys.stdout = sys.stdout, stream
    try:
        print_json(value)
        print_json(value, indent=None)
    finally:
        sys.stdout = before
    shown = stream.getvalue()
    *pretty, flat = shown.rstrip("\n").split("\n")
    assert json.loads("\n".join(pretty)) == json.loads(flat) == value
    assert printable(shown, newlines=True) == shown


def test_a_record_of_the_log_is_one_line_and_its_traceback_is_indented(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log_to_terminal()
    log = logging.getLogger("kbserver.ingest")
    log.warning("skipped %s", "a.md\n2026-01-01 ERROR forged\x1b[2J")
    try:
        raise ValueError("a\nforged\x1b[2J")
    except ValueError:
        log.exception("failed")
    first, second, *traceback = capsys.readouterr().err.splitlines()
    assert first.endswith(r"WARNING skipped a.md\n2026-01-01 ERROR forged\x1b[2J")
    assert second.endswith("ERROR failed")
    assert traceback and all(one.startswith("    ") for one in traceback)
    assert traceback[-1] == r"    forged\x1b[2J"


def test_a_line_begins_with_a_moment_of_rfc_3339(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log_to_terminal()
    record = logging.makeLogRecord({"msg": "said", "created": 1_796_000_000.25})
    record.levelno, record.levelname = logging.WARNING, "WARNING"
    logging.getLogger().handle(record)
    said = capsys.readouterr().err
    assert said == "2026-11-30T00:53:20.250Z WARNING said\n"


def test_a_line_on_a_terminal_begins_with_such_a_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = Terminal(file=io.StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr("kbserver.cli.terminal.err", screen)
    log_to_terminal()
    record = logging.makeLogRecord({"msg": "said", "created": 1_796_000_000.25})
    record.levelno, record.levelname = logging.WARNING, "WARNING"
    logging.getLogger().handle(record)
    assert isinstance(screen.file, io.StringIO)
    assert "2026-11-30T00:53:20.250Z" in screen.file.getvalue()


def logged_as_json(
    capsys: pytest.CaptureFixture[str], name: str, *args: object, **more: object
) -> dict[str, object]:
    log_to_terminal(serving=True, as_json=True)
    log = logging.getLogger(name)
    log.warning(*args, **more)
    [line] = capsys.readouterr().err.splitlines()
    assert line.isprintable()
    values: dict[str, object] = json.loads(line)
    return values


def test_a_json_line_holds_the_event_and_its_facts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    extra = {"event": "turn", "facts": {"turn": "01", "ms": 1.5}}
    found = logged_as_json(capsys, "kbserver.turns", "turn %s", "01\x1b", extra=extra)
    assert str(found.pop("time")).endswith("Z")
    assert found == {
        "level": "warning",
        "event": "turn",
        "logger": "kbserver.turns",
        "message": "turn 01\x1b",
        "turn": "01",
        "ms": 1.5,
    }


def test_a_json_line_of_the_access_log_names_its_parts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    args = ('%s - "%s %s HTTP/%s" %d', "1.2.3.4:5", "POST", "/kb", "1.1", 200)
    found = logged_as_json(capsys, "uvicorn.access", *args)
    wanted = {"address": "1.2.3.4:5", "method": "POST", "path": "/kb", "status": 200}
    assert found["event"] == "request" and wanted.items() <= found.items()


def test_a_traceback_is_part_of_its_json_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = ValueError("bad\nnews")
    found = logged_as_json(capsys, "kbserver", "failed", exc_info=error)
    assert "ValueError: bad\nnews" in str(found["traceback"])


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_table_fits_a_terminal_and_loses_no_word(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    screen = Terminal(file=io.StringIO(), force_terminal=True, width=width)
    monkeypatch.setattr("kbserver.cli.terminal.out", screen)
    stdout = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stdout)
    table = Table(box=None, pad_edge=False)
    for column in ("score", "lexical", "dense"):
        table.add_column(column, justify="right")
    for column in ("source", "passage"):
        table.add_column(column)
    table.add_row("0.912", "21.334", "0.871", "billing/refunds-and-credits.md", LONG)
    print_table(table)
    lines = stdout.getvalue().splitlines()
    assert all(len(line.rstrip()) <= width for line in lines)
    said = "".join("".join(lines).split())
    assert all(figure in said for figure in ("0.912", "21.334", "0.871"))
    letters = sorted("".join(lines).replace(" ", ""))
    wanted = (
        "scorelexicaldensesourcepassage0.91221.3340.871billing/refunds-and-credits.md"
    )
    assert letters == sorted(wanted + LONG.replace(" ", ""))


def test_a_user_without_a_name_is_a_number(monkeypatch):
    monkeypatch.setenv("LOGNAME", "ann")
    assert user() == "ann"
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 54321)  # as in a container
    assert user() == "54321"
