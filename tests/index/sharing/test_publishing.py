"""Publishers and an object store: once, one at a time, and whole or not at all."""

import os
import subprocess
import sys
import threading
from datetime import timedelta

import filelock
import pytest

from kbserver.errors import SnapshotCorrupt, StoreBusy, StoreError, StoreMissing
from kbserver.index.sharing import publishing as module
from kbserver.index.sharing.publishing import prune, publish, revoke, roll_back
from kbserver.index.sharing.remote import REVOKED, Remote
from kbserver.index.store import Store

KILLED = """
import os, signal, sys
from kbserver.index.sharing.publishing import publish
from kbserver.index.sharing.remote import Remote
from kbserver.index.store import Store

class Killed(Remote):
    def move(self, *facts, **more):
        os.kill(os.getpid(), signal.SIGKILL)

publish(Store(sys.argv[1]), "demo", Killed(sys.argv[2], make=True))
"""


@pytest.fixture
def remote(url):
    return Remote(url, make=True)


def fetched(remote, generation, tmp_path):
    """Fetch a generation and import it elsewhere; returns its passages."""
    file = tmp_path / "fetched.kbz"
    remote.fetch("demo", generation, file)
    elsewhere = Store(tmp_path / f"elsewhere-{generation}")
    elsewhere.import_(
        file,
        recognise=lambda model: model,
        check=lambda snapshot: None,
        named=("demo", generation),
    )
    with elsewhere.open("demo", generation, verify=True) as snapshot:
        return [passage.text for passage in snapshot.passages]


def test_what_is_published_is_live_there_and_comes_back_whole(
    write, store, remote, tmp_path
):
    first = write(texts=["one", "two"]).name
    done = publish(store, "demo", remote)
    assert (done.generation, done.before, done.uploaded) == (first, None, True)
    assert remote.live("demo").generation == first
    assert fetched(remote, first, tmp_path) == ["one", "two"]
    second = write(texts=["three"]).name
    done = publish(store, "demo", remote)
    assert (done.generation, done.before, done.uploaded) == (second, first, True)
    assert list((store.path / ".publish").glob("*.kbz")) == []


def test_what_is_live_already_is_not_uploaded_again(write, store, remote, monkeypatch):
    write()
    publish(store, "demo", remote)
    monkeypatch.setattr(remote, "upload", None)
    done = publish(store, "demo", remote)
    assert (done.before, done.uploaded) == (done.generation, False)


def test_a_publisher_that_is_killed_before_live_leaves_it_and_the_next_one_goes_on(
    write, store, remote, url
):
    first = write().name
    publish(store, "demo", remote)
    second = write().name
    killed = subprocess.run([sys.executable, "-c", KILLED, store.path, url])
    assert killed.returncode == -9
    assert [one.name for one in remote.generations("demo")] == [first, second]
    assert remote.live("demo").generation == first
    done = publish(store, "demo", remote)
    assert (done.generation, done.before, done.uploaded) == (second, first, False)
    assert remote.live("demo").generation == second


def test_of_eight_publishers_one_wins_and_each_other_is_told_which(
    write, store, remote, url, monkeypatch
):
    names = [write().name for _ in range(8)]
    at_once = threading.Barrier(8)
    move = Remote.move

    def together(self, corpus, to, *, wanted):
        at_once.wait(60)
        move(self, corpus, to, wanted=wanted)

    monkeypatch.setattr(Remote, "move", together)
    told = {}

    def publisher(number):
        own = Store(store.path.parent / f"own-{number}")
        (own.path).mkdir()
        os.symlink(store.path / "demo", own.path / "demo")
        try:
            publish(own, "demo", Remote(url), generation=names[number])
        except StoreBusy as exc:
            told[names[number]] = str(exc)

    publishers = [threading.Thread(target=publisher, args=(n,)) for n in range(8)]
    for one in publishers:
        one.start()
    for one in publishers:
        one.join()
    [winner] = set(names) - told.keys()
    assert remote.live("demo").generation == winner
    assert all(f"found {winner}" in message for message in told.values())
    assert {one.name for one in remote.generations("demo")} == set(names)


def test_a_damaged_generation_is_not_published(write, store, remote):
    first = write().name
    publish(store, "demo", remote)
    second = write()
    data = bytearray((second / "embeddings.npy").read_bytes())
    data[-1] ^= 1
    (second / "embeddings.npy").write_bytes(data)
    with pytest.raises(SnapshotCorrupt):
        publish(store, "demo", remote)
    assert remote.live("demo").generation == first
    assert [one.name for one in remote.generations("demo")] == [first]


def test_the_calibration_goes_along_and_its_absence_leaves_the_one_that_is_there(
    write, store, remote
):
    write()
    publish(store, "demo", remote, calibration=b"{}")
    assert remote.small("demo/calibration.json")[0] == b"{}"
    publish(store, "demo", remote, calibration=b"{ }")
    publish(store, "demo", remote)
    assert remote.small("demo/calibration.json")[0] == b"{ }"


def test_roll_back_goes_one_back_or_where_it_is_told(write, store, remote):
    names = []
    for _ in range(3):
        names.append(write().name)
        publish(store, "demo", remote)
    assert roll_back(remote, "demo") == names[1] == remote.live("demo").generation
    assert roll_back(remote, "demo") == names[0]
    with pytest.raises(StoreMissing, match="no generation before the live one"):
        roll_back(remote, "demo")
    assert roll_back(remote, "demo", names[2]) == names[2]
    assert remote.live("demo").generation == names[2]
    with pytest.raises(StoreMissing, match="no generation '000009-20260101T000000-x'"):
        roll_back(remote, "demo", "000009-20260101T000000-x")


def test_roll_back_mends_a_pointer_that_names_nothing(write, store, remote):
    name = write().name
    publish(store, "demo", remote)
    remote.put_small("demo/LIVE", b"nonsense")
    assert roll_back(remote, "demo") == name == remote.live("demo").generation


def test_prune_leaves_the_live_one_and_what_is_younger_than_an_hour(
    write, store, remote, monkeypatch
):
    names = []
    for _ in range(4):
        names.append(write().name)
        publish(store, "demo", remote)
    roll_back(remote, "demo", names[0])
    assert prune(remote, "demo", keep=2) == []  # all of them are young
    monkeypatch.setattr(module, "age_s", lambda one: timedelta(hours=2).total_seconds())
    assert prune(remote, "demo", keep=2) == names[1:3]
    assert [one.name for one in remote.generations("demo")] == [names[0], names[3]]
    assert prune(remote, "demo", keep=1) == [names[3]]
    with pytest.raises(StoreError, match="at least 1"):
        prune(remote, "demo", keep=0)


def test_prune_removes_nothing_where_none_is_live(write, store, remote, monkeypatch):
    monkeypatch.setattr(module, "age_s", lambda one: 7200.0)
    monkeypatch.setattr(remote, "move", lambda *facts, **more: None)
    for _ in range(2):
        write()
        publish(store, "demo", remote)
    with pytest.raises(StoreMissing, match="no generation is live, so none is removed"):
        prune(remote, "demo", keep=1)
    assert len(remote.generations("demo")) == 2


def test_revoked_tokens_are_added_to_what_others_added(remote, url, monkeypatch):
    assert revoke(remote, ["a", "b", "a"]) == 2
    put = remote.put_small
    added = []

    def meanwhile(*facts, **more):
        if not added:
            added.append(revoke(Remote(url), ["c"]))
        put(*facts, **more)

    monkeypatch.setattr(remote, "put_small", meanwhile)
    assert revoke(remote, ["b", "d"]) == 1
    assert remote.small(REVOKED)[0] == b"a\nb\nc\nd\n"


def test_a_list_that_others_keep_changing_is_given_up(remote, monkeypatch):
    def busy(*facts, **more):
        raise StoreBusy("changed")

    monkeypatch.setattr(remote, "put_small", busy)
    with pytest.raises(StoreBusy, match="others keep changing it"):
        revoke(remote, ["a"])


def test_one_publisher_of_a_corpus_at_a_time_from_one_store(write, store, remote):
    write()
    publish(store, "demo", remote)
    name = write().name
    with filelock.FileLock(store.path / ".publish" / "demo.lock"):
        with pytest.raises(StoreBusy, match="another kbserver is publishing"):
            publish(store, "demo", remote)
    assert publish(store, "demo", remote).generation == name
