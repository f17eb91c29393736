"""What a corpus says: `kbserver show` as it will be spoken, `kbserver words` the names in it."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from kbserver.cli.options import (
    AsJson,
    CorpusName,
    Language,
    StoreConfig,
    StorePath,
)
from kbserver.cli.terminal import line, out, print_json
from kbserver.errors import IngestError, StoreMissing
from kbserver.settings import DEFAULT_LANGUAGE

if TYPE_CHECKING:
    from kbserver.index.snapshot import Snapshot
    from kbserver.ingest.preview import Preview
    from kbserver.ingest.walk import Skipped


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(show)
    app.command()(words)


def show(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Files, or folders of them; or ids of passages and names of documents that "
            "the store serves.",
            metavar="FILE",
        ),
    ],
    language: Language = DEFAULT_LANGUAGE,
    config: StoreConfig = None,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Print documents as they will be spoken, beside what was left out.

    Each passage is one line, with its title and heading as a caller hears them. Below stands what
    the conversion changed or left out, what a reader of the original sees and a caller cannot hear
    (**not spoken**) with what to do about it, and what is withheld because it speaks to the model.

    What is no file is looked up in the store: the id of a passage, as `kbserver calls`, a client
    and the `kb_query` event name it, or a document by its name.

    Reads the files as an ingest would. Needs no model and no store, and changes nothing; passages
    may be cut a little differently than by the model of a corpus.

    Exit codes: 0 shown, 5 no such path, or no file could be read.

    Examples:  kbserver show ./docs/prices.pdf  ·  kbserver show qqs3knxnbkw7v3sp
    """
    from kbserver.index.lexical.tokens import checked_language
    from kbserver.ingest.preview import Preview, preview
    from kbserver.settings import read_settings

    paths: list[Path] = []
    served: list[Served] = []
    for file in files:
        there: list[Served] = []
        if not file.exists():
            there = served_as(str(file), read_settings(config, store=store).store)
        if not there:
            paths.append(file)  # which says so if it does not exist
        served += there
    if served and not paths:
        _show_served(served, as_json=as_json)
        return
    found = list(preview(paths, language=checked_language(language)))
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


def words(
    corpus: CorpusName,
    config: StoreConfig = None,
    store: StorePath = None,
    top: Annotated[
        int, typer.Option(min=1, help="At most so many words, the most telling first.")
    ] = 200,
    as_json: AsJson = False,
) -> None:
    """Print the names, products and codes of a corpus, for keyword boosting in a recogniser.

    A recogniser knows the words of its language, and makes other words of the names of a business:
    `wix` becomes "week's". Most take a list of words to listen for. This is it, one a line: what
    the documents write as names or codes, by how often they are named and how few passages do.

    Exit codes: 0 printed, 3 the store holds no such corpus.

    Example:  kbserver words support --top 100
    """
    from kbserver.index.lexical.keywords import keywords
    from kbserver.index.store import Store
    from kbserver.settings import read_settings

    folder = read_settings(config, store=store).store
    with Store(folder).open(corpus) as snapshot:
        texts = (f"{passage.title}\n{passage.text}" for passage in snapshot.passages)
        language = snapshot.lexical.language
        found = keywords(texts, language=language, top=top)
    if as_json:
        print_json({"corpus": corpus, "words": [asdict(one) for one in found]})
        return
    for one in found:
        typer.echo(one.word)


@dataclass(frozen=True, slots=True)
class Served:
    """A passage of a live generation, as it is spoken."""

    corpus: str
    generation: str
    document: str
    passage: str
    spoken: str


def served_as(name: str, store: Path) -> list[Served]:
    """Return the passages of a document's name, or the passage of an id; [] if none is served."""
    from kbserver.index.store import Store

    found: list[Served] = []
    with suppress(StoreMissing):
        for corpus in Store(store).corpora():
            with Store(store).open(corpus) as snapshot:
                found += _passages_of(name, snapshot)
    return found


def _passages_of(name: str, snapshot: Snapshot) -> list[Served]:
    from kbserver.retrieval.spoken.form import spoken_form_of

    rows = range(0)
    for entry in snapshot.documents():
        if entry.source == name:
            rows = range(entry.first_row, entry.first_row + entry.passages)
    passages = [snapshot.passage(row) for row in rows]
    if not rows:
        passages = [passage for passage in snapshot.passages if passage.id == name]
    manifest = snapshot.manifest
    return [
        Served(
            manifest.corpus,
            manifest.generation,
            passage.source,
            passage.id,
            spoken_form_of(passage, language=snapshot.lexical.language).line,
        )
        for passage in passages
    ]


def _show_served(served: list[Served], *, as_json: bool) -> None:
    if as_json:
        print_json({"passages": [asdict(passage) for passage in served]})
        return
    for document, group in groupby(served, key=attrgetter("corpus", "document")):
        passages = list(group)
        where = f"corpus {document[0]}, generation {passages[0].generation}"
        out.print(line(f"{document[1]}   ({where})", style="bold"))
        for passage in passages:
            out.print(line(f"  - {passage.spoken}   ({passage.passage})"))
        out.print()


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
