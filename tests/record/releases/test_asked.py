"""Recorded turns come back as the calls in which they were asked."""

import sqlite3

import pytest

from kbserver.notes import SearchNote
from kbserver.record.releases.asked import asked_calls, count_asked
from tests.record.conftest import DAY_S, NOON, turn


@pytest.fixture
def reader(connection):
    connection.row_factory = sqlite3.Row
    return connection


def test_turns_come_by_call_and_in_order(rows, reader):
    other = (SearchNote("hotels", "000001-a", 0.15, "default"),)
    turns = [
        turn(1, at=NOON, query="reset it", label="a"),
        turn(2, at=NOON + 1, query="pay it", label="b", route="b-*"),
        turn(3, at=NOON + 2, query="and how long", label="a"),
        turn(4, at=NOON + 3, query="no label", label=None),
        turn(5, at=NOON + 4, query="nor here", label=None),
        turn(6, at=NOON + 2 + 601, query="another day", label="a"),
        turn(7, at=NOON + 5, query="a probe", probe="doctor"),
        turn(8, at=NOON + 5, query="another corpus", searches=other),
        turn(9, at=NOON + 5),
        turn(10, at=NOON - DAY_S, query="long ago"),
    ]
    rows.add(turns, [])
    calls = asked_calls(reader, "support", since=NOON, most=100)
    assert [[one.query for one in call.turns] for call in calls] == [
        ["reset it", "and how long"],
        ["another day"],
        ["pay it"],
        ["no label"],
        ["nor here"],
    ]
    assert (calls[2].label, calls[2].route) == ("b", "b-*")
    assert calls[0].turns[1].id == f"{3:020x}"
    assert count_asked(reader, "support", since=NOON) == 6


def test_of_too_many_the_newest_are_asked(rows, reader):
    rows.add([turn(n, at=NOON + n, query=f"q{n}", label=f"l{n}") for n in range(9)], [])
    calls = asked_calls(reader, "support", since=NOON, most=2)
    assert [call.turns[0].query for call in calls] == ["q7", "q8"]
