from .conftest import turn


def test_without_a_record_everything_is_empty(source, folder):
    with source.record() as record:
        assert record.execute("SELECT count(*) FROM turns").fetchone()[0] == 0
    assert not folder.exists()


def test_a_record_is_read(source, fill):
    fill(turn(1), turn(2))
    with source.record() as record:
        assert record.execute("SELECT count(*) FROM turns").fetchone()[0] == 2
