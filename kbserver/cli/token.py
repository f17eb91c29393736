"""`kbserver token`: signed session tokens, and the keys they are signed with."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from kbserver.cli.options import AsJson, Config
from kbserver.cli.terminal import err, line, out, print_json
from kbserver.durations import duration_s
from kbserver.errors import SettingsError, Unauthorized

if TYPE_CHECKING:
    from kbserver.endpoint.tokens.signed import SigningKeys


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(token)


def token(
    label: Annotated[
        list[str] | None,
        typer.Option(
            "--label",
            "-l",
            help="Session label it is good for, or a pattern: billing-*. May be repeated.",
        ),
    ] = None,
    ttl: Annotated[
        str,
        typer.Option(
            help="How long it is good for: 90s, 15m, 1h, 7d. It must outlast the call."
        ),
    ] = "1h",
    corpora: Annotated[
        str | None,
        typer.Option(
            metavar="A,B",
            help="The only corpora it may read; without it, all the route names.",
        ),
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Only documents with this metadata: folder=hotels/7. May be repeated.",
        ),
    ] = None,
    max_turns: Annotated[
        int | None,
        typer.Option(min=1, help="Turns it may ask, in each server process."),
    ] = None,
    door: Annotated[
        list[str] | None,
        typer.Option(help="Only door it is good for: mcp. May be repeated."),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            help="File with the signing key.  "
            "\\[default: KBSERVER_SIGNING_KEY, else those of the settings]",
        ),
    ] = None,
    config: Config = None,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="Print a fresh signing key and leave.")
    ] = False,
    ed25519: Annotated[
        bool,
        typer.Option(
            "--ed25519",
            help="With --new-key: a private key in PEM instead of a shared secret.",
        ),
    ] = False,
    inspect: Annotated[
        str | None,
        typer.Option(
            metavar="TOKEN",
            help="Print what a token says and leave; - reads it from standard input.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Issue a signed **kb_token** that is good for some session labels, for a while.

    A browser may see it: it opens no other label, and nothing once its time is over. Only the token
    is printed to standard output.

    Example: kbserver token --label "billing-*" --ttl 1h --max-turns 50
    """
    if inspect is not None:
        text = inspect
        if text == "-":
            text = sys.stdin.read().strip()
        _inspect(text, _keys(key_file, config), as_json=as_json)
    elif new_key:
        _new_key(ed25519=ed25519)
    elif ed25519:
        raise SettingsError(
            "--ed25519 goes with --new-key; a token is signed with the kind of key that is there"
        )
    else:
        if not label:
            raise SettingsError(
                'say which session labels the token is good for:  --label "billing-*"'
            )
        _issue(
            label,
            ttl,
            corpora,
            scope or [],
            max_turns,
            _keys(key_file, config),
            doors=door,
            as_json=as_json,
        )


def _issue(
    labels: list[str],
    ttl: str,
    corpora: str | None,
    scope: list[str],
    max_turns: int | None,
    keys: SigningKeys | None,
    *,
    doors: list[str] | None,
    as_json: bool,
) -> None:
    from kbserver.endpoint.tokens.signed import KEY_VARIABLE, unverified

    if keys is None:
        raise SettingsError(
            f"no signing key: set {KEY_VARIABLE} or give --key-file; "
            "make one with  kbserver token --new-key"
        )
    names = None
    if corpora is not None:
        names = [name.strip() for name in corpora.split(",")]
    filters = dict(_assignment(text) for text in scope)
    issued = keys.issue(
        labels,
        duration_s(ttl),
        corpora=names,
        scope=filters,
        max_turns=max_turns,
        doors=doors or None,
    )
    header, claims = unverified(issued)
    if as_json:
        print_json({"token": issued, "kid": header["kid"]} | _plain(claims))
        return
    print(issued)
    err.print(Text(f"good for  {', '.join(labels)}  until {_moment(claims['exp'])}"))
    err.print(
        Text(
            f"jti       {claims['jti']}  (in the revocation list it withdraws the token)"
        )
    )


def _new_key(*, ed25519: bool) -> None:
    from kbserver.endpoint.tokens.keys import new_ed25519, new_secret

    if ed25519:
        print(new_ed25519().strip())
    else:
        print(new_secret())


def _inspect(text: str, keys: SigningKeys | None, *, as_json: bool) -> None:
    from kbserver.endpoint.tokens.signed import unverified

    header, claims = unverified(text)
    verdict = "not checked: no signing key here"
    if keys is not None:
        try:
            keys.verify(text)
            verdict = "good"
        except Unauthorized as exc:
            verdict = exc.code
    facts = {
        "verdict": verdict,
        "alg": header.get("alg"),
        "kid": header.get("kid"),
    } | _plain(claims)
    if as_json:
        print_json(facts)
        return
    for key, value in facts.items():
        if key in ("exp", "nbf", "iat"):
            value = _moment(value)
        out.print(line(f"{key:<10} {value}"))


def _keys(key_file: Path | None, config: Path | None) -> SigningKeys | None:
    """Read the keys of a file, or those of a server with these settings; None if there are none."""
    from kbserver.endpoint.tokens.signed import SigningKeys
    from kbserver.settings import read_settings

    if key_file is not None:
        return SigningKeys.read(files=[key_file])
    return SigningKeys.from_settings(read_settings(config))


def _plain(claims: dict[str, Any]) -> dict[str, Any]:
    """Return the claims under the names of the flags, ours first."""
    ours = {
        key.removeprefix("kb_"): value
        for key, value in claims.items()
        if key.startswith("kb_")
    }
    return ours | {
        key: value for key, value in claims.items() if not key.startswith("kb_")
    }


def _assignment(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key or not value:
        raise SettingsError(
            f"--scope {text}: write it as KEY=VALUE, like folder=hotels/7"
        )
    return key, value


def _moment(seconds: object) -> str:
    try:
        return datetime.fromtimestamp(float(str(seconds)), tz=UTC).strftime(
            "%Y-%m-%d %H:%M:%S UTC"
        )
    except (ValueError, OverflowError, OSError):
        return f"{seconds} (not a moment)"
