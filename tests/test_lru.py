import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.lru import ENTRY_BYTES, LruCache, bytes_of, remembered

SIZE = 100
EACH = ENTRY_BYTES + SIZE
"""What one value takes in the caches of these tests."""


def cache_of(count: int) -> LruCache[object, int]:
    return LruCache(count * EACH, lambda key, value: SIZE)


def test_the_least_recently_used_goes_first():
    cache = cache_of(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert cache.get("b") is None
    assert (cache.get("a"), cache.get("c")) == (1, 3)
    assert len(cache) == 2


def test_a_look_is_no_use():
    cache = cache_of(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.peek("a") == 1
    assert list(cache) == ["a", "b"]
    cache.put("c", 3)
    assert cache.peek("a") is None


def test_a_new_value_of_a_key_replaces_the_old_one():
    cache = cache_of(2)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.put("a", 3)
    cache.put("c", 4)
    assert cache.get("a") == 3
    assert cache.get("b") is None
    assert cache.bytes == 2 * EACH


def test_a_cache_of_0_bytes_holds_nothing():
    cache = cache_of(0)
    cache.put("a", 1)
    assert len(cache) == 0
    assert cache.get("a") is None


def test_what_is_too_large_is_not_held_and_pushes_nothing_out():
    cache: LruCache[str, str] = LruCache(10_000)
    cache.put("a", "small")
    cache.put("b", "x" * 10_000)
    assert list(cache) == ["a"]
    cache.put("a", "x" * 10_000)  # and the old value is no longer that of its key
    assert cache.get("a") is None


def test_one_large_value_takes_the_room_of_many():
    cache: LruCache[int, str] = LruCache(10_000)
    for key in range(20):
        cache.put(key, "")
    cache.put(20, "x" * 9_000)
    assert len(cache) < 5
    assert cache.bytes <= 10_000
    assert cache.get(20) is not None


def test_what_is_taken_out_is_gone():
    cache = cache_of(3)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.pop("a") == 1
    assert cache.pop("a") is None
    assert cache.bytes == EACH
    cache.clear()
    assert (len(cache), cache.bytes) == (0, 0)
    assert cache.get("b") is None


@pytest.mark.parametrize("size", [1, 3])
@given(steps=st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(1, 99))))
def test_it_does_what_a_list_in_order_of_use_does(size, steps):
    cache = cache_of(size)
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


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 900)), max_size=60))
def test_the_bytes_are_those_of_what_is_held_and_never_too_many(steps):
    cache: LruCache[int, str] = LruCache(3_000)
    for key, length in steps:
        cache.put(key, "x" * length)
        held = [(key, cache.peek(key)) for key in cache]
        assert cache.bytes == sum(bytes_of(*pair) + ENTRY_BYTES for pair in held)
        assert cache.bytes <= 3_000


def test_texts_are_counted_as_the_interpreter_counts_them():
    assert bytes_of("a", "é" * 50) == sys.getsizeof("a") + sys.getsizeof("é" * 50)


# What a function gave


class Counting:
    """Doubles a text, and keeps what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, text):
        self.asked.append(text)
        return text + text


def test_a_result_is_worked_out_once():
    double = Counting()
    known = remembered(double, most_bytes=10_000)
    assert [known("a"), known("b"), known("a")] == ["aa", "bb", "aa"]
    assert double.asked == ["a", "b"]


def test_a_result_in_use_outlives_any_number_of_others():
    double = Counting()
    known = remembered(double, most_bytes=20 * EACH, size_of=lambda key, value: SIZE)
    for number in range(1_000):
        known("in use")
        known(f"used once {number}")
    assert double.asked.count("in use") == 1
    known("used once 0")
    assert double.asked.count("used once 0") == 2


def test_long_results_are_given_and_not_kept():
    double = Counting()
    known = remembered(double, most_bytes=10_000)
    for _ in range(2):
        assert known("x" * 10_000) == "x" * 20_000
    assert len(double.asked) == 2


@given(st.lists(st.text(max_size=300), max_size=200))
def test_no_more_is_kept_than_there_is_room_for(texts):
    most_bytes = 10_000
    known = remembered(str.upper, most_bytes=most_bytes)
    for text in texts:
        assert known(text) == text.upper()
    results = known.__self__  # type: ignore[attr-defined]
    kept = {**results, **results._older}
    assert sum(bytes_of(*pair) + ENTRY_BYTES for pair in kept.items()) <= most_bytes


def test_a_function_that_raises_is_asked_again():
    def number_of(text: str) -> int:
        return int(text)

    known = remembered(number_of, most_bytes=10_000)
    for _ in range(2):
        with pytest.raises(ValueError, match="invalid literal"):
            known("no number")
    assert known("7") == 7


def test_threads_get_the_same_results():
    known = remembered(str.upper, most_bytes=5_000)
    wrong = []

    def ask():
        for number in range(2_000):
            text = f"text {number % 50}"
            if known(text) != text.upper():
                wrong.append(text)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
