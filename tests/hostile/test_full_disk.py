"""An ingest onto a disk that is full at any moment: a clear error, and the old generation stays.

A file system of its own is filled up to one level after the other. `HOSTILE_FILL_LEVELS=217` tries
more of them.
"""

import json
import os
import shutil
import subprocess
import sys

import pytest

LEVELS = int(os.environ.get("HOSTILE_FILL_LEVELS", "4"))
SIZE = 6 << 20  # bytes of the file system

# In a process of its own: what is tested for is its death.
INGEST = """
import json, shutil, sys
from pathlib import Path
from kbserver.errors import KbServerError
from kbserver.index.store import Store
from kbserver.ingest.build import IngestOptions, ingest
from tests.ingest.stubs import StubEncoder

disk, documents, levels, kind = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
store, ballast = Store(disk / "store"), disk / "ballast"

def ingested(encoder):
    options = IngestOptions(index=kind)
    return ingest([documents], store=store, corpus="demo", options=options, encoder=encoder)

first = ingested(StubEncoder()).generation
before = shutil.disk_usage(disk).free
other = StubEncoder(fingerprint="0" * 32)
needed = 3 * sum(file.stat().st_size for file in (store.path / "demo" / first).rglob("*"))
for level in range(levels):
    room = needed * level // levels
    with ballast.open("wb") as stream:
        stream.write(bytes(max(0, before - room)))
    try:
        ingested(other)
        ended = "done"
    except KbServerError as exc:
        ended = str(exc)
    ballast.unlink()
    with store.open("demo", verify=True) as snapshot:
        assert snapshot.passage(0).text
        served = snapshot.manifest.generation
    left = [e.name for e in (store.path / "demo").iterdir() if e.name.startswith(".tmp-")]
    print(json.dumps([ended, served == first, left]), flush=True)
    if served != first:
        store.rollback("demo", first)
        shutil.rmtree(store.path / "demo" / served)
    assert store.generations("demo") == [first]
    for journal in (store.path / "demo").glob(".embedded-*"):
        journal.unlink()
"""


@pytest.fixture
def disk(tmp_path):
    """A small file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, check=False).returncode:
        pytest.skip("a file system may not be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("kind", ["flat", "ivf"])
def test_a_full_disk_is_an_error_and_the_old_generation_stays(disk, tmp_path, kind):
    documents = tmp_path / "documents"
    documents.mkdir()
    for number in range(20):
        sections = "\n\n".join(
            f"## Part {part}\n\nThe answer {part} of page {number} is word{part * number}."
            for part in range(20)
        )
        (documents / f"{number}.md").write_text(f"# Page {number}\n\n{sections}\n")
    ran = subprocess.run(
        [sys.executable, "-c", INGEST, disk, documents, str(LEVELS), kind],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, "Traceback" in ran.stderr) == (0, False), ran.stderr
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(answers) == LEVELS
    for ended, is_old, left in answers:
        assert is_old == (ended != "done")
        assert is_old is False or "No space left on device; free some space" in ended
        assert left == []
    ends = {ended for ended, _, _ in answers}
    assert "done" in ends and len(ends) > 1  # the levels lie on both sides
