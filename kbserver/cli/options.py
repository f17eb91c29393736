"""Options and arguments that several commands have, each with one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Config: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="Configuration file; without it kbserver.toml, if there is one.",
    ),
]

StoreConfig: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="Configuration file; only its `store` is used here.",
    ),
]

StorePath: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--store",
        help="Folder that `kbserver ingest` filled.  \\[default: store]",
    ),
]

Language: TypeAlias = Annotated[
    str,
    typer.Option(
        "--language",
        help="Language of the documents, as for an ingest: english, german, …, none.",
    ),
]

AsJson: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print JSON for a script.",
    ),
]

Since: TypeAlias = Annotated[
    str,
    typer.Option(
        "--since",
        help="How far back: 90s, 15m, 24h, 7d.",
    ),
]

Wait: TypeAlias = Annotated[
    float,
    typer.Option(
        "--wait",
        help="Seconds to wait for another ingest of the same corpus.",
    ),
]

Label: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--label",
        "-l",
        help="Session label of the call.",
    ),
]

TokenFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="File that holds the bearer token. Without it the variable KB_TOKEN is read.",
    ),
]

CorpusName: TypeAlias = Annotated[
    str,
    typer.Argument(
        help="Name of the corpus.",
        metavar="CORPUS",
    ),
]

ObjectStore: TypeAlias = Annotated[
    str,
    typer.Argument(
        help="Place in an object store: s3://bucket/prefix, gs://…, az://… or file:///folder.",
        metavar="URL",
    ),
]

AtObjectStore: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="URL",
        help="In this object store instead, for every server that follows it: s3://bucket/prefix.",
    ),
]
