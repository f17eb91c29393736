"""Commands about the store: corpora, rollback, prune, verify, export, import."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from kbserver.cli.options import (
    AsJson,
    AtObjectStore,
    CorpusName,
    StoreConfig,
    StorePath,
    Wait,
)
from kbserver.cli.replicas.sharing import remote_at
from kbserver.cli.terminal import (
    complain,
    err,
    line,
    log_to_terminal,
    out,
    print_json,
    print_table,
)
from kbserver.errors import SettingsError, StoreError, StoreMissing
from kbserver.printable import size

if TYPE_CHECKING:
    from kbserver.console.reading.generations import ListedGeneration
    from kbserver.index.selfcheck import CheckReport
    from kbserver.index.sharing.remote import Remote
    from kbserver.index.store import Store


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(corpora)
    app.command()(rollback)
    app.command()(prune)
    app.command()(verify)
    app.command()(export)
    app.command("import")(import_)


def corpora(
    at: AtObjectStore = None,
    config: StoreConfig = None,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """List the corpora and their generations, with their size, language, model and age.

    ● marks the live generation. Exit codes: 0 listed, 3 there is no store. A generation that cannot
    be read is listed with the reason.
    """
    if at is not None:
        _list_shared(remote_at(at), as_json=as_json)
        return
    from kbserver.console.reading.generations import listed

    known = _store(config, store)
    listing: list[ListedGeneration] = []
    for corpus in known.corpora():
        listing += listed(known, corpus)
    if as_json:
        print_json([one.as_dict() for one in listing])
        return
    if not listing:
        out.print(
            f"{known.path}: no corpus yet; make one with:  kbserver ingest FOLDER"
        )
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("corpus", "", "generation"):
        table.add_column(column)
    for column in ("documents", "passages", "size"):
        table.add_column(column, justify="right")
    table.add_column("language")
    table.add_column("model")
    table.add_column("age", justify="right")
    before = ""
    for one in listing:
        corpus = one.corpus
        if corpus == before:
            corpus = ""
        mark = ""
        if one.live:
            mark = "●"
        table.add_row(line(corpus), mark, line(one.generation), *_facts(one))
        before = one.corpus
    print_table(table)


def _list_shared(remote: Remote, *, as_json: bool) -> None:
    """List what is in an object store."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("corpus", "", "generation"):
        table.add_column(column)
    for column in ("size", "uploaded"):
        table.add_column(column, justify="right")
    listing: list[dict[str, Any]] = []
    for corpus in remote.corpora():
        live = remote.pointer(corpus)
        for one in remote.generations(corpus):
            is_live = live is not None and live.generation == one.name
            made = one.made.isoformat()
            listing.append(
                {
                    "corpus": corpus,
                    "generation": one.name,
                    "live": is_live,
                    "bytes": one.bytes,
                    "uploaded_at": made,
                }
            )
            mark = ""
            if is_live:
                mark = "●"
            table.add_row(
                line(corpus), mark, line(one.name), size(one.bytes), _age(made)
            )
    if as_json:
        print_json(listing)
    elif listing:
        print_table(table)
    else:
        out.print(
            Text(
                f"{remote.url}: no corpus yet; put one there with:  "
                f"kbserver publish CORPUS {remote.url}"
            )
        )


def _facts(one: ListedGeneration) -> list[str | Text]:
    if one.problem:
        return ["–", "–", "–", "–", line(one.problem, style="red"), ""]
    return [
        f"{one.documents:,}",
        f"{one.passages:,}",
        size(one.bytes),
        line(one.language),
        line(one.model),
        _age(one.created_at),
    ]


def rollback(
    corpus: CorpusName,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="GENERATION",
            help="Which one.  \\[default: the one before the live one]",
        ),
    ] = None,
    at: AtObjectStore = None,
    config: StoreConfig = None,
    store: StorePath = None,
    wait: Wait = 0.0,
    as_json: AsJson = False,
) -> None:
    """Serve an earlier generation again. A running server takes it over within a second.

    The next ingest compares with it: what had been changed since then is changed again.

    With --at every server that follows that object store takes it over within seconds; the store
    of this machine stays as it is.

    Exit codes: 0 done, 3 no such corpus or generation, or it cannot be served.
    """
    if at is not None:
        remote = remote_at(at)
        from kbserver.index.sharing.publishing import roll_back

        _show_live(corpus, roll_back(remote, corpus, to), as_json=as_json)
        return
    known = _store(config, store)
    known.generations(corpus)  # fails before the lock makes a folder of this name
    with known.lock(corpus, wait_s=wait):
        generation = known.rollback(corpus, to)
    _show_live(corpus, generation, as_json=as_json)


def _show_live(corpus: str, generation: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"corpus": corpus, "generation": generation})
    else:
        out.print(f"{corpus}: generation {generation} is live")


def prune(
    corpus: Annotated[
        str | None, typer.Argument(help="Name of the corpus.", metavar="[CORPUS]")
    ] = None,
    all_: Annotated[
        bool, typer.Option("--all", help="Every corpus of the store.")
    ] = False,
    keep: Annotated[
        int, typer.Option(min=1, help="Generations to keep, the live one counted.")
    ] = 2,
    at: AtObjectStore = None,
    config: StoreConfig = None,
    store: StorePath = None,
    wait: Wait = 0.0,
    as_json: AsJson = False,
) -> None:
    """Remove old generations; the live one always stays.

    A server that has one open goes on undisturbed. With --all a corpus that cannot be pruned is
    named, and the others are. With --at what was uploaded in the last hour stays, too.

    Exit codes: 0 done, 2 neither a corpus nor --all given, 3 the store.
    """
    if (corpus is None) is not all_:
        raise SettingsError("name one corpus to prune, or say --all")
    names, prune_one = _pruned_by(at, _store(config, store), keep=keep, wait_s=wait)
    removed: dict[str, list[str]] = {}
    problems = []
    if corpus is not None:
        names = [corpus]
    for name in names:
        try:
            removed[name] = prune_one(name)
        except StoreError as exc:
            problems.append(exc)
    _show_removed(removed, as_json=as_json)
    for problem in problems[1:]:
        complain(str(problem))
    if problems:
        raise problems[0]


def _pruned_by(
    at: str | None, store: Store, *, keep: int, wait_s: float
) -> tuple[list[str], Callable[[str], list[str]]]:
    """Return the corpora there are, and what prunes one: here, or in an object store."""
    if at is not None:
        remote = remote_at(at)
        from kbserver.index.sharing import publishing

        return remote.corpora(), partial(publishing.prune, remote, keep=keep)

    def prune_here(name: str) -> list[str]:
        store.generations(name)
        with store.lock(name, wait_s=wait_s):
            return store.prune(name, keep=keep)

    return store.corpora(), prune_here


def _show_removed(removed: dict[str, list[str]], *, as_json: bool) -> None:
    if as_json:
        print_json(removed)
        return
    for name, generations in removed.items():
        gone = "nothing to remove"
        if generations:
            gone = f"{len(generations)} removed ({', '.join(generations)})"
        out.print(f"{name}: {gone}")


def verify(
    corpus: Annotated[
        str | None, typer.Argument(help="Only this corpus.", metavar="[CORPUS]")
    ] = None,
    generation: Annotated[
        str | None,
        typer.Option(help="Only this generation.  \\[default: the live one]"),
    ] = None,
    every: Annotated[
        bool, typer.Option("--every", help="Every generation, not the live one alone.")
    ] = False,
    config: StoreConfig = None,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Check that generations are whole: every file's checksum, and a search for known passages.

    Without a **CORPUS** the record of turns is checked as well.

    Exit codes: 0 all is well, 3 something is wrong or not there.
    """
    from kbserver.record.database import problem_of
    from kbserver.settings import read_settings

    known = _store(config, store)
    if generation is not None and (corpus is None or every):
        raise SettingsError(
            "--generation goes with the name of its corpus, and without --every"
        )
    names = known.corpora()
    if corpus is not None:
        names = [corpus]
    if not names:
        raise StoreMissing(
            f"{known.path}: no corpus to verify; make one with:  kbserver ingest FOLDER"
        )
    reports, problems = [], []
    for name in names:
        try:
            wanted = known.generations(name)
            if not every:
                wanted = [generation or known.live(name)]
        except StoreError as exc:
            if corpus is not None:
                raise
            problems.append(str(exc))
            continue
        reports += [known.verify(name, one) for one in wanted]
    problems += [problem for report in reports for problem in report.problems]
    if corpus is None:
        problem = problem_of(read_settings(config, store=store).record_folder)
        if problem is not None:
            problems.append(problem)
    if as_json:
        checked = [_report_as_dict(report) for report in reports]
        print_json({"ok": not problems, "generations": checked, "problems": problems})
    else:
        _show_reports(reports)
        for problem in problems:
            complain(problem)
    if problems:
        sys.exit(StoreError.exit_code)


def _report_as_dict(report: CheckReport) -> dict[str, Any]:
    return {
        "corpus": report.corpus,
        "generation": report.generation,
        "ok": report.ok,
        "files": report.files,
        "bytes": report.bytes,
        "sampled": report.sampled,
        "found": report.found,
        "problems": list(report.problems),
    }


def _show_reports(reports: list[CheckReport]) -> None:
    for report in reports:
        mark = Text("BAD  ", style="bold red")
        if report.ok:
            mark = Text("ok   ", style="green")
        files = f"{report.files} files, {size(report.bytes)}"
        found = f"{report.found} of {report.sampled} passages found"
        name = f"{report.corpus} {report.generation}"
        out.print(mark + Text(f"{name}   {files}, {found}"))


def export(
    corpus: CorpusName,
    file: Annotated[
        Path,
        typer.Argument(
            help="The file to write; replaced if it is there.", metavar="FILE"
        ),
    ],
    generation: Annotated[
        str | None, typer.Option(help="Which generation.  \\[default: the live one]")
    ] = None,
    config: StoreConfig = None,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Write a generation as one file, for another machine, with the calibration of its corpus.

    It holds the documents' text in the clear. Exit codes: 0 done, 3 it is not there or damaged, or
    the file cannot be written.
    """
    from kbserver.retrieval.calibration import stored_calibration

    known = _store(config, store)
    name = generation or known.live(corpus)
    known.export(corpus, file, name, beside=stored_calibration(known.path / corpus))
    if as_json:
        print_json(
            {
                "corpus": corpus,
                "generation": name,
                "file": str(file),
                "bytes": file.stat().st_size,
            }
        )
    else:
        out.print(
            Text(
                f"{corpus}: generation {name} is in {file} ({size(file.stat().st_size)})"
            )
        )


def import_(
    file: Annotated[
        Path, typer.Argument(help="What `kbserver export` wrote.", metavar="FILE")
    ],
    publish: Annotated[bool, typer.Option(help="Serve it at once.")] = True,
    trust_model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Its embedding model, if this machine does not know it: fetch and run it.",
        ),
    ] = None,
    config: StoreConfig = None,
    store: StorePath = None,
    wait: Wait = 0.0,
    as_json: AsJson = False,
) -> None:
    """Add the generation of an exported file to the store, which is made if it is not there.

    The file need not be trusted: all it says is checked, and its search for meaning is built anew.
    What its documents say is another matter. It gets the next number of the corpus.

    Exit codes: 0 done, 3 no such file, damaged, or there already, 4 its model is not known here.
    """
    from kbserver.embedding.models import is_exported, recognise
    from kbserver.index.manifest import read_manifest
    from kbserver.index.store import Store
    from kbserver.retrieval.reading import scores_by
    from kbserver.retrieval.spoken.table import check_spoken_forms
    from kbserver.settings import read_settings

    log_to_terminal()
    settings = read_settings(config, store=store)
    known = Store(settings.store)
    recognise_here = partial(
        recognise, cache=settings.models, store=settings.store, trusted=trust_model
    )
    corpus, generation, beside = known.import_(
        file, recognise=recognise_here, check=check_spoken_forms, wait_s=wait
    )
    manifest = read_manifest(known.path / corpus / generation)
    model = manifest.model
    if beside is not None and publish:
        _adopt(known.path / corpus, beside, scores_by(manifest))
    if publish:
        with known.lock(corpus, wait_s=wait):
            known.publish(corpus, generation)
    if as_json:
        print_json(
            {
                "corpus": corpus,
                "generation": generation,
                "published": publish,
                "model": model.name,
                "fingerprint": model.fingerprint,
            }
        )
        return
    if publish:
        out.print(f"{corpus}: generation {generation} is live")
    else:
        out.print(f"{corpus}: generation {generation} is there")
        err.print(f"serve it with:  kbserver rollback {corpus} --to {generation}")
    trusted = "known on this machine"
    if trust_model == model.name:
        trusted = "trusted as you say"
    out.print(Text(f"its model is {model.name}, {trusted} ({model.fingerprint})"))
    if not is_exported(
        model, cache=settings.models, store=settings.store, precision=settings.precision
    ):
        later = "is prepared for this user when it is first served"
        err.print(line(f"{model.name} {later}"))


def _adopt(folder: Path, calibration: bytes, made_by: str) -> None:
    """Take over a calibration that came with a generation, unless the corpus has its own."""
    from kbserver.retrieval.calibration import adopt_calibration, read_min_score

    corpus = folder.name
    try:
        own = read_min_score(folder, made_by)
        if own is not None:
            err.print(line(f"{corpus}: its own min_score {own:.3f} stays in force"))
            return
        adopted = adopt_calibration(folder, calibration, made_by)
    except StoreError as exc:
        err.print(
            line(f"{corpus}: {exc}; kbserver calibrate {corpus} measures it here")
        )
        return
    err.print(
        line(f"{corpus}: min_score {adopted:.3f}, as it was calibrated elsewhere")
    )


def _store(config: Path | None, store: Path | None) -> Store:
    from kbserver.index.store import Store
    from kbserver.settings import read_settings

    return Store(read_settings(config, store=store).store)


def _age(created_at: str) -> str:
    try:
        created = datetime.fromisoformat(created_at).astimezone(UTC)
    except (ValueError, OverflowError):  # a manifest may say anything
        return "–"
    seconds = max(0.0, (datetime.now(UTC) - created).total_seconds())
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
