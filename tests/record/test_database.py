"""The file is the server's alone, is left alone if it is newer, and set aside if it is damaged."""

import sqlite3
import stat

import pytest

from kbserver.errors import StoreError, StoreMissing
from kbserver.record.database import (
    FILE,
    KEY,
    NewerFile,
    call_of,
    damaged_files,
    key_of,
    open_for_reading,
    open_for_writing,
    problem_of,
    set_aside,
)
from kbserver.record.schema import VERSION


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_folder_and_files_are_readable_by_their_owner_alone(folder, connection):
    connection.execute("INSERT INTO events VALUES (1, 2.0, 'start', '', '', '{}')")
    key_of(folder)
    assert mode_of(folder) == 0o700
    modes = {path.name: mode_of(path) for path in folder.iterdir()}
    assert set(modes) == {FILE, f"{FILE}-wal", f"{FILE}-shm", KEY}
    assert set(modes.values()) == {0o600}


def test_a_folder_that_others_could_read_is_closed(folder):
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    open_for_writing(folder).close()
    assert mode_of(folder) == 0o700


def test_what_is_erased_is_overwritten_and_readers_need_not_wait(connection):
    (journal,) = connection.execute("PRAGMA journal_mode").fetchone()
    (secure,) = connection.execute("PRAGMA secure_delete").fetchone()
    assert (journal, secure) == ("wal", 1)


@pytest.mark.parametrize("opened", [open_for_writing, open_for_reading])
def test_a_file_of_a_newer_version_is_left_alone(folder, connection, opened):
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    before = (folder / FILE).read_bytes()
    with pytest.raises(NewerFile, match="newer kbserver"):
        opened(folder)
    assert (folder / FILE).read_bytes() == before


def test_reading_without_a_record_says_how_one_comes_about(folder):
    with pytest.raises(StoreMissing, match="kbserver serve"):
        open_for_reading(folder)


def test_reading_a_damaged_file_is_one_error(folder):
    folder.mkdir(parents=True)
    (folder / FILE).write_bytes(b"no database " * 400)
    with pytest.raises(StoreError, match="cannot be read"):
        open_for_reading(folder)


def test_what_is_wrong_with_a_record_is_said(folder, connection):
    assert problem_of(folder / "nowhere") is None
    for number in range(500):
        values = (number, f"some text {number}" * 20)
        connection.execute(
            "INSERT INTO events VALUES (?, 2.0, 'start', '', ?, '{}')", values
        )
    connection.close()
    assert problem_of(folder) is None
    file = folder / FILE
    content = bytearray(file.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4096] = bytes([255]) * 4096
    file.write_bytes(content)
    assert "cannot be read" in problem_of(folder)
    file.write_bytes(b"no database " * 400)
    assert "cannot be read" in problem_of(folder)


def test_a_reader_cannot_write(folder, connection):
    reader = open_for_reading(folder)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM turns")
    reader.close()


def test_a_damaged_file_is_renamed_with_all_that_is_beside_it(folder, connection):
    connection.execute("INSERT INTO events VALUES (1, 2.0, 'start', '', '', '{}')")
    names = {path.name for path in folder.iterdir()}
    aside = set_aside(folder)
    now = {path.name.replace(aside.name, FILE) for path in folder.iterdir()}
    assert now == names
    assert len(damaged_files(folder)) == len(names)
    assert not (folder / FILE).exists()


def test_a_key_is_made_once_and_read_again(folder):
    folder.mkdir(parents=True)
    key = key_of(folder)
    assert len(key) == 32
    assert key_of(folder) == key


def test_a_file_that_is_no_key_is_an_error(folder):
    folder.mkdir(parents=True)
    (folder / KEY).write_bytes(b"short")
    with pytest.raises(StoreError, match="found 5 bytes; restore"):
        key_of(folder)
    (folder / KEY).write_bytes(bytes(33))
    with pytest.raises(StoreError, match="more than the 32 bytes"):
        key_of(folder)


def test_a_call_has_one_key_in_one_folder_and_another_in_another():
    ours, theirs = bytes(32), bytes([1]) * 32
    assert call_of("call-1", ours) == call_of("call-1", ours)
    assert len({call_of("call-1", ours), call_of("call-2", ours)}) == 2
    assert call_of("call-1", ours) != call_of("call-1", theirs)
    assert len(call_of("call-1", ours)) == 16
    assert call_of(None, ours) is None and call_of("", ours) is None
