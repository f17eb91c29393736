import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.index.lexical.base import Bm25Parameters
from kbserver.index.lexical.formula import idf, saturation


def test_the_rarity_of_a_term_by_hand():
    assert idf(1, 3) == pytest.approx(math.log(1 + 2.5 / 1.5))
    assert idf(0, 0) == pytest.approx(math.log(2))


@given(st.integers(1, 10**7), st.data())
def test_a_rarer_term_tells_more_and_none_tells_less_than_nothing(size, data):
    frequency = data.draw(st.integers(1, size))
    assert 0 < idf(frequency, size) < idf(frequency - 1, size)


def test_the_saturation_of_a_term_by_hand():
    parameters = Bm25Parameters(k1=1.2, b=0.75)
    found = saturation(np.array([2]), np.array([30]), 20.0, parameters)
    assert found[0] == pytest.approx(2 / (2 + 1.2 * (0.25 + 0.75 * 1.5)))


@given(
    counts=st.lists(st.integers(1, 1000), min_size=1, max_size=20),
    k1=st.floats(0.1, 3.0),
    b=st.floats(0.0, 1.0),
)
def test_it_stays_below_one_and_grows_with_the_count(counts, k1, b):
    counts = np.array(sorted(set(counts)), dtype=np.int32)
    lengths = np.full(counts.size, 1000)
    found = saturation(counts, lengths, 400.0, Bm25Parameters(k1, b))
    assert ((found > 0) & (found < 1)).all()
    assert (np.diff(found) > 0).all()


def test_without_length_normalisation_the_length_does_not_matter():
    parameters = Bm25Parameters(b=0.0)
    found = saturation(np.array([3, 3]), np.array([3, 900]), 50.0, parameters)
    assert found[0] == found[1]
