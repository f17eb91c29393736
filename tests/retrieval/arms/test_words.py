"""Which terms of a query are searched, with which weight."""

import numpy as np
import pytest

from kbserver.languages.english import PROFILE
from kbserver.retrieval.arms.base import Query
from kbserver.retrieval.arms.words import (
    CODE_WEIGHT,
    FEWEST_PASSAGES,
    MAX_TERMS,
    TAKEN_BACK_WEIGHT,
    WEEKDAY_WEIGHT,
    WRITTEN_WEIGHT,
    WordsArm,
    share_of_passages,
)
from kbserver.retrieval.transcript.cleaning import Heard
from kbserver.retrieval.transcript.followup import Carry, Exchange
from kbserver.settings import TurnSettings

from ..small import TEXTS, SmallSnapshot

OTHER_TEXTS = tuple(f"other{number}" for number in range(FEWEST_PASSAGES))
"""So many that the corpus speaks for itself."""


class RecordingIndex:
    """An index that remembers the terms it was asked for."""

    def __init__(self, real):
        self._real = real
        self.terms = None

    def __getattr__(self, name):
        return getattr(self._real, name)

    def find(self, terms, *, top_k, rows=None):
        self.terms = dict(terms)
        return self._real.find(terms, top_k=top_k, rows=rows)


@pytest.fixture
def snapshot(tmp_path):
    snapshot = SmallSnapshot(tmp_path, TEXTS + OTHER_TEXTS)
    snapshot.lexical = RecordingIndex(snapshot.lexical)
    return snapshot


def terms_searched(snapshot, heard, leans_on=None, **settings):
    query = Query(heard, TurnSettings(**settings), leans_on)
    WordsArm(snapshot).propose(query, rows=None, count=10)
    return snapshot.lexical.terms


def test_words_that_name_no_subject_are_left_out(snapshot):
    terms = terms_searched(snapshot, Heard("how do i please hold the button"))
    assert terms == {"hold": 1.0, "button": 1.0}


def test_words_taken_back_and_written_forms_weigh_less(snapshot):
    heard = Heard("ten buttons", ("lights",), profile=PROFILE)
    assert terms_searched(snapshot, heard) == {
        "ten": 1.0,
        "button": 1.0,
        "light": TAKEN_BACK_WEIGHT,
        "10": WRITTEN_WEIGHT,
    }
    assert "10" not in terms_searched(snapshot, heard, numbers=False)


def test_words_of_an_earlier_turn_have_the_weight_of_the_carry(snapshot):
    carry = Carry(
        1.0, (("router", 0.5), ("button", 0.5)), ((Exchange("router", 0.0), 1.0),)
    )
    terms = terms_searched(snapshot, Heard("button"), carry)
    assert terms == {"button": 1.0, "router": 0.5}


def test_the_last_words_of_a_long_speech_are_searched(snapshot):
    words = [f"word{number}" for number in range(MAX_TERMS + 5)]
    terms = terms_searched(snapshot, Heard(" ".join(words)), numbers=False)
    assert list(terms) == words[5:]


def test_a_candidate_is_scored_as_its_search_scored_it(snapshot):
    query = Query(Heard("hold the button"), TurnSettings())
    found = WordsArm(snapshot).propose(query, rows=None, count=2)
    best = snapshot.lexical.search({"hold": 1.0, "button": 1.0}, top_k=2)
    np.testing.assert_array_equal(found.rows, best.rows)
    np.testing.assert_array_equal(found.score(best.rows), best.scores)
    assert found.score(np.array([1])) == [0.0]


def test_the_ideal_score_is_the_sum_of_what_the_spoken_words_tell(snapshot):
    heard = Heard("hold the button", taken_back=("light",))
    found = WordsArm(snapshot).propose(Query(heard, TurnSettings()), rows=None, count=2)
    idf = snapshot.lexical.idf
    assert found.ideal == pytest.approx(idf("hold") + idf("button"))
    empty = WordsArm(snapshot).propose(
        Query(Heard("uh um"), TurnSettings()), rows=None, count=2
    )
    assert (empty.ideal, empty.rows.size) == (0.0, 0)


def test_only_rows_of_the_scope_are_proposed(snapshot):
    query = Query(Heard("button light notice"), TurnSettings())
    scope = np.array([1, 3])
    found = WordsArm(snapshot).propose(query, rows=scope, count=10)
    assert found.rows.tolist() == [1]


def test_the_share_of_passages_counts_a_word_in_any_form(snapshot):
    assert share_of_passages(snapshot.lexical, "Buttons") == 1 / snapshot.size
    assert share_of_passages(snapshot.lexical, "unheard") == 0.0


def test_a_spelled_code_and_a_weekday_decide(snapshot):
    heard = Heard("price of aq 7712 on mondays", codes=("aq", "7712"))
    assert terms_searched(snapshot, heard) == {
        "price": 1.0,
        "aq": CODE_WEIGHT,
        "7712": CODE_WEIGHT,
        "monday": WEEKDAY_WEIGHT,
    }


@pytest.mark.parametrize("texts", [TEXTS[:1], TEXTS])
def test_a_word_of_a_small_corpus_tells_as_much_as_in_a_larger_one(tmp_path, texts):
    small = WordsArm(SmallSnapshot(tmp_path / "small", texts))
    larger = WordsArm(
        SmallSnapshot(tmp_path / "larger", texts + OTHER_TEXTS[len(texts) :])
    )
    query = Query(Heard("the trout of the router"), TurnSettings())
    row = np.array([0])
    found = [arm.propose(query, rows=None, count=2) for arm in (small, larger)]
    covered = [float(one.score(row)[0]) / one.ideal for one in found]
    assert 1.0 > covered[0] >= covered[1] > 0.1


def test_a_word_of_a_small_corpus_is_no_common_word(tmp_path):
    alone = SmallSnapshot(tmp_path, TEXTS[:1])
    assert share_of_passages(alone.lexical, "router") == 1 / FEWEST_PASSAGES
