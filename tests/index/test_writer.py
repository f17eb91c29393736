import errno
import os

import numpy as np
import pytest

from kbserver.errors import (
    DimensionMismatch,
    IngestError,
    NotFinite,
    SettingsError,
    StoreError,
)
from kbserver.index.snapshot import Snapshot
from kbserver.index.writer import IndexedPassage
from kbserver.types import ModelIdentity, Passage


def left_in(store):
    return sorted(entry.name for entry in (store.path / "demo").iterdir())


def infinite_in(row):
    embeddings = np.eye(20, 16, dtype=np.float32)
    embeddings[row, 3] = -np.inf
    return embeddings


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"embeddings": np.eye(19, 16, dtype=np.float32)},
            IngestError,
            "19 embeddings for 20 passages",
        ),
        (
            {"embeddings": np.eye(21, 16, dtype=np.float32)},
            IngestError,
            "21 embeddings for 20 passages",
        ),
        ({"vectors": "annoy"}, SettingsError, "'annoy' is not known.*auto, flat"),
        (
            {"model": ModelIdentity("m", "ab" * 16, 8, 256)},
            DimensionMismatch,
            r"\(20, 16\), .* length 8",
        ),
        (
            {"embeddings": np.full((20, 16), np.nan, np.float32)},
            NotFinite,
            "row 0 holds NaN",
        ),
        (
            {"embeddings": infinite_in(7), "precision": "float16"},
            NotFinite,
            "row 7 holds NaN or infinity",
        ),
        (
            {"embeddings": infinite_in(7), "precision": "int8"},
            NotFinite,
            "row 7 holds NaN or infinity",
        ),
        (
            {
                "passages": [
                    Passage("i", "x", source="a.md", metadata={"valid_until": "soon"})
                ]
            },
            IngestError,
            "a.md: valid_until",
        ),
    ],
)
def test_a_snapshot_that_contradicts_itself_is_not_written(
    write, store, changes, error, message
):
    live = write()
    before = left_in(store)
    with pytest.raises(error, match=message):
        write(**changes)
    assert left_in(store) == before
    assert store.live("demo") == live.name and store.verify("demo").ok


@pytest.mark.parametrize(
    ("number", "step"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EROFS, "--store"),
        (errno.EIO, "the disk does not answer"),
    ],
)
def test_a_disk_that_refuses_leaves_the_old_generation_and_says_what_to_do(
    write, store, number, step
):
    live = write()
    before = left_in(store)

    def fail(path):
        path.write_bytes(b"half of it")
        raise OSError(number, os.strerror(number), str(path))

    with pytest.raises(StoreError, match=rf"{os.strerror(number)}.*{step}.*untouched"):
        write(parts={"part.bin": fail})
    assert left_in(store) == before
    assert store.live("demo") == live.name and store.verify("demo").ok


def test_a_disk_that_is_really_full_is_reported(write, store):
    def fill(path):
        with open("/dev/full", "wb") as stream:
            stream.write(b"x" * 100_000)

    with pytest.raises(StoreError, match="No space left on device.*free some space"):
        write(parts={"part.bin": fill})


def test_an_interrupt_leaves_nothing_behind(write, store):
    write()
    before = left_in(store)

    def interrupt(path):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(parts={"part.bin": interrupt})
    assert left_in(store) == before


def test_everything_may_be_an_iterator_read_once(write, passages_of):
    passages = passages_of([f"text {row}" for row in range(10)])
    folder = write(
        passages=passages,
        rows=(IndexedPassage(passage, "e", "l") for passage in passages),
        documents=iter(()),
    )
    with Snapshot.open(folder, verify=True) as snapshot:
        assert snapshot.size == 10 and snapshot.manifest.documents == 0


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
@pytest.mark.parametrize("count", [0, 1])
def test_a_corpus_of_nothing_is_a_corpus(write, store, count, precision, unit_vectors):
    folder = write(texts=["x"] * count, precision=precision)
    with Snapshot.open(folder, verify=True) as snapshot:
        snapshot.warm()
        assert snapshot.size == count
        assert snapshot.vectors.search(unit_vectors(1)[0], top_k=5).rows.size == count
    assert store.verify("demo").ok


def test_embeddings_may_be_mapped_and_in_any_order_of_memory(
    write, tmp_path, unit_vectors
):
    np.save(tmp_path / "e.npy", unit_vectors(20))
    mapped = np.load(tmp_path / "e.npy", mmap_mode="r")
    for embeddings in (mapped, np.asfortranarray(mapped), mapped.astype(np.float64)):
        with Snapshot.open(write(embeddings=embeddings)) as snapshot:
            assert snapshot.embeddings.dtype == np.float32
            np.testing.assert_array_equal(snapshot.embeddings, mapped)
