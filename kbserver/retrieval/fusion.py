"""Two kinds of evidence → one rank and one score. Pure NumPy.

    rank      F = dense - excess + NAT · lexical (+ prior)       raw values, not normalised
    dense     Σ weight · score of the dense arms: the cosine
    lexical   Σ weight · score of the lexical arms, the sounds times doubt: nats
    doubt     1 + DOUBT · (SURE - cosine of the nearest), within [0, 2]
    score     sigmoid(strength - SHARPNESS · (F_best - F))
    strength  SLOPE · found + COVERED · covered - ASKED · asked + MARGIN · margin
              + GUESSED · guessed + prospect - OFFSET
    found     F of the best, without excess and prior
    asked     nats of a passage that holds all of the query's words
    guessed   share of the cosine that is a guess, for want of a model that can read
    margin    min(F_best - F_rival, MARGIN_CAP)
    prospect  LEANS if the query leans on an earlier turn, plus each of its REQUESTS,
              plus FEW · ln(USUAL_PASSAGES / passages) in a smaller corpus

A cosine is bounded and BM25 is a sum of surprises (nats of idf): a rare word that matches moves a
passage up by a fixed amount of cosine, common words hardly move it. So the weights adapt to the
query without a look at the query. Sounds find what was misheard: where a passage is near in meaning
the query was understood, and sounds only repeat what the words say. `covered` is the share of the
query's words that a passage holds, and tells of the cosine where there is none to trust; the
rival is the best passage of another document. A score counts what was found, the sounds in it: a
word that was misheard costs little.

A passage of few words holds little beside its subject: it is nearer to every question about it than
the passage that answers. Its `excess` counts for its rank alone, and not for its score.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kbserver.index.embeddings import MOST_WORDS, Lengths
from kbserver.retrieval.arms.base import Values
from kbserver.retrieval.transcript.requests import Request

WEIGHTS: Mapping[str, float] = {
    "words": 1.0,
    "sounds": 0.24,
    "meaning": 1.0,
}
"""What one point of an arm's score counts, in nats for a lexical arm and in cosine for a dense one.

Sounds weigh less than words because one word yields five to ten n-grams that all say the same."""

NAT = 0.025
"""Cosine that one nat of lexical evidence is worth: the middle of a plateau."""

FEW_WORDS = 80
EXCESS = 0.1
"""Cosine that a passage is too near by: the whole at no word, none from `FEW_WORDS` on. Both lie on
a plateau of the public sets and of two device manuals."""

DOUBT, SURE = 4.0, 0.5
"""Slope, and the cosine at which sounds count in full; both lie on a plateau."""

SLOPE, COVERED, ASKED, MARGIN, OFFSET = 6.1, 1.2, 0.014, 2.5, 5.1
"""Logistic fit of right hits against questions without an answer, each set weighted alike.

Rounded; the offset keeps 95 % of the right passages at the least score that holds by default."""

MARGIN_CAP = 0.5

FEW, USUAL_PASSAGES = 0.35, 400
"""In a small corpus words tell little, and one of few passages is the sooner the right one."""

GUESSED = 0.6
"""A right passage is nearer than a guess by its words says: so much is lost by guessing."""

LEANS = 1.6
"""A question that leans on an earlier turn is short, and so its passage scores lower."""

REQUESTS: Mapping[Request, float] = {"action": -2.6, "moment": -0.8}
"""What a request takes off: where something is to be done, a passage is seldom wanted."""

SHARPNESS = 8.5
"""How fast the score falls below the best passage: a third is served where it is nearly as good."""

_EXCESS_BY_LENGTH = np.float32(EXCESS) * np.maximum(
    np.float32(1.0) - np.arange(MOST_WORDS + 1, dtype=np.float32) / FEW_WORDS,
    np.float32(0.0),
)
_SOUNDS = "sounds"  # the arm that is doubted
_IN_FULL = np.float32(1.0)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the arms say about some candidates; every array has the shape (n,)."""

    lexical: Mapping[str, Values]
    """Nats, ≥ 0, by the name of the arm; {} if no lexical arm answered."""
    dense: Mapping[str, Values]
    """Cosines, in [-1, 1], by the name of the arm; {} if no dense arm answered."""
    covered: Values
    """Share of the query's words that the passage holds, weighted by how rare they are."""
    prior: Values | None = None
    """Cosine that a passage is ahead by before any query; None for nothing."""
    asked: float = 0.0
    """Nats of a passage that holds all of the query's words: a long query finds some anywhere."""
    prospect: float = 0.0
    """What is known before any passage is looked at; see `prospect`."""
    trust: float = 1.0
    """How well the model reads the corpus, in [0, 1]: the share of the cosine that counts. In its
    place stands what passages with as many of the query's words usually have."""
    excess: Values | None = None
    """Cosine that a passage is too near by for its length; see `excess_of`. None for nothing."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Candidates best first."""

    order: NDArray[np.int64]
    """Places in the evidence, shape (n,); ties keep their own order."""
    fused: Values
    """F of each candidate in this order, shape (n,), never rising."""
    strength: float
    """Of the first, without its margin; 0 for no candidates."""


def rank(evidence: Evidence) -> Ranking:
    """Order candidates by both kinds of evidence."""
    if evidence.covered.size == 0:
        return Ranking(np.empty(0, np.int64), np.empty(0, np.float32), 0.0)
    cosine = _trusted_cosine(evidence)
    doubt = _doubt(cosine)
    guessed = 1.0 - evidence.trust
    if cosine is None:
        cosine = _likely_cosine(evidence.covered)
        guessed = 1.0
    fused = cosine
    lexical = weighted(evidence.lexical, doubt=doubt)
    if lexical is not None:
        fused = fused + np.float32(NAT) * lexical
    if evidence.dense and evidence.excess is not None:
        fused = fused - np.float32(evidence.trust) * evidence.excess
    if evidence.prior is not None:
        fused = fused + evidence.prior
    order = np.argsort(-fused, kind="stable")
    first = int(order[0])
    found = float(cosine[first])
    if lexical is not None:
        found += NAT * float(lexical[first])
    strength = (
        SLOPE * found
        + COVERED * float(evidence.covered[first])
        - ASKED * evidence.asked
        + GUESSED * guessed
        + evidence.prospect
        - OFFSET
    )
    return Ranking(order, fused[order], strength)


def prospect(requests: Iterable[Request], *, leans: bool, passages: int) -> float:
    """Return what speaks for a passage (above 0) or against one before any is looked at.

    Args:
        requests: what the query asks for beside a look into documents.
        leans: whether it takes something from an earlier turn.
        passages: of the corpus, at least 1.
    """
    found = sum(REQUESTS[request] for request in requests)
    if leans:
        found += LEANS
    return found + FEW * max(0.0, math.log(USUAL_PASSAGES / passages))


def excess_of(lengths: Lengths) -> Values:
    """Return by how much cosine passages are too near.

    Args:
        lengths: words of each, shape (n,).

    Returns:
        Shape (n,), float32, in [0, EXCESS].
    """
    excess: Values = _EXCESS_BY_LENGTH[lengths]
    return excess


def weighted(
    scores: Mapping[str, Values], *, doubt: np.float32 = _IN_FULL
) -> Values | None:
    """Return the weighted sum of the scores of one group of arms.

    Args:
        scores: shape (n,) each, by the name of the arm.
        doubt: another factor for the sounds.

    Returns:
        Shape (n,), float32; None if there are no scores.
    """
    total: Values | None = None
    for name, values in scores.items():
        part = np.float32(WEIGHTS[name]) * values
        if name == _SOUNDS:
            part = doubt * part
        if total is None:
            total = part
        else:
            total = total + part
    return total


def scores(ranking: Ranking, rival: int | None) -> Values:
    """Say how good each candidate is, comparably between queries of one snapshot.

    Args:
        rival: place in the ranking of the best passage of another document than the first's; None
            if there is none.

    Returns:
        Shape (n,), in (0, 1), never rising down the ranking.
    """
    fused = ranking.fused
    if fused.size == 0:
        return np.empty(0, np.float32)
    margin = 0.0
    if rival is not None:
        margin = min(float(fused[0] - fused[rival]), MARGIN_CAP)
    below = fused[0] - fused
    logit = ranking.strength + MARGIN * margin - SHARPNESS * below
    values: Values = (1.0 / (1.0 + np.exp(-logit))).astype(np.float32)
    return values


def _trusted_cosine(evidence: Evidence) -> Values | None:
    """Return the cosines as far as they are trusted; None if no dense arm answered."""
    cosine = weighted(evidence.dense)
    if cosine is None or evidence.trust == 1.0:
        return cosine
    trust = np.float32(evidence.trust)
    return trust * cosine + (_IN_FULL - trust) * _likely_cosine(evidence.covered)


def _doubt(cosine: Values | None) -> np.float32:
    """How much the sounds count: less, the nearer the nearest passage is in meaning."""
    if cosine is None:
        return _IN_FULL
    doubt = 1.0 + DOUBT * (SURE - float(cosine.max()))
    return np.float32(min(max(doubt, 0.0), 2.0))


def _likely_cosine(covered: Values) -> Values:
    """The cosine of a passage with this coverage, for when no dense arm answered."""
    return (0.25 + 0.45 * covered).astype(np.float32)
