import logging

import pytest

from kbserver.endpoint.tokens.revocations import Revocations
from kbserver.errors import SettingsError


def test_the_file_is_read_again_when_it_changes(tmp_path):
    file = tmp_path / "revoked"
    file.write_text("first   # lost laptop\n\n# nobody\n")
    revoked = Revocations(file)
    assert "first" in revoked
    assert "second" not in revoked
    assert "" not in revoked
    file.write_text("first\nsecond\n")
    assert "second" in revoked
    file.write_text("second\n")
    assert "first" not in revoked


def test_a_file_replaced_by_one_of_the_same_length_is_seen(tmp_path):
    file = tmp_path / "revoked"
    file.write_text("aaaa\n")
    revoked = Revocations(file)
    (tmp_path / "new").write_text("bbbb\n")
    (tmp_path / "new").rename(file)
    assert "bbbb" in revoked
    assert "aaaa" not in revoked


def test_what_is_revoked_in_the_process_needs_no_file():
    revoked = Revocations()
    assert "x" not in revoked
    revoked.add("x")
    assert "x" in revoked


def test_a_missing_list_is_an_error_at_the_start(tmp_path):
    with pytest.raises(SettingsError, match="create it"):
        Revocations(tmp_path / "revoked")


def test_a_list_that_vanishes_later_stays_in_force_and_is_complained_of_once(
    tmp_path, caplog
):
    file = tmp_path / "revoked"
    file.write_text("first\n")
    revoked = Revocations(file)
    file.unlink()
    with caplog.at_level(logging.ERROR, logger="kbserver"):
        assert "first" in revoked
        assert "first" in revoked
    assert len(caplog.records) == 1
    file.write_text("second\n")
    assert "second" in revoked
    assert "first" not in revoked
