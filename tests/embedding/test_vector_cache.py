import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from kbserver.embedding.vector_cache import VectorCache
from kbserver.lru import ENTRY_BYTES, bytes_of

VECTORS = [np.full(3, number, np.float32) for number in range(8)]
EACH = ENTRY_BYTES + bytes_of(("a", "1"), "1") + VECTORS[0].nbytes
"""Bytes of one vector with its place."""
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["get", "put"]), st.sampled_from("ab"), st.integers(0, 7)
    ),
    max_size=60,
)
PUT_TWICE = [
    ("put", "a", 0),
    ("put", "a", 1),
    ("put", "a", 0),
    ("put", "a", 2),
    ("get", "a", 0),
]


@given(STEPS, st.integers(0, 5))
@example(PUT_TWICE, 2)
def test_the_most_recently_used_vectors_are_kept(
    steps: list[tuple[str, str, int]], size: int
) -> None:
    cache = VectorCache(size * EACH)
    recent: list[tuple[str, int]] = []  # the same in its plainest form: the latest last
    for action, model, number in steps:
        key = (model, number)
        if action == "put":
            cache.put(model, str(number), VECTORS[number])
            recent = [other for other in recent if other != key]
            recent.append(key)
            if len(recent) > size:
                recent.pop(0)
        else:
            found = cache.get(model, str(number))
            assert (found is VECTORS[number]) == (key in recent)
            if key in recent:
                recent.remove(key)
                recent.append(key)
        assert len(cache) == len(recent)


def test_a_vector_of_another_model_is_not_given() -> None:
    cache = VectorCache(10 * EACH)
    cache.put("one", "text", VECTORS[1])
    assert cache.get("two", "text") is None


def test_long_texts_take_the_room_of_many() -> None:
    cache = VectorCache(10 * EACH)
    for number in range(7):
        cache.put("one", str(number), VECTORS[number])
    cache.put("one", "x" * 9 * EACH, VECTORS[1])
    assert len(cache) == 1
