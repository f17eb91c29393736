"""Turns of tokens that have a limit: taken before they are grounded, given back if they are not."""

import pytest

from kbserver.endpoint.tokens.turns import TokenTurns, TurnCounts
from kbserver.errors import Unauthorized


def turns(counts, limit, *, jti="a", expires_at=100.0):
    return TokenTurns(jti, limit, expires_at, counts, clock=lambda: 0.0)


def test_so_many_are_taken_and_no_more():
    limited = turns(TurnCounts(), 2)
    limited.take()
    limited.check()
    limited.take()
    for refuse in (limited.check, limited.take):
        with pytest.raises(Unauthorized) as caught:
            refuse()
        assert caught.value.code == "exhausted_token"


def test_one_that_is_given_back_may_be_taken_again():
    counts = TurnCounts()
    first, again = turns(counts, 1), turns(counts, 1)
    first.take()
    with pytest.raises(Unauthorized):
        again.take()
    first.give_back()
    again.take()
    with pytest.raises(Unauthorized):
        first.check()


def test_what_was_never_taken_cannot_be_given_back():
    limited = turns(TurnCounts(), 1)
    limited.give_back()
    limited.take()
    with pytest.raises(Unauthorized):
        limited.take()


def test_counts_of_expired_tokens_are_forgotten_and_the_table_keeps_its_bound():
    counts = TurnCounts(most_tokens=3)
    for number in range(10):
        assert counts.take(f"t{number}", limit=1, expires_at=100.0 + number, now=0.0)
    assert len(counts) == 3
    assert not counts.take("t9", limit=1, expires_at=109.0, now=0.0)
    counts.give_back("t0")  # forgotten
    assert counts.taken("t0") == 0
    assert counts.take("t10", limit=1, expires_at=300.0, now=200.0)
    assert len(counts) == 1
