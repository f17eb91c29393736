"""Object stores to follow, and publishers that put generations there."""

import pytest

from kbserver.embedding.source import DEFAULT_IDENTITY
from kbserver.index.documents import DocumentEntry
from kbserver.index.sharing.publishing import publish
from kbserver.index.sharing.remote import Remote
from kbserver.index.store import Store
from kbserver.index.writer import SnapshotFacts, write_snapshot
from kbserver.retrieval.calibration import stored_calibration
from tests.index.conftest import (
    passages_of_texts,
    random_unit_vectors,
    rows_of_passages,
)
from tests.index.sharing.conftest import s3_server, url  # noqa: F401


@pytest.fixture
def publisher(tmp_path, url):  # noqa: F811
    """Write generations of the default model into a store of its own and publish them."""
    return Publisher(tmp_path / "publisher", url)


class Publisher:
    def __init__(self, folder, place):
        self.store = Store(folder)
        self.url = place
        self.remote = Remote(place, make=True)

    def write(self, *texts, corpus="docs", model=DEFAULT_IDENTITY):
        """Write a generation and make it live in the publisher's own store alone."""
        passages = passages_of_texts(list(texts))
        documents = [
            DocumentEntry(passage.source, f"hash-{row}", row, 1)
            for row, passage in enumerate(passages)
        ]
        with self.store.lock(corpus):
            folder = write_snapshot(
                self.store.path,
                corpus,
                rows_of_passages(passages),
                random_unit_vectors(len(passages), model.dim),
                SnapshotFacts(model=model),
                documents=documents,
            )
            self.store.publish(corpus, folder.name)
        return folder.name

    def publish(self, *texts, corpus="docs", **more):
        """Publish a generation; returns its name."""
        name = self.write(*texts, corpus=corpus, **more)
        calibration = stored_calibration(self.store.path / corpus)
        publish(self.store, corpus, self.remote, calibration=calibration)
        return name
