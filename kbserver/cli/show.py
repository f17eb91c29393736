"""`kbserver show`: a document as it will be spoken, beside what was left out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from kbserver.cli.options import AsJson
from kbserver.cli.terminal import line, out, print_json
from kbserver.errors import IngestError

if TYPE_CHECKING:
    from kbserver.ingest.preview import Preview
    from kbserver.ingest.walk import Skipped


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(show)


def show(
    files: Annotated[
        list[Path],
        typer.Argument(help="Files, or folders of them.", metavar="FILE"),
    ],
    as_json: AsJson = False,
) -> None:
    """Print documents as they will be spoken, beside what was left out.

    Each passage is one line, with its title and heading as a caller hears them. Below stands what
    the conversion changed or left out, what a reader of the original sees and a caller cannot hear
    (**not spoken**) with what to do about it, and what is withheld because it speaks to the model.

    Reads the files as an ingest would. Needs no model and no store, and changes nothing; passages
    may be cut a little differently than by the model of a corpus.

    Exit codes: 0 shown, 5 no such path, or no file could be read.

    Example:  kbserver show ./docs/prices.pdf
    """
    from kbserver.ingest.preview import Preview, preview

    found = list(preview(files))
    documents = [one for one in found if isinstance(one, Preview)]
    skipped = [one for one in found if not isinstance(one, Preview)]
    if as_json:
        print_json(_as_dict(documents, skipped))
    else:
        for document in documents:
            _print(document)
        for one in skipped:
            out.print(line(f"{one.source}: not read: {one.reason}", style="yellow"))
    if not documents:
        sys.exit(IngestError.exit_code)


def _as_dict(documents: list[Preview], skipped: list[Skipped]) -> dict[str, object]:
    return {
        "documents": [one.as_dict() for one in documents],
        "skipped": [{"source": one.source, "reason": one.reason} for one in skipped],
    }


def _print(document: Preview) -> None:
    out.print(line(f"{document.source}: {document.title}", style="bold"))
    for text, sure in zip(document.spoken, document.recognised, strict=True):
        recognised = ""
        if sure is not None:
            recognised = f"  (recognised on a picture, confidence {sure:.2f})"
        out.print(line(f"  - {text}{recognised}"))
    if not document.spoken:
        out.print(Text("  nothing of it is spoken", style="yellow"))
    for note in document.notes:
        out.print(line(f"  {note}", style="yellow"))
    for words in document.withheld:
        out.print(line(f"  withheld, speaks to the model: {words}", style="yellow"))
    out.print()
