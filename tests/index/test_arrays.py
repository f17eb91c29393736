import errno
import mmap

import numpy as np
import pytest

from kbserver.index.arrays import (
    SMALL_BYTES,
    check_rows,
    check_starts,
    new_array,
    open_array,
    open_bytes,
    save_array,
)

RECORD = np.dtype([("scale", "<f4"), ("steps", "i1", (3,))])


@pytest.mark.parametrize(
    "array",
    [
        np.arange(7, dtype=np.int64),
        np.empty(0, dtype=np.float32),
        np.ones((3, 4), dtype=np.float16),
        np.zeros(5, dtype=RECORD),
        np.arange(12, dtype=np.int32).reshape(3, 4).T,
    ],
)
def test_an_array_comes_back_as_it_was(tmp_path, array):
    save_array(tmp_path / "a.npy", array)
    for found in (open_array(tmp_path / "a.npy"), np.load(tmp_path / "a.npy")):
        assert (found.dtype, found.shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(found, array)


def test_what_numpy_wrote_is_read(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(7))
    assert open_array(tmp_path / "a.npy").tolist() == list(range(7))


def test_an_array_cannot_be_written_to(tmp_path):
    save_array(tmp_path / "a.npy", np.arange(7))
    with pytest.raises(ValueError, match="read-only"):
        open_array(tmp_path / "a.npy")[0] = 1


def test_a_small_file_is_held_and_a_large_one_is_mapped(tmp_path):
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(b"a" * SMALL_BYTES)
    large.write_bytes(b"a" * (SMALL_BYTES + 1))
    held, mapped = open_bytes(small), open_bytes(large)
    for file in (small, large):
        with file.open("r+b") as stream:
            stream.write(b"b")
    assert (held[:2], mapped[:2]) == (b"aa", b"ba")
    small.write_bytes(b"")
    assert held[-1:] == b"a"
    assert open_bytes(small) == b""
    assert isinstance(held, mmap.mmap)


def header(text, version=b"\x01\x00"):
    content = text.encode() + b"\n"
    return b"\x93NUMPY" + version + len(content).to_bytes(2, "little") + content


def said(descr="'<i8'", shape="(2,)", order=False):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        b"PK\x03\x04",
        header(said())[:-1],
        header(said()) + bytes(15),
        header(said()) + bytes(17),
        header(said(shape="(-2,)")) + bytes(16),
        header(said(shape="(-1, -2)")) + bytes(16),
        header(said(shape="(10**12,)")) + bytes(16),
        header(said(shape="(1000000000000,)")) + bytes(16),
        header(said(descr="'|O'")) + bytes(16),
        header(said(order=True, shape="(1, 2)")) + bytes(16),
        header(said(), version=b"\x03\x00") + bytes(16),
        header(said(), version=b"\x09\x00") + bytes(16),
        header("-" * 900 + "1") + bytes(16),
        header(said() + " " * 2000) + bytes(16),
    ],
)
def test_a_file_that_holds_no_such_array_is_refused(tmp_path, content):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(ValueError):
        open_array(tmp_path / "a.npy")


@pytest.mark.parametrize("shape", [(0,), (5,), (0, 3), (4, 3)])
def test_a_new_array_is_zeros_that_can_be_filled(tmp_path, shape):
    array = new_array(tmp_path / "a.npy", np.float32, shape)
    assert not array.any()
    array += 1
    del array
    found = open_array(tmp_path / "a.npy")
    np.testing.assert_array_equal(found, np.ones(shape, dtype=np.float32))


def test_a_new_array_has_its_room_on_the_disk(tmp_path):
    new_array(tmp_path / "a.npy", np.int8, (1 << 20,))
    assert (tmp_path / "a.npy").stat().st_blocks * 512 >= 1 << 20


def test_a_new_array_without_room_is_an_error(tmp_path):
    with pytest.raises(OSError) as refused:
        new_array(tmp_path / "a.npy", np.int8, (1 << 60,))
    assert refused.value.errno in (errno.ENOSPC, errno.EFBIG)


@pytest.mark.parametrize(
    ("starts", "right"),
    [
        ([0, 2, 2, 5], True),
        ([0, 2, 1, 5], False),
        ([1, 2, 2, 5], False),
        ([0, 2, 2, 4], False),
        ([0, 2, 5], False),
        ([0.0, 2.0, 2.0, 5.0], False),
        ([[0, 2, 2, 5]], False),
    ],
)
def test_starts_are_checked(starts, right):
    if right:
        check_starts(np.array(starts), 3, 5, "these")
        return
    with pytest.raises(ValueError, match="these: not 3 runs that end at 5"):
        check_starts(np.array(starts), 3, 5, "these")


@pytest.mark.parametrize("rows", [[-1], [5], [0, 5], [0.0], [[0]]])
def test_rows_are_checked(rows):
    check_rows(np.array([0, 4], dtype=np.int32), 5, "these")
    check_rows(np.empty(0, dtype=np.int64), 0, "these")
    with pytest.raises(ValueError, match="these"):
        check_rows(np.array(rows), 5, "these")
