"""What an archive may not bring; see test_archive.py for the archive itself."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from kbserver.index.foreign import adopt
from kbserver.index.lexical.build import build_lexical
from kbserver.index.lines import LineWriter
from kbserver.index.manifest import read_manifest
from kbserver.index.snapshot import Snapshot
from kbserver.types import ModelIdentity
from tests.index.conftest import DIM, MODEL

ROWS = 20
HERE = "000007-here"


def sounds(folder):
    folder.mkdir()
    build_lexical((f"sound {row}" for row in range(ROWS)), folder)


def wordings(folder):
    folder.mkdir()
    with LineWriter(folder / "lines") as writer:
        for row in range(ROWS):
            writer.add(b"line %d\n" % row)


@pytest.fixture
def generation(write, tmp_path, passages_of):
    """The files of a generation without its vector index and manifest; and the manifest."""

    def generation(**changes):
        texts = [f"passage {row} about topic{row}" for row in range(ROWS)]
        passages = passages_of(texts, valid_until="2030-01-01", tags=["a", "b"])
        parts = {"sounds": sounds, "wordings.1": wordings}
        written = write(passages=passages, parts=parts, **changes)
        folder = tmp_path / "store" / "demo" / ".tmp-x"
        shutil.copytree(written, folder)
        manifest = read_manifest(folder)
        for name in ("manifest.json", "manifest.sha256"):
            (folder / name).unlink()
        return folder, manifest

    return generation


def adopted(folder, manifest):
    adopt(folder, manifest, generation=HERE, model=MODEL)
    return Snapshot.open(folder, verify=True)


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_what_an_ingest_wrote_is_adopted(generation, precision):
    folder, manifest = generation(precision=precision)
    with adopted(folder, manifest) as snapshot:
        assert snapshot.manifest.generation == HERE
        assert snapshot.manifest.vectors == manifest.vectors
        assert snapshot.manifest.files == manifest.files
        assert snapshot.valid_rows(0.0).tolist() == list(range(ROWS))


def test_an_archive_switches_no_filter_off(generation):
    folder, manifest = generation()
    chunking = {**manifest.chunking, "keep_suspicious": True}
    with adopted(folder, replace(manifest, chunking=chunking)) as snapshot:
        assert snapshot.manifest.chunking == {**chunking, "keep_suspicious": False}


def array(name, change):
    """Change an array of a file; the file stays a whole `.npy`."""

    def damage(folder):
        file = folder / name
        np.save(file, change(np.load(file)))

    return damage


def put(place, value):
    def change(numbers):
        numbers[place] = value
        return numbers

    return change


def text(name, old, new):
    def damage(folder):
        file = folder / name
        content = file.read_bytes()
        assert old in content
        file.write_bytes(content.replace(old, new, 1))

    return damage


def record(name, **changes):
    """Change fields of the first line; the offsets are those of the new lines."""

    def damage(folder):
        file = folder / name
        lines = file.read_text().splitlines()
        lines[0] = json.dumps(json.loads(lines[0]) | changes)
        with LineWriter(file.with_suffix("")) as writer:
            for line in lines:
                writer.add(f"{line}\n".encode())

    return damage


def nested(deep):
    value: object = "x"
    for _ in range(deep):
        value = [value]
    return value


DAMAGES = {
    "embeddings.npy": [
        array("embeddings.npy", put((3, 2), np.nan)),
        array("embeddings.npy", put((3, 2), np.inf)),
        array("embeddings.npy", put((3, 2), 1e30)),
        array("embeddings.npy", lambda vectors: vectors[:-1]),
        array("embeddings.npy", lambda vectors: vectors[:, :-1]),
        array("embeddings.npy", lambda vectors: vectors.astype(np.float16)),
        array("embeddings.npy", lambda vectors: vectors.astype(np.float64)),
        array("embeddings.npy", np.ravel),
        text("embeddings.npy", b"NUMPY", b"NUMPI"),
        text("embeddings.npy", b"(20,", b"(99,"),
        text("embeddings.npy", b"(20,", b"(-9,"),
    ],
    "passages.jsonl": [
        record("passages.jsonl", text=5),
        record("passages.jsonl", text="x" * (1 << 20)),
        record("passages.jsonl", heading_path="Part"),
        record("passages.jsonl", heading_path=[1]),
        record("passages.jsonl", position="0"),
        record("passages.jsonl", metadata=[]),
        record("passages.jsonl", metadata={"deep": nested(40)}),
        record("passages.jsonl", metadata={"a": float("nan")}),
        record("passages.jsonl", more=1),
        text("passages.jsonl", b'"id-0"', b"[[[[[["),
        text("passages.jsonl", b'"position":0', b'"position":' + b"9" * 5000),
        text("passages.jsonl", b'"position":0', b'"position":' + b"[" * 50_000),
        text("passages.jsonl", b"id-0", b"\xff\xff\xff\xff"),
    ],
    "offsets": [
        array("passages.offsets.npy", put(3, 2**40)),
        array("passages.offsets.npy", put(0, 1)),
        array("passages.offsets.npy", put(3, -1)),
        array("passages.offsets.npy", lambda offsets: offsets[:-1]),
        array("passages.offsets.npy", lambda offsets: offsets.astype(np.float64)),
        array("wordings.1/lines.offsets.npy", put(3, 2**40)),
        array("wordings.1/lines.offsets.npy", lambda offsets: offsets[[0, -1]]),
    ],
    "documents.jsonl": [
        record("documents.jsonl", source=None),
        record("documents.jsonl", first_row=ROWS),
        record("documents.jsonl", passages=-1),
        record("documents.jsonl", passages=True),
        record("documents.jsonl", extra={"questions": 5}),
        record("documents.jsonl", extra={"questions": {"x": []}}),
        record("documents.jsonl", extra={"questions": {"1": "text"}}),
        record("documents.jsonl", extra={"withheld": 5}),
        record("documents.jsonl", extra={"hidden": [5]}),
        text("documents.jsonl", b"\n", b"\n{}\n"),
        text("documents.jsonl", b"\n", b""),
    ],
    "embedded.sha256": [
        lambda folder: (folder / "embedded.sha256").write_bytes(b"x" * 31),
    ],
    "scopes": [
        array("scopes.rows.npy", put(0, ROWS)),
        array("scopes.rows.npy", put(0, -1)),
        array("scopes.rows.npy", lambda rows: rows.astype(np.float64)),
        array("scopes.starts.npy", put(1, 10**6)),
        array("scopes.values.npy", put(1, 10**6)),
        text("scopes.values.bin", b"tags", b"\xff\xff\xff\xff"),
    ],
    "validity": [
        array("valid_until.npy", lambda moments: moments[:-1]),
        array("valid_from.npy", lambda moments: moments.astype(np.float64)),
    ],
    "bm25": [
        array("bm25.rows.npy", put(0, ROWS)),
        array("bm25.rows.npy", put(0, -1)),
        array("bm25.starts.npy", put(1, -5)),
        array("bm25.scores.npy", put(0, np.nan)),
        array("bm25.scores.npy", lambda scores: scores[:-1]),
        array("bm25.maxima.npy", put(0, np.inf)),
        array("bm25.terms.npy", put(1, 10**6)),
        text("bm25.json", b'"size": 20', b'"size": 21'),
        text("bm25.json", b'"size": 20', b'"size": []'),
        text("bm25.json", b'"size": 20', b'"size": 20.5'),
        text("bm25.json", b"english", b"klingon"),
        text("bm25.json", b'"english"', b"[[[[[]]]]]"),
        text("bm25.json", b"{", b"[" * 50_000),
        array("sounds/bm25.rows.npy", put(0, ROWS)),
        text("sounds/bm25.json", b'"size": 20', b'"size": 9999999'),
    ],
}


@pytest.mark.parametrize(
    "damage", [damage for damages in DAMAGES.values() for damage in damages]
)
def test_a_file_that_holds_what_no_ingest_writes_is_refused(generation, damage):
    folder, manifest = generation()
    damage(folder)
    with pytest.raises(ValueError) as refused:
        adopt(folder, manifest, generation=HERE, model=MODEL)
    assert len(str(refused.value)) > 5
    assert not (folder / "manifest.json").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"passages": ROWS + 1},
        {"documents": ROWS + 1},
        {"model": ModelIdentity("m", "ab" * 16, DIM + 1, 256)},
    ],
)
def test_counts_that_contradict_the_files_are_refused(generation, change):
    folder, manifest = generation()
    with pytest.raises(ValueError, match="its manifest says"):
        adopt(folder, replace(manifest, **change), generation=HERE, model=MODEL)


@pytest.mark.parametrize(
    "name", ["bm25.rows.npy", "scopes.values.bin", "passages.jsonl"]
)
def test_a_file_that_is_not_there_is_refused(generation, name):
    folder, manifest = generation()
    (folder / name).unlink()
    with pytest.raises(ValueError, match=name):
        adopt(folder, manifest, generation=HERE, model=MODEL)
