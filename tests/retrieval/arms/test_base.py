import numpy as np
import pytest

from kbserver.retrieval.arms.base import Query
from kbserver.retrieval.transcript.cleaning import Heard
from kbserver.retrieval.transcript.followup import Carry, Exchange
from kbserver.settings import TurnSettings

EMBEDDING = np.array([1.0, 0.0], np.float32)
EARLIER = np.array([0.0, 1.0], np.float32)


def test_a_query_that_stands_alone_is_searched_with_its_own_embedding():
    query = Query(Heard("router"), TurnSettings())
    found = query.with_embedding(EMBEDDING)
    assert found.vector is EMBEDDING
    assert (found.heard, query.vector) == (query.heard, None)


def test_a_query_that_leans_on_another_is_searched_between_both():
    carry = Carry(1.0, (), ((Exchange("router", 0.0, embedding=EARLIER), 1.0),))
    query = Query(Heard("and that"), TurnSettings(), carry)
    vector = query.with_embedding(EMBEDDING).vector
    assert vector[0] > vector[1] > 0.0
    assert np.linalg.norm(vector) == pytest.approx(1.0)
