"""A call that is forgotten leaves no byte of its words, wherever SQLite may keep one."""

import pytest

from kbserver.errors import StoreBusy, StoreMissing
from kbserver.record.database import FILE, call_of, changing, key_of, open_for_reading
from kbserver.record.forgetting import forget
from kbserver.record.judgements import judge_turn
from kbserver.record.qrels import id_of
from kbserver.record.releases import replays
from kbserver.record.rows import Rows

from .conftest import NOON, event, plain, turn


@pytest.fixture
def kept(connection, folder):
    """A record that a server is writing: the connection stays open."""
    rows = Rows(connection, key=key_of(folder), mask=plain)
    turns = [turn(n, query=f"pay bill {n}", label="call-2") for n in range(200)]
    rows.add(turns[:100], [])
    rows.add([turn(900, query="where is the zyzzyva", label="wombat-7")], [])
    rows.add(turns[100:], [])
    return connection


def bytes_in(folder):
    return b"".join(path.read_bytes() for path in folder.iterdir())


def test_no_byte_of_the_words_is_left_and_all_others_are(kept, folder):
    assert b"zyzzyva" in bytes_in(folder) and b"wombat-7" in bytes_in(folder)
    assert forget(folder, "wombat-7") == 1
    left = bytes_in(folder)
    for word in (b"zyzzyva", b"wombat", b"zyzzyv"):
        assert word not in left
    assert kept.execute("SELECT count(*) FROM turns").fetchone() == (200,)
    found = kept.execute(
        "SELECT count(*) FROM words_found WHERE words_found MATCH 'pay'"
    )
    assert found.fetchone() == (200,)


def test_the_server_writes_on_after_a_call_was_forgotten(kept, folder):
    forget(folder, "wombat-7")
    Rows(kept, key=key_of(folder), mask=plain).add([turn(901)], [])
    assert kept.execute("SELECT count(*) FROM turns").fetchone() == (201,)


def test_a_damaged_file_that_was_set_aside_goes_as_well(kept, folder):
    (folder / f"{FILE}.damaged-1").write_bytes(b"the zyzzyva of wombat-7")
    forget(folder, "wombat-7")
    assert b"zyzzyva" not in bytes_in(folder)


def test_a_label_that_was_counted_as_unknown_is_erased_there_too(kept, folder):
    rows = Rows(kept, key=key_of(folder), mask=plain)
    rows.add([], [event("unknown_labels", **{"quokka": 2, "web-#": 1})])
    rows.add([], [event("unknown_labels", **{"web-#": 1})])
    forget(folder, "quokka")
    assert b"quokka" not in bytes_in(folder)
    assert kept.execute("SELECT count(*) FROM events").fetchone() == (1,)


def test_a_label_that_never_called_erases_nothing(kept, folder):
    assert forget(folder, "wombat-8") == 0
    assert kept.execute("SELECT count(*) FROM turns").fetchone() == (201,)


def test_without_a_record_there_is_nothing_to_forget(folder):
    with pytest.raises(StoreMissing, match="none to forget"):
        forget(folder, "wombat-7")


def test_a_reader_that_keeps_old_bytes_alive_is_said(kept, folder):
    reader = open_for_reading(folder)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM turns").fetchone()
    with pytest.raises(StoreBusy, match="forget again"):
        forget(folder, "wombat-7", wait_s=0.1)
    reader.execute("ROLLBACK")
    reader.close()
    forget(folder, "wombat-7")
    assert b"zyzzyva" not in bytes_in(folder)


def test_what_was_judged_of_a_forgotten_call_is_erased(kept, folder):
    with changing(folder) as connection:
        judge_turn(connection, f"{900:020x}", "right", by="ann", at=NOON)
        judge_turn(connection, f"{1:020x}", "right", by="ann", at=NOON)
    forget(folder, "wombat-7")
    assert b"zyzzyva" not in bytes_in(folder)
    assert kept.execute("SELECT question FROM judgements").fetchall() == [
        ("pay bill 1",)
    ]


def test_no_digest_tells_of_a_guess_whether_it_was_said(kept, folder):
    key = key_of(folder)
    said = {"where is the zyzzyva": "wombat-7", "pay bill 1": "call-2"}
    with changing(folder) as connection:
        for number, question in ((900, "where is the zyzzyva"), (1, "pay bill 1")):
            judge_turn(connection, f"{number:020x}", "right", by="ann", at=NOON)
            connection.execute(
                "INSERT INTO asked_again VALUES (?, '000002-b', NULL)",
                (call_of(question, key),),
            )
        asked = [
            {"question": None, "origin": "judged", "key": id_of(one), "behind": []}
            for one in said
        ]
        names = {"corpus": "support", "before": "a", "after": "b", "held": False}
        replays.add(connection, names | {"questions": asked}, at=NOON)
    forget(folder, "wombat-7")
    assert kept.execute("SELECT question FROM asked_again").fetchall() == [
        (call_of("pay bill 1", key),)
    ]
    (report,) = replays.replays(kept)
    left = [one["key"] for one in report["report"]["questions"]]
    assert left == ["", id_of("pay bill 1")]
