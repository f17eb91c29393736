"""What is done about a gap is found again, though the gap is found anew each time."""

import sqlite3
from dataclasses import replace

import pytest

from kbserver.notes import FeedbackNote, SearchNote
from kbserver.record.database import key_of
from kbserver.record.forgetting import forget
from kbserver.record.gaps.grouping import Gap, gaps
from kbserver.record.gaps.states import (
    asked_before,
    close,
    keep_state,
    note_asked,
    with_states,
)
from kbserver.record.rows import Rows
from tests.record.conftest import KEY, NOON, plain, turn

from .test_grouping import silent

A, LIKE_A = bytes([100] * 8), bytes([100] * 6 + [60] * 2)
OLD, NEW = "000001-a", "000002-b"


@pytest.fixture
def reader(connection):
    connection.row_factory = sqlite3.Row
    return connection


def found(reader):
    return with_states(reader, gaps(reader, since=NOON))


def question(gap):
    return gap.examples[0]


def of(generation):
    return (SearchNote("support", generation, 0.15, "default"),)


def test_a_state_stays_with_the_question_in_whatever_words(rows, reader):
    rows.add([silent(1, 0, "do you ship"), silent(2, 1, "a unicorn")], [])
    first, second = sorted(found(reader), key=question, reverse=True)
    assert (first.state, first.is_open) == ("new", True)
    keep_state(reader, first, "not_ours", by="ann", at=NOON)
    more = [silent(n, 0, f"can i have it sent {n}") for n in range(3, 9)]
    rows.add(more, [])
    other, marked = found(reader)
    assert (other.examples, other.state) == (second.examples, "new")
    assert (marked.id, marked.state, marked.by) == (first.id, "not_ours", "ann")
    assert marked.turns == 7 and not marked.is_open
    assert "embedding" not in marked.as_dict() and marked.as_dict()["open"] is False


def test_a_gap_is_closed_by_a_generation_until_that_is_asked_in_vain(rows, reader):
    rows.add([silent(1, 0, "do you ship", searches=of(OLD))], [])
    (gap,) = found(reader)
    assert (gap.searched, gap.generation) == ("support", OLD)
    keep_state(reader, gap, "being_written", by="ann", at=NOON)
    (gap,) = found(reader)
    close(reader, gap, generation=NEW, document="shipping.md", at=NOON)
    (closed,) = found(reader)
    assert (closed.closed_by, closed.closed_document) == (NEW, "shipping.md")
    assert (closed.state, closed.by, closed.is_open) == ("done", "ann", False)
    rows.add([silent(2, 0, "do you ship", at=NOON + 9, searches=of(NEW))], [])
    (again,) = found(reader)
    assert (again.closed_by, again.state, again.is_open) == (None, "new", True)


def test_a_generation_is_asked_once(rows, reader):
    rows.add([silent(1, 0, "do you ship"), silent(2, 1, "a unicorn")], [])
    first, second = found(reader)
    note_asked(reader, first, NEW, None, KEY)
    note_asked(reader, first, NEW, "a.md", KEY)
    assert asked_before(reader, [first, second], NEW, KEY) == {first.id}
    assert asked_before(reader, [first, second], OLD, KEY) == set()


def test_calls_that_were_handed_over_are_counted(rows, reader):
    turns = [silent(n, 0, f"do you ship {n}", label=f"call-{n % 2}") for n in range(4)]
    rows.add(turns, [], [FeedbackNote(NOON, "call-1", "", "handed_over")])
    (gap,) = gaps(reader, since=NOON)
    assert (gap.calls, gap.handed_over) == (2, 1)


def test_a_call_that_is_forgotten_takes_its_question_out_of_the_gaps(folder, reader):
    rows = Rows(reader, key=key_of(folder), mask=plain)
    rows.add([silent(1, 0, "my zyzzyva", label="wombat-7"), turn(2)], [])
    (gap,) = found(reader)
    keep_state(reader, gap, "done", by="ann", at=NOON)
    forget(folder, "wombat-7")
    assert b"zyzzyva" not in b"".join(path.read_bytes() for path in folder.iterdir())
    assert reader.execute("SELECT count(*) FROM gaps").fetchone()[0] == 0


def test_what_is_known_of_one_gap_is_of_no_other_that_is_like_it(reader):
    known = Gap("k", ("a",), 1, 1, 1, 0, 0, "support", None, None, embedding=A)
    keep_state(reader, known, "not_ours", by="ann", at=NOON)
    like = replace(known, id="x", embedding=LIKE_A)
    liker = replace(known, id="y", embedding=A)
    first, second, third = with_states(reader, [like, liker, known])
    assert [(one.id, one.state) for one in (first, second, third)] == [
        ("x", "new"),
        ("y", "new"),
        ("k", "not_ours"),
    ]
    (other,) = with_states(reader, [like])
    assert (other.id, other.state) == ("k", "not_ours")
