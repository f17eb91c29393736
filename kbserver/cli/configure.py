"""`kbserver configure`: the configure frame, the first thing a client sends to Omni."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from kbserver.cli.connection import TOKEN_VARIABLE, read_text, read_token
from kbserver.cli.options import TokenFile
from kbserver.cli.terminal import print_json
from kbserver.errors import OmniError, SettingsError
from kbserver.omni.configure import MASK, ConfigureFrame, configure_frame
from kbserver.omni.connect import (
    KEY_PROTOCOL_PREFIX,
    PROTOCOL,
    connect_url,
    new_session_label,
    subprotocols,
)

API_KEY_VARIABLE = "PYAI_API_KEY"


class FrameFormat(StrEnum):
    """How `kbserver configure` writes the frame."""

    json = "json"
    bytes = "bytes"
    hex = "hex"
    python = "python"


def register(app: typer.Typer) -> None:
    """Add the commands of this module to an application."""
    app.command()(configure)


def configure(
    kb_endpoint: Annotated[
        str | None,
        typer.Option(help="URL of your POST /kb: https, or http on this machine only."),
    ] = None,
    kb_token_file: TokenFile = None,
    voice_id: Annotated[
        str | None, typer.Option(help="The voice to speak with.")
    ] = None,
    persona: Annotated[
        str | None,
        typer.Option(
            help="Who the agent is, at most 32,000 characters; @FILE reads it from a file."
        ),
    ] = None,
    greeting: Annotated[
        str | None,
        typer.Option(
            help="What it says first, at most 1,000 characters; '' for no first turn."
        ),
    ] = None,
    consent_line: Annotated[
        str | None, typer.Option(help="The consent line, at most 500 characters.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="en, fr, es, de or hi.")] = None,
    caller_key: Annotated[
        str | None, typer.Option(help="Sent in a second configure frame.")
    ] = None,
    tools_file: Annotated[
        Path | None, typer.Option(help="JSON file with the list of tools.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=JSON", help="Any other key, passed on unchanged."
        ),
    ] = None,
    event_key: Annotated[
        bool,
        typer.Option("--event-key", help="Add the older key 'event' beside 'type'."),
    ] = False,
    label: Annotated[
        str | None,
        typer.Option(
            help="Session label: print the connect URL and the subprotocols too."
        ),
    ] = None,
    new_label: Annotated[
        str | None,
        typer.Option(
            metavar="PREFIX",
            help="Mint an unguessable label PREFIX-… for one call, as --label.",
        ),
    ] = None,
    rate: Annotated[
        int, typer.Option(help="Hz of the caller's audio: 16000 or 24000.")
    ] = 24_000,
    base: Annotated[
        str, typer.Option(help="Where Omni is; ws://127.0.0.1:8787 for the simulator.")
    ] = ("wss://api.pyai.com"),
    format: Annotated[
        FrameFormat,
        typer.Option(
            help="json; bytes (tag byte and JSON, as sent); hex of the same; python code."
        ),
    ] = FrameFormat.json,
    show_secrets: Annotated[
        bool,
        typer.Option(
            "--show-secrets", help="Print kb_token and the API key instead of ***."
        ),
    ] = False,
) -> None:
    """Build and check the configure frame, the first thing a client sends to Omni.

    The bearer token comes from --kb-token-file or KB_TOKEN, the API key from PYAI_API_KEY; neither
    is a flag, so neither ends up in the shell's history. Both are shown only with --show-secrets.

    Example: kbserver configure --kb-endpoint https://kb.example.com/kb --persona @persona.txt
    --label support
    """
    fields: dict[str, Any] = {
        "voice_id": voice_id,
        "persona": _text_or_file(persona),
        "greeting": greeting,
        "consent_line": consent_line,
        "kb_endpoint": kb_endpoint,
        "kb_token": None,
        "tools": None,
        "language": language,
        "caller_key": caller_key,
    }
    if kb_endpoint:
        fields["kb_token"] = read_token(kb_token_file)
    if tools_file:
        fields["tools"] = _json_file(tools_file)
    fields |= dict(_assignment(text) for text in set_ or [])
    frame = configure_frame(**fields, event_key=event_key)

    if label is not None and new_label is not None:
        raise SettingsError(
            "--label and --new-label exclude each other; give one of them"
        )
    if new_label is not None:
        label = new_session_label(new_label)
    if kb_endpoint is not None and fields["kb_token"] is None:
        typer.echo(
            f"note: no kb_token in it; set {TOKEN_VARIABLE}, "
            "unless the server was started with --open",
            err=True,
        )
    url = None
    if label is not None:
        url = connect_url(label, base=base, rate=rate)
    protocols = _protocols(show_secrets=show_secrets)

    if format in (FrameFormat.bytes, FrameFormat.hex):
        _print_message(frame, format, url, protocols, show_secrets=show_secrets)
    elif format is FrameFormat.python:
        typer.echo(
            _python(
                frame,
                event_key=event_key,
                label=label,
                base=base,
                rate=rate,
                show_secrets=show_secrets,
            )
        )
    else:
        shown = _shown(frame, show_secrets)
        if url is not None:
            shown = {"url": url, "subprotocols": protocols, "configure": shown}
        print_json(shown)


def _shown(frame: ConfigureFrame, show_secrets: bool) -> dict[str, Any]:
    if show_secrets:
        return frame.as_dict()
    return frame.masked()


def _print_message(
    frame: ConfigureFrame,
    format: FrameFormat,
    url: str | None,
    protocols: list[str],
    *,
    show_secrets: bool,
) -> None:
    if not show_secrets and frame.masked() != frame.as_dict():
        raise OmniError(
            "the frame holds a secret, and *** in its place would be sent as it is: "
            "add --show-secrets"
        )
    if url is not None:
        typer.echo(f"{url}\n{', '.join(protocols)}", err=True)
    message = frame.to_bytes()
    if format is FrameFormat.hex:
        typer.echo(message.hex())
    else:
        typer.echo(message, nl=False)


def _protocols(*, show_secrets: bool) -> list[str]:
    key = os.environ.get(API_KEY_VARIABLE, "").strip()
    if not key:
        return [PROTOCOL, f"{KEY_PROTOCOL_PREFIX}<{API_KEY_VARIABLE}>"]
    if show_secrets:
        return subprotocols(key)
    return [PROTOCOL, KEY_PROTOCOL_PREFIX + MASK]


def _python(
    frame: ConfigureFrame,
    *,
    event_key: bool,
    label: str | None,
    base: str,
    rate: int,
    show_secrets: bool,
) -> str:
    shown = _shown(frame, show_secrets)
    arguments = {
        key: repr(value) for key, value in shown.items() if key not in ("type", "event")
    }
    if not show_secrets and "kb_token" in arguments:
        arguments["kb_token"] = f'os.environ["{TOKEN_VARIABLE}"]'
    if event_key:
        arguments["event_key"] = "True"
    names = "configure_frame"
    if label is not None:
        names = "configure_frame, connect_url, subprotocols"
    lines = [
        "import os",
        "",
        f"from kbserver import {names}",
        "",
        "frame = configure_frame(",
    ]
    lines += [f"    {key}={value}," for key, value in arguments.items()]
    lines += [")"]
    if label is not None:
        lines += [
            f"url = connect_url({label!r}, base={base!r}, rate={rate})",
            f'protocols = subprotocols(os.environ["{API_KEY_VARIABLE}"])',
        ]
    return "\n".join(
        [*lines, "await ws.send(frame.to_bytes())  # first, before any audio"]
    )


def _text_or_file(text: str | None) -> str | None:
    if text is not None and text.startswith("@"):
        return read_text(Path(text[1:]))
    return text


def _json_file(path: Path) -> Any:
    try:
        return json.loads(read_text(path))
    except ValueError as exc:
        raise SettingsError(f"{path} is not JSON: {exc}") from None


def _assignment(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise SettingsError(f"--set {text}: write it as KEY=JSON, like temperature=0.2")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value  # a bare word is a string
