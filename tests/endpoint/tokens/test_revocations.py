import logging

import pytest

from kbserver.endpoint.tokens import revocations
from kbserver.endpoint.tokens.revocations import Revocations
from kbserver.errors import SettingsError


class Clock:
    """Seconds, moved by hand."""

    now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def listing(file, clock, text):
    """A list that is read from a file of this text."""
    file.write_text(text)
    return Revocations(file, settled_s=10.0, clock=clock)


def those_of(revoked, *jtis):
    return [jti for jti in jtis if jti in revoked]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "revoked"


def test_what_is_new_counts_at_once_and_what_is_gone_when_the_file_has_settled(
    file, clock, caplog
):
    revoked = listing(file, clock, "first   # lost laptop\n\n# no more\n")
    assert those_of(revoked, "first", "second", "") == ["first"]
    file.write_text("second\n")
    assert those_of(revoked, "first", "second") == ["first", "second"]
    clock.now += 9.9
    assert those_of(revoked, "first", "second") == ["first", "second"]
    clock.now += 0.2
    assert those_of(revoked, "first", "second") == ["second"]
    assert "no longer revoked: 1" in caplog.text


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbffirst\nsecond\n",
        b"\xef\xbb\xbffirst\r\n\xef\xbb\xbfsecond\r\n",
        b"\r\n# a remark\r\n\r\n first # lost \r\n\tsecond",
        b"first\nsecond\0\0\0\0",
        b"\0\0first\n\0second\n",
        "first\nsecond\n".encode("utf-16-le"),
    ],
)
def test_what_an_editor_or_a_disk_adds_hides_no_token(file, clock, content):
    file.write_bytes(content)
    revoked = Revocations(file, settled_s=10.0, clock=clock)
    assert revoked._listed == {"first", "second"}


def test_a_list_that_is_rewritten_in_place_opens_nothing_at_any_byte(file, clock):
    lines = [f"token-{number}" for number in range(6)]
    whole = "\n".join(lines) + "\n# é\n"
    revoked = listing(file, clock, whole)
    assert those_of(revoked, *lines) == lines
    with file.open("wb", buffering=0) as stream:
        for byte in whole.encode():
            assert those_of(revoked, *lines) == lines
            stream.write(bytes([byte]))
            clock.now += 1.0
    clock.now += 60.0
    assert those_of(revoked, *lines, "token-") == lines


def test_a_change_that_the_file_times_do_not_show_is_seen_when_it_settles(file, clock):
    revoked = listing(file, clock, "aaaa\n")
    file.write_text("bbbb\n")
    assert those_of(revoked, "aaaa", "bbbb") == ["aaaa", "bbbb"]
    file.write_text("cccc\n")
    revoked._seen = revocations._state(
        file
    )  # as in one tick of the file system's clock
    assert those_of(revoked, "cccc") == []
    clock.now += 10.0
    assert those_of(revoked, "aaaa", "bbbb", "cccc") == ["aaaa", "bbbb", "cccc"]
    clock.now += 10.0
    assert those_of(revoked, "aaaa", "bbbb", "cccc") == ["cccc"]


def test_a_file_replaced_by_one_of_the_same_length_is_seen(tmp_path, file, clock):
    revoked = listing(file, clock, "aaaa\n")
    (tmp_path / "new").write_text("bbbb\n")
    (tmp_path / "new").rename(file)
    assert "bbbb" in revoked
    clock.now += 10.0
    assert those_of(revoked, "aaaa", "bbbb") == ["bbbb"]


def test_what_is_revoked_in_the_process_needs_no_file():
    revoked = Revocations()
    assert "x" not in revoked
    revoked.add("x")
    assert "x" in revoked


def test_a_missing_list_is_an_error_at_the_start(tmp_path):
    with pytest.raises(SettingsError, match="create it"):
        Revocations(tmp_path / "revoked")


def test_a_list_that_vanishes_later_stays_in_force_and_is_complained_of_once(
    file, clock, caplog
):
    revoked = listing(file, clock, "first\n")
    file.unlink()
    with caplog.at_level(logging.ERROR, logger="kbserver"):
        assert "first" in revoked
        clock.now += 60.0
        assert "first" in revoked
    assert len(caplog.records) == 1
    file.write_text("second\n")
    assert those_of(revoked, "first", "second") == ["first", "second"]
    clock.now += 10.0
    assert those_of(revoked, "first", "second") == ["second"]
