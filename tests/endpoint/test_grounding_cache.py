import pytest

from kbserver.endpoint.findings import Findings
from kbserver.endpoint.grounding_cache import LONGEST_QUERY, CacheKey, GroundingCache
from kbserver.retrieval.context import Context

FINDINGS = Findings("full", context=Context("answer"))
EACH = 2_400
"""Bytes of one of them with its place; two of them take more than three quarters of two."""


def test_findings_are_served_while_the_same_objects_would_be_searched():
    generation, valid = [1], [2]
    cache = GroundingCache()
    cache.put(CacheKey("q", ("support",), (generation, valid)), FINDINGS)
    assert cache.get(CacheKey("q", ("support",), (generation, valid))) is FINDINGS
    assert cache.get(CacheKey("q", ("hotels",), (generation, valid))) is None
    assert cache.get(CacheKey("other", ("support",), (generation, valid))) is None


@pytest.mark.parametrize("version", [([1],), (), ([1], None)])
def test_another_version_drops_the_findings_even_if_it_is_equal(version):
    generation = [1]
    key = CacheKey("q", (), (generation,))
    cache = GroundingCache()
    cache.put(key, FINDINGS)
    assert cache.get(key._replace(version=version)) is None
    assert len(cache) == 0


def test_the_least_recently_used_goes_first():
    cache = GroundingCache(2 * EACH)
    for query in ("a", "b"):
        cache.put(CacheKey(query, (), ()), FINDINGS)
    assert cache.get(CacheKey("a", (), ()))
    cache.put(CacheKey("c", (), ()), FINDINGS)
    kept = [query for query in "abc" if cache.get(CacheKey(query, (), ()))]
    assert kept == ["a", "c"]
    cache.clear()
    assert len(cache) == 0


@pytest.mark.parametrize(
    "findings",
    [
        Findings("full"),
        Findings("empty", "no_match"),
        Findings("empty", "below_min_score"),
    ],
)
def test_findings_that_more_time_would_not_better_are_kept(findings):
    cache = GroundingCache()
    key = CacheKey("q", (), ())
    cache.put(key, findings)
    assert cache.get(key) is findings


@pytest.mark.parametrize(
    "findings",
    [
        Findings("degraded", "busy"),
        Findings("empty", "late"),
        Findings("empty", "empty_scope"),
        Findings("empty", "error"),
    ],
)
def test_findings_that_may_be_better_next_time_are_not_kept(findings):
    cache = GroundingCache()
    cache.put(CacheKey("q", (), ()), findings)
    assert len(cache) == 0


@pytest.mark.parametrize(
    ("size", "key"),
    [
        (0, CacheKey("short", (), ())),
        (10, CacheKey("x" * (LONGEST_QUERY + 1), (), ())),
        (10, None),
    ],
)
def test_a_query_that_hardly_comes_twice_is_not_kept(size, key):
    cache = GroundingCache(size * EACH)
    cache.put(key, FINDINGS)
    assert len(cache) == 0
    assert cache.get(key) is None
