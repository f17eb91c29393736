"""Two kinds of evidence → one rank and one score. Pure NumPy.

    rank      F = cosine + NAT · (words + doubt · sounds) (+ prior)                  raw values, nothing normalised per query
    doubt     1 + DOUBT · (SURE - cosine of the nearest), within [0, 2]
    score     sigmoid(SLOPE · strength - OFFSET - SHARPNESS · (F_best - F))
    strength  cosine + covered + MARGIN_WEIGHT · min(F_best - F_rival, MARGIN_CAP)      of the best passage

Cosine is bounded and BM25 is a sum of surprises (nats of idf): a rare word that matches moves a passage up by a fixed
amount of cosine, common words hardly move it. That adapts the weights to the query without a look at the query. Sounds are
for what was misheard: where a passage is near in meaning the query was understood, and they only say again what the words
say. Learnt and normalised alternatives were no better on left-out sets. `covered` is the share of the words said that a
passage holds; the rival is the best passage of another document.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]

NAT = 0.025
"""Cosine that one nat of lexical evidence is worth: .0175 to .035 is a plateau, chosen with each set left out in turn."""

DOUBT, SURE = 4.0, 0.5
"""Slope, and the cosine at which sounds count in full: 2 to 4 and .5 to .55 are a plateau on the mean of the public sets."""

MARGIN_WEIGHT, MARGIN_CAP = 0.35, 0.5
SLOPE, OFFSET = (
    6.9,
    4.7,
)  # logistic of answerable hits against unanswerable questions, each public set weighted alike
SHARPNESS = 12.0  # how fast the score falls below the best passage: the slope of a conditional logit of ranking


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the arms say of some candidates."""

    cosine: Values | None
    """Shape (n,), in [-1, 1]; None when the dense arm gave no answer."""
    words: Values
    """Shape (n,), nats, ≥ 0; 0 where no word matches."""
    sounds: Values
    """Shape (n,), nats, ≥ 0; 0 where nothing sounds alike."""
    covered: Values
    """Shape (n,): share of the words that were said, weighted by how rare they are, that the passage holds."""
    prior: Values | None = None
    """Shape (n,), in cosine: what a passage is ahead by before anything is asked; None for nothing."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Candidates best first."""

    order: NDArray[np.int64]
    """Shape (n,): places in the evidence, ties in their own order."""
    fused: Values
    """Shape (n,): F of each, never rising."""
    best: float
    """Cosine plus coverage of the first; 0 for no candidates."""


def rank(evidence: Evidence) -> Ranking:
    """Order candidates by both kinds of evidence."""
    if evidence.words.size == 0:
        return Ranking(np.empty(0, np.int64), np.empty(0, np.float32), 0.0)
    cosine = (
        evidence.cosine
        if evidence.cosine is not None
        else _likely_cosine(evidence.covered)
    )
    lexical = evidence.words + _doubt(evidence.cosine) * evidence.sounds
    fused = (cosine + np.float32(NAT) * lexical).astype(np.float32, copy=False)
    if evidence.prior is not None:
        fused = fused + evidence.prior
    order = np.argsort(-fused, kind="stable")
    first = int(order[0])
    return Ranking(order, fused[order], float(cosine[first] + evidence.covered[first]))


def scores(ranking: Ranking, rival: int | None) -> Values:
    """Say how good each candidate is, comparably between queries of one snapshot.

    Args:
        rival: place in the ranking of the best passage of another document than the first's; None if there is none.

    Returns:
        Shape (n,), in (0, 1), never rising down the ranking.
    """
    if ranking.fused.size == 0:
        return np.empty(0, np.float32)
    margin = (
        min(float(ranking.fused[0] - ranking.fused[rival]), MARGIN_CAP)
        if rival is not None
        else 0.0
    )
    strength = ranking.best + MARGIN_WEIGHT * margin
    below = ranking.fused[0] - ranking.fused
    values: Values = (
        1.0 / (1.0 + np.exp(-(SLOPE * strength - OFFSET - SHARPNESS * below)))
    ).astype(np.float32)
    return values


def _doubt(cosine: Values | None) -> np.float32:
    """How much the sounds count: less the nearer the nearest passage is in meaning; as they are if that is unknown."""
    if cosine is None:
        return np.float32(1.0)
    return np.float32(min(max(1.0 + DOUBT * (SURE - float(cosine.max())), 0.0), 2.0))


def _likely_cosine(covered: Values) -> Values:
    """The cosine of a passage that covers this share of the query, for when only the words could be asked."""
    return (0.25 + 0.45 * covered).astype(np.float32)
