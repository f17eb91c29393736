"""`kbserver simulate`: a local stand-in for the Omni engine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from kbserver.cli.terminal import err, hanging, line, log_to_terminal, typed_lines

if TYPE_CHECKING:
    from kbserver.omni.simulator.recording import Record
    from kbserver.omni.simulator.server import Simulator

DEFAULT_PORT = 8787  # the vendor's mock listens there, and its examples know it


class ReadsFrom(StrEnum):
    """The key of the endpoint's answer that the agent speaks from."""

    context = "context"
    results = "results"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(simulate)


def simulate(
    host: Annotated[
        str,
        typer.Option(help="Address to listen on; it calls any kb_endpoint it is told."),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 takes a free one.")
    ] = DEFAULT_PORT,
    script: Annotated[
        Path | None,
        typer.Option(
            help="The caller's words for turns heard as audio: a line each, or queries.jsonl."
        ),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(help="Append every session's turns to this file, as JSON lines."),
    ] = (Path("simulator.jsonl")),
    reads: Annotated[
        ReadsFrom,
        typer.Option(
            help="What the agent speaks from; try both: what the live engine reads is unknown."
        ),
    ] = ReadsFrom.context,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Echo no key, and drop frames keyed on 'event', as the live engine does.",
        ),
    ] = False,
    key: Annotated[
        list[str] | None,
        typer.Option(help="An API key to accept; without any, every key is."),
    ] = None,
    voice: Annotated[
        list[str] | None,
        typer.Option(help="A voice id that exists; without any, every one does."),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="kb-slow, kb-fail, drop, 1011 (each also as NAME@TURN), 4401, 4403, 4429, "
            "http-401, http-403, http-429.",
        ),
    ] = None,
    silence_ms: Annotated[
        int,
        typer.Option(min=200, max=3_000, help="Silence that ends the caller's turn."),
    ] = 600,
    pace: Annotated[
        float,
        typer.Option(
            min=0, max=10, help="Agent audio: 1 is real time, 0 sends it all at once."
        ),
    ] = 1.0,
    keep_alive: Annotated[
        bool,
        typer.Option(
            "--keep-alive", help="Keep the connection to kb_endpoint between turns."
        ),
    ] = False,
    probe: Annotated[
        bool,
        typer.Option(
            "--probe",
            help="Ask as a probe: a kbserver leaves the turns out of its figures.",
        ),
    ] = False,
) -> None:
    """Stand in for the Omni engine, so that any client can be tried without a key.

    Point the client at ws://127.0.0.1:8787 instead of wss://api.pyai.com. Once per caller turn it
    calls the client's kb_endpoint exactly as the engine does: two fields, the bearer token, 300 ms
    in all, one attempt, no redirect; whatever goes wrong, the turn goes on.

    A kbserver records its turns as those of callers; with --probe its figures leave them out.

    There is no speech recognition offline. What the caller says comes from --script, from
    input_text frames, from lines typed here, or from POST /simulator/sessions/latest/say {"text":
    "…"}.
    """
    from kbserver.omni.simulator.faults import parse_fault
    from kbserver.omni.simulator.options import SimulatorOptions
    from kbserver.omni.simulator.recording import Recorder
    from kbserver.omni.simulator.script import read_script
    from kbserver.omni.simulator.server import Simulator
    from kbserver.omni.simulator.speech import synthesizer

    log_to_terminal()
    voices = None
    if voice:
        voices = frozenset(voice)
    options = SimulatorOptions(
        strict=strict,
        reads=reads.value,
        keep_alive=keep_alive,
        probe="simulate" if probe else None,
        silence_ms=silence_ms,
        pace=pace,
        voices=voices,
        faults=tuple(parse_fault(text) for text in fault or []),
        synthesize=synthesizer(),
    )
    words: Sequence[str] = ()
    if script:
        words = read_script(script)
    with Recorder(record, listener=_show) as recorder:
        simulator = Simulator(
            options,
            script=words,
            keys=key or None,
            recorder=recorder,
            names=[host],
        )
        try:
            asyncio.run(_serve(simulator, host, port, record))
        except KeyboardInterrupt:
            err.print("stopped")


async def _serve(
    simulator: Simulator, host: str, port: int, record: Path | None
) -> None:
    from kbserver.omni.serving import base_url, serving
    from kbserver.urls import is_loopback

    async with serving(simulator, host=host, port=port) as server:
        url = base_url(server, "ws")
        err.print(Text("The Omni simulator is listening.", style="bold green"))
        err.print(f"  connect to    {url}/v1/omni")
        err.print(f"  HTTP base     {base_url(server)}   (sessions, sandbox keys)")
        if record is not None:
            err.print(Text(f"  recorded in   {record}"))
        if not is_loopback(host):
            err.print(
                Text(
                    "  careful       it calls any URL a client names; listen on 127.0.0.1",
                    style="yellow",
                )
            )
        err.print(
            "  type a line to say it for the caller of the latest session; Ctrl-C stops"
        )
        typing = asyncio.create_task(_say_what_is_typed(simulator))
        while not server.should_exit:
            await asyncio.sleep(0.1)
        typing.cancel()


async def _say_what_is_typed(simulator: Simulator) -> None:
    async for typed in typed_lines():
        if typed and not simulator.say(typed, source="typed"):
            err.print("  no client is connected, so no caller can say that")


def _show(record: Record) -> None:
    """Print a record for the person at the terminal."""
    call = str(record["call_id"])[-6:]
    match record["record"]:
        case "session":
            shown = line(
                f"{call}  session opened, label {record['label']!r}", style="bold"
            )
        case "refused":
            shown = line(
                f"        a client was refused: {record['code']} {record['reason']}",
                style="yellow",
            )
        case "configure":
            shown = line(
                f"{call}  configure: {', '.join(record['fields']) or 'nothing'}"
            )
        case "note":
            shown = Text(
                f"{call}  {hanging('note: ' + record['note'], err, 8)}", style="yellow"
            )
        case "turn":
            agent = f"agent: {record['reply']}"
            if record["interrupted"]:
                agent += "   (interrupted)"
            shown = Text(
                f"{call}  {hanging('heard: ' + record['heard'], err, 8)}\n        "
            )
            shown += _lookup_line(record["lookup"]) + Text(
                f"\n        {hanging(agent, err, 8)}"
            )
        case "end":
            shown = line(
                f"{call}  session over after {record['turns']} turns", style="bold"
            )
        case kind:
            shown = line(f"{call}  {kind}: {record.get('type', '')}")
    err.print(shown)


def _lookup_line(lookup: dict[str, object] | None) -> Text:
    if lookup is None:
        return Text("no kb_endpoint: not looked up", style="yellow")
    style = {"grounded": "green", "miss": "cyan"}.get(str(lookup["outcome"]), "red")
    reason = ""
    if lookup["reason"]:
        reason = f" ({lookup['reason']})"
    named = ""
    ids = lookup["top_ids"]
    if isinstance(ids, list) and ids:
        named = f"   {', '.join(map(str, ids))}"
    return line(
        f"{lookup['outcome']}{reason} in {lookup['latency_ms']} ms{named}", style=style
    )
