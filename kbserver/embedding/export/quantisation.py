"""How the numbers of a matrix product are rounded to eight bits.

Most weights are rounded to 255 steps a column, and what they are multiplied with to 256 steps that are the same for every
text. A few channels are many times larger than the rest and would take all steps for themselves: they are made smaller, and
their weights as much larger. What a rounded weight errs by is made up for by those of its column that are rounded after it.
Where all that still loses much, as behind an activation function most of whose values are next to nothing, weights and values
are rounded in blocks, each with a step of its own: twice the work, and a third of the error.

Sources: Xiao et al., SmoothQuant, https://arxiv.org/abs/2211.10438; Frantar et al., GPTQ, https://arxiv.org/abs/2210.17323
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kbserver.types import FloatMatrix, FloatVector

SMOOTHING = 0.75
"""How much of a channel's size goes over to its weights: 0 nothing, 1 all of it. Of the ten nearest of 20,000 passages .904
stay with 0, .900 with .5, .945 with .75, .936 with .9 and .898 with 1, no matrix being rounded in blocks."""

BLOCK = 128
"""Weights with one step, where they are rounded in blocks."""

WORTH_BLOCKS = 2.0
"""A matrix is rounded in blocks if it errs this many times more otherwise: four of all-MiniLM-L6-v2's 36, all second ones of
feed-forward parts. Of the ten nearest .967 stay; .972 with ten in blocks (1.65), and .949 with none."""

DAMPING = 0.2
"""Of the mean square of a channel, added to that of each: how little the sentences are trusted when errors are made up for.
With .05 to .5 the same stay, with no making up .965."""

MARGIN = 1.15
"""Values may be this many times larger than any of the sentences brought, before they are cut."""

_STEPS = 255
_HALF = 127  # steps of a weight, on either side of 0
_ZERO = _HALF + 1  # what a weight of 0 is in a block
_LEAST = float(
    np.finfo(np.float32).tiny
)  # a step that is worth less than this cannot be divided by


@dataclass(frozen=True)
class Scheme:
    """How values are rounded before they are multiplied with a matrix."""

    sizes: FloatVector
    """By how much each channel is divided, and its weights multiplied, shape (inner,)."""
    step: float
    """What one step is worth, once channels are divided."""
    zero: int
    """The step that is 0."""
    worth_blocks: bool
    """Whether blocks are so much better that they are worth their time."""

    @classmethod
    def of(cls, values: FloatMatrix, weights: FloatMatrix) -> Scheme:
        """Choose it.

        Args:
            values: that come up, shape (any, inner).
            weights: shape (inner, outer).
        """
        sizes = _above_nothing(np.abs(values).max(axis=0)) ** SMOOTHING
        sizes = sizes / _above_nothing(np.abs(weights).max(axis=1)) ** (1 - SMOOTHING)
        sizes = np.asarray(sizes / np.exp(np.log(sizes).mean()), np.float32)
        smooth = values / sizes
        low, high = (
            MARGIN * min(0.0, float(smooth.min())),
            MARGIN * max(0.0, float(smooth.max())),
        )
        step = (high - low) / _STEPS
        step = step if step > _LEAST else 1.0
        zero = round(-low / step)

        scheme = cls(sizes, step, zero, worth_blocks=False)
        smoothed = weights * sizes[:, np.newaxis]
        worth = _worth_of_columns(smoothed)
        exact = values @ weights
        error = np.linalg.norm(
            scheme.rounded(values) @ (np.rint(smoothed / worth) * worth) - exact
        )
        error_of_blocks = np.linalg.norm(
            _through_blocks(values.T).T @ _through_blocks(weights) - exact
        )
        return replace(
            scheme, worth_blocks=bool(error > WORTH_BLOCKS * error_of_blocks)
        )

    def rounded(self, values: FloatMatrix) -> FloatMatrix:
        """What is left of values once their channels are divided and they are rounded; the same shape."""
        steps = (
            np.clip(np.rint(values / self.sizes / self.step) + self.zero, 0, _STEPS)
            - self.zero
        )
        return np.asarray(steps * self.step, np.float32)


def rounded_columns(
    weights: FloatMatrix, values: FloatMatrix
) -> tuple[NDArray[np.int8], FloatVector]:
    """Round a matrix column by column, row after row: what a row errs by goes over to those that come up together with it.

    Args:
        weights: shape (inner, outer), float32.
        values: some that they are multiplied with, as they are rounded, shape (any, inner).

    Returns:
        The rounded weights, shape (inner, outer); and what one step is worth in each column, shape (outer,).
    """
    worth = _worth_of_columns(weights)
    together = (values.T @ values).astype(np.float64)
    together += np.eye(len(together)) * (
        DAMPING * together.trace() / len(together) or 1.0
    )
    # What counts most comes first, while much is left to make up for it.
    order = np.argsort(-together.diagonal(), kind="stable")
    passed_on = np.linalg.cholesky(np.linalg.inv(together[np.ix_(order, order)])).T
    left = weights[order].astype(np.float64)
    steps = np.empty(weights.shape, np.int8)
    for place, row in enumerate(order):
        steps[row] = np.rint(np.clip(left[place] / worth, -_HALF, _HALF))
        error = left[place] - steps[row] * worth
        left[place + 1 :] -= np.outer(
            passed_on[place, place + 1 :] / passed_on[place, place], error
        )
    return steps, worth


def _worth_of_columns(weights: FloatMatrix) -> FloatVector:
    """What one step is worth in each column of a matrix, so that the largest weight is the last step."""
    worth = np.abs(weights).max(axis=0) / np.float32(_HALF)
    return np.where(worth > _LEAST, worth, np.float32(1.0)).astype(np.float32)


def rounded_blocks(weights: FloatMatrix) -> tuple[NDArray[np.uint8], FloatMatrix]:
    """Round a matrix block by block along its first axis.

    Args:
        weights: shape (inner, outer), float32.

    Returns:
        The rounded weights, shape (outer, blocks, `BLOCK`), 128 for 0 and filled up with it; and what one step is worth in
        each block, shape (outer, blocks).
    """
    inner, outer = weights.shape
    count = -(-inner // BLOCK)
    blocks = np.zeros((outer, count * BLOCK), np.float32)
    blocks[:, :inner] = weights.T
    blocks = blocks.reshape(outer, count, BLOCK)
    worth = np.abs(blocks).max(axis=2) / _HALF
    steps = np.rint(blocks / np.where(worth > 0, worth, 1.0)[:, :, None])
    return (steps + _ZERO).astype(np.uint8), worth.astype(np.float32)


def _through_blocks(matrix: FloatMatrix) -> FloatMatrix:
    """What is left of a matrix once it is rounded in blocks along its first axis; the same shape."""
    steps, worth = rounded_blocks(matrix)
    left = (steps - np.float32(_ZERO)) * worth[:, :, np.newaxis]
    return np.asarray(left.reshape(matrix.shape[1], -1)[:, : len(matrix)].T, np.float32)


def _above_nothing(sizes: FloatVector) -> FloatVector:
    """Sizes of which none is 0: a channel that was silent on all sentences may still speak."""
    return np.maximum(sizes, max(float(sizes.max()) * 1e-4, 1e-10))
