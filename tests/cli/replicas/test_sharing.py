"""`publish`, `follow`, `revoke`, and what `rollback`, `prune` and `corpora` do `--at` a URL."""

import json
import shutil

import pytest

from kbserver.cli.replicas.sharing import read_following
from kbserver.errors import SettingsError, StoreBusy, StoreMissing
from kbserver.index.sharing.remote import Remote
from kbserver.index.store import Store
from tests.endpoint.running.conftest import Publisher


@pytest.fixture
def publisher(tmp_path):
    return Publisher(tmp_path / "publisher", f"file://{tmp_path}/shared")


@pytest.fixture
def at(run, publisher):
    """Run a command and return what it prints as JSON."""

    def invoke(*arguments):
        result = run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return invoke


def test_generations_are_published_listed_rolled_back_and_pruned(at, run, publisher):
    url, store = publisher.url, str(publisher.store.path)
    names = []
    for number in range(2):
        names.append(publisher.write(f"text {number}"))
        done = at("publish", "docs", url, "--store", store)
        assert (done["generation"], done["uploaded"]) == (names[-1], True)
    assert done["before"] == names[0]
    listed = at("corpora", "--at", url)
    assert [(one["generation"], one["live"]) for one in listed] == [
        (names[0], False),
        (names[1], True),
    ]
    assert at("rollback", "docs", "--at", url)["generation"] == names[0]
    assert at("prune", "--all", "--at", url, "--keep", "1") == {"docs": []}
    shown = run("publish", "docs", url, "--store", store)
    assert f"docs: generation {names[1]} is live at {url}" in shown.output
    assert "it was there already, whole" in shown.output
    assert f"kbserver rollback docs --at {url}" in shown.output
    assert "already" in run("publish", "docs", url, "--store", store).output
    assert names[0] in run("corpora", "--at", url).output
    assert publisher.store.live("docs") == names[1]


def test_a_store_takes_over_what_is_live_and_says_if_it_could_not(
    run, publisher, tmp_path
):
    store = str(tmp_path / "replica")
    assert run("follow", publisher.url, "--once", "--store", store).exit_code == 3
    name = publisher.publish("one")
    assert run("follow", publisher.url, "--once", "--store", store).exit_code == 0
    assert Store(store).live("docs") == name


def test_tokens_are_revoked_for_all(at, run, publisher):
    assert at("revoke", "a", "b", "--at", publisher.url)["new"] == 2
    assert at("revoke", "b", "c", "--at", publisher.url)["new"] == 1
    assert publisher.remote.small("REVOKED")[0] == b"a\nb\nc\n"
    for wrong in ("", "a#b", " a"):
        with pytest.raises(SettingsError, match="is no jti"):
            run("revoke", wrong, "--at", publisher.url)


def test_an_empty_object_store_says_how_to_fill_it(run, publisher):
    assert "kbserver publish CORPUS" in run("corpora", "--at", publisher.url).output
    with pytest.raises(StoreMissing, match="kbserver publish docs"):
        run("rollback", "docs", "--at", publisher.url)
    with pytest.raises(StoreMissing, match="kbserver ingest"):
        run("publish", "docs", publisher.url, "--store", "nowhere")


def test_an_ingest_publishes_and_the_loser_of_a_race_is_told(
    run, publisher, store, tmp_path, monkeypatch
):
    own = tmp_path / "own"
    shutil.copytree(store, own, symlinks=True)
    source = tmp_path / "support"
    shutil.copytree(store.parent / "documents" / "support", source)
    ingest = ("ingest", str(source), "--store", str(own), "--publish", publisher.url)
    result = run(*ingest, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["published"] is False  # nothing was changed
    live = Store(own).live("support")
    assert publisher.remote.live("support").generation == live
    with pytest.raises(SettingsError, match="not with --watch or --dry-run"):
        run(*ingest, "--dry-run")
    other = publisher.write("theirs", corpus="support")
    upload = Remote.upload

    def raced(self, corpus, generation, file):
        monkeypatch.setattr(Remote, "upload", upload)
        publisher.publish("theirs", corpus="support")
        return upload(self, corpus, generation, file)

    monkeypatch.setattr(Remote, "upload", raced)
    publisher.remote.put_small("support/LIVE", f"{other}\n".encode())
    with pytest.raises(StoreBusy, match=f"wanted {other} live, found .*--to {live}"):
        run("publish", "support", publisher.url, "--store", str(own))


def test_a_url_goes_over_the_one_of_the_settings(tmp_path):
    file = tmp_path / "kbserver.toml"
    file.write_text('[follow]\nurl = "s3://bucket/kb"\nevery_s = 5.0\n')
    assert read_following(file, None).follow.url == "s3://bucket/kb"
    followed = read_following(file, "gs://other").follow
    assert (followed.url, followed.every_s) == ("gs://other", 5.0)
    file.write_text("")
    assert read_following(file, "gs://other").follow.every_s == 2.0
    assert read_following(file, None).follow is None
    with pytest.raises(SettingsError, match="the object store 'x'"):
        read_following(file, "x")
