"""The registry: every name leads to a module that builds and opens what it says."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from kbserver.errors import SettingsError, SnapshotMismatch
from kbserver.index.backends import (
    FLAT_ROWS,
    LEXICAL,
    PQ_ROWS,
    VECTOR_CHOICES,
    VECTORS,
    build_lexical,
    build_vectors,
    kind_of,
    open_lexical,
    open_vectors,
)
from kbserver.index.embeddings import open_embeddings
from kbserver.index.lexical.base import Bm25Parameters
from kbserver.index.manifest import read_manifest, write_manifest
from kbserver.index.snapshot import Snapshot


@pytest.mark.parametrize("kind", VECTORS)
def test_every_kind_of_vector_index_is_built_and_opened(kind, tmp_path, unit_vectors):
    embeddings = unit_vectors(900)
    file = tmp_path / "embeddings.npy"
    np.save(file, embeddings)
    facts = build_vectors(kind, file, tmp_path, rows=900)
    assert (facts.kind, facts.choice) == (kind, kind)
    index = open_vectors(open_embeddings(file), tmp_path, facts)
    assert (index.size, index.dim) == embeddings.shape
    assert index.search(embeddings[5], top_k=1).rows.tolist() == [5]
    assert isinstance(index.waits, bool)


@pytest.mark.parametrize("kind", LEXICAL)
def test_every_kind_of_lexical_index_is_built_and_opened(kind, tmp_path):
    texts = ["a red light", "a router"]
    build_lexical(kind, iter(texts), tmp_path, Bm25Parameters(language="none"))
    index = open_lexical(kind, tmp_path)
    assert (index.size, index.language) == (2, "none")
    assert index.search({"router": 1.0}, top_k=5).rows.tolist() == [1]
    assert isinstance(index.waits, bool)


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        (0, "flat"),
        (FLAT_ROWS, "flat"),
        (FLAT_ROWS + 1, "pq"),
        (PQ_ROWS, "pq"),
        (PQ_ROWS + 1, "ivf"),
    ],
)
def test_auto_is_decided_by_the_number_of_rows(rows, kind):
    assert kind_of("auto", rows) == kind


@pytest.mark.parametrize("kind", VECTORS)
def test_a_kind_that_was_chosen_is_taken_for_any_number_of_rows(kind):
    assert kind_of(kind, 3) == kind_of(kind, 10**7) == kind


def test_an_unknown_choice_is_refused_with_those_there_are():
    with pytest.raises(SettingsError) as caught:
        kind_of("annoy", 3)
    assert "'annoy'" in str(caught.value)
    assert all(choice in str(caught.value) for choice in VECTOR_CHOICES)


def test_a_snapshot_of_a_kind_that_is_not_there_is_a_mismatch(write):
    folder = write()
    manifest = read_manifest(folder)
    foreign = replace(manifest.vectors, kind="remote")
    write_manifest(replace(manifest, vectors=foreign), folder)
    with pytest.raises(SnapshotMismatch, match="vector index 'remote'.*flat.*ingest"):
        Snapshot.open(folder)
    write_manifest(replace(manifest, lexical="splade"), folder)
    with pytest.raises(SnapshotMismatch, match="lexical index 'splade'.*bm25"):
        Snapshot.open(folder)


def test_offering_the_names_loads_no_implementation():
    code = (
        "import sys, kbserver.index.backends; "
        "print([m for m in ('faiss', 'pydantic') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert loaded == "[]\n"
