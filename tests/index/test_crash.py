"""Writers killed at any moment: the old generation stays served, the next run is clean."""

import multiprocessing
import random
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

import numpy as np
import pytest

processes = multiprocessing.get_context("forkserver")
# Imported once, forked often.
processes.set_forkserver_preload(["kbserver.index.store", "kbserver.index.writer"])


WRITER = """
import numpy as np
from kbserver.index.store import Store
from kbserver.index.writer import IndexedPassage, SnapshotFacts, write_snapshot
from kbserver.types import ModelIdentity, Passage

store = Store(path)
texts = [f"passage {row} of many words" for row in range(400)]
rows = [
    IndexedPassage(Passage(f"id-{row}", text, metadata={"folder": "a/b"}), text, text)
    for row, text in enumerate(texts)
]
vectors = np.eye(16, dtype=np.float32)[np.arange(400) % 16]
while True:
    with store.lock("demo", wait_s=5):
        folder = write_snapshot(
            store.path, "demo", rows, vectors,
            SnapshotFacts(ModelIdentity("m", "ab" * 16, 16, 256), vectors="ivf"),
        )
        store.publish("demo", folder.name)
        published.send(folder.name)
        store.prune("demo", keep=2)
"""


@pytest.fixture
def start_writer(tmp_path) -> Iterator:
    started = []

    def start():
        receiver, sender = processes.Pipe(duplex=False)
        writer = processes.Process(
            target=exec,
            args=(WRITER, {"path": tmp_path / "store", "published": sender}),
        )
        writer.start()
        sender.close()
        started.append((writer, receiver))
        return writer, receiver

    yield start
    for writer, receiver in started:
        writer.kill()
        writer.join()
        receiver.close()


def told_by(receiver: Connection) -> list[str]:
    names = []
    try:
        while receiver.poll():
            names.append(receiver.recv())
    except EOFError:
        pass
    return names


def test_a_writer_killed_at_any_moment_loses_nothing(start_writer, store):
    moments = random.Random(7)
    last = ""
    for _ in range(12):
        writer, receiver = start_writer()
        if not last:
            last = receiver.recv()  # one generation to lose
        time.sleep(moments.uniform(0.0, 0.35))
        writer.kill()
        writer.join()

        last = max([last, *told_by(receiver)])
        assert store.live("demo") >= last  # what was published stays published
        generations = store.generations("demo")
        assert len(generations) <= 3
        for generation in generations:
            assert store.verify("demo", generation).ok
    with store.lock("demo"):
        assert not [
            entry
            for entry in (store.path / "demo").iterdir()
            if entry.name.startswith(".tmp-")
        ]


def test_readers_see_a_whole_generation_at_every_moment(start_writer, store):
    _, receiver = start_writer()
    receiver.recv()
    query, seen = np.eye(16, dtype=np.float32)[3], set()
    until = time.monotonic() + 60
    while len(seen) < 4 and time.monotonic() < until:
        with store.open("demo") as snapshot:
            assert snapshot.vectors.search(query, top_k=1).rows[0] % 16 == 3
            assert snapshot.passage(399).id == "id-399"
            seen.add(snapshot.manifest.generation)
    assert len(seen) == 4
