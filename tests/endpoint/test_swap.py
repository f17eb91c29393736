"""A new generation under full load: no failed turn, no mixture, and the old one let go."""

import gc
import itertools
import re
import shutil
import threading
import weakref
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2
import pytest

from kbserver.endpoint.app import KBServer
from kbserver.files import replace_text
from kbserver.index.store import Store
from kbserver.ingest.build import ingest
from kbserver.settings import read_settings

from ..conftest import DOCUMENTS, write_documents
from .conftest import serving, wait_until

BUDGET_MS = 10_000  # no turn is late; these tests are about which generation answers
CLIENTS = 8


@pytest.fixture
def own_store(store, tmp_path):
    """A copy of the store's support corpus that may be changed."""
    copied = tmp_path / "store"
    shutil.copytree(store / "support", copied / "support")
    (copied / ".models").symlink_to(store / ".models")
    return copied


def publish(store, folder, version):
    """Publish a generation whose every document holds its version."""
    texts = {}
    for source, text in DOCUMENTS["support"].items():
        texts[source] = f"{text}\nThis is edition {version}.\n"
    documents = write_documents(folder, texts)
    return ingest([documents], store=Store(store), corpus="support").generation


def server_of(store):
    settings = read_settings(
        store=store,
        open=True,
        deadline_ms=BUDGET_MS,
        debug=True,
        follow_up=False,
        reload_s=0.05,
    )
    return KBServer(settings)


@dataclass
class Answer:
    order: int
    """Of the moment at which it was asked, among all answers and marks."""
    status: int
    body: dict

    @property
    def editions(self):
        return set(re.findall(r"edition (\w+)", self.body["context"]))


class Callers:
    """Clients that ask one turn after the other until they are stopped."""

    def __init__(self, url):
        self.url = url
        self.answers: list[Answer] = []
        self._order = itertools.count()
        self._stop = threading.Event()

    def mark(self):
        """A place in the order of the questions."""
        return next(self._order)

    def wait_for(self, more):
        """Wait until so many further turns are answered."""
        wanted = len(self.answers) + more
        wait_until(lambda: len(self.answers) >= wanted)

    @contextmanager
    def asking(self):
        threads = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _ask(self):
        headers = {"x-kbserver-debug": "1"}
        with httpx2.Client(base_url=self.url, timeout=60, headers=headers) as client:
            while not self._stop.is_set():
                order = next(self._order)
                query = f"how do i reset my router {order % 40}"
                body = {"session_label": "support", "query": query}
                response = client.post("/kb", json=body)
                answer = Answer(order, response.status_code, response.json())
                self.answers.append(answer)


def test_generations_change_under_full_load(own_store, tmp_path):
    first = publish(own_store, tmp_path / "documents", "one")
    server = server_of(own_store)
    with serving(server) as url:
        replaced = weakref.ref(server.corpora.retrievers["support"])
        callers = Callers(url)
        with callers.asking():
            callers.wait_for(50)
            second = publish(own_store, tmp_path / "documents", "two")
            wait_until(
                lambda: server.corpora.retrievers["support"].generation == second
            )
            swapped = callers.mark()
            callers.wait_for(50)
            Store(own_store).prune("support", keep=1)
            callers.wait_for(50)
        assert first != second
        # The last turn that searched the old generation has let it go by now.
        wait_until(lambda: gc.collect() >= 0 and replaced() is None)

    answers = callers.answers
    assert {answer.status for answer in answers} == {200}
    assert {answer.body["trace"]["outcome"] for answer in answers} <= {
        "full",
        "degraded",
    }
    editions = {frozenset(answer.editions) for answer in answers}
    assert editions == {frozenset({"one"}), frozenset({"two"})}
    after = [answer for answer in answers if answer.order > swapped]
    assert len(after) >= 50
    assert all(answer.editions == {"two"} for answer in after)


def test_a_damaged_generation_is_not_taken_over(own_store, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(own_store, elsewhere, symlinks=True)
    damaged = publish(elsewhere, tmp_path / "documents", "damaged")
    flip_the_last_byte(elsewhere / "support" / damaged / "embeddings.npy")
    server = server_of(own_store)
    failures = 'kbserver_reload_failures_total{corpus="support"} 1.0'
    question = {"session_label": "support", "query": "how do i reset my router"}
    with serving(server) as url, httpx2.Client(base_url=url) as client:
        before = server.corpora.retrievers["support"].generation
        shutil.copytree(
            elsewhere / "support" / damaged, own_store / "support" / damaged
        )
        # By what copies a store: publishing it here would look at it first.
        replace_text(own_store / "support" / "LIVE", damaged)
        wait_until(lambda: failures in client.get("/metrics").text)
        assert server.corpora.retrievers["support"].generation == before != damaged
        answer = client.post("/kb", json=question)
        assert "ten seconds" in answer.json()["context"]


def flip_the_last_byte(file):
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
