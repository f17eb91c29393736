"""`kbserver judge`, over a record of a test's own."""

import json
import time

import pytest
from typer.testing import CliRunner

from kbserver import cli
from kbserver.errors import SettingsError, StoreMissing
from kbserver.record.database import key_of, open_for_writing
from kbserver.record.rows import Rows
from tests.record.conftest import candidate, plain, turn

NOW = time.time()
RESET = "router/reset.md"


@pytest.fixture
def store(tmp_path):
    store = tmp_path / "store"
    connection = open_for_writing(store / ".record")
    near = candidate("p9", answered=False, score=0.1, document="billing.md")
    quiet = {"outcome": "empty", "reason": "below_min_score", "candidates": (near,)}
    turns = [
        turn(1, at=NOW - 9, query="reset it"),
        turn(2, at=NOW - 8, query="when do i pay", **quiet),
        turn(3, at=NOW - 7),
    ]
    Rows(connection, key=key_of(store / ".record"), mask=plain).add(turns, [])
    connection.close()
    return store


@pytest.fixture
def ask(run, store):
    def invoke(*arguments):
        result = run("judge", *arguments, "--store", str(store))
        assert result.exit_code == 0, result.output
        return result

    return invoke


def id_of(number):
    return f"{number:020x}"


def listed(ask):
    return [
        (one["verdict"], one["document"], one["question"])
        for one in json.loads(ask("--list", "--json").stdout)
    ]


def test_turns_are_judged_by_their_ids(ask):
    assert "judged (1): right router/reset.md" in ask(id_of(1), "--right").stdout
    ask(id_of(2), "--document", "billing.md", "--by", "ann")
    assert "--question TEXT" in ask(id_of(3), "--wrong").stderr
    assert listed(ask) == [
        ("right", RESET, "reset it"),
        ("should_have_answered", "billing.md", "when do i pay"),
        ("wrong", RESET, None),
    ]
    assert "“turn 00000000000000000003 (no words)”" in ask("--list").stdout
    ask("--remove", "1")
    assert len(listed(ask)) == 2


def test_a_question_of_ones_own_is_judged(ask):
    own = ("--corpus", "support", "--question", "is it free")
    ask(*own, "--document", "prices.md")
    ask("--corpus", "support", "--question", "what is love", "--silent")
    assert listed(ask) == [
        ("right", "prices.md", "is it free"),
        ("silent", None, "what is love"),
    ]


def test_what_was_not_judged_is_asked_turn_by_turn(store):
    result = CliRunner().invoke(
        cli.app, ["judge", "--store", str(store)], input="7\n1\nw\nq\n"
    )
    assert result.exit_code == 0
    assert "1  near      0.10  billing.md" in result.stdout
    assert "judged (1): should have answered billing.md" in result.stdout
    assert "judged (2): wrong router/reset.md" in result.stdout
    again = CliRunner().invoke(cli.app, ["judge", "--store", str(store)])
    assert "every question was judged" in again.stderr


def test_what_is_judged_becomes_the_questions_of_an_evaluation(ask, run, store):
    target = store.parent / "judged"
    with pytest.raises(SettingsError, match="no question"):
        run("judge", "--export", str(target), "--store", str(store))
    ask(id_of(1), "--right")
    ask(id_of(3), "--right")
    result = ask("--export", str(target))
    assert "support: 1 judged questions" in result.stdout
    assert "1 judgements without words are left out" in result.stderr
    assert "kbserver eval support --queries" in result.stderr
    assert (target / "qrels.tsv").read_text().endswith(f"\t{RESET}\t1\n")
    ask("--corpus", "hotels", "--question", "a pool", "--document", "a.md")
    with pytest.raises(SettingsError, match="hotels, support"):
        ask("--export", str(target))
    assert json.loads(
        ask("--export", str(target), "--corpus", "hotels", "--json").stdout
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--right"], "which turn"),
        ([id_of(1)], "--right, --wrong, --silent"),
        ([id_of(1), "--right", "--wrong"], "say one of"),
        ([id_of(1), "--silent", "--document", "a.md"], "names no document"),
        (["--question", "is it free", "--silent"], "--corpus"),
        (["--question", "is it free", "--corpus", "a", "--right"], "--document"),
        (["--question", " ", "--corpus", "a", "--silent"], "is empty"),
        (["--question", "\udcff", "--corpus", "a", "--silent"], "no text in UTF-8"),
    ],
)
def test_what_is_missing_is_said(run, store, arguments, said):
    with pytest.raises(SettingsError, match=said):
        run("judge", *arguments, "--store", str(store))


def test_a_number_that_is_not_there_is_said(run, store):
    with pytest.raises(StoreMissing, match="judge --list"):
        run("judge", "--remove", "7", "--store", str(store))
