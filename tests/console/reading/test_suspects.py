"""Turns that look wrong, each by its sign."""

import numpy as np
import pytest

from kbserver.console.reading import turns
from kbserver.console.reading.suspects import suspects
from kbserver.errors import InvalidRequest
from kbserver.record.database import changing
from kbserver.record.judgements import judge_turn
from tests.record.conftest import candidate

from ..conftest import HOTELS, NOW, silent
from ..conftest import turn as note

EAST, NORTH = (np.array(vector, np.int8).tobytes() for vector in ([127, 0], [0, 127]))


def good(number, **more):
    hits = (candidate(score=0.8), candidate("p2", score=0.5, document="b.md"))
    return note(number, **{"at": NOW - 100 + number, "candidates": hits} | more)


def signs(answer):
    return {int(one["id"], 16): one["signs"] for one in answer["suspects"]}


def test_each_sign_is_seen(ask, fill, folder):
    level = (candidate(score=0.8), candidate("p2", score=0.795, document="b.md"))
    fill(
        good(1, label="a", query="reset the router", embedding=EAST),
        good(2, label="a", query="how do i reset it", embedding=EAST),
        good(3, label="a", query="and the bill", embedding=NORTH),
        good(4, label="a", query="and the bill", embedding=NORTH),
        good(5, label="b", candidates=(candidate(score=0.2),)),
        good(6, label="c", candidates=level),
        silent(7, at=NOW - 50),
        good(8, label="d"),
        good(9, label="e", candidates=(candidate(score=0.2),)),
    )
    with changing(folder / ".record") as record:
        judge_turn(record, f"{8:020x}", "wrong", by="ann", at=NOW)
        judge_turn(record, f"{9:020x}", "right", by="ann", at=NOW)
    answer = ask(suspects)
    assert signs(answer) == {
        8: ["marked"],
        6: ["level"],
        5: ["barely"],
        2: ["asked_again"],
    }
    assert answer["looked_at"] == 9
    assert signs(ask(suspects, sign="level")) == {6: ["level"]}
    assert list(signs(ask(suspects, limit=1))) == [8]


def test_a_token_that_is_bound_to_labels_sees_its_own(ask, fill):
    weak = (candidate(score=0.2),)
    fill(good(1, candidates=weak), good(2, candidates=weak, route="hotel-{id}"))
    assert list(signs(ask(suspects, HOTELS))) == [2]


def test_turns_of_one_route_are_looked_for_among_the_newest(ask, fill, monkeypatch):
    monkeypatch.setattr(turns, "MOST_FILTERED", 4)
    weak = (candidate(score=0.2),)
    fill(*(good(n, candidates=weak, route="ab"[n > 0]) for n in range(9)))
    assert ask(suspects, route="a")["looked_at"] == 0
    assert ask(suspects)["looked_at"] == 5


def test_a_sign_that_is_none_is_refused(ask):
    with pytest.raises(InvalidRequest, match="sign"):
        ask(suspects, sign="odd")
