import errno
import os

import pytest

from kbserver.errors import StoreError
from kbserver.index.durable import disk_trouble, read_ahead, replace_text, sha256_of


def test_a_replaced_file_is_the_old_one_until_it_is_the_new_one(tmp_path):
    file = tmp_path / "LIVE"
    replace_text(file, "one\n")
    with file.open() as old:
        replace_text(file, "two\n")
        assert old.read() == "one\n"
    assert file.read_text() == "two\n"
    assert os.listdir(tmp_path) == ["LIVE"]


def test_a_replacement_that_fails_leaves_the_old_file_alone(tmp_path):
    file = tmp_path / "LIVE"
    replace_text(file, "one\n")
    with pytest.raises(UnicodeEncodeError):
        replace_text(file, "\ud800")
    assert file.read_text() == "one\n" and os.listdir(tmp_path) == ["LIVE"]


def test_reading_ahead_changes_nothing(tmp_path):
    (tmp_path / "x").write_bytes(b"x" * 20_000_000)
    (tmp_path / "empty").write_bytes(b"")
    before = sha256_of(tmp_path / "x")
    read_ahead(tmp_path / "x")
    read_ahead(tmp_path / "empty")
    assert sha256_of(tmp_path / "x") == before


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.EIO]
)
def test_what_the_system_refuses_names_place_reason_and_next_step(tmp_path, number):
    with pytest.raises(StoreError) as caught, disk_trouble("write", tmp_path):
        raise OSError(number, os.strerror(number), "a-file")
    message = str(caught.value)
    assert (
        str(tmp_path) in message and "cannot write" in message and "a-file" in message
    )
    assert os.strerror(number) in message and message.endswith("untouched")
    assert isinstance(caught.value.__cause__, OSError)
