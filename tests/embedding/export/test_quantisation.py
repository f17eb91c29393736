import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from kbserver.embedding.export.quantisation import (
    BLOCK,
    Scheme,
    rounded_blocks,
    rounded_columns,
)
from kbserver.types import FloatMatrix


@given(
    arrays(
        np.float32,
        array_shapes(min_dims=2, max_dims=2, max_side=60),
        elements=st.floats(-100, 100, width=32),
    )
)
@settings(deadline=None)
def test_rounding_is_off_by_half_a_step_of_its_column_where_nothing_can_make_up_for_it(
    weights: FloatMatrix,
) -> None:
    apart = np.eye(
        len(weights), dtype=np.float32
    )  # no two channels ever come up together
    values, worth = rounded_columns(weights, apart)
    assert values.shape == weights.shape and worth.shape == weights.shape[1:]
    assert (np.abs(values * worth - weights) <= worth * 0.501 + 1e-30).all()


@given(
    arrays(np.float32, (9, 12), elements=st.floats(-1000, 1000, width=32)),
    arrays(np.float32, (12, 5), elements=st.floats(-10, 10, width=32)),
)
@settings(deadline=None)
def test_every_weight_has_a_step_whatever_comes_up_with_it(
    values: FloatMatrix, weights: FloatMatrix
) -> None:
    steps, worth = rounded_columns(weights, values)
    assert np.abs(steps.astype(int)).max() <= 127
    assert np.isfinite(worth).all() and (worth > 0).all()


def test_what_a_weight_errs_by_is_made_up_for_by_those_that_come_up_with_it() -> None:
    random = np.random.default_rng(3)
    weights = random.normal(size=(96, 48)).astype(np.float32)
    few = random.normal(size=(2000, 24)) @ random.normal(size=(24, 96))
    values = (few + 0.1 * random.normal(size=(2000, 96))).astype(np.float32)
    steps, worth = rounded_columns(weights, values[:1000])
    unseen = values[1000:]
    off = np.linalg.norm(unseen @ (steps * worth - weights))
    each_by_itself = np.linalg.norm(
        unseen @ (np.rint(weights / worth) * worth - weights)
    )
    assert off < 0.7 * each_by_itself


@given(
    arrays(
        np.float32,
        array_shapes(min_dims=2, max_dims=2, max_side=300),
        elements=st.floats(-100, 100, width=32),
    )
)
@settings(deadline=None)
def test_rounding_is_off_by_half_a_step_of_its_block_at_most(
    weights: FloatMatrix,
) -> None:
    values, worth = rounded_blocks(weights)
    inner, outer = weights.shape
    assert (
        values.shape == (outer, -(-inner // BLOCK), BLOCK)
        and worth.shape == values.shape[:2]
    )
    restored = ((values.astype(np.float32) - 128) * worth[:, :, None]).reshape(
        outer, -1
    )
    off = np.abs(restored[:, :inner].T - weights)
    allowed = np.repeat(worth, BLOCK, axis=1)[:, :inner].T * 0.501 + 1e-30
    assert (off <= allowed).all()
    assert not restored[:, inner:].any()


@given(
    arrays(np.float32, (7, 12), elements=st.floats(-1000, 1000, width=32)),
    arrays(np.float32, (12, 5), elements=st.floats(-10, 10, width=32)),
)
@example(
    np.full((7, 12), 3e-45, np.float32), np.zeros((12, 5), np.float32)
)  # a step of nothing at all
@settings(deadline=None)
def test_every_value_and_nothing_have_a_step(
    values: FloatMatrix, weights: FloatMatrix
) -> None:
    scheme = Scheme.of(values, weights)
    assert (
        np.isfinite(scheme.sizes).all()
        and (scheme.sizes > 0).all()
        and 0 < scheme.step < np.inf
    )
    assert 0 <= scheme.zero <= 255
    steps = np.rint(values / scheme.sizes / scheme.step) + scheme.zero
    assert (steps >= -1).all() and (
        steps <= 256
    ).all()  # the margin is larger than what rounding 0 takes


def test_a_large_channel_leaves_the_others_their_steps() -> None:
    values = np.array([[-1, -1, -200], [1, 1, 200]], np.float32)
    scheme = Scheme.of(values, np.ones((3, 4), np.float32))
    assert 2 / scheme.sizes[0] / scheme.step > 40  # of 255: without, it has one or two


def test_values_that_are_mostly_next_to_nothing_are_worth_blocks() -> None:
    random = np.random.default_rng(5)
    weights = random.normal(size=(512, 64)).astype(np.float32)
    even = random.normal(size=(200, 512)).astype(np.float32)
    spikes = np.where(random.random(even.shape) < 0.0005, even * 400, even)
    assert not Scheme.of(even, weights).worth_blocks
    assert Scheme.of(spikes, weights).worth_blocks
