import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from kbserver.embedding.vector_cache import LONGEST_TEXT, VectorCache

VECTORS = [np.full(3, number, np.float32) for number in range(8)]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["get", "put"]), st.sampled_from("ab"), st.integers(0, 7)
    ),
    max_size=60,
)


@given(STEPS, st.integers(0, 5))
@example(
    [
        ("put", "a", 0),
        ("put", "a", 1),
        ("put", "a", 0),
        ("put", "a", 2),
        ("get", "a", 0),
    ],
    2,
)
def test_it_keeps_the_most_recently_used(
    steps: list[tuple[str, str, int]], size: int
) -> None:
    cache, recent = (
        VectorCache(size),
        list[tuple[str, int]](),
    )  # the plain form: a list, the latest last
    for action, model, number in steps:
        key = (model, number)
        if action == "put":
            cache.put(model, str(number), VECTORS[number])
            recent = (
                [*(other for other in recent if other != key), key][-size:]
                if size
                else []
            )
        else:
            found = cache.get(model, str(number))
            assert (found is VECTORS[number]) == (key in recent)
            recent = (
                [*(other for other in recent if other != key), key]
                if key in recent
                else recent
            )
        assert len(cache) == len(recent)


def test_a_vector_of_another_model_is_not_given() -> None:
    cache = VectorCache(10)
    cache.put("one", "text", VECTORS[1])
    assert cache.get("two", "text") is None


def test_texts_too_long_to_be_said_are_not_kept() -> None:
    cache = VectorCache(10)
    cache.put("one", "x" * (LONGEST_TEXT + 1), VECTORS[1])
    assert len(cache) == 0
