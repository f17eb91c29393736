"""Turns are found again by time, route, ending, words, call and id."""

import sqlite3

import pytest

from kbserver.errors import StoreError
from kbserver.record.database import call_of
from kbserver.record.turns import (
    COLUMNS,
    NoWords,
    Wanted,
    last_number,
    later,
    matching,
    newest,
    one,
)

from .conftest import KEY, NOON, turn


@pytest.fixture
def reader(connection):
    connection.row_factory = sqlite3.Row
    return connection


@pytest.fixture
def filled(rows, reader):
    turns = [
        turn(1, query="reset the router"),
        turn(2, at=NOON + 60, route="vip-*", label="vip-1", query="pay a bill"),
        turn(3, at=NOON + 120, outcome="empty", reason="no_match", candidates=()),
    ]
    rows.add(turns, [])
    return reader


def ids(turns):
    return [int(found["id"], 16) for found in turns]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), [1, 2, 3]),
        (Wanted(since=NOON + 60), [2, 3]),
        (Wanted(route="vip-*"), [2]),
        (Wanted(route="vip-1"), []),
        (Wanted(outcome="full"), [1, 2]),
        (Wanted(outcome="no_match"), [3]),
        (Wanted(search="router reset"), [1]),
        (Wanted(search="router bill"), []),
        (Wanted(call=call_of("vip-1", KEY)), [2]),
        (Wanted(after=2), [3]),
    ],
)
def test_each_wish_chooses_its_turns_in_the_order_of_time(filled, wanted, found):
    assert ids(newest(filled, wanted)) == found


def test_of_too_many_the_newest_are_given(filled):
    assert ids(newest(filled, Wanted(), most=2)) == [2, 3]


def test_a_turn_is_whole(filled):
    (found,) = newest(filled, Wanted(route="vip-*"))
    assert tuple(found) == (*COLUMNS, "searches", "candidates")
    assert (found["label"], found["query"], found["in_budget"]) == (
        "vip-1",
        "pay a bill",
        True,
    )
    assert found["stages_ms"] == {"embed": 5.13}
    assert found["searches"] == [
        {
            "corpus": "support",
            "generation": "000001-a",
            "min_score": 0.15,
            "min_score_from": "default",
        }
    ]
    best, near = found["candidates"]
    assert best == {
        "corpus": "support",
        "passage": "p1",
        "document": "router/reset.md",
        "answered": True,
        "score": 0.8,
        "lexical": 7.5,
        "dense": 0.6,
    }
    assert (near["passage"], near["answered"]) == ("p2", False)


def test_a_turn_is_found_by_its_id_or_the_beginning_of_it(filled, rows):
    whole = f"{2:020x}"
    assert one(filled, whole)["route"] == "vip-*"
    rows.add([turn(0x5 << 76)], [])
    assert ids([one(filled, "5")]) == [0x5 << 76]
    assert one(filled, "9") is None
    assert one(filled, "") is None
    with pytest.raises(StoreError, match="write more"):
        one(filled, "0000")


def test_without_words_a_search_says_what_it_needs(rows, reader):
    rows.add([turn(1)], [])
    with pytest.raises(NoWords, match='mode = "words"'):
        newest(reader, Wanted(search="router"))


@pytest.mark.parametrize("words", ['"', "NOT", "router AND", "a* OR (", "", "é'--"])
def test_what_is_searched_for_has_no_meaning_of_its_own(filled, words):
    assert newest(filled, Wanted(search=words)) == []
    assert matching('a "b') == '"a" """b"'


def test_the_last_number_is_that_of_the_newest_turn(rows, reader):
    assert last_number(reader) == 0
    rows.add([turn(1), turn(2)], [])
    assert last_number(reader) == 2


def test_turns_after_a_number_are_found_from_the_earliest_of_them_on(rows, reader):
    times = {1: NOON, 2: NOON + 9, 3: NOON + 5, 4: NOON + 7}
    rows.add([turn(number, at=at) for number, at in times.items()], [])
    wanted = later(reader, Wanted(since=NOON - 60), 2)
    assert (wanted.since, wanted.after) == (NOON + 5, 2)
    assert [one["at"] for one in newest(reader, wanted)] == [NOON + 5, NOON + 7]
    assert later(reader, Wanted(since=NOON + 6), 2).since == NOON + 6
    assert newest(reader, later(reader, Wanted(), 4)) == []
