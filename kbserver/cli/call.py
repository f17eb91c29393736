"""`kbserver call`: a conversation with an endpoint, in the terminal."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from kbserver.cli.connection import endpoint_url, read_token
from kbserver.cli.options import Config, Label, TokenFile
from kbserver.cli.simulate import ReadsFrom
from kbserver.cli.terminal import (
    err,
    hanging,
    line,
    log_to_terminal,
    out,
    print_json,
    typed_lines,
)

if TYPE_CHECKING:
    from kbserver.omni.call import CallTurn, SpokenCall, TypedCall


_MARGIN = 9  # columns, for the names of what is shown
_UNAUTHORIZED = 401
_LONGEST_SHOWN = 6_000
"""Characters of one text; the engine cuts answers above as many bytes."""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(call)


def call(
    url: Annotated[
        str | None,
        typer.Argument(
            help="The kb_endpoint.  \\[default: where kbserver serve listens]"
        ),
    ] = None,
    label: Label = None,
    script: Annotated[
        Path | None,
        typer.Option(
            help="Say these instead of what is typed: a line each, or queries.jsonl."
        ),
    ] = None,
    token_file: TokenFile = None,
    audio: Annotated[
        bool,
        typer.Option(
            "--audio",
            help="Speak every turn to a simulator as PCM16 (espeak-ng, else a tone).",
        ),
    ] = False,
    reads: Annotated[
        ReadsFrom, typer.Option(help="What the agent speaks from.")
    ] = ReadsFrom.context,
    keep_alive: Annotated[
        bool,
        typer.Option(
            "--keep-alive",
            help="Keep the connection between turns; without it every turn opens one.",
        ),
    ] = False,
    config: Config = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a line for each turn.")
    ] = False,
) -> None:
    """Have a conversation with an endpoint: you are the caller, this is the engine and the agent.

    Each turn shows what was heard, which route answered, the context, the ids, and the time against
    the engine's 300 ms. Route and stage times come from a kbserver that was started with
    KBSERVER_DEBUG=1.

    Exit code 1: the endpoint was late, could not be reached, refused, or answered what the engine
    cannot read.
    """
    from kbserver.omni.call import SpokenCall, TypedCall
    from kbserver.omni.simulator.speech import synthesizer

    log_to_terminal()
    where = url or endpoint_url(config)
    options: dict[str, Any] = {
        "label": label,
        "reads": reads.value,
        "keep_alive": keep_alive,
    }
    token = read_token(token_file)
    conversation: TypedCall | SpokenCall
    if audio:
        conversation = SpokenCall(where, token, synthesize=synthesizer(), **options)
    else:
        conversation = TypedCall(where, token, **options)
    turns: list[CallTurn] = []
    exit_code = 130
    try:
        asyncio.run(_converse(conversation, turns, script, where, as_json=as_json))
        in_time = all(turn.in_time for turn in turns)
        exit_code = int(not in_time)
    except KeyboardInterrupt:
        err.print()
    if not as_json:
        _sum_up(turns, where, token)
    raise typer.Exit(exit_code)


async def _converse(
    conversation: TypedCall | SpokenCall,
    turns: list[CallTurn],
    script: Path | None,
    where: str,
    *,
    as_json: bool,
) -> None:
    """Say one thing after the other and show what comes of it; the turns are added to `turns`."""
    async with conversation:
        if not as_json:
            hint = "; an empty line hangs up"
            if script is not None:
                hint = ""
            err.print(line(f"calling {where}{hint}"))
        async for text in _utterances(script):
            turn = await conversation.say(text)
            turns.append(turn)
            if as_json:
                print_json(turn.as_dict(), indent=None)
            else:
                _show(turn)
            if turn.lookup.get("status") == _UNAUTHORIZED:  # so is every further turn
                return


async def _utterances(script: Path | None) -> AsyncIterator[str]:
    from kbserver.omni.simulator.script import read_script

    if script is not None:
        for said in read_script(script):
            yield said
        return
    _prompt()
    async for typed in typed_lines():
        if not typed:
            return
        yield typed
        _prompt()


def _prompt() -> None:
    if sys.stdin.isatty():
        err.print("you      ", end="")


def _show(turn: CallTurn) -> None:
    lookup, trace = turn.lookup, turn.lookup.get("trace") or {}
    reason = ""
    if lookup["reason"]:
        reason = f" ({lookup['reason']})"
    mark = Text("✗ ", style="red")
    if turn.in_time:
        mark = Text("✓ ", style="green")
    _print("heard", turn.heard, style="bold")
    if turn.spoken_ms:
        _print(
            "audio",
            f"{turn.spoken_ms} ms spoken, {turn.audio_ms} ms of agent audio back",
        )
    if trace:
        route, outcome = trace.get("route") or "–", trace.get("outcome")
        answered = f"{route}   {outcome} {trace.get('reason') or ''}"
        _print("route", _shortened(answered))
    _print(
        "lookup",
        f"{lookup['outcome']}{reason}   ids {_shortened(', '.join(lookup['top_ids'])) or '–'}",
    )
    if lookup.get("said"):
        _print("", str(lookup["said"]), style="red")
    out.print(
        Text("time     ")
        + mark
        + line(f"{lookup['latency_ms']:.1f} of 300 ms{_stages(trace)}")
    )
    for shown in _shortened(str(lookup["context"])).splitlines():
        _print("", shown, style="dim")
    _print("agent", _shortened(turn.reply), style="cyan")
    out.print()


def _print(name: str, text: str, style: str = "") -> None:
    out.print(Text(f"{name:<{_MARGIN}}{hanging(text, out, _MARGIN)}", style=style))


def _shortened(text: str) -> str:
    """Return the beginning of a text that is longer than an answer should be."""
    if len(text) <= _LONGEST_SHOWN:
        return text
    more = len(text) - _LONGEST_SHOWN
    return f"{text[:_LONGEST_SHOWN]} … and {more:,} more characters (--json shows all)"


def _stages(trace: Mapping[str, Any]) -> str:
    """Return the server's own times; what is no time is left out: the trace is the endpoint's."""
    stages = trace.get("stages_ms")
    if not isinstance(stages, dict):
        return ""
    inside = "  ".join(
        f"{name} {ms:.1f}" for name, ms in stages.items() if _is_number(ms)
    )
    total_ms = trace.get("total_ms")
    if not inside or not _is_number(total_ms):
        return ""
    return _shortened(f"   in the server {total_ms:.1f}: {inside}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _sum_up(turns: list[CallTurn], where: str, token: str | None) -> None:
    if not turns:
        return
    outcomes = Counter(str(turn.lookup["outcome"]) for turn in turns)
    slowest_ms = max(turn.lookup["latency_ms"] for turn in turns)
    counted = ", ".join(
        f"{count} {outcome}" for outcome, count in outcomes.most_common()
    )
    number = f"{len(turns)} turns"
    if len(turns) == 1:
        number = "1 turn"
    err.print(
        f"{number}: {counted}; the slowest lookup took {slowest_ms:.0f} of 300 ms"
    )
    if turns[-1].lookup.get("status") == _UNAUTHORIZED:
        step = "set KB_TOKEN to the server's token, or name a file with --token-file"
        if token is not None:
            step = "compare KB_TOKEN (or --token-file) with the server's"
        err.print(line(f"next: {step}"))
    elif not all(turn.in_time for turn in turns):
        err.print(line(f"next: kbserver doctor {where}"))
    elif not any(turn.lookup.get("trace") for turn in turns):
        err.print("route and stage times: start the server with KBSERVER_DEBUG=1")
