from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from kbserver.retrieval.reading import KEY, Reading, scores_by
from kbserver.types import ModelIdentity


@dataclass
class Kept:
    """A manifest, as far as it is read."""

    extra: dict[str, Any] = field(default_factory=dict)
    model: ModelIdentity = ModelIdentity("m", "f" * 32, 384, 256)


@pytest.mark.parametrize(
    ("unread", "pieces", "trust"),
    [(0.046, 1.18, 1.0), (0.12, 2.9, 0.1), (0.97, 6.1, 0.0), (0.99, 3.3, 0.0)],
)
def test_words_in_letters_are_not_trusted(unread, pieces, trust):
    found = Reading(unread=unread, pieces=pieces).trust
    assert found == pytest.approx(trust, abs=0.02)


def test_a_model_of_many_languages_is_trusted_until_it_reads_letters():
    assert Reading(unread=0.15, pieces=1.8, multilingual=True).trust == 1.0
    assert Reading(unread=0.9, pieces=4.0, multilingual=True).trust == 0.0


def test_a_cosine_is_moved_to_where_unlike_texts_are_at_zero():
    reading = Reading(background=0.75, gain=4.0)
    cosines = np.array([0.75, 0.9, 1.0, 0.2], np.float32)
    assert reading.scaled(cosines).tolist() == pytest.approx([0.0, 0.6, 1.0, -1.0])
    assert Reading().scaled(cosines) is cosines


def test_a_manifest_gives_back_what_was_measured():
    reading = Reading(0.1, 1.5, 0.7, 5.0, 0.8, multilingual=True)
    assert Reading.of(Kept({KEY: reading.as_dict()})) == reading


@pytest.mark.parametrize("kept", [{}, {KEY: 5}, {KEY: {"gain": "x", "other": 1}}])
def test_an_older_or_strange_manifest_changes_nothing(kept):
    assert Reading.of(Kept(kept)) == Reading()


@pytest.mark.parametrize(
    ("reading", "same"),
    [
        (Reading(), True),
        (Reading(unread=0.046, pieces=1.18), True),
        (Reading(unread=0.12, pieces=2.9), False),
        (Reading(background=0.7, gain=5.0, multilingual=True), False),
    ],
)
def test_a_calibration_from_before_cosines_were_weighed_is_for_other_scores(
    reading, same
):
    kept = Kept({KEY: reading.as_dict()})
    assert (scores_by(kept) == scores_by(Kept())) is same
