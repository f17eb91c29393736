"""`kbserver gaps`, over a record of a test's own."""

import json
import time

import pytest

from kbserver.errors import SettingsError, StoreMissing
from kbserver.record.database import key_of, open_for_writing
from kbserver.record.rows import Rows
from tests.record.conftest import candidate, plain, turn

NOW = time.time()


def silent(number, **more):
    near = candidate("p9", answered=False, score=0.1, document="billing.md")
    ending = {"outcome": "empty", "reason": "below_min_score", "candidates": (near,)}
    return turn(number, **(ending | {"at": NOW - 60 + number} | more))


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def fill(store):
    def write(*turns):
        connection = open_for_writing(store / ".record")
        key = key_of(store / ".record")
        Rows(connection, key=key, mask=plain).add(turns, [])
        connection.close()

    return write


@pytest.fixture
def ask(run, store):
    def invoke(*arguments):
        result = run(*arguments, "--store", str(store))
        assert result.exit_code == 0, result.output
        return result

    return invoke


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


def test_a_gap_is_marked_and_written(ask, fill, run, store):
    fill(silent(1, query="do you ship", embedding=bytes([100] * 8)))
    (gap,) = json.loads(ask("gaps", "--json").stdout)["gaps"]
    assert (gap["state"], gap["open"]) == ("new", True)
    written = ask("gaps", "--stub", gap["id"]).stdout
    assert written.startswith('---\ntitle: "Do you ship"\nquestions:\n')
    assert f"{gap['id']}   being written" in ask("gaps").stdout
    ask("gaps", "--mark", gap["id"], "not_ours")
    assert f"{gap['id']}   not ours" in ask("gaps", "--no-ask").stdout
    with pytest.raises(SettingsError, match="new, being_written"):
        run("gaps", "--mark", gap["id"], "later", "--store", str(store))
    with pytest.raises(StoreMissing, match="look.* further back"):
        run("gaps", "--stub", "ffff", "--store", str(store))
