import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.lru import LruCache


def test_the_least_recently_used_goes_first():
    cache: LruCache[str, int] = LruCache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert cache.get("b") is None
    assert (cache.get("a"), cache.get("c")) == (1, 3)
    assert len(cache) == 2


def test_a_new_value_of_a_key_replaces_the_old_one():
    cache: LruCache[str, int] = LruCache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.put("a", 3)
    cache.put("c", 4)
    assert cache.get("a") == 3
    assert cache.get("b") is None


def test_a_cache_of_size_0_holds_nothing():
    cache: LruCache[str, int] = LruCache(0)
    cache.put("a", 1)
    assert len(cache) == 0
    assert cache.get("a") is None


def test_what_is_taken_out_is_gone():
    cache: LruCache[str, int] = LruCache(3)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.pop("a") == 1
    assert cache.pop("a") is None
    cache.clear()
    assert len(cache) == 0
    assert cache.get("b") is None


@pytest.mark.parametrize("size", [1, 3])
@given(steps=st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(1, 99))))
def test_it_does_what_a_list_in_order_of_use_does(size, steps):
    cache: LruCache[int, int] = LruCache(size)
    plain: list[tuple[int, int]] = []  # most recently used last
    for writes, key, value in steps:
        held = dict(plain).get(key)
        if writes:
            cache.put(key, value)
            held = value
        else:
            assert cache.get(key) == held
        if held is not None:
            plain = [pair for pair in plain if pair[0] != key] + [(key, held)]
            plain = plain[-size:]
        assert len(cache) == len(plain)
