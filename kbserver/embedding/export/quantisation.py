"""How the matrices of a model, and what they are multiplied with, are quantised to eight bits.

Weights get one scale a column (per-channel), activations one scale and zero point for all texts.
Activation outliers are moved into the weights (SmoothQuant); each weight's rounding error is
compensated in the weights of its column not yet rounded (GPTQ). A matrix that still loses much, as
behind an activation function most of whose values are near zero, is quantised block-wise: twice the
work, a third of the error.

Sources: Xiao et al., SmoothQuant, https://arxiv.org/abs/2211.10438;
Frantar et al., GPTQ, https://arxiv.org/abs/2210.17323
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kbserver.types import FloatMatrix, FloatVector

SMOOTHING = 0.75
"""SmoothQuant's alpha: the share of an activation's range moved into the weights, from 0 to 1."""

BLOCK = 128
"""Weights with one scale, block-wise."""

BLOCKWISE_GAIN = 2.0
"""A matrix is quantised block-wise if its error is this many times larger per-channel."""

DAMPING = 0.2
"""GPTQ's damping, as a share of the mean square of a channel: how little the calibration sentences
are trusted when errors are compensated."""

MARGIN = 1.15
"""Activations may be this many times larger than the calibrated ones before they are cut."""

_LAZY_ROWS = 32  # rows after which errors are handed on to all rows behind, as in GPTQ
_LEVELS = 255
_LARGEST_WEIGHT = 127  # a weight's level is at most this far from 0, on either side
_BLOCK_ZERO_POINT = _LARGEST_WEIGHT + 1
_LEAST_SCALE = float(np.finfo(np.float32).tiny)  # nothing can be divided by less


@dataclass(frozen=True)
class Scheme:
    """How the activations that are multiplied with a matrix are quantised."""

    smoothing: FloatVector
    """Each channel is divided by this, and its weights multiplied by it, shape (inner,)."""
    scale: float
    """Of one level, once channels are divided."""
    zero_point: int
    """The level that stands for 0."""
    is_blockwise: bool
    """Whether block-wise is so much better that it is worth its time."""

    @classmethod
    def of(cls, activations: FloatMatrix, weights: FloatMatrix) -> Scheme:
        """Choose the scheme.

        Args:
            activations: of the calibration sentences, shape (any, inner).
            weights: shape (inner, outer).
        """
        smoothing = _smoothing(activations, weights)
        smooth = activations / smoothing
        low = MARGIN * min(0.0, float(smooth.min()))
        high = MARGIN * max(0.0, float(smooth.max()))
        scale = (high - low) / _LEVELS
        if scale <= _LEAST_SCALE:
            scale = 1.0
        zero_point = round(-low / scale)
        scheme = cls(smoothing, scale, zero_point, is_blockwise=False)
        is_blockwise = _gains_blockwise(scheme, activations, weights)
        return replace(scheme, is_blockwise=is_blockwise)

    def round_trip(self, activations: FloatMatrix) -> FloatMatrix:
        """Divide the channels, quantise and dequantise; the shape stays."""
        levels = np.rint(activations / self.smoothing / self.scale) + self.zero_point
        levels = np.clip(levels, 0, _LEVELS) - self.zero_point
        return np.asarray(levels * self.scale, np.float32)


def quantise_per_channel(
    weights: FloatMatrix, activations: FloatMatrix
) -> tuple[NDArray[np.int8], FloatVector]:
    """Quantise a matrix with one scale a column, row after row, with error compensation.

    Args:
        weights: shape (inner, outer), float32.
        activations: some that the weights are multiplied with, as quantised, shape (any, inner).

    Returns:
        The levels, shape (inner, outer), and the scale of each column, shape (outer,).
    """
    scale = _scale_of_columns(weights)
    # Only ratios count below; a power of two keeps them, and tiny squares from overflowing.
    _, exponent = np.frexp(np.abs(activations).max(initial=0.0))
    activations = np.ldexp(activations, -exponent)
    hessian = activations.T @ activations
    damping = DAMPING * float(hessian.trace()) / len(hessian) or 1.0
    hessian[np.diag_indices_from(hessian)] += np.float32(damping)
    # The channel that counts most comes first, while there are most others to compensate in.
    order = np.argsort(-hessian.diagonal(), kind="stable")
    inverse = np.linalg.inv(hessian[np.ix_(order, order)])
    compensation = np.linalg.cholesky(inverse).T
    left = weights[order]
    levels = np.empty(weights.shape, np.int8)
    for start in range(0, len(order), _LAZY_ROWS):
        rows = slice(start, start + _LAZY_ROWS)
        batch = left[rows]
        errors = np.empty_like(batch)
        within = compensation[rows, rows]
        for place, row in enumerate(order[rows]):
            wanted = np.rint(batch[place] / scale)
            rounded = np.clip(wanted, -_LARGEST_WEIGHT, _LARGEST_WEIGHT)
            levels[row] = rounded
            error = (batch[place] - rounded * scale) / within[place, place]
            batch[place + 1 :] -= np.outer(within[place, place + 1 :], error)
            errors[place] = error
        behind = slice(start + _LAZY_ROWS, None)
        left[behind] -= compensation[rows, behind].T @ errors
    return levels, scale


def quantise_blockwise(weights: FloatMatrix) -> tuple[NDArray[np.uint8], FloatMatrix]:
    """Quantise a matrix with one scale for each block of `BLOCK` weights along its first axis.

    Args:
        weights: shape (inner, outer), float32.

    Returns:
        The levels, shape (outer, blocks, `BLOCK`), with 128 for 0 and as padding; and the scale of
        each block, shape (outer, blocks).
    """
    inner, outer = weights.shape
    count = -(-inner // BLOCK)
    blocks = np.zeros((outer, count * BLOCK), np.float32)
    blocks[:, :inner] = weights.T
    blocks = blocks.reshape(outer, count, BLOCK)
    scale = np.abs(blocks).max(axis=2) / _LARGEST_WEIGHT
    divisor = np.where(scale > 0, scale, 1.0)
    levels = np.rint(blocks / divisor[:, :, np.newaxis]) + _BLOCK_ZERO_POINT
    return levels.astype(np.uint8), scale.astype(np.float32)


def _smoothing(activations: FloatMatrix, weights: FloatMatrix) -> FloatVector:
    """SmoothQuant's factor of each channel, shape (inner,), with a geometric mean of 1."""
    of_activations = _positive(np.abs(activations).max(axis=0))
    of_weights = _positive(np.abs(weights).max(axis=1))
    factors = of_activations**SMOOTHING / of_weights ** (1 - SMOOTHING)
    mean = np.exp(np.log(factors).mean())
    return np.asarray(factors / mean, np.float32)


def _gains_blockwise(
    scheme: Scheme, activations: FloatMatrix, weights: FloatMatrix
) -> bool:
    smoothed = weights * scheme.smoothing[:, np.newaxis]
    scale = _scale_of_columns(smoothed)
    per_channel = scheme.round_trip(activations) @ (np.rint(smoothed / scale) * scale)
    blockwise = _block_round_trip(activations.T).T @ _block_round_trip(weights)
    exact = activations @ weights
    error = np.linalg.norm(per_channel - exact)
    return bool(error > BLOCKWISE_GAIN * np.linalg.norm(blockwise - exact))


def _scale_of_columns(weights: FloatMatrix) -> FloatVector:
    """The scale of each column, at which its largest weight has the last level."""
    scale = np.abs(weights).max(axis=0) / np.float32(_LARGEST_WEIGHT)
    divisible = np.where(scale > _LEAST_SCALE, scale, np.float32(1.0))
    return divisible.astype(np.float32)


def _block_round_trip(matrix: FloatMatrix) -> FloatMatrix:
    """Quantise block-wise along the first axis and dequantise; the shape stays."""
    inner, outer = matrix.shape
    levels, scale = quantise_blockwise(matrix)
    values = (levels - np.float32(_BLOCK_ZERO_POINT)) * scale[:, :, np.newaxis]
    return np.asarray(values.reshape(outer, -1)[:, :inner].T, np.float32)


def _positive(ranges: FloatVector) -> FloatVector:
    """Ranges above 0: a channel silent on all calibration sentences may still carry values."""
    least = max(float(ranges.max()) * 1e-4, 1e-10)
    return np.maximum(ranges, least)
