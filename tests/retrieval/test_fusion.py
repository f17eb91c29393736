from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.retrieval.arms import open_arms
from kbserver.retrieval.fusion import (
    ASKED,
    COVERED,
    DOUBT,
    EXCESS,
    FEW,
    FEW_WORDS,
    GUESSED,
    LEANS,
    MARGIN,
    NAT,
    OFFSET,
    REQUESTS,
    SLOPE,
    SURE,
    USUAL_PASSAGES,
    WEIGHTS,
    Evidence,
    excess_of,
    prospect,
    rank,
    scores,
    weighted,
)

from .small import SmallSnapshot

NOTHING = np.empty(0, np.float32)
cosines = st.floats(-1, 1, width=32)
nats = st.floats(0, 60, width=32)
candidates = st.lists(st.tuples(cosines, nats), min_size=1, max_size=30)


def evidence(pairs, ideal=10.0):
    words = np.array([words for _, words in pairs], np.float32)
    cosine = np.array([cosine for cosine, _ in pairs], np.float32)
    return Evidence({"words": words}, {"meaning": cosine}, words / ideal, asked=ideal)


@given(candidates)
def test_candidates_come_in_the_order_of_the_sum_of_their_evidence(pairs):
    ranking = rank(evidence(pairs))
    sums = [
        np.float32(cosine) + np.float32(NAT) * np.float32(lexical)
        for cosine, lexical in pairs
    ]
    assert sorted(ranking.order.tolist()) == list(range(len(pairs)))
    assert np.allclose(
        [sums[place] for place in ranking.order], sorted(sums, reverse=True), atol=1e-6
    )


@given(candidates, st.booleans())
def test_scores_lie_between_0_and_1_and_never_rise(pairs, has_rival):
    ranking = rank(evidence(pairs))
    found = scores(ranking, 1 if has_rival and len(pairs) > 1 else None)
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found) <= 0).all()


def test_the_best_score_is_the_formula_in_the_docstring():
    ranking = rank(evidence([(0.5, 8.0), (0.4, 2.0)], ideal=16.0))
    margin = (0.5 + NAT * 8) - (0.4 + NAT * 2)
    best = 0.5 + NAT * 8
    strength = SLOPE * best + COVERED / 2 - ASKED * 16 + MARGIN * margin - OFFSET
    assert scores(ranking, 1)[0] == pytest.approx(1 / (1 + np.exp(-strength)), abs=1e-5)
    assert scores(ranking, None)[0] < scores(ranking, 1)[0]


def test_what_a_query_asks_for_shifts_every_score_alike():
    words = np.array([8.0, 2.0], np.float32)
    cosine = np.array([0.5, 0.4], np.float32)

    def logits(prospect):
        given = Evidence(
            {"words": words}, {"meaning": cosine}, words / 16, prospect=prospect
        )
        found = scores(rank(given), 1)
        return np.log(found / (1 - found))

    assert logits(-2.0) == pytest.approx(logits(0.0) - 2.0, abs=1e-4)


@pytest.mark.parametrize(("trust", "guessed"), [(1.0, 0.0), (0.25, 0.75)])
def test_a_guess_at_the_meaning_is_made_up_for(trust, guessed):
    covered, cosine = np.array([0.5], np.float32), np.array([0.475], np.float32)
    words = np.zeros(1, np.float32)  # half covered: the guess is the cosine itself
    given = Evidence({"words": words}, {"meaning": cosine}, covered, trust=trust)
    strength = SLOPE * 0.475 + COVERED / 2 + GUESSED * guessed - OFFSET
    assert rank(given).strength == pytest.approx(strength, abs=1e-5)


def test_requests_speak_against_a_passage_and_leaning_for_one():
    usual = {"passages": USUAL_PASSAGES}
    assert prospect((), leans=False, **usual) == 0.0
    assert prospect((), leans=True, **usual) == LEANS
    both = REQUESTS["action"] + REQUESTS["moment"]
    assert prospect(("action", "moment"), leans=False, **usual) == both < 0.0


def test_a_passage_of_few_is_the_sooner_the_right_one():
    alone = prospect((), leans=False, passages=1)
    assert alone == pytest.approx(FEW * np.log(USUAL_PASSAGES))
    assert prospect((), leans=False, passages=100 * USUAL_PASSAGES) == 0.0


def test_a_misheard_word_costs_a_score_less_than_a_right_one_gives():
    """Words that are found count by what they tell, not by their share of the query."""

    def score(ideal):
        return scores(rank(evidence([(0.5, 12.0)], ideal)), None)[0]

    assert score(ideal=12.0) > score(ideal=24.0) > 0.6 * score(ideal=12.0)


def test_ties_keep_their_own_order():
    assert rank(evidence([(0.3, 1.0)] * 4)).order.tolist() == [0, 1, 2, 3]


def test_nothing_in_gives_nothing_out():
    ranking = rank(Evidence({"words": NOTHING}, {}, NOTHING))
    assert ranking.order.size == 0
    assert scores(ranking, None).size == 0


def test_words_alone_rank_and_score_when_the_dense_arms_are_out():
    words, covered = (
        np.array([1.0, 9.0, 0.0], np.float32),
        np.array([0.1, 0.9, 0.0], np.float32),
    )
    ranking = rank(Evidence({"words": words}, {}, covered))
    found = scores(ranking, 1)
    assert ranking.order.tolist() == [1, 0, 2]
    assert found[0] > 0.5 > found[2]


def test_a_query_without_words_is_ranked_by_meaning():
    cosine = np.array([0.1, 0.6], np.float32)
    ranking = rank(Evidence({}, {"meaning": cosine}, np.zeros(2, np.float32)))
    assert ranking.order.tolist() == [1, 0]
    assert ranking.strength == pytest.approx(SLOPE * 0.6 - OFFSET)


def test_what_is_pinned_is_ahead_by_its_bonus():
    cosine = np.array([0.50, 0.54], np.float32)
    prior = np.array([0.05, 0.0], np.float32)
    none = np.zeros(2, np.float32)
    ranking = rank(Evidence({}, {"meaning": cosine}, none, prior))
    assert ranking.order.tolist() == [0, 1]
    assert ranking.fused[0] == pytest.approx(0.55)


def sounding(cosine, *, sounds=(0.0, 10.0)):
    """F of two candidates that share no word with the query; the second sounds like it."""
    dense = {} if cosine is None else {"meaning": np.array(cosine, np.float32)}
    lexical = {"sounds": np.array(sounds, np.float32)}
    ranking = rank(Evidence(lexical, dense, np.zeros(2, np.float32)))
    return dict(zip(ranking.order.tolist(), ranking.fused.tolist(), strict=True))


@pytest.mark.parametrize(
    ("nearest", "doubt"),
    [(SURE, 1.0), (0.6, 1 + DOUBT * (SURE - 0.6)), (0.9, 0.0), (0.0, 2.0)],
)
def test_sounds_count_less_the_surer_the_meaning_is(nearest, doubt):
    fused = sounding((nearest, nearest - 0.1))
    nats = WEIGHTS["sounds"] * 10.0
    assert fused[0] == pytest.approx(nearest)
    assert fused[1] == pytest.approx(nearest - 0.1 + NAT * doubt * nats, abs=1e-6)


def test_sounds_count_in_full_when_the_dense_arms_are_out():
    fused = sounding(None)
    nats = WEIGHTS["sounds"] * 10.0
    assert fused[1] - fused[0] == pytest.approx(NAT * nats, abs=1e-6)


def test_the_weighted_sum_is_over_the_arms_that_answered():
    words, sounds = np.array([3.0], np.float32), np.array([10.0], np.float32)
    assert weighted({}) is None
    assert weighted({"words": words}) == [3.0]
    both = weighted({"words": words, "sounds": sounds})
    assert both == pytest.approx(3.0 + WEIGHTS["sounds"] * 10.0)
    doubted = weighted({"words": words, "sounds": sounds}, doubt=np.float32(0.5))
    assert doubted == pytest.approx(3.0 + 0.5 * WEIGHTS["sounds"] * 10.0)


def test_every_arm_has_a_weight(tmp_path):
    snapshot = SmallSnapshot(tmp_path)
    snapshot.add_sounds()
    assert {arm.name for arm in open_arms(snapshot)} == set(WEIGHTS)


def test_a_passage_of_few_words_is_too_near_in_meaning():
    lengths = np.array([0, FEW_WORDS // 2, FEW_WORDS, 255], np.uint8)
    assert excess_of(lengths).tolist() == pytest.approx([EXCESS, EXCESS / 2, 0, 0])


@pytest.mark.parametrize("trust, first", ((1.0, 1), (0.5, 1), (0.0, 0)))
def test_the_full_passage_goes_before_a_stub_as_far_as_the_model_is_trusted(
    trust, first
):
    found = evidence([(0.5, 4.2), (0.5, 4.0)], ideal=1000.0)
    too_near = excess_of(np.array([8, 200], np.uint8))
    ranking = rank(replace(found, excess=too_near, trust=trust))
    assert ranking.order[0] == first
    assert rank(found).order[0] == 0


def test_words_alone_take_nothing_from_a_short_passage():
    words = np.array([4.0, 4.0], np.float32)
    too_near = excess_of(np.array([8, 200], np.uint8))
    alone = Evidence({"words": words}, {}, words / 10, excess=too_near)
    assert rank(alone).fused[0] == rank(alone).fused[1]
