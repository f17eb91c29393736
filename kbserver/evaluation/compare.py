"""One run against an earlier one, question by question. The only module that imports SciPy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import permutation_test

RESAMPLES = 9999
_TIE = 1e-9  # values are sums of a few fractions; a difference below is rounding


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


def compare(
    before: Mapping[str, Mapping[str, float]],
    after: Mapping[str, Mapping[str, float]],
    measure: str,
) -> Comparison | None:
    """Compare one measure over the questions that both runs hold; None if there are none.

    The test asks how often the mean difference would be as large if it were chance which run a question's two values
    belong to: Fisher's paired randomisation test, exact for up to 13 questions that differ, else `RESAMPLES` drawn.

    Source: Smucker, Allan, Carterette: A comparison of statistical significance tests for information retrieval
    evaluation, CIKM 2007.
    """
    shared = [
        id
        for id in after
        if id in before and measure in before[id] and measure in after[id]
    ]
    if not shared:
        return None
    was = np.array([before[id][measure] for id in shared])
    now = np.array([after[id][measure] for id in shared])
    changes = now - was
    wins, losses = int((changes > _TIE).sum()), int((changes < -_TIE).sum())
    return Comparison(
        measure,
        len(shared),
        float(was.mean()),
        float(now.mean()),
        wins,
        losses,
        p_value(was, now),
    )


def p_value(before: np.ndarray, after: np.ndarray) -> float:
    """The test of `compare`; both shape (n,), paired."""
    differing = (
        np.abs(after - before) > _TIE
    )  # an unchanged question's sign does not matter: left out, same answer
    if differing.sum() < 2:  # one difference is as large with either sign
        return 1.0
    result = permutation_test(
        (after[differing] - before[differing],),
        lambda changes, axis: changes.mean(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=1000,
        rng=np.random.default_rng(0),
    )
    return float(result.pvalue)


def changed_most(
    before: Mapping[str, Mapping[str, float]],
    after: Mapping[str, Mapping[str, float]],
    measure: str,
) -> list[tuple[str, float]]:
    """(question id, difference) of the questions that changed, greatest loss first."""
    changes = [
        (id, after[id][measure] - before[id][measure])
        for id in after
        if id in before and measure in after[id] and measure in before[id]
    ]
    return sorted(
        (change for change in changes if abs(change[1]) > _TIE),
        key=lambda change: change[1],
    )
