"""Embeddings that outlive the ingest that computed them."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbserver.errors import StoreError
from kbserver.ingest.journal import EmbeddingJournal, remove_journals
from kbserver.types import ModelIdentity

MODEL = ModelIdentity("test", "0123456789abcdef0123", dim=8, max_tokens=256)
DIGESTS = [hashlib.sha256(bytes([number])).digest() for number in range(4)]
VECTORS = np.random.default_rng(1).standard_normal((4, 8)).astype(np.float32)


def only_file(folder: Path) -> Path:
    [file] = folder.iterdir()
    return file


def test_what_was_appended_is_found_again_after_a_restart(tmp_path):
    with EmbeddingJournal(tmp_path, MODEL) as journal:
        journal.append(DIGESTS[:2], VECTORS[:2])
        journal.append(DIGESTS[2:], VECTORS[2:])
        np.testing.assert_array_equal(journal.find(DIGESTS[3]), VECTORS[3])
    with EmbeddingJournal(tmp_path, MODEL) as journal:
        assert journal.kept == 4
        for digest, vector in zip(DIGESTS, VECTORS, strict=True):
            np.testing.assert_array_equal(journal.find(digest), vector)
        assert journal.find(b"\0" * 32) is None


@settings(max_examples=30)
@given(cut=st.integers(min_value=0, max_value=4 * (32 + 32 + 4)))
def test_a_kill_at_any_byte_loses_only_the_record_it_cut(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("journal")
    with EmbeddingJournal(folder, MODEL) as journal:
        journal.append(DIGESTS, VECTORS)
    file = only_file(folder)
    file.write_bytes(file.read_bytes()[:cut])

    with EmbeddingJournal(folder, MODEL) as journal:
        whole = cut // (32 + 32 + 4)
        assert journal.kept == whole
        journal.append(DIGESTS[whole:], VECTORS[whole:])
        for digest, vector in zip(DIGESTS, VECTORS, strict=True):
            np.testing.assert_array_equal(journal.find(digest), vector)


def test_a_record_that_was_changed_on_the_disk_is_not_found(tmp_path):
    with EmbeddingJournal(tmp_path, MODEL) as journal:
        journal.append(DIGESTS, VECTORS)
    file = only_file(tmp_path)
    content = bytearray(file.read_bytes())
    content[32 + 5] ^= 1  # in the vector of the first
    file.write_bytes(content)
    with EmbeddingJournal(tmp_path, MODEL) as journal:
        assert journal.find(DIGESTS[0]) is None
        assert journal.find(DIGESTS[1]) is not None


def test_another_model_has_a_journal_of_its_own(tmp_path):
    with EmbeddingJournal(tmp_path, MODEL) as journal:
        journal.append(DIGESTS, VECTORS)
    other = ModelIdentity("other", "ffff456789abcdef0123", dim=8, max_tokens=256)
    with EmbeddingJournal(tmp_path, other) as journal:
        assert journal.kept == 0 and journal.find(DIGESTS[0]) is None


def test_one_that_was_not_needed_leaves_no_file(tmp_path):
    with EmbeddingJournal(tmp_path, MODEL):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_corpus_that_is_up_to_date_needs_none_of_any_model(tmp_path):
    other = ModelIdentity("other", "ffff456789abcdef0123", dim=8, max_tokens=256)
    with EmbeddingJournal(tmp_path, other) as journal:
        journal.append(DIGESTS, VECTORS)
    (tmp_path / "LIVE").touch()
    with EmbeddingJournal(tmp_path, MODEL) as journal:
        journal.append(DIGESTS, VECTORS)
        remove_journals(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["LIVE"]


def test_a_folder_that_is_not_there_is_a_clear_error(tmp_path):
    with pytest.raises(StoreError, match="cannot write the journal of embeddings"):
        EmbeddingJournal(tmp_path / "missing", MODEL)


def test_what_a_symbolic_link_names_is_neither_cut_nor_read(tmp_path):
    with EmbeddingJournal(tmp_path, MODEL) as journal:
        journal.append(DIGESTS[:1], VECTORS[:1])
    file = only_file(tmp_path)
    other = tmp_path / "other"
    other.write_bytes(file.read_bytes() + b"cut")
    file.unlink()
    file.symlink_to(other)
    with pytest.raises(StoreError, match="symbolic link.*delete it"):
        EmbeddingJournal(tmp_path, MODEL)
    assert other.read_bytes().endswith(b"cut")
