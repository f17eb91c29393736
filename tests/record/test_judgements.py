"""A judgement holds what was judged, and takes the place of what it contradicts."""

import sqlite3

import pytest

from kbserver.errors import SettingsError, StoreMissing
from kbserver.record.judgements import (
    Judgement,
    add,
    judge_turn,
    judgements,
    remove,
    to_judge,
)
from kbserver.record.retention import prune

from .conftest import DAY_S, NOON, candidate, turn

RESET = "router/reset.md"


@pytest.fixture
def reader(connection):
    connection.row_factory = sqlite3.Row
    return connection


def judged(connection, number, verdict, **more):
    id = f"{number:020x}"
    return judge_turn(connection, id, verdict, by="ann", at=NOON, **more)


def silent(number=1, **more):
    near = candidate("p9", answered=False, score=0.1, document="billing.md")
    ending = {"outcome": "empty", "reason": "below_min_score", "candidates": (near,)}
    return turn(number, **(ending | more))


def test_a_verdict_is_about_the_first_document_that_was_answered(rows, reader):
    rows.add([turn(1, query="reset it")], [])
    made = judged(reader, 1, "wrong")
    assert made.document == RESET and made.passage == "p1"
    assert (made.corpus, made.question, made.by) == ("support", "reset it", "ann")
    assert judgements(reader) == [made]


def test_another_document_can_be_named_whether_it_was_found_or_not(rows, reader):
    rows.add([silent(1, query="pay")], [])
    found = judged(reader, 1, "should_have_answered", document="billing.md")
    other = judged(reader, 1, "should_have_answered", document="prices.md")
    assert (found.passage, other.passage) == ("p9", None)
    assert [one.document for one in judgements(reader)] == ["billing.md", "prices.md"]


def test_silence_that_was_right_is_a_question_that_nothing_answers(rows, reader):
    rows.add([silent(1, query="what is love")], [])
    made = judged(reader, 1, "right")
    assert (made.verdict, made.document, made.corpus) == ("silent", None, "support")


def test_a_later_verdict_takes_the_place_of_what_it_contradicts(rows, reader):
    rows.add([turn(1, query="reset it"), turn(2, query="reset it")], [])
    judged(reader, 1, "right")
    judged(reader, 1, "should_have_answered", document="other.md")
    judged(reader, 2, "right")
    judged(reader, 1, "wrong")
    found = [(one.verdict, one.document) for one in judgements(reader)]
    assert found == [
        ("should_have_answered", "other.md"),
        ("right", RESET),
        ("wrong", RESET),
    ]
    judged(reader, 1, "silent")
    found = [
        (one.verdict, one.document) for one in judgements(reader, turn=f"{1:020x}")
    ]
    assert found == [("wrong", RESET), ("silent", None)]
    judged(reader, 1, "right")
    assert [one.verdict for one in judgements(reader, turn=f"{1:020x}")] == ["right"]


def test_a_typed_question_is_judged_without_a_turn(reader):
    typed = Judgement("right", "support", "ann", NOON, "is it free", (), "prices.md")
    add(reader, typed)
    again = add(reader, typed)
    assert judgements(reader, corpus="support") == [again]
    assert judgements(reader, corpus="hotels") == []
    assert remove(reader, again.n)
    assert not remove(reader, again.n)


def test_a_follow_up_is_kept_with_what_was_said_before_in_its_call(rows, reader):
    turns = [
        turn(1, at=NOON, query="how do i reset the router"),
        turn(2, at=NOON + 1, query="another call", label="call-2"),
        turn(3, at=NOON + 5, query="and how long", leaned=True),
        turn(4, at=NOON + 9, query="what do the lights mean"),
    ]
    rows.add(turns, [])
    assert judged(reader, 3, "right").history == ("how do i reset the router",)
    assert judged(reader, 4, "right").history == ()


def test_words_that_were_not_recorded_can_be_typed(rows, reader):
    rows.add([turn(1)], [])
    assert judged(reader, 1, "right").question is None
    assert judged(reader, 1, "right", question="reset it").question == "reset it"


def test_what_cannot_be_judged_says_why(rows, reader):
    unknown = turn(
        3, outcome="empty", reason="unknown_label", searches=(), candidates=()
    )
    rows.add([turn(1), silent(2), unknown], [])
    with pytest.raises(StoreMissing, match="kbserver calls"):
        judged(reader, 9, "right")
    with pytest.raises(SettingsError, match="--document"):
        judged(reader, 1, "should_have_answered")
    with pytest.raises(SettingsError, match="answered nothing"):
        judged(reader, 2, "wrong")
    with pytest.raises(SettingsError, match="searched no corpus"):
        judged(reader, 3, "silent")


def test_judgements_stay_when_the_turns_are_too_old(rows, reader):
    rows.add([turn(1, query="reset it")], [])
    judged(reader, 1, "right")
    later = NOON + 90 * DAY_S
    prune(reader, now_s=later, keep_days=30, words_keep_days=14, max_mb=512)
    assert reader.execute("SELECT count(*) FROM turns").fetchone()[0] == 0
    assert [one.question for one in judgements(reader)] == ["reset it"]


def test_only_new_wordings_of_callers_wait_to_be_judged(rows, reader):
    turns = [
        turn(1, query="judged by its turn"),
        turn(2, query="judged in another turn"),
        turn(3, query="judged in another turn"),
        turn(4, query="twice"),
        turn(5, query="twice"),
        turn(6, query="a probe", probe="doctor"),
        turn(7),
        turn(8, query="newest"),
        turn(9, query="long ago", at=NOON - DAY_S),
    ]
    rows.add(turns, [])
    judged(reader, 1, "right")
    judged(reader, 2, "right")
    waiting = to_judge(reader, since=NOON, most=5)
    assert [one["query"] for one in waiting] == ["newest", "twice"]
    assert [one["query"] for one in to_judge(reader, since=NOON, most=1)] == ["newest"]
