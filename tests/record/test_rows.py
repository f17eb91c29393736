"""Notes become rows: masked, grouped by call, and without a word in the mode `facts`."""

import json
import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kbserver.record.database import call_of, open_for_writing
from kbserver.record.rows import Rows

from .conftest import KEY, NOON, candidate, event, plain, turn


def test_a_turn_is_kept_with_all_it_did(rows, connection):
    rows.add([turn(7, waited_ms=1.23456)], [])
    connection.row_factory = sqlite3.Row
    kept = dict(connection.execute("SELECT * FROM turns").fetchone())
    assert kept == {
        "n": 1,
        "id": "00000000000000000007",
        "at": NOON,
        "call": call_of("call-1", KEY),
        "route": "*",
        "outcome": "full",
        "reason": None,
        "cached": 0,
        "leaned": 0,
        "in_budget": 1,
        "total_ms": 7.25,
        "budget_ms": 150.0,
        "waited_ms": 1.235,
        "stages_ms": '{"embed":5.13}',
        "answer_bytes": 700,
        "spoken_s": 12.0,
        "token": "static",
        "probe": None,
    }
    searches = connection.execute("SELECT * FROM searches").fetchall()
    assert [tuple(row) for row in searches] == [
        (1, 0, "support", "000001-a", 0.15, "default")
    ]


def test_a_passage_is_written_down_once(rows, connection):
    rows.add([turn(1)], [])
    rows.add([turn(2)], [])
    rows.renew()
    rows.add([turn(3)], [])
    passages = connection.execute("SELECT passage FROM passages").fetchall()
    assert passages == [("p1",), ("p2",)]
    (count,) = connection.execute("SELECT count(*) FROM candidates").fetchone()
    assert count == 6


def test_a_turn_that_comes_twice_is_kept_once(rows, connection):
    rows.add([turn(1), turn(1)], [])
    assert connection.execute("SELECT count(*) FROM turns").fetchone() == (1,)


def test_words_are_masked_before_they_are_kept(connection):
    rows = Rows(connection, key=KEY, mask=lambda text: text.replace("secret", "‹x›"))
    rows.add([turn(1, query="my secret is out")], [])
    kept = connection.execute("SELECT label, query, heard FROM words").fetchone()
    assert kept == ("call-1", "my ‹x› is out", "my ‹x› is out")


def test_words_that_cannot_be_masked_are_not_kept_and_their_turn_is(connection):
    def broken(text):
        raise RuntimeError

    Rows(connection, key=KEY, mask=broken).add([turn(1, query="a secret")], [])
    assert connection.execute("SELECT count(*) FROM words").fetchone() == (0,)
    assert connection.execute("SELECT count(*) FROM turns").fetchone() == (1,)


def test_words_are_found_by_their_index(rows, connection):
    rows.add([turn(1, query="reset the router"), turn(2, query="pay a bill")], [])
    found = connection.execute(
        "SELECT rowid FROM words_found WHERE words_found MATCH 'router'"
    )
    assert found.fetchall() == [(1,)]


def test_words_that_went_on_are_found_no_more(rows, connection):
    said = [turn(1, query="reset the"), turn(2, query="reset the router")]
    rows.add(said, [], gone_on=[said[0].id])
    found = connection.execute(
        "SELECT rowid FROM words_found WHERE words_found MATCH 'reset'"
    )
    assert found.fetchall() == [(2,)]
    assert connection.execute("SELECT query FROM words").fetchall() == [
        ("reset the router",)
    ]
    for table in ("searches", "candidates"):
        turns = connection.execute(f"SELECT DISTINCT turn FROM {table}").fetchall()
        assert turns == [(2,)]


def test_an_event_is_kept_with_its_details(rows, connection):
    rows.add([], [event("generation", gone=["a.md"])])
    kept = connection.execute("SELECT at, kind, text, details FROM events").fetchone()
    assert kept[:3] == (NOON, "generation", "a sentence")
    assert json.loads(kept[3]) == {"gone": ["a.md"]}


def test_a_batch_that_fails_leaves_nothing_and_the_next_one_is_written(
    rows, connection
):
    bad = turn(2, candidates=(candidate(score=None),))
    with pytest.raises(sqlite3.IntegrityError):
        rows.add([turn(1), bad], [])
    assert connection.execute("SELECT count(*) FROM turns").fetchone() == (0,)
    rows.add([turn(1)], [])
    assert connection.execute("SELECT count(*) FROM candidates").fetchone() == (2,)


def test_what_utf_8_cannot_write_becomes_a_question_mark(rows, connection):
    rows.add([turn(1, query="a \ud800 b", label="x\udfff")], [])
    assert connection.execute("SELECT query FROM words").fetchone() == ("a ? b",)


WORDS = st.lists(
    st.text(st.characters(codec="utf-8", categories=["L"]), min_size=4, max_size=12),
    min_size=1,
    max_size=8,
)


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(words=WORDS)
def test_without_words_in_the_note_none_is_in_the_file(tmp_path_factory, words):
    """A label is a caller's as well: only a key made of it is kept."""
    folder = tmp_path_factory.mktemp("facts")
    connection = open_for_writing(folder)
    label = f"¶{' '.join(words)}¶"
    Rows(connection, key=KEY, mask=plain).add([turn(1, label=label)], [event()])
    connection.close()
    content = b"".join(path.read_bytes() for path in folder.iterdir())
    assert label.encode() not in content
