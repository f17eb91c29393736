"""The dense arm asks the vector index, in the whole snapshot or in a scope."""

import numpy as np
import pytest

from kbserver.languages import english, hindi
from kbserver.retrieval.arms.base import Query
from kbserver.retrieval.arms.meaning import MeaningArm
from kbserver.retrieval.transcript.cleaning import Heard
from kbserver.settings import TurnSettings

from ..small import SmallSnapshot

VECTOR = np.array([0.1, 0.7, 0.1, 0.7], np.float32)


@pytest.fixture
def arm(tmp_path):
    return MeaningArm(SmallSnapshot(tmp_path))


@pytest.fixture
def query():
    return Query(Heard(""), TurnSettings(), vector=VECTOR)


def test_the_nearest_rows_are_proposed_and_every_row_is_scored(arm, query):
    found = arm.propose(query, rows=None, count=2)
    assert sorted(found.rows.tolist()) == [1, 3]
    np.testing.assert_allclose(found.score(np.array([3, 0])), [0.7, 0.1])


def test_a_scope_is_searched_and_not_filtered_afterwards(arm, query):
    found = arm.propose(query, rows=np.array([0, 2, 3]), count=2)
    assert found.rows.tolist() == [3, 0]


def test_a_query_without_a_vector_finds_nothing(arm):
    query = Query(Heard("router"), TurnSettings())
    assert arm.propose(query, rows=None, count=2) is None


@pytest.mark.parametrize("waits", [True, False])
def test_the_arm_waits_if_its_index_does(tmp_path, waits):
    snapshot = SmallSnapshot(tmp_path)
    snapshot.vectors.waits = waits
    assert MeaningArm(snapshot).waits is waits


@pytest.mark.parametrize(
    "text, profile, is_trusted",
    (
        ("band karane ke liye kitne din", hindi.PROFILE, False),
        ("बंद करने के लिए कितने दिन", hindi.PROFILE, True),
        ("how many days of notice", english.PROFILE, True),
    ),
)
def test_a_question_in_letters_of_another_language_is_trusted_less(
    arm, text, profile, is_trusted
):
    query = Query(Heard(text, profile=profile), TurnSettings(), vector=VECTOR)
    assert (arm.propose(query, rows=None, count=2).trust == 1.0) == is_trusted
