"""From the scores of right passages and of wrong ones to the least score that is spoken."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kbserver.errors import SettingsError
from kbserver.retrieval.calibration import CurvePoint

KEEP = 0.9
# Without judged questions: share of foreign ones that may get a passage.
ROUGH_FALSE = 0.05
LEAST = 5  # scores of either sort; with fewer, a threshold is a guess

Scores = NDArray[np.float64]
"""Shape (n,), in [0, 1]."""

_UNANSWERABLE = "questions that the corpus does not answer"


def choose(
    right: Sequence[float], wrong: Sequence[float], *, keep: float = KEEP
) -> CurvePoint:
    """Choose the least score that avoids most false groundings for what it costs.

    Of the scores that keep at least `keep` of the right passages, it is the one with the
    largest `kept - false_groundings` (Youden's J), and of equal ones the highest. It lies in
    the middle between two scores seen, so that neither decides it alone.

    Args:
        right: the score of the right passage of each question that found it.
        wrong: the best score of each question that the corpus does not answer; 0 if it found
            nothing.

    Raises:
        SettingsError: fewer than `LEAST` of either.
    """
    right_scores = _enough(
        right, "questions that find their passage", "--queries and --qrels"
    )
    wrong_scores = _enough(wrong, _UNANSWERABLE, "--unanswerable")
    points = _points_that_keep(keep, right_scores, wrong_scores)
    return max(points, key=_youden)


def choose_roughly(
    right: Sequence[float], wrong: Sequence[float], *, keep: float = KEEP
) -> CurvePoint:
    """Choose by the wrong scores alone: the least score at which `ROUGH_FALSE` of them are left.

    For questions made from titles, which find their passages far too easily: their scores say
    little of what callers' questions get. They only bound the choice (`keep`).

    Raises:
        SettingsError: fewer than `LEAST` wrong scores.
    """
    wrong_scores = _enough(wrong, _UNANSWERABLE, "--unanswerable")
    points = _points_that_keep(keep, _as_scores(right), wrong_scores)
    for point in points:
        if point.false_groundings <= ROUGH_FALSE:
            return point
    return points[-1]


def curve(
    right: Sequence[float], wrong: Sequence[float], *, steps: int = 20
) -> tuple[CurvePoint, ...]:
    """The effect of every least score from 0 to 1, in equal steps."""
    right_scores = _as_scores(right)
    wrong_scores = _as_scores(wrong)
    return tuple(
        _point(step / steps, right_scores, wrong_scores) for step in range(steps + 1)
    )


def _as_scores(scores: Sequence[float]) -> Scores:
    return np.asarray(scores, np.float64)


def _enough(scores: Sequence[float], what: str, options: str) -> Scores:
    if len(scores) < LEAST:
        raise SettingsError(
            f"only {len(scores)} {what}, at least {LEAST} are wanted; give more with {options}"
        )
    return _as_scores(scores)


def _points_that_keep(keep: float, right: Scores, wrong: Scores) -> list[CurvePoint]:
    """The points that keep enough right passages, by ascending least score; the first is at 0."""
    points = [_point(score, right, wrong) for score in _between(right, wrong)]
    return [point for point in points if point.kept >= keep]


def _between(right: Scores, wrong: Scores) -> list[float]:
    """0, then the middle between each two neighbouring scores, ascending, to 4 digits."""
    seen = np.unique(np.concatenate(([0.0], right, wrong)))
    middles = np.round((seen[:-1] + seen[1:]) / 2.0, 4)
    return [0.0, *np.unique(middles).tolist()]


def _youden(point: CurvePoint) -> tuple[float, float]:
    j = round(point.kept - point.false_groundings, 9)
    return j, point.min_score


def _point(min_score: float, right: Scores, wrong: Scores) -> CurvePoint:
    """A question that found nothing has score 0 and is no false grounding, not even at 0."""
    kept = 1.0
    if right.size:
        kept = float((right >= min_score).mean())
    false = 0.0
    if wrong.size:
        spoken = (wrong >= min_score) & (wrong > 0.0)
        false = float(spoken.mean())
    return CurvePoint(min_score, kept, false)
