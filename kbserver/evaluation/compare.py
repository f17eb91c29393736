"""One run against an earlier one, question by question. The only module that imports SciPy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import permutation_test

RESAMPLES = 9999
_TIE = 1e-9  # values are sums of a few fractions; a smaller difference is rounding

PerQuery = Mapping[str, Mapping[str, float]]
"""Question id → measure → value."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How one measure of the same questions changed."""

    measure: str
    questions: int
    before: float
    after: float
    wins: int
    losses: int
    p_value: float
    """Two-sided, of a paired randomisation test; 1 if nothing changed."""

    @property
    def difference(self) -> float:
        """After minus before; above 0 is better."""
        return self.after - self.before


def compare(before: PerQuery, after: PerQuery, measure: str) -> Comparison | None:
    """Compare one measure over the questions that both runs hold; None if there are none.

    The test asks how often the mean difference would be as large if chance decided which run
    each of a question's two values belongs to: Fisher's paired randomisation test, exact for
    up to 13 questions that differ, else `RESAMPLES` are drawn.

    Source: Smucker, Allan, Carterette: A comparison of statistical significance tests for
    information retrieval evaluation, CIKM 2007.
    """
    shared = _shared(before, after, measure)
    if not shared:
        return None
    was = np.array([before[id][measure] for id in shared])
    now = np.array([after[id][measure] for id in shared])
    changes = now - was
    return Comparison(
        measure=measure,
        questions=len(shared),
        before=float(was.mean()),
        after=float(now.mean()),
        wins=int((changes > _TIE).sum()),
        losses=int((changes < -_TIE).sum()),
        p_value=p_value(was, now),
    )


def p_value(before: np.ndarray, after: np.ndarray) -> float:
    """The p-value of `compare`'s test; both arrays have shape (n,) and are paired."""
    changes = after - before
    # The sign of a question that did not change does not matter: left out, the result is the same.
    changes = changes[np.abs(changes) > _TIE]
    if changes.size < 2:  # one difference is as large with either sign
        return 1.0
    result = permutation_test(
        (changes,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=1000,
        rng=np.random.default_rng(0),
    )
    return float(result.pvalue)


def changed_most(
    before: PerQuery, after: PerQuery, measure: str
) -> list[tuple[str, float]]:
    """(question id, difference) of the questions that changed, greatest loss first."""
    changes = []
    for id in _shared(before, after, measure):
        change = after[id][measure] - before[id][measure]
        if abs(change) > _TIE:
            changes.append((id, change))
    return sorted(changes, key=_change)


def _shared(before: PerQuery, after: PerQuery, measure: str) -> list[str]:
    """The questions for which both runs hold the measure, in the later run's order."""
    return [
        id
        for id, values in after.items()
        if measure in values and measure in before.get(id, {})
    ]


def _change(pair: tuple[str, float]) -> float:
    return pair[1]
