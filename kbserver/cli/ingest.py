"""`kbserver ingest`."""

from __future__ import annotations

import json
import re
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from kbserver.cli.terminal import complain, err, log_to_terminal, out, print_json
from kbserver.errors import ExtraMissing, SettingsError

if TYPE_CHECKING:
    from kbserver.index.store import Store
    from kbserver.ingest.build import IngestOptions, OnProgress
    from kbserver.ingest.report import IngestReport
    from kbserver.ingest.walk import Skipped

_SHOWN = 20  # skipped files listed; the rest is counted, --json has them all
_EXPECTED = (
    "hidden",
    "ignored by",
    "unknown type",
)  # reasons of what was hardly meant to be read: listed last


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(ingest)


def ingest(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Folders, single files, or the URL of a page or sitemap.",
            metavar="PATH",
        ),
    ],
    corpus: Annotated[
        str | None,
        typer.Option(
            help="Name of the corpus.  \\[default: the name of the first folder]"
        ),
    ] = None,
    store: Annotated[
        Path | None, typer.Option(help="Folder to keep corpora in.  \\[default: store]")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="Configuration file; only its `store` is used here."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Embedding model: a name or a folder.  \\[default: the corpus's own, else all-MiniLM-L6-v2]"
        ),
    ] = None,
    device: Annotated[
        str, typer.Option(help="Where passages are embedded: auto, cpu, cuda or mps.")
    ] = "auto",
    ignore: Annotated[
        list[str] | None,
        typer.Option(help="Pattern to leave out, as in .gitignore; may be repeated."),
    ] = None,
    allow_shrink: Annotated[
        bool,
        typer.Option(
            "--allow-shrink",
            help="Publish even if over 30 % of the documents would be lost.",
        ),
    ] = False,
    keep: Annotated[
        int, typer.Option(min=1, help="Generations to keep, the live one counted.")
    ] = 3,
    wait: Annotated[
        float,
        typer.Option(help="Seconds to wait for another ingest of the same corpus."),
    ] = 0.0,
    language: Annotated[
        str | None,
        typer.Option(
            help="Language of the documents, for stemming: english, german, …, none.  \\[default: the corpus's own, else english]"
        ),
    ] = None,
    keep_suspicious: Annotated[
        bool | None,
        typer.Option(
            "--keep-suspicious/--withhold-suspicious",
            help="Keep passages that speak to the model, not to the reader.  \\[default: as before, else withhold]",
        ),
    ] = None,
    index: Annotated[
        Literal["auto", "flat", "pq", "ivf", "hnsw"] | None,
        typer.Option(
            help="How vectors are searched; auto: flat up to 10,000, pq up to 100,000, ivf above.  "
            "\\[default: as before, auto]"
        ),
    ] = None,
    vectors: Annotated[
        Literal["float32", "float16", "int8"] | None,
        typer.Option(
            help="How vectors are stored; float16 takes half the space, int8 a quarter.  \\[default: as before, float32]"
        ),
    ] = None,
    max_pages: Annotated[
        int, typer.Option(min=1, help="Of a sitemap: pages to fetch at most.")
    ] = 2000,
    allow_private: Annotated[
        bool,
        typer.Option(
            "--allow-private", help="Fetch from loopback and private addresses too."
        ),
    ] = False,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            help="Go on: ingest again whenever a file changes. Stop with Ctrl-C.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would change, and change nothing."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON.")
    ] = False,
) -> None:
    """Turn documents into a corpus: read, cut into passages, embed, index, check, publish.

    Reads Markdown, text, HTML, PDF, DOCX, CSV, JSON, JSONL, EPUB and mail; with extras also XLSX, PPTX and RST. Files
    that have not changed since the last ingest are taken over as they are. What cannot be read is named with the
    reason; the other files go on. A **.kbignore** file keeps things out, in the syntax of .gitignore.

    A URL is fetched politely (robots.txt, pauses, only what changed) and kept below the store: the pages a sitemap
    names, or that one page. Only public addresses are asked, unless --allow-private. A dry run fetches, too.

    A server that is running takes the new generation over by itself.

    With --json one JSON object a finished ingest: what was read, skipped, noted and withheld. Exit codes: 0 done or
    nothing to do, 2 usage, 3 the store (locked, full, closed), 4 the model, 5 the documents, 130 interrupted.

    Example:  kbserver ingest ./docs
    """
    from kbserver.index.store import Store as CorpusStore
    from kbserver.ingest.build import ingest as build
    from kbserver.ingest.build import options_of
    from kbserver.ingest.report import Interrupted
    from kbserver.ingest.web.address import is_url, site_of
    from kbserver.settings import read_settings

    log_to_terminal()
    if not re.fullmatch(r"auto|cpu|mps|cuda(?::\d+)?", device):
        raise SettingsError(
            f"--device is {device!r}; wanted is auto, cpu, cuda, cuda:N or mps"
        )
    settings = read_settings(config, store=store)
    corpora = CorpusStore(settings.store)
    urls = [source for source in sources if is_url(source)]
    name = corpus or corpus_name(
        site_of(sources[0]) if is_url(sources[0]) else _own_name(Path(sources[0]))
    )
    if urls and watch:
        raise SettingsError(
            f"--watch follows folders, {urls[0]} is a URL; run the ingest by a timer instead"
        )
    before = options_of(corpora, name)
    options = replace(
        before,
        model=model or before.model,
        language=language or before.language,
        keep_suspicious=before.keep_suspicious
        if keep_suspicious is None
        else keep_suspicious,
        device=device,
        ignore=tuple(ignore or ()),
        allow_shrink=allow_shrink,
        dry_run=dry_run,
        keep=keep,
        wait_s=wait,
        index=index,
        precision=vectors,
    )
    site_notes: list[Skipped] = []
    pages = _fetched(
        urls,
        corpora,
        name,
        site_notes,
        max_pages=max_pages,
        allow_private=allow_private,
        wait_s=wait,
    )
    paths = [pages[source] if source in pages else Path(source) for source in sources]
    if watch:
        if dry_run:
            raise SettingsError(
                "--watch and --dry-run exclude each other: a dry run looks once and changes nothing"
            )
        _watch(paths, corpora, name, options, as_json=as_json)
        return
    with Shown() as shown:
        try:
            report = build(
                paths,
                store=corpora,
                corpus=name,
                options=options,
                on_progress=shown.on_progress,
            )
        except Interrupted as exc:
            shown.stop()
            kept = (
                f"{exc.kept} embeddings are kept for the next ingest"
                if exc.kept
                else "nothing was embedded yet"
            )
            err.print(f"stopped. The live generation is untouched; {kept}.")
            sys.exit(130)
    report.skipped[:0] = site_notes
    if as_json:
        print_json(report.as_dict())
    else:
        _show(report, settings.store)


def _fetched(
    urls: list[str],
    store: Store,
    corpus: str,
    notes: list[Skipped],
    *,
    max_pages: int,
    allow_private: bool,
    wait_s: float,
) -> dict[str, Path]:
    """Fetch what changed of each site; the folder of its pages by URL, below the corpus's own folder."""
    if not urls:
        return {}
    try:
        from kbserver.ingest.web.site import WebOptions, fetch_site
    except ModuleNotFoundError as exc:
        raise ExtraMissing("fetching pages", "web") from exc
    from kbserver.ingest.web.address import site_of

    folders: dict[str, Path] = {}
    options = WebOptions(max_pages=max_pages, allow_private=allow_private)
    with store.lock(corpus, wait_s=wait_s), Shown() as shown:
        for url in urls:
            cache = (
                store.path
                / corpus
                / ".web"
                / re.sub(r"[^a-z0-9.-]+", "-", site_of(url).lower())
            )
            folders[url], site = fetch_site(
                url,
                cache,
                options=options,
                on_fetch=lambda done, total: shown.on_progress("fetch", done, total),
            )
            notes += site.skipped
    return folders


def _watch(
    paths: list[Path],
    store: Store,
    corpus: str,
    options: IngestOptions,
    *,
    as_json: bool,
) -> None:
    from kbserver.ingest.watch import watch

    def show(report: IngestReport) -> None:
        if as_json:
            print(json.dumps(report.as_dict(), ensure_ascii=False), flush=True)
        elif report.published or not shown_before:
            _show(report, store.path)
        if not shown_before:
            err.print(f"watching {', '.join(map(str, paths))}; stop with Ctrl-C")
        shown_before.append(True)

    shown_before: list[bool] = []
    with suppress(KeyboardInterrupt):
        watch(
            paths,
            store=store,
            corpus=corpus,
            options=options,
            on_report=show,
            on_error=lambda exc: complain(str(exc)),
        )


def _own_name(path: Path) -> str:
    resolved = path.resolve()
    return resolved.name if resolved.is_dir() or not resolved.suffix else resolved.stem


def corpus_name(name: str) -> str:
    """The name of a folder, file or site, in the characters a corpus may have."""
    cleaned = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")
    if not cleaned:
        raise SettingsError(
            f"no name for a corpus can be made from {name!r}; give one with --corpus"
        )
    return cleaned[:64]


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(
            f"{task.speed:.0f}/s" if task.speed and task.speed >= 1 else "",
            style="cyan",
        )


class Shown:
    """A progress bar a stage, on a terminal; nothing where nobody looks."""

    _NAMES = {
        "fetch": "fetching pages",
        "read": "reading files",
        "embed": "embedding passages",
        "word": "wording passages",
        "write": "writing and checking",
    }

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<20}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn(),
            console=err, disable=not err.is_terminal,
        )  # fmt: skip
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Shown:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Leave the bars as they stand."""
        self._progress.stop()

    @property
    def on_progress(self) -> OnProgress:
        """What an ingest calls."""
        return self._update

    def _update(self, stage: str, done: int, total: int) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(
                self._NAMES[stage], total=total
            )
        self._progress.update(self._tasks[stage], completed=done, total=total)


def _show(report: IngestReport, store: Path) -> None:
    from kbserver.ingest.blocks import counted

    verb = "would be cut into" if report.dry_run else "cut into"
    documents, passages = (
        counted(report.documents, "document"),
        counted(report.passages, "passage"),
    )
    out.print(
        f"{report.corpus}: {documents} {verb} {passages}  "
        f"({report.added} new, {report.changed} changed, {report.removed} gone, {report.unchanged} unchanged)"
    )
    if report.dry_run:
        out.print(
            f"  {report.embedded} to embed with {report.model}, {report.reused} taken over"
        )
        for change, source in report.changes[:_SHOWN]:
            out.print(Text(f"    {change:<7}  {source}"))
        if len(report.changes) > _SHOWN:
            out.print(
                f"    … and {len(report.changes) - _SHOWN} more (--json lists all)"
            )
    elif report.published:
        rate = (
            f" ({report.embedded / max(report.embedding_seconds, 0.01):.0f} a second)"
            if report.embedded
            else ""
        )
        out.print(
            f"  {report.embedded} embedded with {report.model}{rate}, {report.reused} taken over"
        )
    withheld = counted(len(report.withheld), "passage")
    for title, lines in (
        (
            f"{len(report.skipped)} skipped",
            sorted(report.skipped, key=lambda one: one.reason.startswith(_EXPECTED)),
        ),
        (f"{len(report.notes)} noted", report.notes),
        (
            f"{withheld} withheld, said to the model and not the reader (--keep-suspicious keeps them)",
            report.withheld,
        ),
    ):
        if lines:
            out.print(f"  {title}:")
            for one in lines[:_SHOWN]:
                out.print(Text(f"    {one.source}: {one.reason}"))
            if len(lines) > _SHOWN:
                out.print(f"    … and {len(lines) - _SHOWN} more (--json lists all)")
    if report.dry_run:
        out.print("  dry run: nothing was changed")
    elif report.published:
        out.print(
            Text(
                f"  generation {report.generation} is live in {store / report.corpus}  ({report.seconds:.1f} s)"
            )
        )
    else:
        out.print(
            Text(
                f"  nothing changed: generation {report.generation} stays live  ({report.seconds:.1f} s)"
            )
        )
