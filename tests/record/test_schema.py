"""An older file becomes a newer one, step by step; a step that fails leaves it as it was."""

import sqlite3

import pytest

from kbserver.record.schema import APPLICATION_ID, STEPS, VERSION, migrate, version_of

from .conftest import DAY_S, NOON, candidate, turn


@pytest.fixture
def empty(tmp_path):
    connection = sqlite3.connect(tmp_path / "file", isolation_level=None)
    yield connection
    connection.close()


def test_a_new_file_gets_every_step_and_says_what_it_is(empty):
    migrate(empty)
    assert version_of(empty) == VERSION == len(STEPS)
    assert empty.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)


def test_an_older_file_keeps_its_rows_and_gets_only_the_steps_after_it(empty):
    migrate(empty)
    empty.execute("INSERT INTO events VALUES (1, 2.0, 'start', '', 'text', '{}')")
    further = (*STEPS, "ALTER TABLE events ADD COLUMN said TEXT DEFAULT 'no'")
    migrate(empty, further)
    migrate(empty, further)
    assert version_of(empty) == VERSION + 1
    row = empty.execute("SELECT kind, said FROM events").fetchone()
    assert row == ("start", "no")


def test_a_step_that_fails_in_its_middle_leaves_nothing(empty):
    migrate(empty)
    broken = (*STEPS, "CREATE TABLE half (a); INSERT INTO missing VALUES (1)")
    with pytest.raises(sqlite3.OperationalError, match="missing"):
        migrate(empty, broken)
    assert version_of(empty) == VERSION
    tables = [row[0] for row in empty.execute("SELECT name FROM sqlite_master")]
    assert "half" not in tables


def test_a_call_adds_up_its_turns_without_probes(rows, connection):
    turns = [
        turn(1),
        turn(2, at=NOON + 5, outcome="empty", reason="no_match", in_budget=False),
        turn(3, at=NOON + 9, probe="doctor"),
        turn(4, label=None),
    ]
    rows.add(turns, [])
    columns = "began, ended, turns, answered, silent, late, routes"
    found = connection.execute(f"SELECT {columns} FROM calls").fetchall()
    assert found == [(NOON, NOON + 5, 2, 1, 1, 1, "*")]


def test_a_document_adds_up_the_turns_it_answered_and_those_it_came_near(
    rows, connection
):
    near = candidate("p3", answered=False, document="billing.md")
    first = candidate("p1"), candidate("p2")
    rows.add([turn(1, candidates=first), turn(2, candidates=(near,))], [])
    later = turn(3, at=NOON + DAY_S, candidates=(near, candidate("p2")))
    rows.add([later], [])
    found = connection.execute("SELECT * FROM documents ORDER BY document").fetchall()
    assert found == [
        ("support", "billing.md", 0, 0, None, 2),
        ("support", "router/reset.md", 2, 1, NOON + DAY_S, 0),
    ]


def test_a_near_miss_stands_beside_the_threshold_it_missed(rows, connection):
    rows.add([turn(1)], [])
    columns = "document, passage, score, min_score, min_score_from"
    found = connection.execute(f"SELECT {columns} FROM near_misses").fetchall()
    assert found == [("router/reset.md", "p2", 0.1, 0.15, "default")]
    assert connection.execute("SELECT passage FROM answers").fetchall() == [("p1",)]


def test_hours_count_turns_by_outcome(rows, connection):
    rows.add([turn(1), turn(2, at=NOON + 1), turn(3, outcome="gated")], [])
    found = connection.execute("SELECT hour, outcome, turns FROM hours ORDER BY 2")
    assert found.fetchall() == [
        ("2027-01-15T08:00Z", "full", 2),
        ("2027-01-15T08:00Z", "gated", 1),
    ]


def test_turns_seen_have_a_readable_time_and_words_where_there_are_any(
    rows, connection
):
    rows.add([turn(1, query="reset it"), turn(2)], [])
    found = connection.execute("SELECT time, label, query FROM turns_seen ORDER BY n")
    assert found.fetchall() == [
        ("2027-01-15T08:00:00.000Z", "call-1", "reset it"),
        ("2027-01-15T08:00:00.000Z", None, None),
    ]


def test_a_file_from_before_tallies_adds_up_to_what_a_new_one_counted(
    rows, connection, empty
):
    turns = [
        turn(1),
        turn(2, at=NOON + 5, outcome="empty", reason="no_match", in_budget=False),
        turn(3, at=NOON + 9, probe="doctor"),
        turn(4, label=None, candidates=(candidate(), candidate("p3"))),
        turn(5, at=NOON + DAY_S, candidates=(candidate(document="b.md"),)),
    ]
    rows.add(turns, [])
    migrate(empty, STEPS[:1])
    for name in ("turns", "searches", "passages", "candidates"):
        for row in connection.execute(f"SELECT * FROM {name}"):
            marks = ", ".join("?" * len(row))
            empty.execute(f"INSERT INTO {name} VALUES ({marks})", tuple(row))
    migrate(empty)
    for name in ("hour_tallies", "day_uses", "turns_seen", "calls", "documents"):
        wanted = [tuple(row) for row in connection.execute(f"SELECT * FROM {name}")]
        assert wanted
        assert empty.execute(f"SELECT * FROM {name}").fetchall() == wanted
