"""A store kept on an object store: whole generations or none, whatever the object store does."""

import contextlib
import json
import logging
import signal
import subprocess
import sys
import threading
from dataclasses import asdict, replace

import filelock
import httpx2
import pytest

from kbserver.embedding.source import DEFAULT_IDENTITY
from kbserver.endpoint.app import KBServer
from kbserver.endpoint.figures.followed import FollowCounts
from kbserver.endpoint.figures.shelf import make_shelf
from kbserver.endpoint.live import CAUGHT_UP
from kbserver.endpoint.running.following import (
    SELDOM_S,
    Follower,
    follow,
    following_beside,
)
from kbserver.endpoint.tokens.signed import SigningKeys
from kbserver.errors import SettingsError, StoreError
from kbserver.index.sharing.publishing import revoke, roll_back
from kbserver.index.sharing.remote import Remote
from kbserver.index.store import Store
from kbserver.retrieval.calibration import (
    SCORE_VERSION,
    Calibration,
    CurvePoint,
    read_min_score,
    write_calibration,
)
from kbserver.settings import FollowSettings, read_settings
from tests.endpoint.conftest import PATIENT_MS, TOKEN, serving, wait_until

SECRET = "a-secret-of-more-than-thirty-two-bytes"

KILLED = """
import os, signal, sys
from kbserver.endpoint.running import following
from kbserver.settings import FollowSettings, read_settings

fetch, where = following.Remote.fetch, sys.argv[3]

def killed(self, corpus, generation, file):
    file.write_bytes(bytes(1000))
    if where == "fetch":
        os.kill(os.getpid(), signal.SIGKILL)
    fetch(self, corpus, generation, file)

def check(snapshot):
    os.kill(os.getpid(), signal.SIGKILL)

following.Remote.fetch = killed
following.check_spoken_forms = check
settings = read_settings(store=sys.argv[1], follow={"url": sys.argv[2]})
following.follow(settings, once=True)
"""


class Replica:
    """A store that follows, looked at by a clock that is set by hand."""

    def __init__(self, folder, url, **more):
        follow = FollowSettings(url=url, **more)
        self.store = Store(folder)
        self.settings = read_settings(store=folder, follow=follow.model_dump())
        self.told = []
        self.now = 0.0
        self.follower = Follower(
            self.settings, follow, tell=self.told.append, clock=lambda: self.now
        )

    def look(self):
        """Look once more, two seconds later; returns what was told."""
        self.now += 2.0
        before = len(self.told)
        self.follower.look()
        return self.told[before:]

    def texts(self, corpus="docs"):
        with self.store.open(corpus, verify=True) as snapshot:
            return [passage.text for passage in snapshot.passages]


@pytest.fixture
def replica(tmp_path, url):
    return Replica(tmp_path / "replica", url)


def test_an_empty_store_gets_every_corpus_by_its_name(publisher, replica):
    docs = publisher.publish("one", "two")
    other = publisher.publish("three", corpus="other")
    assert replica.look() == ["published", "published", "read"]
    assert (replica.store.live("docs"), replica.texts()) == (docs, ["one", "two"])
    assert (replica.store.live("other"), replica.texts("other")) == (other, ["three"])
    assert (replica.settings.follow_folder / CAUGHT_UP).exists()
    assert replica.look() == ["read"]
    assert list(replica.settings.follow_folder.glob("*.kbz")) == []


def test_new_generations_and_rollbacks_are_taken_over_and_old_ones_go(
    publisher, replica, monkeypatch
):
    names = []
    for number in range(3):
        names.append(publisher.publish(f"text {number}"))
        assert replica.look() == ["published", "read"]
        assert replica.texts() == [f"text {number}"]
    assert replica.store.generations("docs") == names[1:]
    monkeypatch.setattr(Remote, "fetch", None)  # the one before is here
    roll_back(publisher.remote, "docs")
    assert replica.look() == ["published", "read"]
    assert replica.store.live("docs") == names[1]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:5000] + bytes([data[5000] ^ 1]) + data[5001:],
        lambda data: b"",
        lambda data: b"<html>sign in</html>" * 500,
    ],
)
def test_what_is_damaged_is_refused_once_and_the_next_one_is_taken(
    publisher, replica, damage, caplog
):
    first = publisher.publish("one")
    replica.look()
    second = publisher.publish("two")
    place = f"docs/{second}.kbz"
    whole = publisher.store.path.parent / "whole.kbz"
    publisher.remote.fetch("docs", second, whole)
    publisher.remote.put_small(place, damage(whole.read_bytes()))
    assert replica.look() == ["refused", "read"]
    assert replica.look() == ["read"]
    assert replica.texts() == ["one"]
    assert replica.store.generations("docs") == [first]
    assert f"{second} is not taken over, {first} stays" in caplog.text
    third = publisher.publish("three")
    assert replica.look() == ["published", "read"]
    assert replica.store.live("docs") == third


def test_another_generation_under_the_name_is_refused(publisher, replica, caplog):
    first, second = publisher.publish("one"), publisher.publish("two")
    other = publisher.store.path.parent / "other.kbz"
    publisher.remote.fetch("docs", first, other)
    publisher.remote.put_small(f"docs/{second}.kbz", other.read_bytes())
    assert replica.look() == ["refused", "read"]
    assert f"it is the generation {first} of docs, wanted is {second}" in caplog.text
    assert not (replica.store.path / "docs" / "LIVE").exists()


def test_an_unknown_model_is_refused_unless_it_is_trusted(
    publisher, tmp_path, replica, caplog
):
    model = replace(DEFAULT_IDENTITY, name="theirs", fingerprint="ab" * 16)
    publisher.publish("one", model=model)
    assert replica.look() == ["refused", "read"]
    assert "trust" in caplog.text
    trusting = Replica(tmp_path / "trusting", publisher.url, trust_model="theirs")
    assert trusting.look() == ["published", "read"]


def test_a_pointer_to_nothing_and_nonsense_leave_what_is_there(
    publisher, replica, caplog
):
    publisher.publish("one")
    replica.look()
    publisher.remote.put_small("docs/LIVE", b"000009-20260101T000000-cccccc\n")
    assert replica.look() == ["refused", "read"]
    publisher.remote.put_small("docs/LIVE", b"../../etc\n")
    assert replica.look() == ["failed"]
    publisher.remote.put_small("docs/LIVE", b"x" * 5000)
    assert replica.look() == ["failed"]
    assert replica.texts() == ["one"]
    assert "no generation '000009" in caplog.text


def test_an_object_store_that_is_away_is_said_once_and_when_it_is_back(
    publisher, replica, caplog, monkeypatch
):
    caplog.set_level(logging.INFO)
    publisher.publish("one")
    replica.look()
    live = Remote.live

    def away(self, corpus, known=None):
        raise StoreError("away: no answer")

    monkeypatch.setattr(Remote, "live", away)
    assert [replica.look() for _ in range(3)] == [["failed"]] * 3
    assert caplog.text.count("what is here goes on being served: away") == 1
    assert replica.texts() == ["one"]
    monkeypatch.setattr(Remote, "live", live)
    assert replica.look() == ["read"]
    assert "is there again" in caplog.text


def test_an_object_store_that_lost_everything_is_no_empty_one(publisher, replica):
    name = publisher.publish("one")
    replica.look()
    publisher.remote._opened().delete("docs/LIVE")
    assert replica.look() == ["failed"]
    assert replica.store.live("docs") == name


def test_a_place_where_nothing_is_live_is_no_start(publisher, replica, caplog):
    assert replica.look() == ["failed"]
    assert "nothing is live there; put something there with: kbserver publish" in (
        caplog.text
    )
    assert not (replica.settings.follow_folder / CAUGHT_UP).exists()


def test_only_the_named_corpora_are_taken(publisher, tmp_path):
    publisher.publish("one")
    publisher.publish("two", corpus="other")
    replica = Replica(tmp_path / "replica", publisher.url, corpora=("other",))
    replica.look()
    assert replica.store.corpora() == ["other"]


def test_a_corpus_that_is_new_is_found_within_half_a_minute(publisher, replica):
    publisher.publish("one")
    replica.look()
    publisher.publish("two", corpus="other")
    assert replica.look() == ["read"]
    replica.now += SELDOM_S
    assert replica.look() == ["published", "read"]


def calibration(least):
    point = CurvePoint(least, 0.9, 0.1)
    return Calibration(
        *(least, 0.95, point, 5, 5, False, "", DEFAULT_IDENTITY.fingerprint, ""),
        curve=(point,),
    )


def test_the_calibration_of_the_publisher_is_in_force_and_its_changes_are(
    publisher, replica
):
    folder = publisher.store.path / "docs"
    publisher.write("one")
    for least in (0.4, 0.6):
        write_calibration(folder, calibration(least))
        publisher.publish("one")
        replica.look()
        here = replica.store.path / "docs"
        assert read_min_score(here, DEFAULT_IDENTITY.fingerprint) == least
    changed = {"score_version": SCORE_VERSION, **asdict(calibration(0.7))}
    publisher.remote.put_small("docs/calibration.json", json.dumps(changed).encode())
    replica.look()
    replica.now += SELDOM_S
    replica.look()
    assert read_min_score(here, DEFAULT_IDENTITY.fingerprint) == 0.7


def test_a_calibration_that_is_nonsense_leaves_the_last_one(publisher, replica, caplog):
    publisher.write("one")
    write_calibration(publisher.store.path / "docs", calibration(0.4))
    publisher.publish("one")
    replica.look()
    publisher.remote.put_small("docs/calibration.json", b"[" * 1000)
    replica.now += SELDOM_S
    assert replica.look() == ["read"]
    here = replica.store.path / "docs"
    assert read_min_score(here, DEFAULT_IDENTITY.fingerprint) == 0.4
    assert "its calibration cannot be used" in caplog.text


def test_a_token_that_is_revoked_there_is_revoked_here(publisher, replica, monkeypatch):
    monkeypatch.setenv("KBSERVER_SIGNING_KEY", SECRET)
    settings = read_settings(store=replica.store.path, follow={"url": publisher.url})
    keys = SigningKeys.from_settings(settings)  # before there is any list
    publisher.publish("one")
    revoke(publisher.remote, ["stolen"])
    assert "stolen" not in keys.revocations
    replica.look()
    assert "stolen" in keys.revocations
    publisher.remote._opened().delete("REVOKED")
    replica.look()
    assert "stolen" in keys.revocations
    assert "stolen" in SigningKeys.from_settings(settings).revocations


@pytest.mark.parametrize("where", ["fetch", "import"])
def test_a_follower_that_is_killed_leaves_no_half_generation(
    publisher, replica, url, where
):
    first = publisher.publish("one")
    replica.look()
    second = publisher.publish("two")
    folder = str(replica.store.path)
    killed = subprocess.run([sys.executable, "-c", KILLED, folder, url, where])
    assert killed.returncode == -signal.SIGKILL
    assert (replica.store.live("docs"), replica.texts()) == (first, ["one"])
    assert replica.store.generations("docs") == [first]
    assert follow(replica.settings, once=True)
    assert (replica.store.live("docs"), replica.texts()) == (second, ["two"])
    left = {entry.name for entry in (replica.store.path / "docs").iterdir()}
    assert left == {"LIVE", ".lock", first, second}
    assert list(replica.settings.follow_folder.glob("*.kbz")) == []


def test_a_look_says_whether_all_of_it_is_here(publisher, replica):
    assert not follow(replica.settings, once=True)
    publisher.publish("one")
    assert follow(replica.settings, once=True)
    with pytest.raises(SettingsError, match="no object store to follow"):
        follow(read_settings(store=replica.store.path), once=True)


def test_one_follows_into_a_store_and_the_others_wait(publisher, replica, caplog):
    caplog.set_level(logging.INFO)
    publisher.publish("one")
    replica.settings.follow_folder.mkdir(parents=True)
    stop = threading.Event()
    waiting = threading.Thread(
        target=follow, args=(replica.settings,), kwargs={"stop": stop}
    )
    with filelock.FileLock(replica.settings.follow_folder / ".lock"):
        waiting.start()
        wait_until(lambda: "another kbserver follows into this store" in caplog.text)
        assert not replica.store.path.joinpath("docs").exists()
    wait_until(lambda: replica.store.path.joinpath("docs", "LIVE").exists())
    stop.set()
    waiting.join(20)


def test_one_that_is_stopped_while_it_waits_touches_nothing(replica):
    folder = replica.settings.follow_folder
    folder.mkdir(parents=True)
    fetched = folder / "docs.kbz"
    fetched.write_bytes(b"what another fetches")
    stop = threading.Event()
    stop.set()
    with filelock.FileLock(folder / ".lock"):
        follow(replica.settings, stop=stop)
    assert fetched.exists()


def answer(url, query="text"):
    headers = {"authorization": f"Bearer {TOKEN}"}
    response = httpx2.post(f"{url}/kb", json={"query": query}, headers=headers)
    assert response.status_code == 200
    return [hit["content"] for hit in response.json()["results"]]


def test_servers_that_start_empty_follow_without_a_failed_turn(
    publisher, tmp_path, monkeypatch, store
):
    """One with a process beside it, one with a thread; `store` has the model prepared."""
    monkeypatch.setenv("KB_TOKEN", TOKEN)
    urls, stop = [], threading.Event()
    with contextlib.ExitStack() as stack, contextlib.closing(make_shelf()) as shelf:
        for name in ("a", "b"):
            settings = read_settings(
                store=tmp_path / name,
                follow={"url": publisher.url, "every_s": 0.2},
                deadline_ms=PATIENT_MS,
                min_score=0.0,  # its passages have no meaning
            )
            server = KBServer(settings)
            urls.append(stack.enter_context(serving(server, ready=False)))
            assert httpx2.get(f"{urls[-1]}/readyz").status_code == 503
            assert answer(urls[-1]) == []
            if name == "a":
                server.metrics.share(shelf)
                server.metrics.followed()
                metrics = server.metrics
                counts = FollowCounts(shelf)
                stack.enter_context(following_beside(settings, tell=counts))
        thread = threading.Thread(
            target=follow, args=(settings,), kwargs={"stop": stop}
        )
        thread.start()
        stack.callback(thread.join, 20)
        stack.callback(stop.set)
        publisher.publish("the first text")
        for url in urls:
            wait_until(lambda url=url: httpx2.get(f"{url}/readyz").status_code == 200)
            assert answer(url) == ["the first text"]
        publisher.publish("the second text")
        pending = set(urls)
        while pending:
            for url in urls:
                [found] = answer(url)
                assert found in ("the first text", "the second text")
                if found == "the second text":
                    pending.discard(url)
        taken = 'kbserver_follow_generations_total{result="published"} 2.0'
        wait_until(lambda: taken in metrics.page()[0].decode())
