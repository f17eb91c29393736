"""Writers of a store killed at any of their steps, and what is left of the store.

    python -m tests.hostile.crash --count 1000

Every case is a process of its own, forked from this one, with a store of its own. It kills the
writer at one step, then checks what a reader finds, and that the next ingest ends with the new
documents and no litter. The steps of a writer are, all of them, its changes to files (opening for
writing, renaming, removing, flushing …), and a random choice of the lines of Python it runs.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from kbserver.errors import StoreMissing
from kbserver.index.store import Store
from kbserver.ingest.build import IngestOptions, ingest
from kbserver.ingest.report import IngestReport
from kbserver.retrieval.calibration import (
    Calibration,
    CurvePoint,
    read_min_score,
    write_calibration,
)
from kbserver.retrieval.spoken.table import check_spoken_forms
from tests.conftest import write_documents
from tests.ingest.stubs import StubEncoder

CORPUS = "docs"
OLD = {
    "a.md": "# Parking\n\nThe car park is behind the house.\n",
    "b/b.md": "# Breakfast\n\nBreakfast is from seven to ten.\n",
    "c.md": "---\nvalid_until: 2999-12-31\n---\n# Pets\n\nDogs are welcome.\n",
}
NEW = OLD | {
    "a.md": "# Parking\n\nThe car park is across the street now.\n",
    "d.md": "# Checking out\n\nRooms are free from eleven.\n",
}
NEW.pop("c.md")
OLD_SCORE, NEW_SCORE = 0.2, 0.4

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link"}
"""Audit events of a change to files; an opening for writing is one as well."""
TRACED = re.compile(r"/kbserver/|/shutil\.py$|/tempfile\.py$|/pathlib")
EXPECTED = re.compile(r"LIVE|\.lock|calibration\.json|\d{6}-.*")
"""What a corpus's folder may hold when no writer is at work."""


@functools.cache
def is_traced(file: str) -> bool:
    """Return whether each line of a file is a step."""
    return bool(TRACED.search(file))


class Steps:
    """Counts the steps of a writer, and kills its process at one of them."""

    def __init__(self, kind: str, last: int | None) -> None:
        """Begin to count.

        Args:
            kind: `files` or `lines`.
            last: the step before which the process is killed; None: never.
        """
        self.count = 0
        self._last = last
        if kind == "files":
            sys.addaudithook(self._on_event)
            os.fsync = self._before(os.fsync)  # no audit event tells of it
        else:
            sys.settrace(self._on_call)

    def _step(self) -> None:
        if self.count == self._last:
            os.kill(os.getpid(), signal.SIGKILL)
        self.count += 1

    def _on_event(self, event: str, arguments: tuple[Any, ...]) -> None:
        writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if writes or event in CHANGES:
            self._step()

    def _before(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def stepped(*arguments: Any) -> Any:
            self._step()
            return function(*arguments)

        return stepped

    def _on_call(self, frame: FrameType, event: str, argument: object) -> Any:
        if is_traced(frame.f_code.co_filename):
            return self._on_line
        return None

    def _on_line(self, frame: FrameType, event: str, argument: object) -> Any:
        if event == "line":
            self._step()
        return self._on_line


@dataclass(frozen=True)
class Place:
    """The folders of one case."""

    folder: Path

    @property
    def store(self) -> Store:
        return Store(self.folder / "store")

    @property
    def corpus(self) -> Path:
        return self.folder / "store" / CORPUS

    @property
    def exported(self) -> Path:
        return self.folder / "docs.kb"

    def documents(self, documents: dict[str, str]) -> Path:
        folder = self.folder / "documents"
        shutil.rmtree(folder, ignore_errors=True)
        return write_documents(folder, documents)

    def ingest(self, documents: dict[str, str]) -> IngestReport:
        options = IngestOptions(keep=2, allow_shrink=True)
        return ingest(
            [self.documents(documents)],
            store=self.store,
            corpus=CORPUS,
            options=options,
            encoder=StubEncoder(),
        )


def nothing(place: Place) -> None:
    """Begin with no store at all."""


def one(place: Place) -> None:
    """Begin with a generation of the old documents, calibrated."""
    place.ingest(OLD)
    calibrate(place, OLD_SCORE)


def three(place: Place) -> None:
    """Begin with three generations; the live one holds the old documents."""
    place.ingest({"x.md": OLD["a.md"]})
    place.ingest(NEW)
    one(place)


def foreign(place: Place) -> None:
    """Begin with the old documents, and a file with the new ones from elsewhere."""
    elsewhere = Place(place.folder / "elsewhere")
    elsewhere.folder.mkdir()
    elsewhere.ingest(NEW)
    elsewhere.store.export(CORPUS, place.exported)
    shutil.rmtree(elsewhere.folder)
    one(place)


def half(place: Place) -> None:
    """Begin with what a writer left that was killed while embedding."""
    one(place)
    kill(functools.partial(ingest_new, place), "lines", 6000)


def ingest_new(place: Place) -> None:
    place.ingest(NEW)


def import_new(place: Place) -> None:
    _, generation, _ = place.store.import_(
        place.exported, recognise=lambda model: model, check=check_spoken_forms
    )
    with place.store.lock(CORPUS):
        place.store.publish(CORPUS, generation)


def calibrate(place: Place, score: float = NEW_SCORE) -> None:
    point = CurvePoint(score, 1.0, 0.0)
    with place.store.open(CORPUS) as snapshot:
        manifest = snapshot.manifest
    calibration = Calibration(
        min_score=score,
        keep=0.9,
        at=point,
        answerable=1,
        unanswerable=1,
        rough=True,
        generation=manifest.generation,
        fingerprint=manifest.model.fingerprint,
        date="2026-01-01T00:00:00+00:00",
        curve=(point,),
    )
    write_calibration(place.corpus, calibration)


def prune(place: Place) -> None:
    with place.store.lock(CORPUS):
        place.store.prune(CORPUS, keep=1)


def rollback(place: Place) -> None:
    with place.store.lock(CORPUS):
        place.store.rollback(CORPUS)


WRITERS: dict[str, tuple[Callable[[Place], None], Callable[[Place], None]]] = {
    "first ingest": (nothing, ingest_new),
    "ingest": (one, ingest_new),
    "ingest that prunes": (three, ingest_new),
    "ingest after a kill": (half, ingest_new),
    "import": (foreign, import_new),
    "calibrate": (one, calibrate),
    "prune": (three, prune),
    "rollback": (three, rollback),
}
"""Each with what the store holds before."""


def in_child(work: Callable[[], str]) -> str:
    """Run something in a process of its own; returns its text, or what it raised."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 and later warn of threads. NumPy's and onnxruntime's idle, and no child
        # uses them.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        os.close(reading)
        try:
            said = work()
        except BaseException:
            said = traceback.format_exc()
        with os.fdopen(writing, "w") as stream:
            stream.write(said)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        said = stream.read()
    os.waitpid(child, 0)
    return said


def kill(work: Callable[[], None], kind: str, step: int | None) -> int:
    """Run something in a process of its own that is killed before a step.

    Returns:
        How many steps it took, or -1 if it was killed.
    """

    def counted() -> str:
        steps = Steps(kind, step)
        work()
        count = steps.count
        sys.settrace(None)
        return str(count)

    said = in_child(counted)
    if not said:
        return -1
    if not said.isdigit():
        raise AssertionError(f"the writer failed:\n{said}")
    return int(said)


def passages(store: Store, generation: str | None = None) -> set[str]:
    with store.open(CORPUS, generation, verify=True) as snapshot:
        return {passage.text for passage in snapshot.passages}


def texts(documents: dict[str, str]) -> set[str]:
    """The passages that documents make."""
    return {text.rstrip().rpartition("\n")[2] for text in documents.values()}


def litter(place: Place) -> list[str]:
    """What lies in the store and does not belong there."""
    entries = [entry.name for entry in place.corpus.iterdir()]
    found = [name for name in entries if not EXPECTED.fullmatch(name)]
    others = [entry.name for entry in place.corpus.parent.iterdir()]
    return found + [name for name in others if name != CORPUS]


def check(place: Place, writer: str) -> None:
    """Check what a killed writer left."""
    store = place.store
    try:
        live = store.live(CORPUS)
    except StoreMissing:
        assert writer == "first ingest", "the live generation is gone"
    else:
        allowed = [texts(OLD), texts(NEW)]
        assert passages(store, live) in allowed, f"{live} holds something else"
        for generation in store.generations(CORPUS):
            report = store.verify(CORPUS, generation)
            assert report.ok, report.problems
        fingerprint = store.manifest(CORPUS).model.fingerprint
        score = read_min_score(place.corpus, fingerprint)
        assert score in (OLD_SCORE, NEW_SCORE) or writer == "first ingest", score
    done = place.ingest(NEW)
    assert done.generation == store.live(CORPUS)
    assert passages(store) == texts(NEW)
    assert store.verify(CORPUS).ok
    assert not litter(place), f"litter: {litter(place)}"


def prepared(writer: str, folder: Path) -> Place:
    """Make the store a writer begins with."""
    begin, _ = WRITERS[writer]
    place = Place(folder / writer.replace(" ", "-"))
    place.folder.mkdir()
    said = in_child(lambda: begin(place) or "")
    assert not said, said
    return place


def copied(place: Place, name: str) -> Place:
    copy = Place(place.folder.with_name(name))
    shutil.copytree(place.folder, copy.folder)
    return copy


def crash(place: Place, writer: str, kind: str, step: int) -> str:
    """Kill a writer before one step and check what it left; returns what is wrong."""
    case = copied(place, "case")

    def work() -> str:
        _, write = WRITERS[writer]
        left = kill(lambda: write(case), kind, step)
        assert left < 0, f"it was not killed: it has {left} steps"
        check(case, writer)
        return ""

    try:
        return in_child(work)
    finally:
        shutil.rmtree(case.folder)


def steps_of(place: Place, writer: str, kind: str) -> int:
    case = copied(place, "case")
    _, write = WRITERS[writer]
    try:
        return kill(lambda: write(case), kind, None)
    finally:
        shutil.rmtree(case.folder)


def chosen(
    places: dict[str, Place], count: int, seed: int
) -> list[tuple[str, str, int]]:
    """Choose the cases: three of four are changes to files, if there are as many."""
    chance = random.Random(seed)
    cases: list[tuple[str, str, int]] = []
    for writer, place in places.items():
        total = steps_of(place, writer, "files")
        cases += [(writer, "files", step) for step in range(total)]
    cases = chance.sample(cases, min(len(cases), count * 3 // 4))
    lines: dict[str, int] = {}
    while len(cases) < count:
        writer = chance.choice(list(places))
        if writer not in lines:  # it takes seconds to count them
            lines[writer] = steps_of(places[writer], writer, "lines")
        step = chance.randrange(lines[writer] * 9 // 10)  # it varies a little
        cases.append((writer, "lines", step))
    return cases


def main() -> int:
    """Run the cases and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    began = time.monotonic()
    failures: list[str] = []
    with tempfile.TemporaryDirectory(prefix="kbserver-crash-") as folder:
        places = {writer: prepared(writer, Path(folder)) for writer in WRITERS}
        cases = chosen(places, asked.count, asked.seed)
        for writer, kind, step in cases:
            wrong = crash(places[writer], writer, kind, step)
            if wrong:
                failures.append(f"{writer}, {kind}, step {step}: {wrong}")
    by_kind = Counter(f"{writer}: {kind}" for writer, kind, _ in cases)
    figures = {
        "cases": len(cases),
        "failed": len(failures),
        "seconds": round(time.monotonic() - began, 1),
        "by writer and kind of step": by_kind,
        "failures": failures[:20],
    }
    print(json.dumps(figures, indent=2))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
