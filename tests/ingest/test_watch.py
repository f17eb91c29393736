"""Folders followed by a real watcher; how long it waits is tested with a clock in hand."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import watchfiles

from kbserver.errors import IngestError, KbServerError, StoreError
from kbserver.index.store import Store
from kbserver.ingest import watch as watching
from kbserver.ingest.report import IngestReport
from kbserver.ingest.walk import Skipped
from kbserver.ingest.watch import (
    ReportLog,
    attempt,
    follow,
    log_error,
    wait_until_stable,
    watch,
    watching_beside,
)
from tests.conftest import DOCUMENTS, write_documents

CORPUS = "support"
PATIENT_S = 60.0
"""For what must happen in the end, however slow the machine is."""
XYLOPHONE = "# New\n\nThe xylophone is in room seven.\n"


@pytest.mark.parametrize(
    "failure", [StoreError("the disk is full"), MemoryError(), OSError(24, "none left")]
)
def test_an_ingest_that_fails_with_anything_is_told_and_ends_nothing(failure):
    def work() -> IngestReport:
        raise failure

    errors: list[KbServerError] = []
    reports: list[IngestReport] = []
    attempt(work, reports.append, errors.append)
    [error] = errors
    assert (str(failure) or type(failure).__name__) in str(error)
    attempt(lambda: IngestReport(CORPUS), reports.append, errors.append)
    assert len(reports) == len(errors) == 1


class Time:
    """A clock that only moves when it is waited for; each wait may do something."""

    def __init__(self, *happenings: Callable[[], object]) -> None:
        self.now = 0.0
        self.stopped = False
        self._happenings = list(happenings)

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        if seconds and self._happenings:
            self._happenings.pop(0)()
        return self.stopped


def appending(file: Path, *parts: str) -> list[Callable[[], object]]:
    """Return what appends each part to a file, in turn."""

    def appender(part: str) -> Callable[[], object]:
        def append() -> None:
            with file.open("a") as stream:
                stream.write(part)

        return append

    return [appender(part) for part in parts]


def test_a_file_is_stable_when_it_has_not_changed_for_a_while(tmp_path):
    file = tmp_path / "slow.md"
    file.write_text("# Slow\n")
    time = Time(*appending(file, "The zither", " is in", " room nine."))
    assert wait_until_stable([file], time.wait, clock=time.clock) == frozenset()
    assert file.read_text().endswith("room nine.")
    assert time.now == pytest.approx(4 * watching._QUIET_S)


def test_no_file_needs_no_waiting():
    time = Time()
    assert wait_until_stable([], time.wait, clock=time.clock) == frozenset()
    assert time.now == 0.0


def test_a_file_that_is_gone_is_stable(tmp_path):
    time = Time()
    gone = tmp_path / "gone.md"
    assert wait_until_stable([gone], time.wait, clock=time.clock) == frozenset()


def test_a_file_that_never_ends_is_returned_when_patience_ends(tmp_path):
    log, other = tmp_path / "log.txt", tmp_path / "other.md"
    other.write_text("Text.")
    time = Time(*appending(log, *["Something happened.\n"] * 100))
    found = wait_until_stable([log, other], time.wait, clock=time.clock)
    assert found == {log}
    assert (
        watching._PATIENCE_S < time.now <= watching._PATIENCE_S + 2 * watching._QUIET_S
    )


def test_stopping_ends_the_waiting(tmp_path):
    log = tmp_path / "log.txt"
    time = Time(*appending(log, *["Something happened.\n"] * 100))
    time.stopped = True
    assert wait_until_stable([log], time.wait, clock=time.clock) == frozenset()


def test_others_are_ingested_before_a_file_that_is_still_written(tmp_path):
    log = tmp_path / "log.txt"
    parts = ["Something happened.\n"] * 20  # 4 s of writing
    time = Time(*appending(log, *parts))
    ingested: list[tuple[frozenset[Path], str]] = []
    follow(
        [log],
        lambda unsettled: ingested.append((unsettled, log.read_text())),
        time.wait,
        clock=time.clock,
    )
    assert [unsettled for unsettled, _ in ingested] == [{log}, frozenset()]
    assert ingested[-1][1] == "".join(parts)


def test_a_stopped_watch_does_not_wait_for_a_file(tmp_path):
    log = tmp_path / "log.txt"
    time = Time(*appending(log, *["Something happened.\n"] * 100))
    ingested: list[frozenset[Path]] = []

    def ingest_and_stop(unsettled: frozenset[Path]) -> None:
        ingested.append(unsettled)
        time.stopped = True

    follow([log], ingest_and_stop, time.wait, clock=time.clock)
    assert ingested == [{log}]


@pytest.mark.parametrize(
    ("name", "matters"),
    [
        ("docs/a.md", True),
        ("docs/.kbignore", True),
        ("docs/.a.md.swp", False),
        ("docs/~$a.docx", False),
        ("store/help/LIVE", False),
    ],
)
def test_events_of_the_store_and_of_hidden_files_do_not_matter(tmp_path, name, matters):
    does_matter = watching._filter(tmp_path / "store")
    path = str(tmp_path.resolve() / name)
    assert does_matter(watchfiles.Change.modified, path) is matters


def test_another_folder_in_its_place_has_another_identity(tmp_path):
    folder, file = tmp_path / "docs", tmp_path / "a.md"
    folder.mkdir()
    file.write_text("one")
    before = watching._identities([folder, file, tmp_path / "gone"])
    assert before[2] is None
    folder.rename(tmp_path / "away")
    folder.mkdir()
    (tmp_path / "b.md").write_text("two")
    (tmp_path / "b.md").replace(file)  # as editors save
    after = watching._identities([folder, file, tmp_path / "gone"])
    assert after[0] != before[0] and after[1:] == before[1:]


class Watcher:
    """A watch in a thread, with what it reported."""

    def __init__(self, docs: Path, store: Store) -> None:
        self.docs, self.store = docs, store
        self.reports: list[IngestReport] = []
        self.errors: list[KbServerError] = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        watch(
            [self.docs],
            store=self.store,
            corpus=CORPUS,
            on_report=self.reports.append,
            on_error=self.errors.append,
            stop=self.stop,
        )

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what must happen."""
        give_up_at = time.monotonic() + PATIENT_S
        while not condition():
            assert self.thread.is_alive(), self.errors
            reports = [report.as_dict() for report in self.reports]
            assert time.monotonic() < give_up_at, (self.errors, reports)
            time.sleep(0.01)

    def texts(self) -> str:
        with self.store.open(CORPUS) as snapshot:
            return "\n".join(passage.text for passage in snapshot.passages)

    def published(self) -> list[IngestReport]:
        return [report for report in self.reports if report.published]


@pytest.fixture
def corpora(tmp_path: Path, store: Path) -> Store:
    """An empty store with the tests' model in it."""
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / ".models").symlink_to(store / ".models")
    return Store(tmp_path / "store")


@pytest.fixture
def watcher(tmp_path: Path, corpora: Store) -> Iterator[Watcher]:
    docs = write_documents(tmp_path / "docs", DOCUMENTS[CORPUS])
    watcher = Watcher(docs, corpora)
    watcher.thread.start()
    try:
        watcher.until(lambda: len(watcher.reports) == 1)
        yield watcher
    finally:
        watcher.stop.set()
        watcher.thread.join(timeout=PATIENT_S)
        assert not watcher.thread.is_alive()


def test_saved_moved_and_deleted_files_are_followed(watcher):
    new, renamed = watcher.docs / "new.md", watcher.docs / "router" / "renamed.md"
    new.write_text(XYLOPHONE)
    watcher.until(lambda: "xylophone" in watcher.texts())

    new.rename(renamed)
    watcher.until(lambda: watcher.reports[-1].removed == 1)
    assert (watcher.reports[-1].added, watcher.reports[-1].embedded) == (1, 0)

    renamed.unlink()
    watcher.until(lambda: "xylophone" not in watcher.texts())
    assert watcher.errors == []


def test_a_storm_of_events_is_few_ingests(watcher):
    files = [watcher.docs / f"{number}.md" for number in range(60)]
    for file in files:
        file.write_text(f"# Page {file.stem}\n\nThis is page {file.stem}.\n")
        file.write_text(f"# Page {file.stem}\n\nThis is the page {file.stem}.\n")
    watcher.until(lambda: watcher.reports[-1].documents == len(files) + 4)
    assert len(watcher.published()) < len(files) / 6


def test_an_ingest_that_fails_is_shown_and_the_watch_goes_on(watcher):
    for file in sorted(watcher.docs.rglob("*.*")):
        file.unlink()
    watcher.until(lambda: bool(watcher.errors))
    watcher.until(lambda: "no document could be read" in str(watcher.errors[-1]))
    assert "ten seconds" in watcher.texts()

    write_documents(watcher.docs, DOCUMENTS[CORPUS] | {"new.md": XYLOPHONE})
    watcher.until(lambda: "xylophone" in watcher.texts())


def test_a_folder_that_was_replaced_by_another_is_followed_again(watcher, tmp_path):
    watcher.docs.rename(tmp_path / "away")
    write_documents(tmp_path / "docs", DOCUMENTS[CORPUS] | {"new.md": XYLOPHONE})
    watcher.until(lambda: "xylophone" in watcher.texts())
    (watcher.docs / "new.md").write_text("# New\n\nThe zither is in room seven.\n")
    watcher.until(lambda: "zither" in watcher.texts())


def test_what_is_left_out_is_logged_when_it_is_new(caplog):
    log_report = ReportLog()
    with caplog.at_level("WARNING", logger="kbserver"):
        for source in ("a.png", "a.png", "b.png"):
            skipped = Skipped(source, "unknown type .png")
            log_report(IngestReport("help", published=True, skipped=[skipped]))
    assert caplog.messages == [
        "corpus help: a.png: unknown type .png",
        "corpus help: b.png: unknown type .png",
    ]


def test_only_an_ingest_that_changed_something_is_logged(caplog):
    log_report = ReportLog()
    with caplog.at_level("INFO", logger="kbserver"):
        log_report(IngestReport("help"))
        report = IngestReport("help", added=2, generation="000001", published=True)
        log_report(report)
    assert caplog.messages == [
        "corpus help: 2 new, 0 changed, 0 gone; generation 000001 is live (0.0 s)"
    ]


def test_an_ingest_that_failed_is_logged_with_its_message(caplog):
    with caplog.at_level("ERROR", logger="kbserver"):
        log_error(IngestError("no document could be read"))
    assert caplog.messages == ["no document could be read"]


def test_a_folder_that_is_not_there_cannot_be_watched(tmp_path, corpora):
    with pytest.raises(IngestError, match="no such file or folder to watch"):
        watch(
            [tmp_path / "typo"],
            store=corpora,
            corpus=CORPUS,
            on_report=print,
            on_error=print,
        )


def test_beside_a_server_it_runs_in_a_process_that_ends_with_the_block(
    tmp_path, corpora
):
    docs = write_documents(tmp_path / "docs", DOCUMENTS[CORPUS])

    def documents() -> int:
        try:
            return corpora.manifest(CORPUS).documents
        except KbServerError:
            return 0

    with watching_beside([docs], store=corpora.path, corpus=CORPUS):
        for wanted in (4, 5):
            give_up_at = time.monotonic() + PATIENT_S
            while documents() < wanted:
                assert time.monotonic() < give_up_at
                time.sleep(0.05)
            (docs / "new.md").write_text(XYLOPHONE)
        [process] = multiprocessing.active_children()
        assert process.name == "kbserver-watch"
    assert not process.is_alive()


def test_the_command_prints_json_for_every_ingest_and_stops_with_ctrl_c(
    tmp_path, corpora
):
    docs = write_documents(tmp_path / "docs", DOCUMENTS[CORPUS])
    command = [
        sys.executable,
        "-m",
        "kbserver",
        "ingest",
        str(docs),
        "--watch",
        "--json",
    ]
    process = subprocess.Popen(
        [*command, "--store", str(corpora.path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    try:
        assert process.stdout is not None and process.stderr is not None
        assert json.loads(process.stdout.readline())["documents"]["added"] == 4
        while "watching" not in process.stderr.readline():
            assert process.poll() is None
        (docs / "new.md").write_text(XYLOPHONE)
        added = 0
        while not added:  # a scan without a change may come first
            added = json.loads(process.stdout.readline())["documents"]["added"]
        assert added == 1
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENT_S)
        assert process.returncode == 0 and "Traceback" not in errors
    finally:
        process.kill()
        process.wait()
