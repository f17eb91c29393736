"""`kbserver call`: a conversation with an endpoint, in the terminal."""

from __future__ import annotations

import asyncio
import json
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
from kbserver.cli.terminal import err, hanging, log_to_terminal, out, typed_lines

if TYPE_CHECKING:
    from kbserver.omni.call import CallTurn, SpokenCall, TypedCall


_MARGIN = 9  # columns, for the names of what is shown


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
        _sum_up(turns, where)
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
            err.print(Text(f"calling {where}{hint}"))
        async for text in _utterances(script):
            turn = await conversation.say(text)
            turns.append(turn)
            if as_json:
                typer.echo(json.dumps(turn.as_dict(), ensure_ascii=False))
            else:
                _show(turn)


async def _utterances(script: Path | None) -> AsyncIterator[str]:
    from kbserver.omni.simulator.script import read_script

    if script is not None:
        for line in read_script(script):
            yield line
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
        _print(
            "route",
            f"{trace.get('route') or '–'}   {trace.get('outcome')} {trace.get('reason') or ''}",
        )
    _print(
        "lookup",
        f"{lookup['outcome']}{reason}   ids {', '.join(lookup['top_ids']) or '–'}",
    )
    out.print(
        Text("time     ")
        + mark
        + Text(f"{lookup['latency_ms']:.1f} of 300 ms{_stages(trace)}")
    )
    for line in str(lookup["context"]).splitlines():
        _print("", line, style="dim")
    _print("agent", turn.reply, style="cyan")
    out.print()


def _print(name: str, text: str, style: str = "") -> None:
    out.print(Text(f"{name:<{_MARGIN}}{hanging(text, out, _MARGIN)}", style=style))


def _stages(trace: Mapping[str, Any]) -> str:
    stages = trace.get("stages_ms") or {}
    if not stages:
        return ""
    inside = "  ".join(f"{name} {ms:.1f}" for name, ms in stages.items())
    return f"   in the server {trace.get('total_ms', 0):.1f}: {inside}"


def _sum_up(turns: list[CallTurn], where: str) -> None:
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
    if not all(turn.in_time for turn in turns):
        err.print(Text(f"next: kbserver doctor {where}"))
    elif not any(turn.lookup.get("trace") for turn in turns):
        err.print("route and stage times: start the server with KBSERVER_DEBUG=1")
