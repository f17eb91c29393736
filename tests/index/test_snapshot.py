import json
import os
import re
from dataclasses import replace

import numpy as np
import pytest

from kbserver.errors import SnapshotCorrupt, SnapshotMismatch, StoreError, StoreMissing
from kbserver.index.arrays import SMALL_BYTES
from kbserver.index.documents import text_hash
from kbserver.index.lexical.base import Bm25Parameters
from kbserver.index.lexical.bm25 import Bm25Index
from kbserver.index.lexical.tokens import tokenize
from kbserver.index.manifest import (
    SCHEMA_VERSION,
    facts_of_files,
    read_manifest,
    write_manifest,
)
from kbserver.index.snapshot import Snapshot
from kbserver.index.writer import IndexedPassage
from kbserver.types import ModelIdentity
from tests.index.conftest import DIM

HARD = [
    "line one\nline two\r\n\ttab",
    "“café” ☕ हिन्दी",
    "",
    "null \x00 byte",
    '{"json": [1]}',
    "a" * 70_000,
]


def test_what_was_written_comes_back(write, unit_vectors, passages_of):
    passages = passages_of(HARD, folder="hotels/7", tags=["a", "b"], n=1)
    folder = write(
        passages=passages,
        chunking={"max_tokens": 200},
        extra={"who": "me"},
        bm25=Bm25Parameters(k1=1.2),
    )
    with Snapshot.open(folder, verify=True) as snapshot:
        assert snapshot.size == len(HARD)
        assert list(snapshot.passages) == passages
        assert snapshot.passage(1) == passages[1]
        np.testing.assert_array_equal(snapshot.embeddings, unit_vectors(len(HARD)))
        assert isinstance(snapshot.lexical, Bm25Index)
        assert snapshot.lexical.parameters == Bm25Parameters(k1=1.2)
        assert [d.source for d in snapshot.documents()] == [p.source for p in passages]
        manifest = snapshot.manifest
    assert (manifest.corpus, manifest.generation) == ("demo", folder.name)
    assert (manifest.passages, manifest.documents) == (len(HARD), len(HARD))
    assert (manifest.chunking, manifest.extra) == ({"max_tokens": 200}, {"who": "me"})
    assert manifest.vectors.kind == "flat" and manifest.vectors.recall_at_10 == 1.0
    assert manifest.bytes == sum(
        f.stat().st_size for f in folder.rglob("*") if not f.name.startswith("manifest")
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
@pytest.mark.parametrize("name", ["passages.jsonl", "manifest.json"])
def test_a_file_that_may_not_be_read_is_named(write, name):
    folder = write()
    (folder / name).chmod(0)
    with pytest.raises(
        SnapshotCorrupt, match=f"{name}: cannot be read \\(Permission denied\\)"
    ):
        Snapshot.open(folder, verify=True)


def test_both_indexes_find_a_passage(write, unit_vectors):
    with Snapshot.open(write()) as snapshot:
        assert snapshot.vectors.search(unit_vectors(20)[7], top_k=1).rows.tolist() == [
            7
        ]
        assert snapshot.lexical.search(
            dict.fromkeys(tokenize("topic7"), 1.0), top_k=3
        ).rows.tolist() == [7]


def test_scopes_and_validity_are_those_of_the_metadata(write, passages_of):
    passages = passages_of(["one", "two"], folder="a/b") + passages_of(
        ["three"], folder="a", valid_until="2025-01-01"
    )
    with Snapshot.open(write(passages=passages)) as snapshot:
        assert snapshot.rows_in_scope({}) is None
        assert snapshot.rows_in_scope({"folder": "a/b"}).tolist() == [0, 1]
        assert snapshot.scope_values("folder") == ["", "a", "a/b"]
        assert snapshot.valid_rows(1735775999).tolist() == [
            0,
            1,
            2,
        ]  # 2025-01-01T23:59:59Z
        assert snapshot.valid_rows(1735776000).tolist() == [0, 1]
    with Snapshot.open(write()) as snapshot:
        assert snapshot.valid_rows(0.0) is None


def test_the_row_of_an_embedded_text_is_found_again(write, passages_of):
    passages = passages_of(["one", "two"])
    rows = [
        IndexedPassage(passage, f"Guide: {passage.text}", passage.text)
        for passage in passages
    ]
    with Snapshot.open(write(passages=passages, rows=rows)) as snapshot:
        assert snapshot.embedded_rows() == {
            text_hash("Guide: one"): 0,
            text_hash("Guide: two"): 1,
        }


@pytest.mark.parametrize(
    ("precision", "bytes_a_row"), [("float16", DIM * 2), ("int8", DIM + 4)]
)
def test_rounded_embeddings_take_less_space_and_find_the_same(
    write, unit_vectors, precision, bytes_a_row
):
    single, less = write(), write(precision=precision)
    with Snapshot.open(single) as one, Snapshot.open(less, verify=True) as other:
        other.warm()
        assert other.manifest.vectors.precision == precision
        assert (
            one.embeddings.nbytes == 20 * DIM * 4
            and other.embeddings.nbytes == 20 * bytes_a_row
        )
        for query in unit_vectors(5, seed=1):
            assert (
                one.vectors.search(query, top_k=1).rows
                == other.vectors.search(query, top_k=1).rows
            )


def test_a_big_snapshot_says_how_its_approximate_index_does(write, unit_vectors):
    texts = [f"text {row}" for row in range(1200)]
    folder = write(texts=texts, vectors="ivf")
    with Snapshot.open(folder, verify=True) as snapshot:
        facts = snapshot.manifest.vectors
        assert (
            facts.kind == "ivf" and facts.effort >= 8 and 0.9 < facts.recall_at_10 <= 1
        )
        snapshot.warm()
        found = snapshot.vectors.search(unit_vectors(1200)[5], top_k=3)
        assert found.rows[0] == 5


def test_a_part_of_a_higher_layer_is_checksummed_with_the_rest(write):
    def tree(path):
        path.mkdir()
        (path / "leaf").write_text("x")

    folder = write(
        parts={"sounds.bin": lambda path: path.write_bytes(b"sounds"), "tree": tree}
    )
    with Snapshot.open(folder, verify=True) as snapshot:
        assert snapshot.part("sounds.bin").read_bytes() == b"sounds"
        assert (snapshot.part("tree") / "leaf").read_text() == "x"
        with pytest.raises(StoreError, match=r"no part 'absent'.*kbserver ingest"):
            snapshot.part("absent")
    (folder / "sounds.bin").write_bytes(b"Sounds")
    with pytest.raises(SnapshotCorrupt, match="sounds.bin"):
        Snapshot.open(folder, verify=True)


def test_an_index_taken_from_a_snapshot_outlives_it_and_its_files(write, unit_vectors):
    import shutil

    folder = write()
    with Snapshot.open(folder) as snapshot:
        vectors, lexical, passages = (
            snapshot.vectors,
            snapshot.lexical,
            snapshot.passages,
        )
    snapshot.close()
    shutil.rmtree(folder)
    assert vectors.search(unit_vectors(20)[7], top_k=1).rows.tolist() == [7]
    assert lexical.search({"topic7": 1.0}, top_k=1).rows.tolist() == [7]
    assert passages[7].id == "id-7"


def files_of(folder):
    return sorted(
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*")
        if file.is_file()
    )


def test_a_flipped_byte_in_any_file_is_detected(write, passages_of):
    passages = passages_of(
        [f"word{row}" for row in range(40)], valid_until="2030-01-01"
    )
    folder = write(
        passages=passages,
        vectors="ivf",
        parts={"part.bin": lambda path: path.write_bytes(b"part")},
    )
    names = files_of(folder)
    assert len(names) >= 20
    for name in names:
        file = folder / name
        whole = file.read_bytes()
        for at in {0, len(whole) // 2, len(whole) - 1}:
            file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            with pytest.raises(
                SnapshotCorrupt, match=re.escape(name.partition(".")[0])
            ) as caught:
                Snapshot.open(folder, verify=True)
            assert "kbserver ingest" in str(caught.value) or "kbserver rollback" in str(
                caught.value
            )
        file.write_bytes(whole)
    Snapshot.open(folder, verify=True).close()


def test_a_file_that_is_missing_or_cut_is_detected_without_reading_any(write):
    folder = write(parts={"part.bin": lambda path: path.write_bytes(b"part")})
    for name in files_of(folder):
        file, whole = folder / name, (folder / name).read_bytes()
        file.unlink()
        with pytest.raises(SnapshotCorrupt, match=re.escape(name)):
            Snapshot.open(folder)
        file.write_bytes(whole[:-1])
        with pytest.raises(SnapshotCorrupt, match=re.escape(name.partition(".")[0])):
            Snapshot.open(folder)
        file.write_bytes(whole)
    Snapshot.open(folder).close()


def test_another_schema_version_is_refused_with_both_and_the_command(write):
    folder = write()
    text = json.loads((folder / "manifest.json").read_text())
    assert text["schema_version"] == SCHEMA_VERSION
    write_manifest(replace(read_manifest(folder), schema_version=99), folder)
    with pytest.raises(SnapshotMismatch) as caught:
        Snapshot.open(folder)
    message = str(caught.value)
    assert f"schema version 99, this kbserver reads {SCHEMA_VERSION}" in message
    assert f"kbserver ingest PATH --corpus {folder.parent.name}" in message


def test_a_large_file_that_is_edited_in_place_is_noticed(write, tmp_path):
    def large(file):
        file.write_bytes(bytes(SMALL_BYTES + 1))

    folder = write(parts={"large.bin": large})
    with Snapshot.open(folder) as snapshot:
        assert snapshot.edited_files() == []
        os.truncate(folder / "passages.jsonl", 0)  # held in memory
        assert snapshot.passage(3).id == "id-3"
        assert snapshot.edited_files() == []
        os.truncate(folder / "large.bin", 5)
        (problem,) = snapshot.edited_files()
        assert problem == (
            f"{folder / 'large.bin'}: 5 bytes, the manifest says {SMALL_BYTES + 1}"
        )
        (folder / "large.bin").unlink()  # as `prune` does
        assert snapshot.edited_files() == []


def test_counts_that_contradict_the_files_are_detected(write):
    folder = write()
    write_manifest(replace(read_manifest(folder), passages=19), folder)
    with pytest.raises(SnapshotCorrupt, match="says 19 passages, there are 20"):
        Snapshot.open(folder)
    write_manifest(
        replace(
            read_manifest(folder),
            passages=20,
            model=ModelIdentity("m", "ab" * 16, 8, 256),
        ),
        folder,
    )
    with pytest.raises(SnapshotCorrupt, match="vectors of length 8"):
        Snapshot.open(folder)


def test_embeddings_of_another_kind_are_named(write):
    folder = write()
    np.save(folder / "embeddings.npy", np.zeros((20, DIM), np.int32))
    manifest = read_manifest(folder)
    changed = {"embeddings.npy": facts_of_files(folder)["embeddings.npy"]}
    write_manifest(replace(manifest, files=manifest.files | changed), folder)
    with pytest.raises(
        SnapshotCorrupt,
        match=r"embeddings.npy: int32 of shape \(20, 16\), wanted.*kbserver ingest",
    ):
        Snapshot.open(folder)


def test_a_folder_that_is_no_snapshot_is_named(tmp_path):
    with pytest.raises(StoreMissing, match="absent"):
        Snapshot.open(tmp_path / "absent")
    with pytest.raises(SnapshotCorrupt, match="no manifest.json"):
        Snapshot.open(tmp_path)


def test_a_manifest_that_is_no_manifest_is_corrupt_even_with_its_checksum(write):
    import hashlib

    folder = write()
    for text in (b"[]", b"{", b'{"schema_version": 1}', b"\xff"):
        (folder / "manifest.json").write_bytes(text)
        (folder / "manifest.sha256").write_text(
            f"{hashlib.sha256(text).hexdigest()}  manifest.json\n"
        )
        with pytest.raises(SnapshotCorrupt):
            Snapshot.open(folder)
