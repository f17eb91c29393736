"""The two factors of a BM25 score: how rare a term is, and how often it stands in a passage.

Source: the variant "lucene, accurate" of C. Kamphuis et al., Which BM25 Do You Mean? (2020),
https://cs.uwaterloo.ca/~jimmylin/publications/Kamphuis_etal_ECIR2020_preprint.pdf
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kbserver.index.lexical.base import Bm25Parameters


def idf(frequency: int, size: int) -> float:
    """Return how much a term tells, above 0: ln(1 + (N - df + 0.5) / (df + 0.5)).

    Args:
        frequency: in how many passages the term stands.
        size: how many passages there are.
    """
    return math.log(1 + (size - frequency + 0.5) / (frequency + 0.5))


def saturation(
    counts: NDArray[np.int32],
    lengths: NDArray[np.int64],
    mean_length: float,
    parameters: Bm25Parameters,
) -> NDArray[np.float64]:
    """Return how much of its idf a term adds to each passage, in [0, 1).

    Args:
        counts: shape (n,); how often the term stands in each passage.
        lengths: shape (n,); how many terms each passage has.
        mean_length: of all passages, in terms; above 0.
        parameters: k1 and b.
    """
    k1, b = parameters.k1, parameters.b
    norm = k1 * ((1 - b) + b * lengths / mean_length)
    shares: NDArray[np.float64] = counts / (norm + counts)
    return shares
