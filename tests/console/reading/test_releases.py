"""Releases: replays that were made, and documents of generations by name."""

import pytest

from kbserver.console.reading.releases import (
    begin,
    comparison,
    replay,
    replays,
    scores,
)
from kbserver.console.resources import NotThere
from kbserver.errors import Forbidden, InvalidRequest, StoreMissing
from kbserver.record.database import changing
from kbserver.record.releases.replays import add
from tests.console.conftest import HOTELS, NOW, turn


def report(after="000002-b", judged=None):
    question = {"question": "a", "origin": "recorded", "key": f"{1:020x}", "behind": []}
    return {
        "corpus": "support",
        "before": "000001-a",
        "after": after,
        "held": False,
        "judged": judged,
        "questions": [question],
    }


def test_replays_are_listed_without_their_questions_and_shown_with_them(
    ask, fill, folder
):
    fill(turn(1, at=NOW - 9, query="reset it"))
    with changing(folder / ".record") as connection:
        number = add(connection, report(), at=NOW)
    (listed,) = ask(replays)["replays"]
    assert listed["n"] == number and "questions" not in listed["report"]
    (question,) = ask(replay, n=number)["replay"]["report"]["questions"]
    assert question["question"] == "reset it"
    with pytest.raises(NotThere):
        ask(replay, n=99)


def test_scores_are_those_of_replays_with_judged_questions_oldest_first():
    judged = {"after": {"ndcg@10": 0.8, "questions": 3}}
    made = [
        {"at": NOW, "after": "c", "report": report(judged=judged)},
        {"at": NOW - 9, "after": "b", "report": report()},
        {"at": NOW - 99, "after": "a", "report": report(judged=judged)},
    ]
    found = [(one["after"], one["values"]) for one in scores(made)]
    assert found == [("a", {"ndcg@10": 0.8}), ("c", {"ndcg@10": 0.8})]


def test_a_replay_is_begun_and_its_report_kept(ask, fill, library, source):
    fill(turn(1, at=source.clock(), query="how do i reset the router"))
    live = source.store.live("support")
    begun = ask(begin, corpus="support", generation=live, since="7d")
    assert begun["after"] == live
    source.replaying.wait()
    assert source.replaying.state is None
    (made,) = ask(replays)["replays"]
    assert made["after"] == live and made["held"] is False


def test_two_generations_are_compared_by_name(ask, library):
    found = ask(comparison, corpus="support")
    assert found["counts"] == {"added": 0, "changed": 0, "gone": 0}
    assert (found["same"], found["a"] == found["b"]) == (4, True)


def test_what_cannot_be_is_refused(ask, library):
    with pytest.raises(StoreMissing):
        ask(begin, corpus="support", generation="000009-20260101T000000-abcdef")
    with pytest.raises(InvalidRequest, match="since"):
        ask(begin, corpus="support", generation="x", since="soon")
    for function in (replays, replay, begin, comparison):
        with pytest.raises(Forbidden):
            ask(function, HOTELS, corpus="support", generation="x", n=1)
