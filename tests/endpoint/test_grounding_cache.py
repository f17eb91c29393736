import pytest

from kbserver.endpoint.grounding_cache import (
    LONGEST_QUERY,
    CachedGrounding,
    GroundingCache,
)
from kbserver.retrieval.context import Context


def answer(*version):
    return CachedGrounding((), Context("said"), None, version)


def test_an_answer_is_good_while_the_very_objects_it_rests_on_are_served():
    generation, valid = [1], [2]
    answers = GroundingCache()
    answers.put("q", ("support",), answer(generation, valid))
    assert answers.get("q", ("support",), (generation, valid)).context.text == "said"
    assert answers.get("q", ("hotels",), (generation, valid)) is None
    assert answers.get("other", ("support",), (generation, valid)) is None
    assert (
        answers.get("q", ("support",), (generation, [2])) is None
    )  # equal, but not the same
    assert answers.get("q", ("support",), (generation, valid)) is None  # let go with it
    answers.put("q", ("support",), answer(generation))
    assert answers.get("q", ("support",), (generation, valid)) is None


def test_the_least_recently_asked_goes_first():
    answers = GroundingCache(2)
    for query in ("a", "b"):
        answers.put(query, (), answer())
    assert answers.get("a", (), ())
    answers.put("c", (), answer())
    assert [query for query in "abc" if answers.get(query, (), ())] == ["a", "c"]
    answers.put("a", (), answer())  # answered anew: asked last
    answers.put("d", (), answer())
    assert [query for query in "acd" if answers.get(query, (), ())] == ["a", "d"]
    answers.clear()
    assert len(answers) == 0


@pytest.mark.parametrize(
    ("size", "query"), [(0, "short"), (10, "x" * (LONGEST_QUERY + 1))]
)
def test_some_are_not_kept(size, query):
    answers = GroundingCache(size)
    answers.put(query, (), answer())
    assert len(answers) == 0
