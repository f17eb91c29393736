"""The phonetic arm finds what the recogniser misheard."""

import numpy as np
import pytest

from kbserver.languages.english import PROFILE
from kbserver.retrieval.arms.base import Query
from kbserver.retrieval.arms.sounds import MAX_NGRAMS, open_sounds, weighted_ngrams
from kbserver.retrieval.transcript.cleaning import Heard
from kbserver.retrieval.transcript.followup import Carry, Exchange
from kbserver.retrieval.transcript.phonetics import phonetic_ngrams
from kbserver.settings import TurnSettings

from ..small import SmallSnapshot


@pytest.fixture
def arm(tmp_path):
    snapshot = SmallSnapshot(tmp_path)
    snapshot.add_sounds()
    return open_sounds(snapshot)


def query_of(text, leans_on=None, **settings):
    return Query(Heard(text, profile=PROFILE), TurnSettings(**settings), leans_on)


def test_a_misheard_name_is_proposed_first(arm):
    found = arm.propose(query_of("cooper netties"), rows=None, count=4)
    assert found.rows[0] == 3
    values = found.score(np.arange(4))
    assert values.argmax() == 3
    assert values.dtype == np.float32


def test_nothing_is_searched_if_misheard_is_off_or_no_word_was_said(arm):
    off = query_of("cooper netties", misheard=False)
    assert arm.propose(off, rows=None, count=4) is None
    assert arm.propose(query_of(""), rows=None, count=4) is None


def test_a_snapshot_without_a_field_has_no_such_arm(tmp_path):
    assert open_sounds(SmallSnapshot(tmp_path)) is None


def test_words_of_an_earlier_turn_weigh_less_and_need_words_of_their_own():
    carry = Carry(1.0, (("router", 0.5),), Exchange("router", 0.0))
    weights = weighted_ngrams(query_of("button", carry), PROFILE)
    own, carried = (
        phonetic_ngrams("button", profile=PROFILE),
        phonetic_ngrams("router", profile=PROFILE),
    )
    assert {weights[ngram] for ngram in own} == {1.0}
    assert {weights[ngram] for ngram in carried if ngram not in own} == {0.5}
    assert weighted_ngrams(query_of("", carry), PROFILE) == {}


def test_the_last_ngrams_of_a_long_speech_are_searched():
    text = " ".join(f"router{number} button{number}" for number in range(60))
    ngrams = phonetic_ngrams(text, profile=PROFILE)
    assert len(ngrams) > MAX_NGRAMS
    last = ngrams[-MAX_NGRAMS:]
    assert weighted_ngrams(query_of(text), PROFILE) == dict.fromkeys(last, 1.0)
    assert ngrams[0] not in last
