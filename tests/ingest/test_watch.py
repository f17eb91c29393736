"""Folders followed by a real watcher, and found again through a real server."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kbserver.errors import IngestError, KbServerError
from kbserver.index.store import Store
from kbserver.ingest.report import IngestReport
from kbserver.ingest.walk import Skipped
from kbserver.ingest.watch import ReportLog, watch, watching_beside
from tests.conftest import DOCUMENTS, write_documents

CORPUS = "support"


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
            [self.docs], store=self.store, corpus=CORPUS, on_report=self.reports.append, on_error=self.errors.append,
            stop=self.stop,
        )  # fmt: skip

    def until(self, condition: Callable[[], bool], seconds: float = 30.0) -> float:
        """Wait; return the seconds it took."""
        begun = time.monotonic()
        while not condition():
            assert self.thread.is_alive(), self.errors
            assert time.monotonic() - begun < seconds, (
                self.errors,
                [report.as_dict() for report in self.reports],
            )
            time.sleep(0.01)
        return time.monotonic() - begun

    def texts(self) -> str:
        with self.store.open(CORPUS) as snapshot:
            return "\n".join(passage.text for passage in snapshot.passages)


@pytest.fixture
def corpora(tmp_path: Path, store: Path) -> Store:
    """An empty store with the tests' model in it."""
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / ".models").symlink_to(store / ".models")
    return Store(tmp_path / "store")


@pytest.fixture
def watcher(tmp_path: Path, corpora: Store) -> Iterator[Watcher]:
    watcher = Watcher(write_documents(tmp_path / "docs", DOCUMENTS[CORPUS]), corpora)
    watcher.thread.start()
    try:
        watcher.until(lambda: len(watcher.reports) == 1, 60)
        time.sleep(0.3)  # the watch begins right after the first report
        yield watcher
    finally:
        watcher.stop.set()
        watcher.thread.join(timeout=20)
        assert not watcher.thread.is_alive()


def test_saved_moved_and_deleted_files_are_followed(watcher):
    (watcher.docs / "new.md").write_text("# New\n\nThe xylophone is in room seven.\n")
    watcher.until(lambda: "xylophone" in watcher.texts())

    (watcher.docs / "new.md").rename(watcher.docs / "router" / "renamed.md")
    watcher.until(
        lambda: watcher.reports[-1].added == 1 and watcher.reports[-1].removed == 1
    )
    assert watcher.reports[-1].embedded == 0

    (watcher.docs / "router" / "renamed.md").unlink()
    watcher.until(lambda: "xylophone" not in watcher.texts())
    assert watcher.errors == []


def test_a_storm_of_events_is_one_ingest_or_two(watcher):
    for number in range(60):
        (watcher.docs / f"{number}.md").write_text(
            f"# Page {number}\n\nThis is page {number}.\n"
        )
        (watcher.docs / f"{number}.md").write_text(
            f"# Page {number}\n\nThis is the page {number}.\n"
        )
    watcher.until(lambda: watcher.reports[-1].documents == 64)
    assert len([report for report in watcher.reports[1:] if report.published]) <= 2


def test_a_file_that_is_being_written_is_read_when_it_is_whole(watcher):
    with (watcher.docs / "slow.md").open("w") as stream:
        for part in ("# Slow\n\n", "The zither", " is in", " room nine.\n"):
            stream.write(part)
            stream.flush()
            time.sleep(0.1)
    watcher.until(lambda: any(report.published for report in watcher.reports[1:]))
    halves = [report for report in watcher.reports[1:] if report.published]
    assert len(halves) == 1 and "The zither is in room nine." in watcher.texts()


def test_others_do_not_wait_for_a_file_that_is_never_finished(watcher):
    done = threading.Event()

    def write_on() -> None:
        with (watcher.docs / "log.txt").open("w") as stream:
            while not done.wait(0.05):
                stream.write("Something happened in the cellar.\n")
                stream.flush()

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        (watcher.docs / "new.md").write_text(
            "# New\n\nThe xylophone is in room seven.\n"
        )
        watcher.until(lambda: "xylophone" in watcher.texts())
        assert "cellar" not in watcher.texts()
    finally:
        done.set()
        writer.join()
    watcher.until(lambda: "cellar" in watcher.texts())


def test_an_ingest_that_fails_is_shown_and_the_watch_goes_on(watcher):
    for file in sorted(watcher.docs.rglob("*.*")):
        file.unlink()
    watcher.until(lambda: bool(watcher.errors))
    assert "no document could be read" in str(watcher.errors[0])
    assert "ten seconds" in watcher.texts()

    write_documents(
        watcher.docs,
        DOCUMENTS[CORPUS] | {"new.md": "# New\n\nThe xylophone is in room seven.\n"},
    )
    watcher.until(lambda: "xylophone" in watcher.texts())


def test_a_folder_that_was_replaced_by_another_is_followed_again(watcher, tmp_path):
    watcher.docs.rename(tmp_path / "away")
    time.sleep(0.5)
    write_documents(
        tmp_path / "docs",
        DOCUMENTS[CORPUS] | {"new.md": "# New\n\nThe xylophone is in room seven.\n"},
    )
    watcher.until(lambda: "xylophone" in watcher.texts())
    (watcher.docs / "new.md").write_text("# New\n\nThe zither is in room seven.\n")
    watcher.until(lambda: "zither" in watcher.texts())


def test_what_is_left_out_is_logged_when_it_is_new(caplog):
    log_report = ReportLog()
    with caplog.at_level("INFO", logger="kbserver"):
        for skipped in ("a.png", "a.png", "b.png"):
            log_report(
                IngestReport(
                    "help",
                    published=True,
                    skipped=[Skipped(skipped, "unknown type .png")],
                )
            )
    assert [
        record.message for record in caplog.records if record.levelname == "WARNING"
    ] == [
        "corpus help: a.png: unknown type .png",
        "corpus help: b.png: unknown type .png",
    ]


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
            until = time.monotonic() + 60
            while documents() < wanted:
                assert time.monotonic() < until
                time.sleep(0.05)
            time.sleep(0.3)
            (docs / "new.md").write_text("# New\n\nThe xylophone is in room seven.\n")
    (docs / "later.md").write_text("# Later\n\nNobody reads this.\n")
    time.sleep(1)
    assert documents() == 5


def test_the_command_prints_a_line_of_json_for_every_ingest_and_stops_with_ctrl_c(
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
        "--store",
        str(corpora.path),
    ]
    process = subprocess.Popen(
        command,
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
        time.sleep(0.5)
        (docs / "new.md").write_text("# New\n\nThe xylophone is in room seven.\n")
        assert json.loads(process.stdout.readline())["documents"]["added"] == 1
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 0 and "Traceback" not in errors
    finally:
        process.kill()
        process.wait()
