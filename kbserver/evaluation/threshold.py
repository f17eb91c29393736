"""From scores of right passages and of wrong ones to the least score that is spoken."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kbserver.errors import SettingsError
from kbserver.retrieval.calibration import CurvePoint

KEEP = 0.9
ROUGH_FALSE = 0.05  # without judged questions: share of questions about other things that may still get a passage
LEAST = 5  # scores of either kind; with fewer, a threshold is a guess

_UNANSWERABLE = "questions that the corpus does not answer"


def choose(
    right: Sequence[float], wrong: Sequence[float], *, keep: float = KEEP
) -> CurvePoint:
    """Choose the least score that avoids most false groundings for what it costs.

    Of the scores that keep at least `keep` of the right passages, it is the one with the largest `kept -
    false_groundings` (Youden's J); the middle of the gap between two scores seen, so that neither decides it alone.

    Args:
        right: the score of the right passage of each question that found it.
        wrong: the best score of each question that the corpus does not answer; 0 if it found nothing.

    Raises:
        SettingsError: fewer than `LEAST` of either.
    """
    right_scores = _enough(
        right, "questions that find their passage", "--queries and --qrels"
    )
    wrong_scores = _enough(wrong, _UNANSWERABLE, "--unanswerable")
    points = [
        _point(score, right_scores, wrong_scores)
        for score in _between(right_scores, wrong_scores)
    ]
    allowed = [point for point in points if point.kept >= keep]
    best = max(
        allowed,
        key=lambda point: (
            round(point.kept - point.false_groundings, 9),
            point.min_score,
        ),
    )
    return best


def choose_roughly(
    right: Sequence[float], wrong: Sequence[float], *, keep: float = KEEP
) -> CurvePoint:
    """Choose by the wrong scores alone: the least score at which `ROUGH_FALSE` of them are left.

    For questions made from titles: they find their passages far too easily, so that what they score says little of
    what callers' questions will. They only keep the choice from being absurd (`keep`).

    Raises:
        SettingsError: fewer than `LEAST` wrong scores.
    """
    right_scores, wrong_scores = (
        np.asarray(right, np.float64),
        _enough(wrong, _UNANSWERABLE, "--unanswerable"),
    )
    points = [
        _point(score, right_scores, wrong_scores)
        for score in _between(right_scores, wrong_scores)
    ]
    allowed = [point for point in points if point.kept >= keep]
    return next(
        (point for point in allowed if point.false_groundings <= ROUGH_FALSE),
        allowed[-1],
    )


def curve(
    right: Sequence[float], wrong: Sequence[float], *, steps: int = 20
) -> tuple[CurvePoint, ...]:
    """What every least score from 0 to 1 would do, in equal steps."""
    right_scores, wrong_scores = (
        np.asarray(right, np.float64),
        np.asarray(wrong, np.float64),
    )
    return tuple(
        _point(step / steps, right_scores, wrong_scores) for step in range(steps + 1)
    )


def _enough(scores: Sequence[float], what: str, options: str) -> NDArray[np.float64]:
    if len(scores) < LEAST:
        raise SettingsError(
            f"only {len(scores)} {what}, at least {LEAST} are wanted; give more with {options}"
        )
    return np.asarray(scores, np.float64)


def _between(right: NDArray[np.float64], wrong: NDArray[np.float64]) -> list[float]:
    """0, then the middle between each two neighbouring scores, ascending, to 4 digits."""
    seen = np.unique(np.concatenate(([0.0], right, wrong)))
    return [0.0, *np.unique(np.round((seen[:-1] + seen[1:]) / 2.0, 4)).tolist()]


def _point(
    min_score: float, right: NDArray[np.float64], wrong: NDArray[np.float64]
) -> CurvePoint:
    """A question that found nothing has score 0 and is never a false grounding, not even at 0."""
    kept = float((right >= min_score).mean()) if right.size else 1.0
    false = float(((wrong >= min_score) & (wrong > 0.0)).mean()) if wrong.size else 0.0
    return CurvePoint(min_score, kept, false)
