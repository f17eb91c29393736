"""What is said again and again is logged once a minute, by a clock of the test's own."""

import pytest

from kbserver.endpoint.complaints import PAUSE_S, Complaints


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_a_message_is_logged_once_a_minute_and_says_how_often_it_was_not(clock, caplog):
    complain = Complaints(clock=clock)
    for _ in range(5):
        complain("it failed")
    complain("something else failed")
    clock.now += PAUSE_S
    complain("it failed")
    clock.now += PAUSE_S
    complain("it failed")
    assert [record.getMessage() for record in caplog.records] == [
        "it failed",
        "something else failed",
        "it failed (4 more times since this was last said)",
        "it failed",
    ]


def test_the_traceback_of_an_error_is_logged_with_it(clock, caplog):
    Complaints(clock=clock)("it failed", SystemExit(9))
    assert "SystemExit: 9" in caplog.text


def test_messages_without_end_are_not_all_remembered(clock, caplog):
    complain = Complaints(clock=clock)
    for number in range(10_000):
        complain(f"failure {number}")
    caplog.clear()
    complain("failure 0")
    complain("failure 9999")
    assert [record.getMessage() for record in caplog.records] == ["failure 0"]
