"""The same question in other words is one gap; what most calls asked comes first."""

import sqlite3

import numpy as np
import pytest

from kbserver.notes import SearchNote
from kbserver.record.gaps.grouping import (
    _ROWS_AT_ONCE,
    _distances,
    gaps,
    grouped,
    nearest_documents,
    unit_vectors,
)
from tests.record.conftest import DAY_S, NOON, candidate, turn

RANDOM = np.random.default_rng(7)
SUBJECTS = RANDOM.standard_normal((3, 64))


def embedding(subject, noise=0.3):
    vector = SUBJECTS[subject] + noise * RANDOM.standard_normal(64)
    vector /= np.linalg.norm(vector)
    return np.rint(vector * 127).astype(np.int8).tobytes()


def silent(number, subject, query, **more):
    near = candidate("p9", answered=False, score=0.1, document=f"{subject}.md")
    values = {
        "outcome": "empty",
        "reason": "below_min_score",
        "candidates": (near,),
        "embedding": embedding(subject),
        "label": f"call-{number}",
    }
    return turn(number, query=query, **(values | more))


@pytest.fixture
def reader(connection):
    connection.row_factory = sqlite3.Row
    return connection


def test_one_question_in_several_wordings_is_one_gap(rows, reader):
    turns = [
        silent(1, 0, "do you ship to norway"),
        silent(2, 0, "can i have it sent to oslo"),
        silent(3, 0, "do you ship to norway"),
        silent(4, 1, "what is a unicorn"),
    ]
    rows.add(turns, [])
    first, second = gaps(reader, since=NOON)
    assert set(first.examples) == {
        "do you ship to norway",
        "can i have it sent to oslo",
    }
    assert (first.turns, first.calls, first.silent) == (3, 3, 3)
    assert (first.corpus, first.document, first.score) == ("support", "0.md", 0.1)
    assert (second.examples, second.turns) == (("what is a unicorn",), 1)
    assert len({first.id, second.id}) == 2


def test_what_was_answered_well_asked_by_a_probe_or_long_ago_is_no_gap(rows, reader):
    turns = [
        silent(1, 0, "answered", outcome="full", candidates=(candidate(score=0.9),)),
        silent(2, 0, "by the doctor", probe="doctor"),
        silent(3, 0, "long ago", at=NOON - DAY_S),
        silent(4, 0, "small talk", outcome="gated", reason="thanks"),
        silent(5, 0, "too late", reason="late"),
    ]
    rows.add(turns, [])
    assert gaps(reader, since=NOON) == []


def test_an_answer_just_above_the_threshold_is_in_doubt(rows, reader):
    threshold = (SearchNote("support", "000001-a", 0.4, "calibrated"),)
    barely, well = candidate(score=0.45), candidate(score=0.55)
    more = {"outcome": "full", "searches": threshold}
    turns = [
        silent(1, 0, "barely", candidates=(barely,), **more),
        silent(2, 1, "well", candidates=(well,), **more),
    ]
    rows.add(turns, [])
    (gap,) = gaps(reader, since=NOON)
    assert (gap.examples, gap.silent) == (("barely",), 0)


def test_embeddings_of_another_model_are_left_out(rows, reader):
    older = silent(1, 0, "older", embedding=bytes(32))
    rows.add([older, silent(2, 0, "newer", at=NOON + 1)], [])
    assert [gap.examples for gap in gaps(reader, since=NOON)] == [("newer",)]


def test_facts_alone_count_silent_turns_by_the_nearest_document(rows, reader):
    turns = [silent(n, n % 2, None) for n in range(5)]
    turns.append(silent(9, 0, None, candidates=()))
    rows.add(turns, [])
    assert gaps(reader, since=NOON) == []
    found = [(one.document, one.turns) for one in nearest_documents(reader, since=NOON)]
    assert found == [("0.md", 3), ("1.md", 2), (None, 1)]


def test_groups_are_those_that_the_wordings_were_made_of():
    wanted = [subject for subject in range(3) for _ in range(20)]
    vectors = unit_vectors([embedding(subject) for subject in wanted])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    found = sorted(sorted(members) for members in grouped(vectors))
    assert found == [list(range(20)), list(range(20, 40)), list(range(40, 60))]


def test_an_embedding_that_points_nowhere_is_left_out(rows, reader):
    rows.add([silent(1, 0, "nowhere", embedding=bytes(64)), silent(2, 0, "here")], [])
    assert [gap.examples for gap in gaps(reader, since=NOON)] == [("here",)]


def test_distances_are_those_of_every_pair_in_scipys_order():
    vectors = unit_vectors([RANDOM.bytes(32) for _ in range(_ROWS_AT_ONCE + 20)])
    wide = vectors.astype(np.float64)
    pairs = np.triu_indices(len(vectors), k=1)
    wanted = 1.0 - np.einsum("ij,ij->i", wide[pairs[0]], wide[pairs[1]])
    assert np.allclose(_distances(vectors), wanted, atol=1e-6)
    alike = np.repeat(vectors[:1], 3, axis=0)
    assert (_distances(alike) >= 0.0).all()
