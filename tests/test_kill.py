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
from pathlib import Path

import httpx2

from kbserver.endpoint.app import KBServer
from kbserver.index.store import Store
from kbserver.settings import read_settings
from tests.conftest import write_documents
from tests.endpoint.conftest import PATIENT_MS, serving

KILLS = int(os.environ.get("KILLS", "8"))
CORPUS = "help"
TOKEN = "test-token"
ALWAYS = {
    "router.md": "# Reset the router\n\nHold the button for ten seconds "
    "until the light turns white.\n"
}
QUERY = {"query": "how do i reset the router"}


def ingest_process(docs: Path, store: Path) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-m",
        "kbserver",
        "ingest",
        str(docs),
        "--store",
        str(store),
        "--corpus",
        CORPUS,
    ]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def change(docs: Path, round_: int) -> None:
    """Other passages each time, so that every ingest embeds, writes and publishes."""
    write_documents(
        docs,
        {
            f"{n}.md": f"# Article {n}\n\nRound {round_} of article {n}.\n"
            for n in range(40)
        },
    )


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
        with httpx2.Client(
            base_url=self.url, headers={"authorization": f"Bearer {TOKEN}"}, timeout=30
        ) as client:
            while not self.stop.wait(0.01):
                begun = time.monotonic()
                try:
                    response = client.post("/kb", json=QUERY)
                    if (
                        response.status_code != 200
                        or "ten seconds" not in response.json()["context"]
                    ):
                        self.bad.append(f"{response.status_code} {response.text[:300]}")
                except httpx2.HTTPError as exc:
                    self.bad.append(repr(exc))
                self.slowest_s = max(self.slowest_s, time.monotonic() - begun)
                self.turns += 1


def test_no_kill_of_an_ingest_fails_a_turn_or_harms_the_store(
    tmp_path: Path, store: Path
) -> None:
    docs, corpora = (
        write_documents(tmp_path / "docs", ALWAYS),
        Store(tmp_path / "store"),
    )
    corpora.path.mkdir()
    (corpora.path / ".models").symlink_to(store / ".models")
    change(docs, 0)
    begun = time.monotonic()
    first = ingest_process(docs, corpora.path)
    _, errors = first.communicate(timeout=120)
    assert first.returncode == 0, errors
    whole_s = (
        time.monotonic() - begun
    )  # start of the interpreter included: the moments are spread over all of it

    moments = random.Random(7)
    published = 0
    settings = read_settings(
        store=corpora.path,
        tokens=[{"value": TOKEN}],
        deadline_ms=PATIENT_MS,
        reload_s=0.1,
    )
    with serving(KBServer(settings)) as url:
        asker = Asker(url)
        asker.start()
        try:
            for round_ in range(1, KILLS + 1):
                change(docs, round_)
                before = corpora.live(CORPUS)
                known = corpora.generations(CORPUS)
                process = ingest_process(docs, corpora.path)
                time.sleep(moments.uniform(0.1, 1.1) * whole_s)
                process.send_signal(signal.SIGKILL)
                process.communicate()
                after = corpora.live(CORPUS)
                published += after != before
                whole_s *= (
                    0.9 if after != before else 1.1
                )  # half of the kills come before the swap, whatever the load
                assert after == before or before in corpora.generations(CORPUS)
                assert set(known) - set(corpora.generations(CORPUS)) <= {
                    known[0]
                }  # pruned, never lost
                for generation in corpora.generations(CORPUS):
                    report = corpora.verify(CORPUS, generation)
                    assert report.ok, (round_, report.problems)
            change(docs, KILLS + 1)
            last = ingest_process(docs, corpora.path)
            _, errors = last.communicate(timeout=120)
            assert last.returncode == 0, errors
        finally:
            asker.stop.set()
            asker.join()
    assert corpora.verify(CORPUS).ok
    assert [
        entry.name
        for entry in (corpora.path / CORPUS).iterdir()
        if entry.name.startswith((".tmp-", ".embedded-"))
    ] == []
    assert asker.turns > KILLS and asker.bad == [], asker.bad[:3]
    print(
        f"{KILLS} kills, {published} after publishing; {asker.turns} turns, "
        f"slowest {asker.slowest_s * 1000:.0f} ms"
    )
