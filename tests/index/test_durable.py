import errno
import os

import pytest

from kbserver.errors import StoreError
from kbserver.files import sha256_of
from kbserver.index.durable import disk_trouble, fsync_tree, read_ahead


def test_reading_ahead_changes_nothing(tmp_path):
    (tmp_path / "x").write_bytes(b"x" * 20_000_000)
    (tmp_path / "empty").write_bytes(b"")
    before = sha256_of(tmp_path / "x")
    read_ahead(tmp_path / "x")
    read_ahead(tmp_path / "empty")
    assert sha256_of(tmp_path / "x") == before


def test_a_whole_tree_is_flushed_and_stays_as_it_is(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "leaf").write_text("x")
    fsync_tree(tmp_path)
    assert (tmp_path / "a" / "b" / "leaf").read_text() == "x"
    with pytest.raises(FileNotFoundError):
        (tmp_path / "broken").symlink_to(tmp_path / "absent")
        fsync_tree(tmp_path)


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
