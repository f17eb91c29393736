"""Rows and hits of one query, from arms that are a few arrays."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from kbserver.languages.english import PROFILE
from kbserver.retrieval.arms import open_arms
from kbserver.retrieval.arms.base import Candidates
from kbserver.retrieval.fusion import NAT, WEIGHTS
from kbserver.retrieval.ranker import CANDIDATES, Ranker
from kbserver.retrieval.transcript.followup import Exchange
from kbserver.settings import TurnSettings

from .small import SmallSnapshot


@dataclass
class ArrayArm:
    """An arm that knows the score of every row beforehand."""

    name: str
    group: str
    values: list[float]
    ideal: float = 0.0
    waits: bool = False
    trust: float = 1.0
    asked: list[tuple] = field(default_factory=list)

    def propose(self, query, *, rows, count):
        self.asked.append((query, rows, count))
        values = np.array(self.values, np.float32)
        best = np.argsort(-values, kind="stable")[:2]
        return Candidates(best, values.__getitem__, self.ideal, self.trust)


@pytest.fixture
def snapshot(tmp_path):
    return SmallSnapshot(tmp_path)


def ranker_of(snapshot, *arms):
    return Ranker(snapshot, "c", arms=arms, read=snapshot.read)


def ranked(ranker, *, top_k=4, **settings):
    query = ranker.understand("hold the button", (), TurnSettings(**settings))
    lexical = ranker.propose("lexical", query, None)
    dense = ranker.propose("dense", query, None)
    return ranker.rank(query, lexical, dense, top_k=top_k)


def ids(hits):
    return [hit.passage.id for hit in hits]


def test_the_candidates_of_every_arm_are_scored_by_all_arms(snapshot):
    words = ArrayArm("words", "lexical", [9.0, 3.0, 0.0, 0.0], ideal=10.0)
    sounds = ArrayArm("sounds", "lexical", [4.0, 0.0, 8.0, 0.0])
    meaning = ArrayArm("meaning", "dense", [0.1, 0.2, 0.3, 0.9])
    hits = ranked(ranker_of(snapshot, words, sounds, meaning))
    assert sorted(ids(hits)) == ["p0", "p1", "p2", "p3"]
    arms = {hit.passage.id: hit.arms for hit in hits}
    assert arms["p0"]["lexical"] == pytest.approx(9.0 + WEIGHTS["sounds"] * 4.0)
    assert arms["p0"]["dense"] == pytest.approx(0.1)
    assert arms["p3"] == {"lexical": 0.0, "dense": pytest.approx(0.9)}


def test_the_order_is_that_of_the_fused_evidence_and_scores_fall(snapshot):
    words = ArrayArm("words", "lexical", [8.0, 0.0, 0.0, 0.0], ideal=8.0)
    meaning = ArrayArm("meaning", "dense", [0.5, 0.5 + 9 * NAT, 0.5 + 7 * NAT, 0.0])
    hits = ranked(ranker_of(snapshot, words, meaning))
    assert ids(hits) == ["p1", "p0", "p2"]
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)


def test_a_group_that_is_left_out_has_no_score(snapshot):
    words = ArrayArm("words", "lexical", [8.0, 1.0, 0.0, 0.0], ideal=8.0)
    meaning = ArrayArm("meaning", "dense", [0.0, 0.0, 0.0, 0.9])
    ranker = ranker_of(snapshot, words, meaning)
    query = ranker.understand("hold the button", (), TurnSettings())
    lexical = ranker.propose("lexical", query, None)
    dense = ranker.propose("dense", query, None)
    by_words = ranker.rank(query, lexical, None, top_k=1)
    assert (ids(by_words)[0], set(by_words[0].arms)) == ("p0", {"lexical"})
    by_meaning = ranker.rank(query, None, dense, top_k=1)
    assert (ids(by_meaning)[0], set(by_meaning[0].arms)) == ("p3", {"dense"})
    assert ranker.rank(query, None, None, top_k=1) == []


def test_a_request_lowers_every_score_and_changes_no_rank(snapshot):
    words = ArrayArm("words", "lexical", [9.0, 3.0, 0.0, 0.0], ideal=10.0)
    ranker = ranker_of(snapshot, words)
    hits = []
    for text in ("hold the button", "could you hold the button today"):
        query = ranker.understand(text, (), TurnSettings())
        lexical = ranker.propose("lexical", query, None)
        hits.append(ranker.rank(query, lexical, None, top_k=2))
    plain, asked = hits
    assert ids(plain) == ids(asked)
    assert all(a.score < p.score for a, p in zip(asked, plain, strict=True))


def test_coverage_of_the_words_raises_the_score(snapshot):
    half = ArrayArm("words", "lexical", [5.0, 0.0, 0.0, 0.0], ideal=10.0)
    whole = ArrayArm("words", "lexical", [5.0, 0.0, 0.0, 0.0], ideal=5.0)
    scores = [ranked(ranker_of(snapshot, arm))[0].score for arm in (half, whole)]
    assert scores[0] < scores[1]


def test_a_rival_from_another_document_makes_the_best_less_sure(snapshot):
    meaning = ArrayArm("meaning", "dense", [0.6, 0.3, 0.0, 0.0])
    alone = ArrayArm("meaning", "dense", [0.6, 0.3, 0.0, 0.0])
    apart = ranked(ranker_of(snapshot, meaning))[0].score
    passages = snapshot.passages
    snapshot.passages = [passages[0]] * 4  # one document: no rival, so no margin
    assert ranked(ranker_of(snapshot, alone))[0].score < apart


def test_each_arm_proposes_twice_what_is_wanted_or_a_fixed_number(snapshot):
    words = ArrayArm("words", "lexical", [1.0, 0.0, 0.0, 0.0])
    ranker = ranker_of(snapshot, words)
    rows = np.array([0, 1])
    for top_k in (3, CANDIDATES):
        query = ranker.understand("button", (), TurnSettings(top_k=top_k))
        ranker.propose("lexical", query, rows)
    counts = [count for _, _, count in words.asked]
    assert counts == [CANDIDATES, 2 * CANDIDATES]
    assert words.asked[0][1] is rows


def test_a_group_waits_if_one_of_its_arms_does(snapshot):
    words = ArrayArm("words", "lexical", [0.0] * 4)
    remote = ArrayArm("sounds", "lexical", [0.0] * 4, waits=True)
    meaning = ArrayArm("meaning", "dense", [0.0] * 4)
    ranker = ranker_of(snapshot, words, remote, meaning)
    assert (ranker.waits("lexical"), ranker.waits("dense")) == (True, False)


def test_rows_are_those_in_scope_that_are_valid(snapshot):
    ranker = ranker_of(snapshot)
    assert ranker.rows({}, now_s=0.0) is None
    assert ranker.rows({"row": "2"}, now_s=0.0).tolist() == [2]
    snapshot.valid = np.array([0, 2, 3])
    assert ranker.rows({}, now_s=0.0).tolist() == [0, 2, 3]
    assert ranker.rows({"row": "2"}, now_s=0.0).tolist() == [2]
    assert ranker.rows({"row": "1"}, now_s=0.0).size == 0


def test_a_query_is_cleaned_if_the_settings_say_so(snapshot):
    ranker = ranker_of(snapshot)
    spoken = "uh hold the the button"
    cleaned = ranker.understand(spoken, (), TurnSettings())
    as_said = ranker.understand(spoken, (), TurnSettings(fillers=False))
    assert cleaned.heard.text == "hold the button"
    assert as_said.heard.text == spoken


def test_a_query_that_points_back_takes_the_rare_words_of_the_earlier_turn(tmp_path):
    texts = ("The router has a button.", *["Other text."] * 30)
    ranker = ranker_of(SmallSnapshot(tmp_path, texts))
    past = [Exchange("where is the router", 0.0, profile=PROFILE)]
    query = ranker.understand("and how much is that", past, TurnSettings())
    assert [word for word, _ in query.leans_on.terms] == ["router"]
    assert (
        ranker.understand("and how much is that", (), TurnSettings()).leans_on is None
    )


def test_the_arms_of_a_snapshot_find_a_passage_by_words_sounds_and_meaning(snapshot):
    snapshot.add_sounds()
    arms = open_arms(snapshot)
    assert [arm.name for arm in arms] == ["words", "sounds", "meaning"]
    ranker = ranker_of(snapshot, *arms)
    for text in ("hold the button", "cooper netties"):
        query = ranker.understand(text, (), TurnSettings())
        query = query.with_embedding(np.eye(4, dtype=np.float32)[1])
        lexical = ranker.propose("lexical", query, None)
        dense = ranker.propose("dense", query, None)
        wanted = {"hold the button": "p0", "cooper netties": "p3"}[text]
        assert ranker.rank(query, lexical, None, top_k=1)[0].passage.id == wanted
        assert ranker.rank(query, None, dense, top_k=1)[0].passage.id == "p1"


def test_a_stub_gives_way_to_the_passage_that_answers(snapshot):
    meaning = ArrayArm("meaning", "dense", [0.52, 0.5, 0.0, 0.0])
    assert ids(ranked(ranker_of(snapshot, meaning), top_k=2)) == ["p0", "p1"]
    snapshot.lengths = np.array([8, 90, 90, 90], np.uint8)
    assert ids(ranked(ranker_of(snapshot, meaning), top_k=2)) == ["p1", "p0"]


@pytest.mark.parametrize("trust, first", ((1.0, "p1"), (0.25, "p0")))
def test_meaning_counts_as_far_as_it_reads_the_query(snapshot, trust, first):
    words = ArrayArm("words", "lexical", [6.0, 0.0, 0.0, 0.0], ideal=10.0)
    meaning = ArrayArm("meaning", "dense", [0.2, 0.6, 0.0, 0.0], trust=trust)
    assert ids(ranked(ranker_of(snapshot, words, meaning)))[0] == first
