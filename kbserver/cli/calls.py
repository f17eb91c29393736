"""`kbserver calls`: what was asked, and what came of it."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from kbserver.cli.options import AsJson, Config, Since, StorePath
from kbserver.cli.terminal import err, line, out, print_json
from kbserver.durations import duration_s
from kbserver.errors import SettingsError, StoreMissing

if TYPE_CHECKING:
    from kbserver.record.turns import Row, Wanted
    from kbserver.settings import Settings

_FOLLOW_S = 0.5
_CALL_DIGITS = 16


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(calls)


def calls(
    id: Annotated[
        str | None,
        typer.Argument(
            help="A turn (or the beginning of its id), or a call: shows it whole.",
            metavar="[ID]",
        ),
    ] = None,
    since: Since = "7d",
    route: Annotated[
        str | None, typer.Option(help="Only turns of this label pattern, as written.")
    ] = None,
    outcome: Annotated[
        str | None,
        typer.Option(
            help="Only turns that ended so: an outcome (empty) or a reason (below_min_score)."
        ),
    ] = None,
    search: Annotated[
        str | None,
        typer.Option(help="Only turns in which all these words were said."),
    ] = None,
    most: Annotated[
        int, typer.Option("--most", min=1, help="The newest turns, at most so many.")
    ] = 50,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with turns as they come.")
    ] = False,
    export: Annotated[
        str | None,
        typer.Option(
            help="Write all that fit, as jsonl, csv or parquet; to standard output "
            "unless --output names a file.",
            metavar="FORMAT",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="File for --export, instead of standard output.")
    ] = None,
    forget: Annotated[
        str | None,
        typer.Option(
            help="Erase every turn of this session label, to the last byte, and leave.",
            metavar="LABEL",
        ),
    ] = None,
    config: Config = None,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Show recorded turns: when, which call, how each ended, and by which document.

    Reads the record that `kbserver serve` keeps beside the store; the server may run or not. What
    a caller said is shown where **mode = "words"** records it; otherwise turns are grouped by a
    key of the call.

    With an **ID** one turn is shown whole, with the passages that came near and the threshold they
    missed; with the key of a call, all its turns.

    Examples:  kbserver calls --outcome below_min_score --since 24h  ·  kbserver calls --follow  ·
    kbserver calls --export csv --output turns.csv  ·  kbserver calls --forget call-42
    """
    settings = _settings(config, store)
    if forget is not None:
        _forget(settings, forget)
        return
    from kbserver.record.database import reading
    from kbserver.record.turns import Wanted, newest

    wanted = Wanted(_since(since), route, outcome, search)
    with reading(settings.record_folder) as connection:
        if id is not None:
            _show_one(connection, id, as_json=as_json)
        elif export is not None:
            _export(newest(connection, wanted), export, output)
        elif follow:
            for turn in _following(connection, wanted, most):
                _print_turn(turn, as_json=as_json)
        else:
            turns = newest(connection, wanted, most=most)
            for turn in turns:
                _print_turn(turn, as_json=as_json)
            _say_endings(connection, wanted.since or 0.0)
            if not turns:
                err.print(Text(f"no turn fits; look further back than --since {since}"))


def _settings(config: Path | None, store: Path | None) -> Settings:
    from kbserver.settings import read_settings

    return read_settings(config, store=store)


def _since(text: str) -> float:
    return time.time() - duration_s(text)


def _forget(settings: Settings, label: str) -> None:
    from kbserver.record.forgetting import forget

    gone = forget(settings.record_folder, label)
    if gone:
        out.print(line(f"{gone} turns of {label!r} are erased"))
    else:
        out.print(line(f"no turn of {label!r} is recorded"))


def _show_one(connection: sqlite3.Connection, id: str, *, as_json: bool) -> None:
    """Show one turn, or the turns of a call.

    Raises:
        StoreMissing: neither has that id.
    """
    from kbserver.record.turns import Wanted, newest, one

    if len(id) == _CALL_DIGITS:
        turns = newest(connection, Wanted(call=id))
        if turns:
            for turn in turns:
                _print_turn(turn, as_json=as_json)
            return
    found = one(connection, id)
    if found is None:
        raise StoreMissing(
            f"no turn and no call {id!r} is recorded; see which are with: kbserver calls"
        )
    if as_json:
        print_json(found)
    else:
        _print_whole(found)


def _export(turns: list[Row], form: str, output: Path | None) -> None:
    from kbserver.record.export import FORMATS, write_csv, write_jsonl, write_parquet

    if form not in FORMATS:
        listed = ", ".join(FORMATS)
        raise SettingsError(f"--export {form!r}: no such format; write one of {listed}")
    if form == "parquet":
        if output is None:
            raise SettingsError("--export parquet needs a file: --output turns.parquet")
        write_parquet(turns, output)
        return
    write = write_jsonl
    if form == "csv":
        write = write_csv
    if output is None:
        write(turns, sys.stdout)
        return
    with output.open("w", encoding="utf-8", newline="") as stream:
        write(turns, stream)


def _following(
    connection: sqlite3.Connection, wanted: Wanted, most: int
) -> Iterator[Row]:
    """Yield the newest turns, then each that comes."""
    from kbserver.record.turns import last_number, later, newest

    number = last_number(connection)
    yield from newest(connection, wanted, most=most)
    while True:
        time.sleep(_FOLLOW_S)
        last = last_number(connection)
        if last > number:
            yield from newest(connection, later(connection, wanted, number))
            number = last


def _print_turn(turn: Row, *, as_json: bool) -> None:
    """Print a turn on one line."""
    if as_json:
        print_json(turn, indent=None)
        return
    parts = [_clock(turn["at"]), turn["id"], turn["label"] or turn["call"] or "–"]
    parts += [turn["route"] or "(no route)", _ending(turn)]
    for candidate in turn["candidates"][:1]:
        near = "" if candidate["answered"] else "near: "
        parts.append(f"{near}{candidate['score']:.2f} {candidate['document']}")
    if turn["query"]:
        parts.append(f"“{turn['query']}”")
    if turn["feedback"]:
        parts.append(f"[{turn['feedback'].replace('_', ' ')}]")
    if turn["probe"]:
        parts.append(f"[kbserver {turn['probe']}, no caller]")
    out.print(line("  ".join(parts)))


def _say_endings(connection: sqlite3.Connection, since: float) -> None:
    """Say how calls ended, if a client told it of any."""
    from kbserver.record.endings import endings, told

    counts = endings(connection, since=since)
    if counts:
        total = told(connection, since=since)
        said = ", ".join(
            f"{count / total:.0%} {verdict.replace('_', ' ')}"
            for verdict, count in counts.items()
        )
        err.print(Text(f"of {total} calls whose end was told: {said}"))


def _print_whole(turn: Row) -> None:
    call = turn["label"] or turn["call"] or "without a label"
    out.print(line(f"turn {turn['id']}   {_clock(turn['at'])}   call {call}", "bold"))
    if turn["query"]:
        out.print(line(f"said       {turn['query']}"))
        if turn["heard"] != turn["query"]:
            out.print(line(f"heard      {turn['heard']}"))
    late = "in time" if turn["in_budget"] else "late"
    times = f"{turn['total_ms']:.1f} of {turn['budget_ms']:.0f} ms, {late}"
    notes = [name for name in ("cached", "leaned") if turn[name]]
    out.print(line("   ".join([f"outcome    {_ending(turn)}", times, *notes])))
    out.print(line(f"route      {turn['route'] or '(none fits the label)'}"))
    for search in turn["searches"]:
        said = f"{search['corpus']}, generation {search['generation']}"
        threshold = f"min_score {search['min_score']:.3f} ({search['min_score_from']})"
        out.print(line(f"searched   {said}: {threshold}"))
    for candidate in turn["candidates"]:
        kind = "answered" if candidate["answered"] else "near"
        found = f"{candidate['score']:.3f}  {candidate['document']}"
        out.print(line(f"{kind:<10} {found}  ({candidate['passage']})"))
    if turn["feedback"]:
        out.print(line(f"feedback   {turn['feedback'].replace('_', ' ')}"))
    stages = [f"{stage} {ms:.1f}" for stage, ms in turn["stages_ms"].items()]
    if stages:
        out.print(line("stages     " + "   ".join(stages)))
    spoken = f"{turn['answer_bytes']} bytes, {turn['spoken_s']:.0f} s to say"
    out.print(line(f"answer     {spoken}"))
    if turn["probe"]:
        out.print(line(f"probe      asked by kbserver {turn['probe']}, no caller"))
    for candidate in turn["candidates"][:1]:
        out.print(line(f"read it    kbserver show {candidate['passage']}"))


def _ending(turn: Row) -> str:
    if turn["reason"]:
        return f"{turn['outcome']} ({turn['reason']})"
    return str(turn["outcome"])


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%SZ}"
