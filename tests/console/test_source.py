from kbserver.record.database import FILE

from .conftest import turn


def test_without_a_record_everything_is_empty(source, folder):
    with source.record() as record:
        assert record.execute("SELECT count(*) FROM turns").fetchone()[0] == 0
    assert not folder.exists()


def test_a_record_is_read(source, fill):
    fill(turn(1), turn(2))
    with source.record() as record:
        assert record.execute("SELECT count(*) FROM turns").fetchone()[0] == 2


def test_a_record_that_is_damaged_is_said_to_be(web, fill, folder):
    fill(turn(1))
    file = folder / ".record" / FILE
    content = bytearray(file.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    file.write_bytes(content)
    answer = web("GET", "/api/v1/turns")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "store")
