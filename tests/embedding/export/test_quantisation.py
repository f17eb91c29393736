import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from kbserver.embedding.export.quantisation import (
    BLOCK,
    DAMPING,
    Scheme,
    quantise_blockwise,
    quantise_per_channel,
)
from kbserver.types import FloatMatrix

LARGE = st.floats(-1000, 1000, width=32)
MIDDLE = st.floats(-100, 100, width=32)
SMALL = st.floats(-10, 10, width=32)


def matrices(longest: int) -> st.SearchStrategy[FloatMatrix]:
    shapes = array_shapes(min_dims=2, max_dims=2, max_side=longest)
    return arrays(np.float32, shapes, elements=MIDDLE)


@given(matrices(60))
def test_uncorrelated_channels_are_off_by_half_a_level_at_most(
    weights: FloatMatrix,
) -> None:
    uncorrelated = np.eye(len(weights), dtype=np.float32)  # no error can be compensated
    levels, scale = quantise_per_channel(weights, uncorrelated)
    assert levels.shape == weights.shape
    assert scale.shape == weights.shape[1:]
    assert (np.abs(levels * scale - weights) <= scale * 0.501 + 1e-30).all()


@given(
    arrays(np.float32, (9, 12), elements=LARGE),
    arrays(np.float32, (12, 5), elements=SMALL),
)
@example(np.full((9, 12), 1.5e-21, np.float32), np.zeros((12, 5), np.float32))
def test_every_weight_has_a_level_whatever_the_activations(
    activations: FloatMatrix, weights: FloatMatrix
) -> None:
    levels, scale = quantise_per_channel(weights, activations)
    assert np.abs(levels.astype(int)).max() <= 127
    assert np.isfinite(scale).all()
    assert (scale > 0).all()


def test_rounding_error_is_compensated_in_correlated_channels() -> None:
    random = np.random.default_rng(3)
    weights = random.normal(size=(96, 48)).astype(np.float32)
    few = random.normal(size=(2000, 24)) @ random.normal(size=(24, 96))
    activations = (few + 0.1 * random.normal(size=(2000, 96))).astype(np.float32)
    levels, scale = quantise_per_channel(weights, activations[:1000])
    unseen = activations[1000:]
    rounded = np.rint(weights / scale) * scale
    error = np.linalg.norm(unseen @ (levels * scale - weights))
    assert error < 0.7 * np.linalg.norm(unseen @ (rounded - weights))


def test_rows_compensated_in_batches_equal_rows_compensated_one_by_one() -> None:
    """The reference is GPTQ without lazy batches, with an inverse for each row."""
    random = np.random.default_rng(7)
    inner = 150  # three batches, the last one short
    weights = random.normal(size=(inner, 8)).astype(np.float32)
    mixing = random.normal(size=(inner, inner))
    activations = (random.normal(size=(400, inner)) @ mixing).astype(np.float32)
    levels, scale = quantise_per_channel(weights, activations)

    hessian = (activations.T @ activations).astype(np.float64)
    hessian += np.eye(inner) * DAMPING * hessian.trace() / inner
    order = np.argsort(-hessian.diagonal(), kind="stable")
    left = weights.astype(np.float64)
    wanted = np.empty_like(levels)
    for place, row in enumerate(order):
        wanted[row] = np.rint(np.clip(left[row] / scale, -127, 127))
        error = left[row] - wanted[row] * scale
        rest = order[place:]  # the row itself first
        inverse = np.linalg.inv(hessian[np.ix_(rest, rest)])
        left[rest] -= np.outer(inverse[0] / inverse[0, 0], error)
    differing = levels != wanted
    assert differing.mean() < 0.01  # a tie may fall either way


@given(matrices(300))
def test_blockwise_weights_are_off_by_half_a_level_of_their_block_at_most(
    weights: FloatMatrix,
) -> None:
    levels, scale = quantise_blockwise(weights)
    inner, outer = weights.shape
    assert levels.shape == (outer, -(-inner // BLOCK), BLOCK)
    assert scale.shape == levels.shape[:2]
    values = (levels.astype(np.float32) - 128) * scale[:, :, np.newaxis]
    restored = values.reshape(outer, -1)
    allowed = np.repeat(scale, BLOCK, axis=1)[:, :inner].T * 0.501 + 1e-30
    assert (np.abs(restored[:, :inner].T - weights) <= allowed).all()
    assert not restored[:, inner:].any()  # what a block is filled up with


@given(
    arrays(np.float32, (7, 12), elements=LARGE),
    arrays(np.float32, (12, 5), elements=SMALL),
)
@example(
    np.full((7, 12), 3e-45, np.float32),  # nothing can be divided by such a scale
    np.zeros((12, 5), np.float32),
)
def test_scheme_handles_constant_and_empty_channels(
    activations: FloatMatrix, weights: FloatMatrix
) -> None:
    scheme = Scheme.of(activations, weights)
    assert np.isfinite(scheme.smoothing).all()
    assert (scheme.smoothing > 0).all()
    assert 0 < scheme.scale < np.inf
    assert 0 <= scheme.zero_point <= 255
    levels = np.rint(activations / scheme.smoothing / scheme.scale) + scheme.zero_point
    # The margin is larger than what rounding the zero point takes.
    assert (levels >= -1).all()
    assert (levels <= 256).all()


@given(arrays(np.float32, (7, 12), elements=LARGE))
def test_calibrated_activations_are_off_by_one_level_at_most(
    activations: FloatMatrix,
) -> None:
    scheme = Scheme.of(activations, np.ones((12, 3), np.float32))
    error = np.abs(scheme.round_trip(activations) - activations / scheme.smoothing)
    assert (error <= scheme.scale * 1.01 + 1e-30).all()


def test_an_outlier_channel_leaves_the_others_their_levels() -> None:
    activations = np.array([[-1, -1, -200], [1, 1, 200]], np.float32)
    scheme = Scheme.of(activations, np.ones((3, 4), np.float32))
    levels = 2 / scheme.smoothing[0] / scheme.scale
    assert levels > 40  # of 255: without smoothing it has one or two


def test_activations_that_are_mostly_near_zero_are_worth_blocks() -> None:
    random = np.random.default_rng(5)
    weights = random.normal(size=(512, 64)).astype(np.float32)
    even = random.normal(size=(200, 512)).astype(np.float32)
    spikes = np.where(random.random(even.shape) < 0.0005, even * 400, even)
    assert not Scheme.of(even, weights).is_blockwise
    assert Scheme.of(spikes, weights).is_blockwise
