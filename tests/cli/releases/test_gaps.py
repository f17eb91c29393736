"""`kbserver gaps`, over a record of a test's own."""

import json
import shutil

import pytest

from kbserver.errors import SettingsError, StoreMissing
from kbserver.index.store import Store
from kbserver.record.database import KEY
from tests.cli.conftest import NOW, silent
from tests.record.conftest import turn


def test_gaps_are_shown_with_examples_and_what_came_nearest(ask, fill):
    fill(
        silent(1, query="do you ship", embedding=bytes([100] * 8)),
        silent(3, query="do you ship", embedding=bytes([100] * 8)),
        silent(2, query="can you *send* it", embedding=bytes([99, 101] * 4), label="b"),
    )
    shown = ask("gaps").stdout
    assert "do you ship\n" in shown and "can you *send* it\n" in shown
    assert "3 turns of 2 calls, 3 silent; nearest billing.md (support)" in shown
    marked = ask("gaps", "--markdown").stdout
    assert marked.startswith("## ")
    assert " can you \\*send\\* it\n" in marked
    (gap,) = json.loads(ask("gaps", "--json").stdout)["gaps"]
    assert (gap["turns"], gap["document"]) == (3, "billing.md")


def test_without_words_silent_turns_are_counted_by_document(ask, fill):
    fill(silent(1), silent(2), silent(3, candidates=()))
    result = ask("gaps")
    assert "no words are recorded" in result.stderr
    first, second = result.stdout.splitlines()
    assert first.split() == "2 turns 1 calls billing.md best 0.10".split()
    assert "(nothing came near)" in second


def test_no_gap_is_said(ask, fill):
    fill(turn(1, at=NOW, query="answered well"))
    assert "every turn was answered" in ask("gaps").stderr


def test_a_gap_is_marked_and_written(ask, fill, run, own_store):
    fill(silent(1, query="do you ship", embedding=bytes([100] * 8)))
    (gap,) = json.loads(ask("gaps", "--json").stdout)["gaps"]
    assert (gap["state"], gap["open"]) == ("new", True)
    written = ask("gaps", "--stub", gap["id"]).stdout
    assert written.startswith('---\ntitle: "Do you ship"\nquestions:\n')
    assert f"{gap['id']}   being written" in ask("gaps").stdout
    ask("gaps", "--mark", gap["id"], "not_ours")
    assert f"{gap['id']}   not ours" in ask("gaps", "--no-ask").stdout
    with pytest.raises(SettingsError, match="new, being_written"):
        run("gaps", "--mark", gap["id"], "later", "--store", str(own_store))
    with pytest.raises(StoreMissing, match="look.* further back"):
        run("gaps", "--stub", "ffff", "--store", str(own_store))


def test_gaps_are_listed_though_they_cannot_be_asked_again(
    ask, fill, own_store, store, monkeypatch
):
    monkeypatch.setenv("KBSERVER_BACKEND", "torch")
    monkeypatch.setenv("KBSERVER_PRECISION", "int8")
    shutil.copytree(store / "support", own_store / "support")
    fill(silent(1, query="do you ship", embedding=bytes([100] * 8)))
    assert Store(own_store).live("support")
    listed = ask("gaps")
    assert "gaps were not asked again" in listed.stderr
    assert listed.stdout.startswith("do you ship\n")
    (own_store / ".record" / KEY).write_bytes(b"short")
    assert "is no key" in ask("gaps").stderr
