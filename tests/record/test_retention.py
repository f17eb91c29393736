"""What is too old or too much goes, and what goes leaves no byte in the index of words."""

from kbserver.record.database import FILE
from kbserver.record.releases import replays
from kbserver.record.retention import prune, size_of

from .conftest import DAY_S, NOON, event, turn


def prune_at(connection, now_s, *, keep_days=30, words_keep_days=14, max_mb=512):
    prune(
        connection,
        now_s=now_s,
        keep_days=keep_days,
        words_keep_days=words_keep_days,
        max_mb=max_mb,
    )


def count(connection, table):
    return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_words_go_before_their_turns(rows, connection):
    rows.add([turn(1, query="reset the router")], [])
    prune_at(connection, NOON + 13 * DAY_S)
    assert (count(connection, "turns"), count(connection, "words")) == (1, 1)
    prune_at(connection, NOON + 15 * DAY_S)
    assert (count(connection, "turns"), count(connection, "words")) == (1, 0)
    prune_at(connection, NOON + 31 * DAY_S)
    tables = ("turns", "searches", "candidates", "passages")
    assert [count(connection, table) for table in tables] == [0, 0, 0, 0]


def test_no_words_outlive_their_turns(rows, connection):
    rows.add([turn(1, query="reset the zyzzyva")], [])
    prune_at(connection, NOON + 3 * DAY_S, keep_days=2)
    assert count(connection, "words") == 0


def test_the_bytes_of_words_that_went_are_gone(rows, connection, folder):
    rows.add([turn(1, query="reset the zyzzyva")], [])
    rows.add([turn(2, at=NOON + 20 * DAY_S, query="pay the bill")], [])
    prune_at(connection, NOON + 20 * DAY_S)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    content = b"".join(path.read_bytes() for path in folder.iterdir())
    assert b"zyzzyva" not in content
    assert b"bill" in content
    found = connection.execute(
        "SELECT rowid FROM words_found WHERE words_found MATCH 'bill'"
    )
    assert found.fetchall() == [(2,)]


def test_the_oldest_turns_go_while_the_file_is_too_large(rows, connection, folder):
    for first in range(0, 3000, 500):
        rows.add([turn(n, at=NOON + n) for n in range(first, first + 500)], [])
    before = size_of(connection)
    prune_at(connection, NOON + 4000, max_mb=before / 2e6)
    assert size_of(connection) <= before / 2
    (oldest,) = connection.execute("SELECT min(at) FROM turns").fetchone()
    (newest,) = connection.execute("SELECT max(at) FROM turns").fetchone()
    left = count(connection, "turns")
    assert (oldest, newest) == (NOON + 3000 - left, NOON + 2999)
    assert 1000 < left < 2000
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert (folder / FILE).stat().st_size < 0.6 * before


def test_the_newest_events_stay_however_old_they_are(rows, connection):
    rows.add([], [event(at=NOON)])
    prune_at(connection, NOON + 100 * DAY_S)
    assert count(connection, "events") == 1
    rows.add([], [event(at=NOON + n) for n in range(1, 1001)])
    prune_at(connection, NOON + 100 * DAY_S)
    assert connection.execute("SELECT min(at) FROM events").fetchone() == (NOON + 1,)


def test_reports_of_replays_do_not_push_every_turn_out(rows, connection):
    rows.add([turn(n, at=NOON + n) for n in range(500)], [])
    names = {"corpus": "support", "before": "a", "after": "b", "held": False}
    for number in range(20):
        key = f"{number}.md" * 20_000
        asked = [{"question": None, "origin": "document", "key": key}]
        replays.add(connection, names | {"questions": asked}, at=NOON + number)
    half = size_of(connection) / 2
    prune_at(connection, NOON + 600, max_mb=half / 1e6)
    assert size_of(connection) <= half
    assert count(connection, "turns") > 200
    assert replays.replays(connection)[0]["at"] == NOON + 19


def test_what_was_asked_of_a_generation_goes_with_the_last_turn_of_it(rows, connection):
    rows.add([turn(1)], [])
    for generation in ("000001-a", "000000-z"):
        connection.execute(
            "INSERT INTO asked_again VALUES ('3f', ?, NULL)", (generation,)
        )
    prune_at(connection, NOON + DAY_S)
    left = connection.execute("SELECT generation FROM asked_again").fetchall()
    assert left == [("000001-a",)]
