import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.errors import SettingsError
from kbserver.evaluation.threshold import choose, choose_roughly, curve

SCORES = st.lists(st.floats(0.0, 1.0), min_size=5, max_size=40)


def test_between_scores_that_lie_apart_it_is_the_middle():
    chosen = choose([0.8, 0.85, 0.9, 0.95, 0.99], [0.1, 0.15, 0.2, 0.25, 0.3])
    assert (chosen.min_score, chosen.kept, chosen.false_groundings) == (0.55, 1.0, 0.0)


def test_a_right_passage_is_given_up_for_more_false_groundings_only_if_enough_stay():
    right = [0.2, *[0.8] * 9]  # one of ten right passages scores like the wrong ones
    wrong = [0.3] * 5
    loose = choose(right, wrong, keep=0.9)
    assert (loose.kept, loose.false_groundings) == (0.9, 0.0)
    strict = choose(right, wrong, keep=0.95)
    assert (strict.kept, strict.false_groundings) == (1.0, 1.0)


@given(SCORES, SCORES, st.floats(0.0, 1.0))
def test_no_least_score_of_the_curve_that_keeps_enough_is_better(right, wrong, keep):
    chosen = choose(right, wrong, keep=keep)
    assert chosen.kept >= keep
    for point in curve(right, wrong):
        if point.kept >= keep:
            rounding = 1e-4 + 2 / len(wrong)  # a middle is rounded to 4 digits
            gain = point.kept - point.false_groundings
            assert chosen.kept - chosen.false_groundings >= gain - rounding


@given(SCORES, SCORES)
def test_a_curve_falls_and_begins_with_everything_kept(right, wrong):
    points = curve(right, wrong)
    assert (
        points[0].kept == 1.0
        and points[0].min_score == 0.0
        and points[-1].min_score == 1.0
    )
    for before, after in zip(points, points[1:], strict=False):
        assert (
            after.kept <= before.kept
            and after.false_groundings <= before.false_groundings
        )


def test_a_question_that_found_nothing_is_no_false_grounding_even_without_a_least_score():
    assert curve([0.5] * 5, [0.0, 0.0, 0.4, 0.4, 0.0])[0].false_groundings == 0.4


def test_a_rough_choice_goes_by_the_wrong_scores_and_stays_low():
    wrong = [place / 100 for place in range(1, 41)]
    chosen = choose_roughly([0.95] * 20, wrong)
    assert chosen.min_score == pytest.approx(0.385)  # two of the forty are left, 5 %
    assert chosen.false_groundings == pytest.approx(0.05)


def test_a_rough_choice_never_gives_up_more_right_passages_than_allowed():
    assert choose_roughly([0.3] * 10, [0.9] * 10).kept == 1.0


@pytest.mark.parametrize(
    ("right", "wrong", "step"),
    [([0.9] * 4, [0.1] * 9, "--queries"), ([0.9] * 9, [], "--unans")],
)
def test_too_few_questions_are_refused_with_the_option_that_gives_more(
    right, wrong, step
):
    with pytest.raises(SettingsError, match=step):
        choose(right, wrong)
