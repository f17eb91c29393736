"""Embeddings of a spool, from a model, a live generation and a journal."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kbserver.errors import StoreError
from kbserver.index.snapshot import Snapshot
from kbserver.index.store import Store
from kbserver.ingest import embed
from kbserver.ingest.build import ingest
from kbserver.ingest.embed import count_new, embed_rows
from kbserver.ingest.journal import EmbeddingJournal
from kbserver.ingest.report import IngestReport
from kbserver.ingest.spool import Prepared, Spool
from kbserver.types import Passage
from tests.conftest import write_documents
from tests.ingest.stubs import StubEncoder, vector_of


class Embedding:
    """One run of `embed_rows` into a folder of its own."""

    def __init__(
        self, folder: Path, encoder: StubEncoder, previous: Snapshot | None
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.encoder = encoder
        self.previous = previous
        self.file = folder / "embeddings.npy"
        self.journal = EmbeddingJournal(folder, encoder.identity)
        self.spool = Spool(folder / "spool", self.taken_over)
        self.report = IngestReport("help")
        self.steps: list[tuple[str, int, int]] = []

    def taken_over(self, row: int) -> Prepared:
        assert self.previous is not None
        passage = self.previous.passage(row)
        return Prepared(passage, text_of(passage), "")

    def run(self) -> np.ndarray:
        with self.spool, self.journal:
            return embed_rows(
                self.spool,
                previous=self.previous,
                journal=self.journal,
                encoder=self.encoder,
                file=self.file,
                report=self.report,
                progress=lambda *step: self.steps.append(step),
            )


def prepared(text: str) -> Prepared:
    return Prepared(Passage("id", text), text, text)


def text_of(passage: Passage) -> str:
    return f"{passage.title}\n{passage.text}"


@pytest.fixture
def previous(tmp_path: Path) -> Iterator[Snapshot]:
    """A generation of two passages."""
    documents = {"a.md": "# A\n\nFirst text.\n", "b.md": "# B\n\nSecond text.\n"}
    docs = write_documents(tmp_path / "docs", documents)
    store = Store(tmp_path / "store")
    ingest([docs], store=store, corpus="help", encoder=StubEncoder())
    with store.open("help") as snapshot:
        yield snapshot


def test_every_new_row_is_embedded_in_row_order(tmp_path):
    run = Embedding(tmp_path / "run", StubEncoder(), None)
    texts = ["a rather long text to embed", "short", "middling text"]
    for text in texts:
        run.spool.add(prepared(text))

    embeddings = run.run()

    assert (embeddings.shape, embeddings.dtype) == ((3, 8), np.float32)
    np.testing.assert_array_equal(embeddings, [vector_of(text) for text in texts])
    assert run.encoder.embedded == sorted(texts, key=len)
    assert (run.report.embedded, run.report.reused, run.report.kept) == (3, 0, 3)
    assert run.steps == [("embed", 0, 3), ("embed", 3, 3)]


def test_slices_are_kept_in_the_journal_one_by_one(tmp_path):
    run = Embedding(tmp_path / "run", StubEncoder(), None)
    for number in range(embed._SLICE + 1):
        run.spool.add(prepared(f"text {number}"))

    run.run()

    total = embed._SLICE + 1
    assert run.steps == [
        ("embed", 0, total),
        ("embed", embed._SLICE, total),
        ("embed", total, total),
    ]
    assert run.report.kept == total


def test_rows_and_texts_of_the_live_generation_are_taken_over(tmp_path, previous):
    run = Embedding(tmp_path / "run", StubEncoder(), previous)
    run.spool.take_over(1)
    run.spool.add(prepared("A\nFirst text."))  # in another document now
    run.spool.add(prepared("new"))
    assert count_new(run.spool, previous, run.encoder) == 1

    embeddings = run.run()

    np.testing.assert_array_equal(embeddings[0], previous.embeddings[1])
    np.testing.assert_array_equal(embeddings[1], previous.embeddings[0])
    assert run.encoder.embedded == ["new"]
    assert (run.report.embedded, run.report.reused) == (1, 2)


def test_nothing_is_taken_over_from_another_model(tmp_path, previous):
    run = Embedding(tmp_path / "run", StubEncoder(fingerprint="0" * 32), previous)
    run.spool.add(prepared("A\nFirst text."))
    assert count_new(run.spool, previous, run.encoder) == 1
    run.run()
    assert run.encoder.embedded == ["A\nFirst text."]


def test_without_a_new_row_nothing_is_new(tmp_path, previous):
    run = Embedding(tmp_path / "run", StubEncoder(), previous)
    run.spool.take_over(0)
    assert count_new(run.spool, previous, run.encoder) == 0
    assert count_new(run.spool, None, run.encoder) == 1
    run.run()
    assert run.encoder.embedded == []


def test_an_interrupted_run_leaves_its_embeddings_to_the_next(tmp_path):
    first = Embedding(tmp_path / "run", StubEncoder(), None)
    first.spool.add(prepared("one"))
    first.run()

    second = Embedding(tmp_path / "run", StubEncoder(), None)
    for text in ("two", "one"):
        second.spool.add(prepared(text))
    embeddings = second.run()

    assert second.encoder.embedded == ["two"]
    np.testing.assert_array_equal(embeddings[1], vector_of("one"))
    assert (second.report.embedded, second.report.reused) == (1, 1)


def test_a_folder_that_is_not_there_is_a_clear_error(tmp_path):
    run = Embedding(tmp_path / "run", StubEncoder(), None)
    run.file = tmp_path / "missing" / "embeddings.npy"
    with pytest.raises(StoreError, match="cannot write embeddings"):
        run.run()
