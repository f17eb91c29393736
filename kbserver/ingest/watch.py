"""Follow folders: whenever files change, bring the corpus up to date.

A storm of events becomes one ingest. A file that is being written stays what it was
until it is whole.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeAlias

import watchfiles

from kbserver.embedding.models import open_encoder
from kbserver.errors import IngestError, KbServerError, said_by
from kbserver.index.store import Store
from kbserver.ingest.build import IngestOptions, ingest
from kbserver.ingest.report import IngestReport, OnProgress
from kbserver.ingest.walk import IGNORE_FILE, Skipped
from kbserver.priority import once_parent_ended, process_beside

log = logging.getLogger("kbserver")

OnReport: TypeAlias = Callable[[IngestReport], None]
OnError: TypeAlias = Callable[[KbServerError], None]
Wait: TypeAlias = Callable[[float], bool]
"""Sleeps for some seconds; returns True, and at once, if the watch shall stop."""
Ingest: TypeAlias = Callable[[frozenset[Path]], None]
"""Brings the corpus up to date, except with the files given, which are being written."""

_STORM_MS = 800
"""Events that follow each other within `_STEP_MS` are one change, for at most this."""
_STEP_MS = 50
_QUIET_S = 0.2
"""A file whose size and time have not changed for this long is whole."""
_PATIENCE_S = 3.0
"""Other files do not wait longer than this for a file that is being written."""
_LOOK_S = 2.0
"""How often to check whether a folder was replaced by another, or is there again."""
_SELDOM_S = 60.0
"""Between scans without an event: network drives and full watch tables send none."""


def watch(
    paths: Sequence[Path],
    *,
    store: Store,
    corpus: str,
    options: IngestOptions | None = None,
    on_report: OnReport,
    on_error: OnError,
    on_progress: OnProgress | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Ingest now, and again whenever something below the paths changes, until stopped.

    The model stays open in between: opening it takes longer than ingesting one file.

    Args:
        on_report: called after every ingest, also one that found nothing changed.
        on_error: called with an ingest that failed; the next change is a new attempt.
        stop: ends the watch, within a second.

    Raises:
        IngestError: a path does not exist at the start.
        ModelError: the embedding model cannot be loaded.
    """
    options = options or IngestOptions()
    stop = stop or threading.Event()
    missing = [path for path in paths if not path.exists()]
    if missing:
        raise IngestError(
            f"{missing[0]}: no such file or folder to watch; name one that exists"
        )
    encoder = open_encoder(
        options.model,
        cache=options.models,
        store=store.path,
        device=options.device,
        for_queries=False,
    )
    with encoder:

        def bring_up_to_date(unsettled: frozenset[Path]) -> None:
            work = partial(
                ingest,
                paths,
                store=store,
                corpus=corpus,
                options=options,
                encoder=encoder,
                unsettled=unsettled,
                on_progress=on_progress,
            )
            attempt(work, on_report, on_error)

        bring_up_to_date(frozenset())
        for changed in _changes(paths, store.path, stop):
            follow(changed, bring_up_to_date, stop.wait)


def attempt(
    work: Callable[[], IngestReport], on_report: OnReport, on_error: OnError
) -> None:
    """Ingest once and tell how it went; whatever fails, the watch goes on."""
    try:
        report = work()
    except KbServerError as exc:
        on_error(exc)
    except Exception as exc:
        log.debug("an ingest failed", exc_info=exc)
        on_error(
            IngestError(
                f"the ingest failed ({said_by(exc)}); the live generation is untouched, "
                "and the next change is a new attempt"
            )
        )
    else:
        on_report(report)


def follow(
    changed: Iterable[Path],
    ingest: Ingest,
    wait: Wait,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Ingest a change, and again until every changed file is whole or the watch stops.

    Args:
        wait: see `Wait`.
        clock: monotonic seconds.
    """
    unsettled = wait_until_stable(changed, wait, clock=clock)
    ingest(unsettled)
    while unsettled and not wait(0.0):
        unsettled = wait_until_stable(unsettled, wait, clock=clock)
        ingest(unsettled)


def wait_until_stable(
    files: Iterable[Path],
    wait: Wait,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> frozenset[Path]:
    """Wait until files are whole; return those that still change when patience ends.

    Args:
        wait: see `Wait`; stopping ends the waiting with no file left.
        clock: monotonic seconds.
    """
    give_up_at = clock() + _PATIENCE_S
    changing = {file: _state(file) for file in files}
    while changing and not wait(_QUIET_S):
        states = {file: _state(file) for file in changing}
        changing = {
            file: state for file, state in states.items() if state != changing[file]
        }
        if clock() > give_up_at:
            return frozenset(changing)
    return frozenset()


def _changes(
    paths: Sequence[Path], store: Path, stop: threading.Event
) -> Iterator[set[Path]]:
    """Yield the files of each storm of events; {} when it is time to scan without one."""
    matters = _filter(store)
    scanned_at = time.monotonic()
    while not stop.is_set():
        roots = _identities(paths)
        if None in roots:
            # unmounted or moved away: the corpus stays until the path is there again
            stop.wait(_LOOK_S)
            continue
        # what changed before the watch began sent no event: scan once without one
        is_fresh = True
        for events in watchfiles.watch(
            *(path.resolve() for path in paths),
            watch_filter=matters,
            debounce=_STORM_MS,
            step=_STEP_MS,
            rust_timeout=int(_LOOK_S * 1000),
            yield_on_timeout=True,
            stop_event=stop,
            ignore_permission_denied=True,
        ):
            replaced = _identities(paths) != roots
            is_time = time.monotonic() - scanned_at > _SELDOM_S
            if events or replaced or is_fresh or is_time:
                yield {Path(path) for _, path in events}
                scanned_at = time.monotonic()
                is_fresh = is_fresh and bool(events)
            if replaced:
                break


def _filter(store: Path) -> Callable[[watchfiles.Change, str], bool]:
    """Return which events matter: not those of the store or of hidden files."""
    inside = str(store.resolve()) + os.sep

    def matters(change: watchfiles.Change, path: str) -> bool:
        if path.startswith(inside):
            return False
        name = Path(path).name
        return name == IGNORE_FILE or not name.startswith((".", "~"))

    return matters


def _identities(paths: Iterable[Path]) -> list[tuple[int, int] | None]:
    """Return device and inode of each path, None for one that is not there.

    The inode counts for folders only, because editors replace files all the time.
    """
    found: list[tuple[int, int] | None] = []
    for path in paths:
        try:
            status = path.stat()
            is_folder = path.is_dir()
        except OSError:
            found.append(None)
            continue
        found.append((status.st_dev, status.st_ino * is_folder))
    return found


def _state(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


@contextmanager
def watching_beside(
    paths: Sequence[Path],
    *,
    store: Path,
    corpus: str,
    options: IngestOptions | None = None,
    prepare: Callable[[], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Watch in a process of its own while the block runs; for a server.

    Reading and cutting documents holds the interpreter's lock, and turns would wait
    for it. The process gives way to turns (nice) and ends with this one, however that
    ends. It logs as `kbserver`.

    Args:
        prepare: called first in the new process, to set up its log; importable by name.
        tell: called there with what became of each ingest: `published`, `unchanged`, `failed`.
    """
    what = (list(paths), store, corpus, options or IngestOptions(), prepare, tell)
    with process_beside(_watch_until_orphaned, *what, name="kbserver-watch"):
        yield


def _watch_until_orphaned(
    paths: list[Path],
    store: Path,
    corpus: str,
    options: IngestOptions,
    prepare: Callable[[], None] | None,
    tell: Callable[[str], None] | None,
) -> None:
    """Watch until the parent process ends."""
    if prepare is not None:
        prepare()
    log_report = ReportLog()

    def on_report(report: IngestReport) -> None:
        log_report(report)
        if tell is not None:
            tell("published" if report.published else "unchanged")

    def on_error(error: KbServerError) -> None:
        log_error(error)
        if tell is not None:
            tell("failed")

    stop = threading.Event()
    once_parent_ended(stop.set)
    try:
        with suppress(KeyboardInterrupt):
            watch(
                paths,
                store=Store(store),
                corpus=corpus,
                options=options,
                on_report=on_report,
                on_error=on_error,
                stop=stop,
            )
    except KbServerError as exc:
        log.error("not watching: %s", exc)
        if tell is not None:
            tell("failed")


class ReportLog:
    """Logs each ingest that changed something, and what is newly left out."""

    def __init__(self) -> None:
        """Begin with nothing logged."""
        self._logged: frozenset[Skipped] = frozenset()

    def __call__(self, report: IngestReport) -> None:
        """Log a report."""
        if report.published:
            log.info(
                "corpus %s: %d new, %d changed, %d gone; generation %s is live (%.1f s)",
                report.corpus,
                report.added,
                report.changed,
                report.removed,
                report.generation,
                report.seconds,
            )
        left_out = [*report.skipped, *report.withheld]
        for one in left_out:
            if one not in self._logged:
                log.warning("corpus %s: %s: %s", report.corpus, one.source, one.reason)
        self._logged = frozenset(left_out)


def log_error(error: KbServerError) -> None:
    """Log an ingest that failed."""
    log.error("%s", error)
