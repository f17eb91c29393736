"""Turns and calls, page by page; and what a token that is bound to labels sees of them."""

import pytest

from kbserver.console.reading import turns as module
from kbserver.console.reading.turns import call, calls, turn, turns
from kbserver.console.resources import NotThere
from kbserver.errors import InvalidRequest
from kbserver.record.turns import NoWords

from ..conftest import HOTELS, NOW, silent
from ..conftest import turn as note


def hotel(number, **more):
    return note(number, route="hotel-{id}", label="hotel-7", **more)


def ids(found):
    return [int(one["id"], 16) for one in found["turns"]]


def pages(ask, function, **values):
    found, cursor = [], None
    while True:
        answer = ask(function, **values, **({"cursor": cursor} if cursor else {}))
        found.append(answer)
        cursor = answer["next"]
        if cursor is None:
            return found


def test_turns_come_newest_first_page_by_page(ask, fill):
    fill(*(note(n, at=NOW - 100 + n // 2) for n in range(7)))  # two at each moment
    assert [ids(one) for one in pages(ask, turns, limit=3)] == [
        [6, 5, 4],
        [3, 2, 1],
        [0],
    ]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, [3, 2, 1]),
        ({"probes": "1"}, [4, 3, 2, 1]),
        ({"route": "hotel-{id}"}, [3]),
        ({"outcome": "below_min_score"}, [2]),
        ({"corpus": "support"}, [3, 2, 1]),
        ({"corpus": "hotels"}, []),
        ({"search": "router"}, [1]),
        ({"since": "40s"}, [3, 2]),
    ],
)
def test_turns_are_chosen(ask, fill, values, found):
    fill(
        note(1, at=NOW - 60, query="reset the router"),
        silent(2, at=NOW - 30),
        hotel(3, at=NOW - 20),
        note(4, at=NOW - 10, probe="doctor"),
    )
    assert ids(ask(turns, **values)) == found


def test_a_call_is_listed_once_where_its_newest_turn_is(ask, fill):
    fill(*(note(n, at=NOW - 100 + n, label=f"call-{n % 3}") for n in range(9)))
    fill(note(20, at=NOW - 5, label="call-0", in_budget=False))
    found = [one["calls"] for one in pages(ask, calls, limit=1)]
    lasted = [(one["turns"], one["late"], NOW - one["ended"]) for (one,) in found]
    assert lasted == [(4, 1, 5.0), (3, 0, 92.0), (3, 0, 93.0)]
    assert [len(one["newest"]) for (one,) in found] == [4, 3, 3]


def test_calls_are_chosen_by_any_of_their_turns(ask, fill):
    fill(
        note(1, at=NOW - 60, label="a", query="reset the router"),
        silent(2, at=NOW - 50, label="a"),
        note(3, at=NOW - 40, label="b"),
        hotel(4, at=NOW - 30),
        note(5, at=NOW - 20, label=None),
        note(6, at=NOW - 10, label="c", probe="doctor"),
    )

    def found(**values):
        return [one["turns"] for one in ask(calls, **values)["calls"]]

    assert found() == [1, 1, 2]
    assert found(outcome="below_min_score") == [2]
    assert found(search="router") == [2]
    assert found(route="hotel-{id}") == [1]


def test_a_page_that_looked_through_many_turns_says_that_there_are_more(
    ask, fill, monkeypatch
):
    monkeypatch.setattr(module, "MOST_WALKED", 4)
    fill(silent(1, at=NOW - 60, label="a"))
    fill(*(note(n, at=NOW - 50 + n, label="b") for n in range(2, 12)))
    found = pages(ask, calls, outcome="empty")
    assert [len(one["calls"]) for one in found] == [0, 0, 1]


def test_a_search_needs_words(ask, fill):
    fill(note(1, at=NOW - 60))
    with pytest.raises(NoWords):
        ask(calls, search="router")


def test_one_turn_and_one_call_are_whole(ask, fill):
    fill(note(1, at=NOW - 60, query="reset it"), silent(2, at=NOW - 50))
    found = ask(turn, id=f"{1:020x}")["turn"]
    assert (found["query"], found["judged"]) == ("reset it", [])
    whole = ask(call, key=found["call"])["call"]
    assert [one["outcome"] for one in whole["turns_of"]] == ["full", "empty"]
    assert (whole["label"], whole["answered"], whole["ending"]) == ("call-1", 1, None)


def test_what_is_not_there_and_what_is_not_seen_are_the_same(ask, fill):
    fill(note(1, at=NOW - 60), hotel(2, at=NOW - 50))
    theirs = ask(turn, id=f"{1:020x}")["turn"]["call"]
    for function, values in (
        (turn, {"id": f"{1:020x}"}),
        (turn, {"id": "f"}),
        (call, {"key": theirs}),
        (call, {"key": "0"}),
    ):
        with pytest.raises(NotThere):
            ask(function, HOTELS, **values)
    assert ids(ask(turns, HOTELS)) == [2]
    assert len(ask(calls, HOTELS)["calls"]) == 1
    assert ids(ask(turns, HOTELS, route="*")) == []


def test_a_cursor_of_no_answer_is_refused(ask):
    with pytest.raises(InvalidRequest, match="cursor"):
        ask(turns, cursor="later~x")


def test_a_page_of_turns_looks_through_so_many(ask, fill, monkeypatch):
    monkeypatch.setattr(module, "MOST_FILTERED", 4)
    fill(silent(1, at=NOW - 60, query="reset it"))
    fill(*(note(n, at=NOW - 50 + n) for n in range(2, 12)))
    for values in ({"outcome": "empty"}, {"search": "reset"}):
        found = pages(ask, turns, **values)
        assert [ids(one) for one in found] == [[], [], [1]]


def test_a_later_turn_that_is_not_listed_hides_no_call(ask, fill):
    fill(
        note(1, at=NOW - 60, label="a"),
        note(2, at=NOW - 50, label="b"),
        note(3, at=NOW - 40, label="a", probe="doctor"),
    )
    found = [one["calls"] for one in pages(ask, calls, limit=1)]
    assert [len(page) for page in found] == [1, 1]


def test_turns_of_other_routes_count_in_no_call_of_a_token_that_is_bound_to_labels(
    ask, fill
):
    fill(note(1, at=NOW - 60, label="hotel-7"), hotel(2, at=NOW - 50))
    (listed,) = ask(calls, HOTELS)["calls"]
    (whole,) = ask(calls)["calls"]
    assert (listed["turns"], listed["routes"]) == (1, ["hotel-{id}"])
    assert (whole["turns"], whole["routes"]) == (2, ["*", "hotel-{id}"])


def test_a_search_for_no_character_finds_nothing(ask, fill):
    fill(note(1, at=NOW - 60, query="reset it"))
    assert ids(ask(turns, search="\0")) == []
    assert ids(ask(turns, search="reset\0it")) == [1]
