"""Reports are kept without words, and read with those that are still recorded."""

import sqlite3

import pytest

from kbserver.record.releases import replays
from kbserver.record.releases.replays import add, one
from tests.record.conftest import NOON, turn


@pytest.fixture
def reader(connection):
    connection.row_factory = sqlite3.Row
    return connection


def question(text, origin, key):
    return {"question": text, "origin": origin, "key": key, "behind": ["before"]}


def report(after="000002-b", questions=(), corpus="support"):
    return {
        "corpus": corpus,
        "before": "000001-a",
        "after": after,
        "held": True,
        "questions": list(questions),
    }


def test_no_words_of_callers_are_kept_twice(rows, reader):
    rows.add([turn(1, query="reset it")], [])
    asked = [
        question("reset it", "recorded", f"{1:020x}"),
        question("pay it", "recorded", f"{2:020x}"),
        question("is it free", "judged", "j1"),
        question("can i move", "document", "moving.md"),
    ]
    number = add(reader, report(questions=asked), at=NOON)
    (stored,) = reader.execute("SELECT report FROM replays").fetchone()
    assert "can i move" in stored
    for words in ("reset it", "pay it", "is it free"):
        assert words not in stored
    found = one(reader, number)
    said = [each["question"] for each in found["report"]["questions"]]
    assert said == ["reset it", None, None, "can i move"]
    assert (found["held"], found["after"]) == (True, "000002-b")
    assert one(reader, 99) is None


def test_the_newest_come_first_and_the_oldest_go(reader, monkeypatch):
    monkeypatch.setattr(replays, "MOST_KEPT", 2)
    for name in "abc":
        add(reader, report(name), at=NOON)
    add(reader, report("d", corpus="hotels"), at=NOON)
    assert [one["after"] for one in replays.replays(reader)] == ["d", "c", "b"]
    found = replays.replays(reader, corpus="support", most=1)
    assert [one["after"] for one in found] == ["c"]
