import hashlib
import json
import os
import subprocess
from dataclasses import replace

import pytest

from kbserver.errors import SnapshotCorrupt, SnapshotMismatch
from kbserver.index.arrays import SMALL_BYTES
from kbserver.index.manifest import (
    CHECKSUM,
    LONGEST_MANIFEST,
    MANIFEST,
    SCHEMA_VERSION,
    FileFacts,
    Manifest,
    VectorFacts,
    check_file,
    check_files,
    facts_of_files,
    parse_manifest,
    read_manifest,
    rebuild,
    repair,
    write_manifest,
)
from kbserver.types import ModelIdentity


@pytest.fixture
def folder(tmp_path):
    """A generation's folder with two files and their manifest."""
    folder = tmp_path / "store" / "demo" / "000001-x"
    (folder / "sounds").mkdir(parents=True)
    (folder / "a.npy").write_bytes(b"abc")
    (folder / "sounds" / "b.bin").write_bytes(b"")
    write_manifest(manifest_of(folder), folder)
    return folder


def manifest_of(folder):
    return Manifest(
        schema_version=SCHEMA_VERSION,
        corpus="demo",
        generation="000001-x",
        created_at="2026-01-01T00:00:00+00:00",
        model=ModelIdentity("m", "ab" * 16, 16, 256),
        chunking={"max_tokens": 200},
        documents=1,
        passages=2,
        vectors=VectorFacts("pq", 0.995, 4, choice="auto", precision="int8"),
        files=facts_of_files(folder),
        extra={"é": [1, None]},
    )


def test_what_was_written_is_read(folder):
    (folder / "manifest.json").unlink()
    (folder / "manifest.sha256").unlink()
    written = manifest_of(folder)
    write_manifest(written, folder)
    assert read_manifest(folder) == written
    assert written.bytes == 3
    assert written.lexical == "bm25"


def test_files_are_facts_by_posix_path(folder):
    facts = facts_of_files(folder)
    assert facts["a.npy"] == FileFacts(3, hashlib.sha256(b"abc").hexdigest())
    assert facts["sounds/b.bin"] == FileFacts(0, hashlib.sha256(b"").hexdigest())


def test_sha256sum_reads_the_checksum(folder):
    command = ["sha256sum", "-c", "manifest.sha256"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "manifest.json: OK\n")


def test_a_manifest_from_before_there_was_a_choice_of_word_search_is_read(folder):
    record = json.loads((folder / "manifest.json").read_text())
    del record["lexical"]
    assert parse(record).lexical == "bm25"


def test_a_key_of_a_later_version_is_left_out(folder):
    record = json.loads((folder / "manifest.json").read_text())
    assert parse(record | {"later": 1}) == read_manifest(folder)


def test_a_later_schema_is_a_mismatch_and_not_corrupt(folder):
    record = json.loads((folder / "manifest.json").read_text())
    with pytest.raises(SnapshotMismatch, match="schema version 2.*do this"):
        parse(record | {"schema_version": 2})


@pytest.mark.parametrize(
    "text", [b"[]", b"{", b'{"schema_version": 1}', b"\xff", b"", b"null"]
)
def test_bytes_that_are_no_manifest_are_corrupt(text, tmp_path):
    line = f"{hashlib.sha256(text).hexdigest()}  manifest.json\n".encode()
    with pytest.raises(SnapshotCorrupt, match="do this"):
        parse_manifest(text, line, where=tmp_path, next_step="do this")


@pytest.mark.parametrize("name", [MANIFEST, CHECKSUM])
def test_a_pipe_or_a_flood_in_place_of_a_manifest_holds_no_reader_up(folder, name):
    (folder / name).write_bytes(bytes(LONGEST_MANIFEST + 1))
    with pytest.raises(SnapshotCorrupt, match="more than the 1,048,576 bytes"):
        read_manifest(folder)
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(SnapshotCorrupt, match="found no plain file"):
        read_manifest(folder)


def test_a_changed_manifest_is_corrupt(folder):
    file = folder / "manifest.json"
    file.write_bytes(file.read_bytes().replace(b"200", b"201"))
    with pytest.raises(SnapshotCorrupt, match="its SHA-256 is"):
        read_manifest(folder)


def test_the_first_file_that_differs_is_named_with_the_next_step(folder):
    manifest = read_manifest(folder)
    check_files(manifest, folder, large=False)
    (folder / "a.npy").write_bytes(b"abd")
    with pytest.raises(SnapshotCorrupt, match="a.npy: its SHA-256.*rebuild with"):
        check_files(manifest, folder, large=False)


@pytest.mark.parametrize(
    ("name", "is_hashed"),
    [
        ("embeddings.npy", False),
        ("scopes.rows.npy", True),
        ("valid_until.npy", True),
        ("passages.offsets.npy", True),
    ],
)
def test_of_large_files_those_that_decide_whose_passage_is_spoken_are_always_hashed(
    folder, name, is_hashed
):
    file = folder / name
    file.write_bytes(bytes(SMALL_BYTES + 1))
    manifest = manifest_of(folder)
    file.write_bytes(b"x" + bytes(SMALL_BYTES))
    if not is_hashed:
        check_files(manifest, folder, large=False)
    with pytest.raises(SnapshotCorrupt, match=f"{name}: its SHA-256"):
        check_files(manifest, folder, large=not is_hashed)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("model", {"fingerprint": "../" + "0" * 29}),
        ("model", {"fingerprint": "0" * 31}),
        ("model", {"fingerprint": "A" * 32}),
        ("model", {"fingerprint": "0" * 32 + "\n"}),
        ("model", {"name": "a\x1b[2J"}),
        ("model", {"name": "a" * 1001}),
        ("model", {"dim": 0}),
        ("model", {"dim": 10**9}),
        ("model", {"max_tokens": -1}),
        ("vectors", {"effort": -1}),
        ("vectors", {"recall_at_10": float("nan")}),
        ("vectors", {"precision": "float64"}),
        (None, {"passages": -1}),
        (None, {"documents": 2**31}),
        (None, {"created_at": "yesterday"}),
        (None, {"created_at": "2026-01-01T00:00:00"}),
        (None, {"files": {"a.npy": {"bytes": -1, "sha256": "0" * 64}}}),
        (None, {"files": {"a.npy": {"bytes": 1, "sha256": "0" * 63}}}),
    ],
)
def test_a_value_that_no_ingest_writes_is_corrupt(folder, part, change):
    record = json.loads((folder / "manifest.json").read_text())
    where = record[part] if part else record
    where |= change
    with pytest.raises(SnapshotCorrupt, match=part or next(iter(change))):
        parse(record)


def test_a_file_is_missing_of_another_size_or_right(folder):
    manifest = read_manifest(folder)
    assert check_file(manifest, folder, "a.npy") is None
    (folder / "a.npy").write_bytes(b"ab")
    problem = check_file(manifest, folder, "a.npy", checksum=False)
    assert problem == f"{folder / 'a.npy'}: 2 bytes, the manifest says 3"
    (folder / "a.npy").unlink()
    problem = check_file(manifest, folder, "a.npy")
    assert problem is not None
    assert "missing" in problem


def test_commands_name_the_corpus_and_the_store(folder, tmp_path):
    command = f"kbserver ingest PATH --corpus demo --store {tmp_path / 'store'}"
    assert rebuild(folder) == command
    assert command in repair(folder)
    assert "kbserver rollback" not in repair(folder)  # there is nothing to go back to


@pytest.mark.parametrize(
    ("beside", "offered"),
    [
        ("000001-before", True),
        ("000009-after", False),
        (".tmp-000001-before", False),
        ("notes", False),
    ],
)
def test_a_rollback_is_offered_where_there_is_an_earlier_generation(
    tmp_path, beside, offered
):
    folder = tmp_path / "store" / "demo" / "000002-live"
    (folder.parent / beside).mkdir(parents=True)
    assert ("kbserver rollback demo" in repair(folder)) == offered
    assert "kbserver ingest PATH --corpus demo" in repair(folder)


def test_size_is_that_of_all_files(folder):
    files = {"a": FileFacts(5, ""), "b": FileFacts(7, "")}
    assert replace(read_manifest(folder), files=files).bytes == 12


def parse(record):
    text = json.dumps(record).encode()
    line = f"{hashlib.sha256(text).hexdigest()}  manifest.json\n".encode()
    return parse_manifest(text, line, where="here", next_step="do this")
