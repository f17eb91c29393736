"""Follow folders: whenever files change, bring the corpus up to date.

A storm of events becomes one ingest, and a file that is still being written stays what it was until it is whole.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

import watchfiles

from kbserver.embedding.models import open_encoder
from kbserver.errors import IngestError, KbServerError
from kbserver.index.store import Store
from kbserver.ingest.build import IngestOptions, ingest
from kbserver.ingest.report import IngestReport, OnProgress
from kbserver.ingest.walk import IGNORE_FILE, Skipped
from kbserver.priority import yield_process_to_turns

log = logging.getLogger("kbserver")

OnReport: TypeAlias = Callable[[IngestReport], None]
OnError: TypeAlias = Callable[[KbServerError], None]

_STORM_MS = 800  # events that follow each other closer than `_STEP_MS` are one change, for at most this long
_STEP_MS = 50
_QUIET_S = 0.2  # a file whose size and time have not changed for this long is whole
_PATIENCE_S = (
    3.0  # others do not wait longer than this for a file that is being written
)
_LOOK_S = (
    2.0  # how often to see whether a folder was replaced by another, or is there again
)
_SELDOM_S = (
    60.0  # a scan without any event: network drives and full watch tables send none
)


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

    The model stays open in between: opening it takes longer than ingesting one changed file.

    Args:
        on_report: called after every ingest, also one that found nothing changed.
        on_error: called with an ingest that failed; the next change is a new attempt.
        stop: ends the watch, within a second.

    Raises:
        IngestError: a path does not exist at the start.
        ModelError: the embedding model cannot be loaded.
    """
    options, stop = options or IngestOptions(), stop or threading.Event()
    missing = [path for path in paths if not path.exists()]
    if missing:
        raise IngestError(
            f"{missing[0]}: no such file or folder to watch; name one that exists"
        )
    with open_encoder(
        options.model,
        cache=options.models,
        store=store.path,
        device=options.device,
        for_queries=False,
    ) as encoder:

        def bring_up_to_date(unsettled: frozenset[Path]) -> None:
            try:
                report = ingest(
                    paths,
                    store=store,
                    corpus=corpus,
                    options=options,
                    encoder=encoder,
                    unsettled=unsettled,
                    on_progress=on_progress,
                )
            except KbServerError as exc:
                on_error(exc)
            else:
                on_report(report)

        bring_up_to_date(frozenset())
        for changed in _changes(paths, store.path, stop):
            unsettled = _settle(changed, stop)
            bring_up_to_date(unsettled)
            while unsettled and not stop.is_set():
                unsettled = _settle(unsettled, stop)
                bring_up_to_date(unsettled)


def _changes(
    paths: Sequence[Path], store: Path, stop: threading.Event
) -> Iterator[set[Path]]:
    """Yield the files of each storm of events; {} when it is time to look without one."""
    inside = str(store.resolve()) + os.sep

    def matters(change: watchfiles.Change, path: str) -> bool:
        name = Path(path).name
        return not path.startswith(inside) and (
            name == IGNORE_FILE or not name.startswith((".", "~"))
        )

    scanned = time.monotonic()
    while not stop.is_set():
        roots = _identities(paths)
        if (
            None in roots
        ):  # unmounted or moved away: what was ingested stays until it is there again
            stop.wait(_LOOK_S)
            continue
        is_fresh = True  # what changed before the watch began sends no event
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
            if events or replaced or is_fresh or time.monotonic() - scanned > _SELDOM_S:
                yield {Path(path) for _, path in events}
                scanned = time.monotonic()
                is_fresh = is_fresh and bool(events)
            if replaced:
                break


def _identities(paths: Iterable[Path]) -> list[tuple[int, int] | None]:
    """Device and inode of each path, None for one that is not there."""
    found: list[tuple[int, int] | None] = []
    for path in paths:
        try:
            status = path.stat()
            found.append(
                (status.st_dev, status.st_ino if path.is_dir() else 0)
            )  # editors replace files all the time
        except OSError:
            found.append(None)
    return found


def _settle(files: Iterable[Path], stop: threading.Event) -> frozenset[Path]:
    """Wait until files are whole, and return those that still change when patience ends."""
    until = time.monotonic() + _PATIENCE_S
    moving = {file: _state(file) for file in files}
    while moving and not stop.wait(_QUIET_S):
        now = {file: _state(file) for file in moving}
        moving = {file: state for file, state in now.items() if state != moving[file]}
        if time.monotonic() > until:
            return frozenset(moving)
    return frozenset()


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
) -> Iterator[None]:
    """Watch in a process of its own while the block runs; for a server.

    Reading and cutting documents holds the interpreter's lock, and turns would wait for it. The process gives way
    to turns (nice) and ends with this one, however that ends. What it does is logged as `kbserver`.

    Args:
        prepare: called in the new process before anything else, to set up its log; importable by name.
    """
    context = multiprocessing.get_context("spawn")
    process = context.Process(
        target=_watch_until_orphaned,
        args=(list(paths), store, corpus, options or IngestOptions(), prepare),
        name="kbserver-watch",
        daemon=True,
    )
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


def _watch_until_orphaned(
    paths: list[Path],
    store: Path,
    corpus: str,
    options: IngestOptions,
    prepare: Callable[[], None] | None,
) -> None:
    if prepare is not None:
        prepare()
    yield_process_to_turns()
    stop = threading.Event()
    parent = multiprocessing.parent_process()

    def wait_for_parent() -> None:
        if parent is not None:
            parent.join()
        stop.set()

    threading.Thread(target=wait_for_parent, daemon=True).start()
    try:
        with suppress(KeyboardInterrupt):
            watch(paths, store=Store(store), corpus=corpus, options=options, on_report=ReportLog(), on_error=log_error,
                  stop=stop)  # fmt: skip
    except KbServerError as exc:
        log.error("not watching: %s", exc)


class ReportLog:
    """Logs one line of each ingest that changed something, and what is left out the first time that it is."""

    def __init__(self) -> None:
        """Begin with nothing said."""
        self._said: frozenset[Skipped] = frozenset()

    def __call__(self, report: IngestReport) -> None:
        """Log a report."""
        left_out = [*report.skipped, *report.withheld]
        if report.published:
            log.info(
                "corpus %s: %d new, %d changed, %d gone; generation %s is live (%.1f s)",
                report.corpus, report.added, report.changed, report.removed, report.generation, report.seconds,
            )  # fmt: skip
        for one in left_out:
            if one not in self._said:
                log.warning("corpus %s: %s: %s", report.corpus, one.source, one.reason)
        self._said = frozenset(left_out)


def log_error(error: KbServerError) -> None:
    """Log an ingest that failed."""
    log.error("%s", error)
