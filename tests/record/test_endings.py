"""How a call ended is kept beside its turns, and goes with them."""

from kbserver.notes import FeedbackNote
from kbserver.record.database import call_of
from kbserver.record.endings import endings, told
from kbserver.record.retention import prune

from .conftest import DAY_S, KEY, NOON, turn


def said(verdict, label="call-1", turn="", at=NOON):
    return FeedbackNote(at, label, turn, verdict)


def test_the_last_word_on_a_call_and_on_a_turn_counts(rows, connection):
    notes = [
        said("right"),
        said("handed_over", at=NOON + 1),
        said("wrong", turn=f"{1:020x}"),
        said("hung_up", label="call-2"),
    ]
    turns = [turn(1), turn(2), turn(3, label="call-2")]
    rows.add(turns, [], notes)
    assert endings(connection, since=NOON) == {
        "handed_over": 1,
        "hung_up": 1,
        "wrong": 1,
    }
    assert told(connection, since=NOON) == 2
    assert endings(connection, since=NOON + 1) == {"handed_over": 1}
    seen = connection.execute("SELECT feedback FROM turns_seen ORDER BY n").fetchall()
    assert seen == [("wrong",), ("handed_over",), ("hung_up",)]
    ended = connection.execute("SELECT call, ending FROM calls").fetchall()
    assert dict(ended)[call_of("call-1", KEY)] == "handed_over"


def test_of_what_is_not_recorded_nothing_is_kept(rows, connection):
    rows.add([turn(1)], [], [said("right", label="call-9"), said("right", turn="abc")])
    assert connection.execute("SELECT count(*) FROM feedback").fetchone() == (0,)


def test_an_ending_goes_with_the_turns_of_its_call(rows, connection):
    new = turn(2, label="call-2", at=NOON + 40 * DAY_S)
    rows.add([turn(1), new], [], [said("right"), said("right", label="call-2")])
    prune(
        connection,
        now_s=NOON + 41 * DAY_S,
        keep_days=30,
        words_keep_days=14,
        max_mb=512,
    )
    left = connection.execute("SELECT call FROM feedback").fetchall()
    assert left == [(call_of("call-2", KEY),)]
