"""kill -9 at random moments of an ingest, with a server answering throughout.

`KILLS=50 pytest tests/test_kill.py` for more moments than the suite has time for.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from kbserver.endpoint.app import KBServer
from kbserver.index.store import Store
from kbserver.settings import read_settings
from tests.conftest import write_documents
from tests.endpoint.conftest import PATIENT_MS, serving

KILLS = int(os.environ.get("KILLS", "6"))
CORPUS = "help"
TOKEN = "test-token"
ALWAYS = {
    "router.md": "# Reset the router\n\nHold the button for ten seconds "
    "until the light turns white.\n"
}
QUERY = {"query": "how do i reset the router"}


def ingest_process(docs: Path, store: Path) -> subprocess.Popen[bytes]:
    """Start `kbserver ingest` as a process of its own."""
    command = [sys.executable, "-m", "kbserver", "ingest", str(docs)]
    options = ["--store", str(store), "--corpus", CORPUS]
    return subprocess.Popen(
        [*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def ingest_whole(docs: Path, store: Path) -> float:
    """Let an ingest come to its end; return its seconds, the start of the interpreter included."""
    begun = time.monotonic()
    process = ingest_process(docs, store)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return time.monotonic() - begun


def change(docs: Path, round_: int) -> None:
    """Write other passages each time, so that every ingest embeds, writes and publishes."""
    articles = {}
    for number in range(40):
        text = f"# Article {number}\n\nRound {round_} of article {number}.\n"
        articles[f"{number}.md"] = text
    write_documents(docs, articles)


class Asker(threading.Thread):
    """Asks without a pause; keeps what was not a good answer."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.turns = 0
        self.bad: list[str] = []
        self.slowest_s = 0.0
        self.stop = threading.Event()

    def run(self) -> None:
        headers = {"authorization": f"Bearer {TOKEN}"}
        with httpx2.Client(base_url=self.url, headers=headers, timeout=60) as client:
            while not self.stop.wait(0.01):
                begun = time.monotonic()
                self.ask(client)
                self.slowest_s = max(self.slowest_s, time.monotonic() - begun)
                self.turns += 1

    def ask(self, client: httpx2.Client) -> None:
        """Ask once; keep what is not a good answer."""
        try:
            response = client.post("/kb", json=QUERY)
        except httpx2.HTTPError as exc:
            self.bad.append(repr(exc))
            return
        if response.status_code != 200:
            self.bad.append(f"{response.status_code} {response.text[:300]}")
        elif "ten seconds" not in response.json()["context"]:
            self.bad.append(response.text[:300])


@contextmanager
def asking(url: str) -> Iterator[Asker]:
    asker = Asker(url)
    asker.start()
    try:
        yield asker
    finally:
        asker.stop.set()
        asker.join()


@pytest.mark.usefixtures("unmeasured")
def test_no_kill_of_an_ingest_fails_a_turn_or_harms_the_store(
    tmp_path: Path, store: Path
) -> None:
    docs = write_documents(tmp_path / "docs", ALWAYS)
    corpora = Store(tmp_path / "store")
    corpora.path.mkdir()
    (corpora.path / ".models").symlink_to(store / ".models")
    change(docs, 0)
    whole_s = ingest_whole(docs, corpora.path)

    moments = random.Random(7)
    published = 0
    settings = read_settings(
        store=corpora.path,
        tokens=[{"value": TOKEN}],
        deadline_ms=PATIENT_MS,
        reload_s=0.1,
    )
    with serving(KBServer(settings)) as url, asking(url) as asker:
        for round_ in range(1, KILLS + 1):
            change(docs, round_)
            before = corpora.live(CORPUS)
            known = corpora.generations(CORPUS)
            process = ingest_process(docs, corpora.path)
            time.sleep(moments.uniform(0.1, 1.1) * whole_s)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            after = corpora.live(CORPUS)
            # Half of the kills come before the generation is published, whatever the load.
            if after == before:
                whole_s *= 1.1
            else:
                published += 1
                whole_s *= 0.9
            kept = corpora.generations(CORPUS)
            assert after == before or before in kept
            assert set(known) - set(kept) <= {known[0]}  # pruned, never lost
            for generation in kept:
                report = corpora.verify(CORPUS, generation)
                assert report.ok, (round_, report.problems)
        change(docs, KILLS + 1)
        ingest_whole(docs, corpora.path)
    assert corpora.verify(CORPUS).ok
    names = [entry.name for entry in (corpora.path / CORPUS).iterdir()]
    assert [name for name in names if name.startswith((".tmp-", ".embedded-"))] == []
    assert asker.turns > KILLS and asker.bad == [], asker.bad[:3]
    print(
        f"{KILLS} kills, {published} after publishing; {asker.turns} turns, "
        f"slowest {asker.slowest_s * 1000:.0f} ms"
    )
