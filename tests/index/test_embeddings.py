import re
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from kbserver.errors import SnapshotCorrupt
from kbserver.index.embeddings import (
    LENGTHS,
    MOST_WORDS,
    LengthWriter,
    check_lengths,
    decoded,
    encoded,
    inner_products,
    is_exact,
    open_embeddings,
    open_lengths,
    shape_of,
)

PRECISIONS = ["float32", "float16", "int8"]
SMALLEST = float(np.finfo(np.float32).smallest_subnormal)

BLOCKS = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40),
    elements=st.floats(-1, 1, width=32)
    | st.sampled_from([0.0, -0.0, 1.0, SMALLEST, -1e-38, 1e-37, 1 / 3]),
)


def units(count: int, dim: int, seed: int = 0) -> np.ndarray:
    vectors = (
        np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    )
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@given(BLOCKS)
def test_an_int8_component_is_off_by_half_a_step_at_most(block):
    stored = encoded(block, "int8")
    step = np.abs(block).astype(np.float64).max(axis=1, keepdims=True) / 127
    off = np.abs(decoded(stored).astype(np.float64) - block)
    # 1e-5: the division that gives the level is itself rounded to float32.
    step = np.maximum(step, np.finfo(np.float32).tiny)
    assert (off <= step * (0.5 + 1e-5)).all()


@pytest.mark.parametrize("precision", PRECISIONS)
@given(block=BLOCKS)
def test_what_was_encoded_is_encoded_to_the_same_bytes_again(precision, block):
    once = encoded(block, precision)
    again = encoded(decoded(once), precision)
    assert again.dtype == once.dtype and again.tobytes() == once.tobytes()


def test_quantising_again_changes_nothing_for_any_largest_component():
    # All float32 from 1/2 to 1; others differ from them in the exponent alone.
    for start in range(0x3F00_0000, 0x3F80_0001, 2**20):
        bits = np.arange(start, start + 2**20, dtype=np.uint32)
        once = encoded(bits.view(np.float32)[:, np.newaxis], "int8")
        assert encoded(decoded(once), "int8").tobytes() == once.tobytes()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_numbers_come_back_as_float32_in_the_shape_that_was_asked_for(precision):
    block = units(9, 5)
    stored = encoded(block, precision)
    assert shape_of(stored) == (9, 5) and stored.flags.c_contiguous
    assert is_exact(stored) == (precision == "float32")
    for rows in (slice(None), slice(2, 4), [8, 0, 0], slice(0, 0), 3):
        numbers = decoded(stored[rows])
        assert numbers.dtype == np.float32 and numbers.shape == block[rows].shape
        np.testing.assert_allclose(numbers, block[rows], atol=0.5 / 127)
    assert precision != "float32" or (decoded(stored) == block).all()


def test_int8_takes_a_byte_a_component_and_four_a_row():
    block = units(100, 384)
    sizes = {precision: encoded(block, precision).nbytes for precision in PRECISIONS}
    assert sizes == {
        "float32": 100 * 384 * 4,
        "float16": 100 * 384 * 2,
        "int8": 100 * (384 + 4),
    }


def test_a_row_of_zeros_stays_one():
    stored = encoded(np.zeros((2, 6), np.float32), "int8")
    assert not decoded(stored).any()
    records = cast(NDArray[np.void], stored)  # the type says only "of some precision"
    assert np.isfinite(records["scale"]).all()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_inner_products_are_those_of_the_numbers_and_the_same_for_equal_rows(precision):
    block, query = units(67, 33), units(1, 33, seed=1)[0]
    block[1::3] = block[1]
    stored = encoded(block, precision)
    products = inner_products(stored, query)
    assert products.dtype == np.float32
    np.testing.assert_allclose(
        products, decoded(stored).astype(np.float64) @ query, atol=1e-6
    )
    assert np.unique(products[1::3]).size == 1
    assert inner_products(stored[:0], query).shape == (0,)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_file_says_how_it_is_to_be_read(precision, tmp_path: Path):
    stored = encoded(units(4, 7), precision)
    np.save(tmp_path / "e.npy", stored)
    mapped = open_embeddings(tmp_path / "e.npy")
    assert mapped.tobytes() == stored.tobytes() and mapped.dtype == stored.dtype


@pytest.mark.parametrize(
    "stored",
    [
        np.zeros((3, 4)),
        np.zeros((3, 4), np.int8),
        np.zeros((3, 4), ">f4"),
        np.zeros(3, np.float32),
        np.zeros((3, 4, 2), np.float16),
        np.zeros(3, [("steps", "i1", (4,))]),
        np.zeros(3, [("scale", "<f4"), ("steps", "i1")]),
        np.zeros(3, [("scale", "<f4"), ("steps", "u1", (4,))]),
        np.zeros((3, 2), [("scale", "<f4"), ("steps", "i1", (4,))]),
    ],
    ids=str,
)
def test_another_kind_of_array_is_corrupt_and_named(stored, tmp_path: Path):
    np.save(tmp_path / "e.npy", stored)
    with pytest.raises(
        SnapshotCorrupt,
        match=re.escape(str(stored.dtype)) + ".*float32 or float16.*kbserver ingest",
    ):
        open_embeddings(tmp_path / "e.npy")


def test_the_words_of_each_passage_are_kept_up_to_the_most_that_fit(tmp_path):
    writer = LengthWriter()
    for text in ("", "Opening hours\nwe are  open", "word " * 1000):
        writer.add(text)
    writer.write(tmp_path)
    lengths = open_lengths(tmp_path)
    assert lengths.tolist() == [0, 5, MOST_WORDS]
    check_lengths(lengths, 3)


def test_a_generation_from_before_has_no_lengths(tmp_path):
    assert open_lengths(tmp_path) is None


@pytest.mark.parametrize(
    "column", (np.zeros(2, np.uint8), np.zeros(3), np.zeros((3, 1), np.uint8))
)
def test_a_column_of_another_kind_is_refused(column):
    with pytest.raises(ValueError, match=LENGTHS):
        check_lengths(column, 3)
