import pytest

from kbserver.endpoint.tokens.rates import RateLimit, caller_of
from kbserver.lru import ENTRY_BYTES, bytes_of


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_and_then_one_at_a_time():
    clock = Clock()
    limit = RateLimit(6, clock=clock)
    assert [limit.wait_s("a") for _ in range(6)] == [0.0] * 6
    assert limit.wait_s("a") == pytest.approx(10.0)
    clock.now += 9.9
    assert limit.wait_s("a") == pytest.approx(0.1)
    clock.now += 0.2
    assert limit.wait_s("a") == 0.0
    assert limit.wait_s("a") == pytest.approx(9.9)


def test_callers_do_not_pay_for_each_other():
    limit = RateLimit(1, clock=Clock())
    assert limit.wait_s("a") == 0.0
    assert limit.wait_s("a") > 0
    assert limit.wait_s("b") == 0.0


def test_a_long_silence_saves_up_no_more_than_one_burst():
    clock = Clock()
    limit = RateLimit(2, clock=clock)
    limit.wait_s("a")
    clock.now += 3_600
    assert [limit.wait_s("a") > 0 for _ in range(3)] == [False, False, True]


def test_the_table_never_grows_over_its_bound_and_forgets_who_was_silent_longest():
    room = ENTRY_BYTES + bytes_of("a", (0.0, 0.0))  # differs between Pythons
    limit = RateLimit(1, most_bytes=3 * room, clock=Clock())
    for caller in ("a", "b", "c", "a", "d"):
        limit.wait_s(caller)
    assert len(limit) == 3
    assert limit.wait_s("a") > 0
    assert limit.wait_s("b") == 0.0


def test_a_long_address_takes_the_room_of_many():
    limit = RateLimit(1, most_bytes=3_000, clock=Clock())
    for caller in "abcde":
        limit.wait_s(caller)
    limit.wait_s("x" * 2_500)
    assert len(limit) == 1


@pytest.mark.parametrize(
    ("address", "caller"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_an_ipv6_client_is_counted_by_the_network_it_owns(address, caller):
    assert caller_of(address) == caller
