"""`kbserver documents` and `kbserver diff`, over a copy of a corpus and a record."""

import json
import shutil
import time
from dataclasses import replace

import pytest

from kbserver.errors import StoreMissing
from kbserver.index.documents import LINES
from kbserver.index.manifest import facts_of_files, read_manifest, write_manifest
from kbserver.index.store import Store
from kbserver.record.database import open_for_writing
from kbserver.record.rows import Rows
from tests.record.conftest import DAY_S, candidate, plain, turn


@pytest.fixture
def own_store(store, tmp_path):
    copied = tmp_path / "store"
    shutil.copytree(store / "support", copied / "support")
    return copied


@pytest.fixture
def ask(run, own_store):
    def invoke(*arguments):
        result = run(*arguments, "--store", str(own_store))
        assert result.exit_code == 0, result.output
        return result

    return invoke


@pytest.fixture
def recorded(own_store):
    """Of `support`: one document answered yesterday, one 40 days ago, one that came near."""
    now = time.time()
    near = candidate("p3", answered=False, document="billing/dates.md")
    turns = [
        turn(1, at=now - DAY_S, candidates=(candidate(), near)),
        turn(
            2,
            at=now - 40 * DAY_S,
            candidates=(candidate("p4", document="router/lights.md"),),
        ),
    ]
    connection = open_for_writing(own_store / ".record")
    Rows(connection, key=bytes(32), mask=plain).add(turns, [])
    connection.close()


def test_every_document_is_listed_also_without_a_record(ask):
    shown = ask("documents", "support").stdout
    assert shown.count("never") == 4
    assert "billing/cancel.txt" in shown
    assert "4 of 4 documents of support" in shown


def test_what_each_document_did_for_callers(ask, recorded):
    listed = json.loads(ask("documents", "support", "--json").stdout)["documents"]
    figures = {
        one["document"]: (one["turns"], one["first_places"], one["near_misses"])
        for one in listed
    }
    assert figures == {
        "billing/cancel.txt": (0, 0, 0),
        "billing/dates.md": (0, 0, 1),
        "router/lights.md": (1, 1, 0),
        "router/reset.md": (1, 1, 0),
    }


def test_unused_documents_are_those_not_answered_for_so_long(ask, recorded):
    result = ask("documents", "support", "--unused", "30d", "--json")
    listed = json.loads(result.stdout)["documents"]
    names = [one["document"] for one in listed]
    assert names == ["billing/cancel.txt", "billing/dates.md", "router/lights.md"]
    assert result.stderr == ""


def test_a_record_younger_than_what_is_asked_is_said(ask, recorded):
    result = ask("documents", "support", "--unused", "60d")
    assert "turns are recorded since" in result.stderr


def test_two_generations_are_compared_by_name(ask, own_store):
    corpus = own_store / "support"
    before = Store(own_store).live("support")
    folder = corpus / "000009-20260101T000000-aaaaaa"
    shutil.copytree(corpus / before, folder)
    lines = (folder / LINES).read_text().splitlines()
    kept = [line for line in lines if "lights" not in line]
    (folder / LINES).write_text("\n".join(kept) + "\n")
    manifest = read_manifest(folder)
    files = manifest.files | {LINES: facts_of_files(folder)[LINES]}
    write_manifest(replace(manifest, files=files, generation=folder.name), folder)
    shown = ask("diff", "support", before, folder.name).stdout
    assert shown.splitlines() == [
        "- router/lights.md",
        f"0 added, 0 changed, 1 gone, 3 the same   ({before} → {folder.name})",
    ]
    values = json.loads(ask("diff", "support", folder.name, "--json").stdout)
    assert values == {
        "before": folder.name,
        "now": before,
        "same": 3,
        "added": ["router/lights.md"],
        "changed": [],
        "gone": [],
    }


def test_a_generation_that_is_not_there_says_which_are(run, own_store):
    with pytest.raises(StoreMissing, match="there are"):
        run("diff", "support", "000099-x", "--store", str(own_store))
