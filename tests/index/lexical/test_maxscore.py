import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kbserver.index.lexical.exhaustive import search_exhaustive
from kbserver.index.lexical.maxscore import search_maxscore
from kbserver.index.lexical.postings import Postings
from tests.index.lexical.conftest import sums_of, weighted


class WatchedPostings(Postings):
    """Notes which terms are looked up for how many rows."""

    looked_up: list[tuple[int, int]]

    def look_up(self, term, rows):
        self.looked_up.append((term[0], rows.size))
        return super().look_up(term, rows)


@pytest.fixture
def postings(postings_of, random_texts):
    return postings_of(random_texts)


def test_it_finds_what_adding_all_up_finds(postings):
    terms = weighted(postings, {"w0": 1.0, "w1": 0.5, "w12": 1.0, "w39": 2.0})
    for inside in (None, np.arange(600) % 3 == 0):
        wanted = search_exhaustive(postings, terms, inside, 10).best
        found = search_maxscore(postings, terms, inside, 10).best
        np.testing.assert_array_equal(found.rows, wanted.rows)
        np.testing.assert_allclose(found.scores, wanted.scores, rtol=1e-5)


@given(
    terms=st.dictionaries(
        st.integers(0, 39).map("w{}".format), st.floats(0.01, 5.0), min_size=1
    ),
    top_k=st.integers(1, 40),
    keep=st.none() | st.integers(1, 9),
)
@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_query_finds_the_highest_sums(postings, terms, top_k, keep):
    inside = None
    wanted = sums_of(postings, terms)
    if keep is not None:
        inside = np.arange(600) % keep == 0
        wanted = wanted * inside
    found = search_maxscore(postings, weighted(postings, terms), inside, top_k)
    best = np.sort(wanted)[::-1][:top_k]
    np.testing.assert_allclose(found.best.scores, best[best > 0], rtol=1e-4)
    assert not postings.sums().any()  # clean for the next search of this thread


def test_rows_it_never_met_are_scored_when_asked_for(postings):
    terms = {"w0": 1.0, "w1": 0.5, "w39": 2.0}
    found = search_maxscore(postings, weighted(postings, terms), None, 3)
    rows = np.array([599, 0, 7, 7])
    np.testing.assert_allclose(
        found.scores(rows), sums_of(postings, terms)[rows], rtol=1e-5
    )
    with pytest.raises(IndexError):
        found.scores(np.array([600]))


def test_no_hit_wanted_is_no_hit_found(postings):
    terms = weighted(postings, {"w0": 1.0})
    assert search_maxscore(postings, terms, None, 0).best.rows.size == 0


def test_common_words_are_looked_up_only_for_rows_that_may_be_found(postings_of):
    texts = ["the"] * 5000 + ["the rare"] * 20
    mapped = postings_of(texts)
    mapped.__class__ = WatchedPostings
    mapped.looked_up = []
    terms = weighted(mapped, {"the": 1.0, "rare": 1.0})
    found = search_maxscore(mapped, terms, None, 10)
    assert found.best.rows.tolist() == list(range(5000, 5010))
    common, _, _ = mapped.find("the")
    assert mapped.looked_up == [(common, 20)]
