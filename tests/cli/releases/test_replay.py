"""The gate: a generation that loses something waits until it is published on purpose."""

import json
import shutil
import time
from pathlib import Path

import pytest

from kbserver.cli.releases.gate import Release
from kbserver.errors import ReleaseHeld, SettingsError
from kbserver.index.store import Store
from kbserver.record.database import changing, key_of, open_for_writing
from kbserver.record.releases.replays import replays
from kbserver.record.rows import Rows
from kbserver.settings import read_settings
from tests.conftest import DOCUMENTS, write_documents
from tests.record.conftest import plain, turn

LIGHTS = "router/lights.md"


@pytest.fixture(scope="module")
def released(store: Path, tmp_path_factory) -> Path:
    """A store with documents beside it, and a record of what callers asked."""
    folder = tmp_path_factory.mktemp("gate")
    copied = folder / "store"
    shutil.copytree(store / "support", copied / "support")
    (copied / ".models").symlink_to(store / ".models")
    write_documents(folder / "support", DOCUMENTS["support"])
    connection = open_for_writing(copied / ".record")
    now = time.time()
    queries = ["how do i reset the router", "what does the red light mean"]
    turns = [
        turn(n, at=now - 9 + n, query=query, label=query)
        for n, query in enumerate(queries)
    ]
    Rows(connection, key=key_of(copied / ".record"), mask=plain).add(turns, [])
    connection.close()
    return folder


def test_a_release_that_loses_a_document_waits_and_can_be_published(run, released):
    store = Store(released / "store")
    options = ["--store", str(store.path), "--corpus", "support"]
    (before,) = store.generations("support")
    (released / "support" / LIGHTS).unlink()
    page = released / "report.html"
    command = ["ingest", str(released / "support"), *options, "--replay", "7d"]
    wanted = ["--require", "gone<=0", "silent<=0.01"]
    with pytest.raises(ReleaseHeld) as refused:
        run(*command, *wanted, "--report", str(page))
    waiting = store.generations("support")[-1]
    assert store.live("support") == before != waiting
    said = str(refused.value)
    assert refused.value.exit_code == 7
    assert "gone<=0: found 1" in said
    assert f"publish anyway: kbserver rollback support --to {waiting}" in said
    assert LIGHTS in page.read_text() and "Held back" in page.read_text()
    with changing(store.path / ".record") as connection:
        (kept,) = replays(connection)
    assert (kept["after"], kept["held"]) == (waiting, True)

    result = run("replay", "support", "--to", waiting, *options[:2])
    assert f"- {LIGHTS}   answered 1 of them" in result.stdout
    assert "“what does the red light mean”" in result.stdout

    run("rollback", "support", "--to", waiting, *options[:2])
    assert store.live("support") == waiting
    (released / "support" / "new.md").write_text("# New\n\nA new page.\n")
    result = run(*command, *wanted[:2], "--json")
    report = json.loads(result.stdout)
    assert report["published"] and report["held"] is None
    assert report["replay"]["measures"]["gone"] == 0
    assert report["replay"]["asked"]["turns"] == 2


def test_without_a_live_generation_a_release_is_published(released, capfd):
    settings = read_settings(store=released / "store")
    release = Release.of(settings, "new", ["gone<=0"], "7d", None)
    release.end(published=True)
    assert "published without a replay" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--require", "gone<=0"], "--replay"),
        (["--report", "a.html"], "--replay"),
        (["--replay", "7d", "--watch"], "--watch"),
        (["--replay", "7d", "--dry-run"], "--dry-run"),
        (["--replay", "soon"], "duration"),
        (["--replay", "7d", "--require", "gone"], "'gone<=0'"),
        (["--replay", "7d", "--require", "p99_ms<=9"], "newly_answered"),
        (["--replay", "7d", "--require", "gone<=0", "gonne<=0"], "'gonne<=0'"),
        (["--replay", "7d", "--require", "gone[a]<=0"], "newly_answered"),
    ],
)
def test_what_cannot_be_required_is_said_before_anything_is_read(run, options, said):
    with pytest.raises(SettingsError, match=said):
        run("ingest", "nowhere", *options)
