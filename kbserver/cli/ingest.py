"""`kbserver ingest`."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

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
from typer.core import TyperCommand

from kbserver import extras
from kbserver.cli.options import AsJson, StoreConfig, Wait
from kbserver.cli.releases.gate import Release, show_replay
from kbserver.cli.replicas.sharing import (
    published,
    remote_at,
    show_published,
)
from kbserver.cli.terminal import (
    complain,
    err,
    line,
    log_to_terminal,
    out,
    print_json,
)
from kbserver.errors import IngestError, SettingsError, StoreError, StoreMissing
from kbserver.index.backends import VECTOR_CHOICES

if TYPE_CHECKING:
    from kbserver.index.sharing.remote import Remote
    from kbserver.index.store import Store
    from kbserver.ingest.build import IngestOptions, OnProgress
    from kbserver.ingest.conversion import ConversionLimits
    from kbserver.ingest.report import IngestReport
    from kbserver.ingest.walk import Skipped

_SHOWN = 20  # skipped files listed; the rest is counted, --json has them all
_DEVICE = re.compile(r"auto|cpu|mps|cuda(?::\d+)?")

_EXPECTED = ("hidden", "ignored by", "unknown type")
"""How reasons begin of files that were hardly meant to be read: listed last."""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(cls=_IngestCommand)(ingest)


class _IngestCommand(TyperCommand):
    """A command whose help names the formats, which are imported when it is shown."""

    @property
    def help(self) -> str | None:
        """The help text."""
        if self._help is None:
            return None
        return self._help.replace("FORMATS", _formats())

    @help.setter
    def help(self, text: str | None) -> None:
        self._help = text


def _formats() -> str:
    from kbserver.ingest.load import FORMATS

    by_name = {form.name: form for form in FORMATS.values()}
    always = [name for name, form in by_name.items() if form.extra is None]
    with_extras = [name for name, form in by_name.items() if form.extra is not None]
    return f"{_listed(always)}; with extras also {_listed(with_extras)}"


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


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
    config: StoreConfig = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Embedding model: a name or a folder.  "
            "\\[default: the corpus's own, else all-MiniLM-L6-v2]",
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
    wait: Wait = 0.0,
    language: Annotated[
        str | None,
        typer.Option(
            help="Language of the documents, for stemming: english, german, …, none.  "
            "\\[default: the corpus's own, else english]",
        ),
    ] = None,
    keep_suspicious: Annotated[
        bool | None,
        typer.Option(
            "--keep-suspicious/--withhold-suspicious",
            help="Keep passages that speak to the model, not to the reader.  "
            "\\[default: as before, else withhold]",
        ),
    ] = None,
    index: Annotated[
        str | None,
        typer.Option(
            metavar=f"[{'|'.join(VECTOR_CHOICES)}]",
            callback=_known_index,
            help="How vectors are searched; auto: flat up to 10,000, pq up to 100,000, ivf above.  "
            "\\[default: as before, auto]",
        ),
    ] = None,
    vectors: Annotated[
        Literal["float32", "float16", "int8"] | None,
        typer.Option(
            help="How vectors are stored; float16 takes half the space, int8 a quarter.  "
            "\\[default: as before, float32]",
        ),
    ] = None,
    file_seconds: Annotated[
        float,
        typer.Option(
            min=1,
            help="Skip a file that takes more processor time than this to convert.",
        ),
    ] = 120.0,
    file_memory: Annotated[
        int,
        typer.Option(
            min=256,
            metavar="MIB",
            help="Skip a file that takes more memory than this to convert (on Linux).",
        ),
    ] = 4096,
    ocr: Annotated[
        bool | None,
        typer.Option(
            "--ocr/--no-ocr",
            help="Recognise text on pictures and scanned pages.  "
            "\\[default: as before, else if kbserver\\[ocr] is installed]",
        ),
    ] = None,
    ocr_floor: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Confidence below which a recognised page or line is named and not spoken.  "
            "\\[default: as before, else 0.8]",
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
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Publish nothing, and exit with 5, if something a reader sees cannot be heard.",
        ),
    ] = False,
    replay: Annotated[
        str | None,
        typer.Option(
            help="Before publishing, ask the new generation what callers asked in this time: 7d.",
            metavar="DURATION",
        ),
    ] = None,
    require: Annotated[
        list[str] | None,
        typer.Option(
            help="With --replay: what must hold, or the generation waits unpublished, and the exit "
            "code is 7: 'gone<=0' 'changed<=0.05' 'silent<=0.01'.",
        ),
    ] = None,
    report_file: Annotated[
        Path | None,
        typer.Option(
            "--report",
            help="With --replay: write its report to this file: .json, or one HTML page.",
            metavar="FILE",
        ),
    ] = None,
    publish: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Make what is live afterwards live in this object store, too, for the servers "
            "that follow it; see kbserver publish.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Turn documents into a corpus: read, cut into passages, embed, index, check, publish.

    Reads FORMATS. Files that have not changed since the last ingest are taken over as they are.
    What cannot be read is named with the reason; the other files go on, also if one crashes its
    converter or needs more than --file-seconds or --file-memory. A **.kbignore** file keeps
    things out, in the syntax of .gitignore.

    What a reader of a document sees and a caller cannot hear (a scanned page, a picture, an
    attached file) is noted as **not spoken**, with what to do about it. With --strict any such
    note, any file that is skipped and not left out on purpose, and any withheld passage stops the
    ingest.
    `kbserver show FILE` prints a document as it will be spoken.

    A URL is fetched politely (robots.txt, pauses, only what changed) and kept below the store: the
    pages a sitemap names, or that one page. Only public addresses are asked, unless
    --allow-private. A dry run fetches, too.

    A server that is running takes the new generation over by itself.

    With --replay the new generation is first asked what callers asked, beside the live one (see
    `kbserver replay`). If something does not hold that is required, it is not published: the live
    one stays, and `kbserver rollback CORPUS --to GENERATION` publishes it all the same.

    With --json one JSON object a finished ingest: what was read, skipped, noted and withheld. Exit
    codes: 0 done or nothing to do, 2 usage, 3 the store (locked, full, closed), 4 the model, 5 the
    documents, 7 held back, 130 interrupted.

    Examples:  kbserver ingest ./docs  ·  kbserver ingest ./docs --replay 7d --require 'gone<=0'
    'silent<=0.01'
    """
    from kbserver.index.store import Store as CorpusStore
    from kbserver.ingest.web.address import is_url
    from kbserver.settings import read_settings

    log_to_terminal()
    if require:
        sources, further = _apart(sources)
        require = [*require, *further]
        if not sources:
            raise SettingsError(
                "--require takes conditions: name the documents as well"
            )
    urls = [source for source in sources if is_url(source)]
    _check_flags(device, urls, watch=watch, dry_run=dry_run, strict=strict)
    if replay is None and (require or report_file):
        raise SettingsError("--require and --report need --replay DURATION, such as 7d")
    _check_ending(replay, publish, goes_on=watch or dry_run)
    # A wrong URL shows before hours of work.
    shared = _place_of(publish)
    settings = read_settings(config, store=store)
    corpora = CorpusStore(settings.store)
    name = corpus or _name_of(sources[0])
    gate: Release | None = None
    if replay is not None:
        gate = Release.of(settings, name, require or (), replay, report_file)
    options = _options_from(
        corpora,
        name,
        model=model or None,
        language=language or None,
        keep_suspicious=keep_suspicious,
        device=device,
        ignore=tuple(ignore or ()),
        allow_shrink=allow_shrink,
        dry_run=dry_run,
        strict=strict,
        keep=keep,
        wait_s=wait,
        index=index,
        precision=vectors,
        models=settings.models,
        limits=_limits(file_seconds, file_memory),
        ocr=ocr,
        ocr_floor=ocr_floor,
    )
    notes: list[Skipped] = []
    pages = _fetched(
        urls,
        corpora,
        name,
        notes,
        max_pages=max_pages,
        allow_private=allow_private,
        wait_s=wait,
    )
    paths = [pages.get(source, Path(source)) for source in sources]
    if watch:
        _watch(paths, corpora, name, options, as_json=as_json)
        return
    before = _corpora_in(corpora)
    report = _ingested(paths, corpora, name, options, gate)
    if len(before) == 1 and not settings.routes:
        _warn_of_labels(before[0], _corpora_in(corpora))
    report.skipped[:0] = notes
    _finish(report, corpora, gate, as_json=as_json, strict=strict)
    if shared is not None:
        done = published(corpora, name, shared, wait_s=wait)
        show_published(done, shared.url, on=err if as_json else out)


def _finish(
    report: IngestReport,
    store: Store,
    gate: Release | None,
    *,
    as_json: bool,
    strict: bool,
) -> None:
    """Show what an ingest did; end the program if it held something back.

    Raises:
        ReleaseHeld: the gate did.
    """
    if as_json:
        values = report.as_dict()
        if gate is not None:
            values["replay"] = gate.values
        print_json(values)
    else:
        _show(report, store)
        if gate is not None and gate.values is not None:
            show_replay(gate.values)
    if strict and report.unheard:
        _complain_of_unheard(report)
        sys.exit(IngestError.exit_code)
    if gate is not None:
        gate.end(report.published)


def _check_ending(replay: str | None, publish: str | None, *, goes_on: bool) -> None:
    if replay is not None and goes_on:
        raise SettingsError(
            "--replay asks a generation that is built and waits: not with --watch or --dry-run"
        )
    if publish is not None and goes_on:
        raise SettingsError(
            "--publish goes with an ingest that ends: not with --watch or --dry-run"
        )


def _place_of(publish: str | None) -> Remote | None:
    """Return the object store to publish in, if there is one."""
    if publish is None:
        return None
    return remote_at(publish, make=True)


def _apart(sources: list[str]) -> tuple[list[str], list[str]]:
    """Part sources from requirements, of which several may stand behind one --require."""
    requirements = [one for one in sources if re.search("[<>]", one)]
    further = [one for one in requirements if not Path(one).exists()]
    return [one for one in sources if one not in further], further


def _complain_of_unheard(report: IngestReport) -> None:
    from kbserver.ingest.blocks import counted

    number = counted(len(report.unheard), "thing")
    complain(
        f"{number} in the documents can be seen and not heard (skipped, not spoken or "
        "withheld above); mend them, or leave files out on purpose with .kbignore"
    )


def _limits(seconds: float, memory_mib: int) -> ConversionLimits:
    from kbserver.ingest.conversion import ConversionLimits

    return ConversionLimits(seconds=seconds, memory_bytes=memory_mib * 1024**2)


def _check_flags(
    device: str, urls: list[str], *, watch: bool, dry_run: bool, strict: bool
) -> None:
    if not _DEVICE.fullmatch(device):
        raise SettingsError(
            f"--device is {device!r}; wanted is auto, cpu, cuda, cuda:N or mps"
        )
    if watch and urls:
        raise SettingsError(
            f"--watch follows folders, {urls[0]} is a URL; run the ingest by a timer instead"
        )
    if watch and strict:
        raise SettingsError(
            "--watch and --strict exclude each other: a strict ingest looks once and ends"
        )
    if watch and dry_run:
        raise SettingsError(
            "--watch and --dry-run exclude each other: a dry run looks once and changes nothing"
        )


def _name_of(source: str) -> str:
    """The name of the corpus that is made of this folder, file or site."""
    from kbserver.ingest.web.address import is_url, site_of

    if is_url(source):
        return corpus_name(site_of(source))
    path = Path(source).resolve()
    if path.is_dir() or not path.suffix:
        return corpus_name(path.name)
    return corpus_name(path.stem)


def _options_from(store: Store, corpus: str, **flags: Any) -> IngestOptions:
    """What the corpus was built with before, and the flags that are not None over it."""
    from kbserver.ingest.build import options_of

    given = {name: value for name, value in flags.items() if value is not None}
    return replace(options_of(store, corpus), **given)


def _ingested(
    paths: list[Path],
    store: Store,
    corpus: str,
    options: IngestOptions,
    release: Release | None,
) -> IngestReport:
    from kbserver.ingest.build import ingest as build
    from kbserver.ingest.report import Interrupted

    with Shown() as shown:

        def gate(generation: str) -> bool:
            shown.stop()  # one bar at a time
            return release is None or release.may_publish(generation)

        try:
            return build(
                paths,
                store=store,
                corpus=corpus,
                options=options,
                gate=gate,
                on_progress=shown.on_progress,
            )
        except Interrupted as exc:
            shown.stop()
            kept = "nothing was embedded yet"
            if exc.kept:
                kept = f"{exc.kept} embeddings are kept for the next ingest"
            err.print(f"stopped. The live generation is untouched; {kept}.")
            sys.exit(130)


def _corpora_in(store: Store) -> list[str]:
    try:
        return store.corpora()
    except StoreMissing:
        return []


def _warn_of_labels(only: str, now: list[str]) -> None:
    """Say that labels that the only corpus answered will reach nothing beside a second one."""
    if len(now) > 1:
        err.print(
            Text("note: ", style="bold yellow")
            + Text(
                f"the store holds {' and '.join(now)} now, and no [[routes]] are written down: "
                "a label reaches the corpus of its name. Any other label, which "
                f"{only} answered so far, reaches nothing once the server is started again. "
                "Write [[routes]] in kbserver.toml"
            )
        )


def _known_index(value: str | None) -> str | None:
    if value is not None and value not in VECTOR_CHOICES:
        known = ", ".join(VECTOR_CHOICES)
        raise typer.BadParameter(f"{value!r} is not one of {known}")
    return value


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
    """Fetch what changed of each site; the folder of its pages by URL, below the corpus's."""
    if not urls:
        return {}
    extras.require("web", "fetching pages")
    from kbserver.ingest.web.address import site_of
    from kbserver.ingest.web.site import WebOptions, fetch_site

    folders: dict[str, Path] = {}
    options = WebOptions(max_pages=max_pages, allow_private=allow_private)
    with store.lock(corpus, wait_s=wait_s), Shown() as shown:
        for url in urls:
            site_name = re.sub(r"[^a-z0-9.-]+", "-", site_of(url).lower())
            cache = store.path / corpus / ".web" / site_name
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
            print_json(report.as_dict(), indent=None)
        elif report.published or not shown_before:
            _show(report, store)
        if not shown_before:
            err.print(line(f"watching {', '.join(map(str, paths))}; stop with Ctrl-C"))
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
        rate = ""
        if task.speed and task.speed >= 1:
            rate = f"{task.speed:.0f}/s"
        return Text(rate, style="cyan")


class Shown:
    """A progress bar for each stage; nothing without a terminal."""

    _NAMES = {
        "fetch": "fetching pages",
        "read": "reading files",
        "recognise": "recognising pages",
        "embed": "embedding passages",
        "word": "wording passages",
        "write": "writing and checking",
    }

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<20}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
            console=err,
            disable=not err.is_terminal,
        )
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


def _show(report: IngestReport, store: Store) -> None:
    from kbserver.ingest.blocks import counted

    documents = counted(report.documents, "document")
    passages = counted(report.passages, "passage")
    verb = "cut into"
    if report.dry_run:
        verb = "would be cut into"
    changed = (
        f"{report.added} new, {report.changed} changed, "
        f"{report.removed} gone, {report.unchanged} unchanged"
    )
    out.print(f"{report.corpus}: {documents} {verb} {passages}  ({changed})")
    _show_embedding(report)
    if not report.dry_run:
        _show_gone(report)
    skipped = sorted(report.skipped, key=lambda one: one.reason.startswith(_EXPECTED))
    withheld = counted(len(report.withheld), "passage")
    _show_reasons(f"{len(skipped)} skipped", skipped)
    _show_reasons(f"{len(report.notes)} noted", report.notes)
    _show_reasons(
        f"{withheld} withheld, said to the model and not the reader "
        "(--keep-suspicious keeps them)",
        report.withheld,
    )
    for hint in report.hints:
        out.print(line(f"  note: {hint}", style="yellow"))
    took = f"({report.seconds:.1f} s)"
    if report.dry_run:
        out.print("  dry run: nothing was changed")
    elif report.is_refused:
        out.print("  strict: nothing was published")
    elif report.held:
        waits = f"generation {report.held} waits, {report.generation} stays live"
        out.print(line(f"  {waits}  {took}"))
    elif report.published:
        place = store.path / report.corpus
        out.print(line(f"  generation {report.generation} is live in {place}  {took}"))
        _show_uncalibrated(store, report.corpus)
    else:
        stays = f"generation {report.generation} stays live"
        out.print(line(f"  nothing changed: {stays}  {took}"))


def _show_embedding(report: IngestReport) -> None:
    """Print how many passages were embedded, or would be, and in a dry run what would change."""
    taken_over = f"{report.reused} taken over"
    if report.dry_run:
        out.print(f"  {report.embedded} to embed with {report.model}, {taken_over}")
        for change, source in report.changes[:_SHOWN]:
            out.print(line(f"    {change:<7}  {source}"))
        _show_more(report.changes)
    elif report.published or report.held:
        rate = ""
        if report.embedded:
            per_second = report.embedded / max(report.embedding_seconds, 0.01)
            rate = f" ({per_second:.0f} a second)"
        embedded = f"{report.embedded} embedded with {report.model}{rate}"
        out.print(f"  {embedded}, {taken_over}")


def _show_gone(report: IngestReport) -> None:
    """Name what callers can hear no more: a folder that is half copied looks so as well."""
    gone = [source for change, source in report.changes if change == "gone"]
    if not gone:
        return
    out.print(Text(f"  {len(gone)} gone:", style="yellow"))
    for source in gone[:_SHOWN]:
        out.print(line(f"    {source}"))
    _show_more(gone)


def _show_uncalibrated(store: Store, corpus: str) -> None:
    """Say that the least score of a corpus is a guess, as long as it is."""
    from kbserver.retrieval.calibration import DEFAULT_MIN_SCORE, read_min_score
    from kbserver.retrieval.reading import scores_by

    made_by = scores_by(store.manifest(corpus))
    try:
        if read_min_score(store.path / corpus, made_by) is not None:
            return
    except StoreError as exc:
        err.print(line(f"  {exc}"))
        return
    err.print(
        line(
            f"  not calibrated: what scores {DEFAULT_MIN_SCORE} is answered, so that most "
            "questions that the documents do not answer get a passage all the same. "
            f"kbserver calibrate {corpus} measures a better score"
        )
    )


def _show_reasons(title: str, reasons: Sequence[Skipped]) -> None:
    if not reasons:
        return
    out.print(f"  {title}:")
    for one in reasons[:_SHOWN]:
        out.print(line(f"    {one.source}: {one.reason}"))
    _show_more(reasons)


def _show_more(listed: Sequence[object]) -> None:
    if len(listed) > _SHOWN:
        out.print(f"    … and {len(listed) - _SHOWN} more (--json lists all)")
