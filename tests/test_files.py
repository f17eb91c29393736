import hashlib
import os

import pytest

from kbserver.files import (
    read_small,
    replace_text,
    replacing,
    reserve,
    sha256_of,
    without_following,
)


def test_the_checksum_is_that_of_the_bytes(tmp_path):
    file = tmp_path / "x"
    content = os.urandom(300_000)
    file.write_bytes(content)
    assert sha256_of(file) == hashlib.sha256(content).hexdigest()
    file.write_bytes(b"")
    assert sha256_of(file).startswith("e3b0c44298fc1c14")


def test_the_checksum_of_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        sha256_of(tmp_path / "absent")


def test_a_small_file_is_read_and_no_larger_one(tmp_path):
    file = tmp_path / "LIVE"
    file.write_bytes(b"x" * 10)
    assert read_small(file, 10) == b"x" * 10
    with pytest.raises(ValueError, match="more than the 9 bytes"):
        read_small(file, 9)
    file.unlink()
    with pytest.raises(FileNotFoundError):
        read_small(file, 9)


def test_only_a_plain_file_is_read_as_a_small_one(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match="found a folder"):
        read_small(tmp_path / "folder", 9)
    os.mkfifo(tmp_path / "pipe")
    before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc") else 0
    for name in ("folder", "pipe") * 20:
        with pytest.raises(ValueError, match="found"):
            read_small(tmp_path / name, 9)
    if before:
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_replaced_file_is_the_old_one_until_it_is_the_new_one(tmp_path):
    file = tmp_path / "LIVE"
    replace_text(file, "one\n")
    with file.open() as old:
        replace_text(file, "two é\n")
        assert old.read() == "one\n"
    assert file.read_bytes() == "two é\n".encode()
    assert os.listdir(tmp_path) == ["LIVE"]


def test_a_replacement_that_fails_leaves_the_old_file_alone(tmp_path):
    file = tmp_path / "LIVE"
    replace_text(file, "one\n")
    with pytest.raises(UnicodeEncodeError):
        replace_text(file, "\ud800")
    assert file.read_text() == "one\n"
    assert os.listdir(tmp_path) == ["LIVE"]


def test_nothing_is_in_place_before_the_block_ends(tmp_path):
    file = tmp_path / "archive.tar"
    with replacing(file) as stream:
        stream.write(b"whole")
        assert not file.exists()
    assert file.read_bytes() == b"whole"
    assert os.listdir(tmp_path) == ["archive.tar"]


def test_an_interrupted_block_leaves_nothing_beside_the_file(tmp_path):
    file = tmp_path / "archive.tar"
    with pytest.raises(KeyboardInterrupt), replacing(file) as stream:
        stream.write(b"half")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []


def test_no_link_that_was_put_there_is_followed(tmp_path):
    other = tmp_path / "other"
    other.write_text("theirs")
    file = tmp_path / "LIVE"
    file.symlink_to(other)
    (tmp_path / f".tmp-LIVE-{os.getpid()}").symlink_to(other)
    replace_text(file, "ours")
    assert other.read_text() == "theirs"
    assert file.read_text() == "ours"
    assert not file.is_symlink()


def test_a_new_file_may_be_read_by_others_as_the_user_s_mask_says(tmp_path):
    before = os.umask(0o022)
    try:
        replace_text(tmp_path / "LIVE", "one")
    finally:
        os.umask(before)
    assert (tmp_path / "LIVE").stat().st_mode & 0o777 == 0o644


def test_what_a_symbolic_link_names_is_not_opened(tmp_path):
    file, link = tmp_path / "file", tmp_path / "link"
    with open(file, "a", opener=without_following) as stream:
        stream.write("one")
    link.symlink_to(file)
    for mode in ("r", "a", "w"):
        with pytest.raises(OSError, match="symbolic"):
            open(link, mode, opener=without_following)
    assert file.read_text() == "one"


def test_room_is_reserved_after_what_was_written(tmp_path):
    file = tmp_path / "a"
    with file.open("wb") as stream:
        stream.write(b"head")
        reserve(stream, 100_000)
        reserve(stream, 0)
    assert file.read_bytes() == b"head" + bytes(100_000)
    assert file.stat().st_blocks * 512 >= 100_000


def test_room_is_written_where_the_system_cannot_reserve_it(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "posix_fallocate")
    with (tmp_path / "a").open("wb") as stream:
        stream.write(b"head")
        reserve(stream, 3 << 20)
    assert (tmp_path / "a").read_bytes() == b"head" + bytes(3 << 20)
