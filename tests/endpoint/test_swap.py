"""A new generation under full load: no failed turn, no late one, no mixture, and the old one let go."""

import itertools
import re
import shutil
import threading
import time
from pathlib import Path

import httpx2
import pytest

from kbserver.endpoint.app import KBServer
from kbserver.index.store import Store
from kbserver.ingest.build import ingest
from kbserver.settings import read_settings

from ..conftest import DOCUMENTS, watches_a_clock, write_documents
from .conftest import serving

pytestmark = watches_a_clock

BUDGET_MS = (
    2000  # eight clients, the server and the ingest share two cores with other tests
)
CLIENTS = 8


@pytest.fixture
def own_store(store, tmp_path):
    """A copy of the store's support corpus that may be changed."""
    copied = tmp_path / "store"
    shutil.copytree(store / "support", copied / "support")
    (copied / ".models").symlink_to(store / ".models")
    return copied


def publish(store, folder, version):
    """Publish a generation whose every document says its version."""
    texts = {
        source: f"{text}\nThis is edition {version}.\n"
        for source, text in DOCUMENTS["support"].items()
    }
    return ingest(
        [write_documents(folder, texts)], store=Store(store), corpus="support"
    ).generation


def test_generations_change_under_full_load(own_store, tmp_path):
    first = publish(own_store, tmp_path / "documents", "one")
    server = KBServer(
        read_settings(
            store=own_store,
            open=True,
            deadline_ms=BUDGET_MS,
            debug=True,
            follow_up=False,
            reload_s=0.05,
        )
    )
    numbers, stop = itertools.count(), threading.Event()
    answers: list[tuple[float, int, dict]] = []

    def caller(url):
        with httpx2.Client(
            base_url=url, timeout=30, headers={"x-kbserver-debug": "1"}
        ) as client:
            while not stop.is_set():
                body = {
                    "session_label": "support",
                    "query": f"how do i reset my router {next(numbers) % 40}",
                }
                response = client.post("/kb", json=body)
                answers.append(
                    (time.monotonic(), response.status_code, response.json())
                )

    with serving(server) as url:
        threads = [threading.Thread(target=caller, args=(url,)) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            time.sleep(0.5)
            second = publish(own_store, tmp_path / "documents", "two")
            wait_until(
                lambda: server.corpora.retrievers["support"].generation == second
            )
            swapped_at = time.monotonic()
            time.sleep(0.5)
            Store(own_store).prune("support", keep=1)
            time.sleep(0.5)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert first != second
        mapped = (
            Path("/proc/self/maps").read_text()
            if Path("/proc/self/maps").exists()
            else ""
        )
        assert f"{own_store}/support/{second}" in mapped or not mapped
        assert f"{own_store}/support/{first}" not in mapped

    assert {status for _, status, _ in answers} == {200}
    assert all(answer["trace"]["in_budget"] for _, _, answer in answers)
    editions = [
        (at, set(re.findall(r"edition (\w+)", answer["context"])))
        for at, _, answer in answers
    ]
    assert {frozenset(edition) for _, edition in editions} == {
        frozenset({"one"}),
        frozenset({"two"}),
    }
    # A turn that began before the swap may end after it.
    assert all(
        edition == {"two"}
        for at, edition in editions
        if at > swapped_at + BUDGET_MS / 1000.0
    )
    assert editions[-1][1] == {"two"}


def test_a_damaged_generation_is_not_taken_over(own_store, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(own_store, elsewhere, symlinks=True)
    damaged = publish(elsewhere, tmp_path / "documents", "damaged")
    flip_the_last_byte(elsewhere / "support" / damaged / "embeddings.npy")
    server = KBServer(
        read_settings(
            store=own_store,
            open=True,
            deadline_ms=BUDGET_MS,
            follow_up=False,
            reload_s=0.05,
        )
    )
    with serving(server) as url, httpx2.Client(base_url=url) as client:
        before = server.corpora.retrievers["support"].generation
        shutil.copytree(
            elsewhere / "support" / damaged, own_store / "support" / damaged
        )
        Store(own_store).publish("support", damaged)
        wait_until(
            lambda: (
                'kbserver_reload_failures_total{corpus="support"} 1.0'
                in client.get("/metrics").text
            )
        )
        assert server.corpora.retrievers["support"].generation == before != damaged
        answer = client.post(
            "/kb",
            json={"session_label": "support", "query": "how do i reset my router"},
        )
        assert "ten seconds" in answer.json()["context"]


def flip_the_last_byte(file):
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def wait_until(holds, limit_s=30.0):
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < limit_s, "it never came to hold"
        time.sleep(0.01)
