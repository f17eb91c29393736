import time

from kbserver.deadline import Deadline


def test_a_deadline_counts_down_and_passes():
    deadline = Deadline.after_ms(30)
    assert 0 < deadline.remaining_ms() <= 30
    assert not deadline.passed
    time.sleep(0.04)
    assert deadline.passed
    assert deadline.remaining_ms() < 0


def test_a_reserve_makes_it_earlier_by_as_much():
    deadline = Deadline.after_ms(100)
    assert abs((deadline.at - deadline.less_ms(20).at) * 1000 - 20) < 1e-6


def test_the_sooner_of_two_counts():
    assert Deadline.after_ms(1000).sooner(10).remaining_ms() <= 10
    assert Deadline.after_ms(10).sooner(1000).remaining_ms() <= 10
