"""Source of the packed examples: [MS-OXRTFCP] 4.1 and 4.2."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.ingest.formats.rtf.packed import unpacked_rtf

SIMPLE = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af320"
    "68656c090020627705b06c647d0a800fa0"
)
REFERENCES = bytes.fromhex(
    "1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0"
)


def test_the_examples_of_the_specification():
    assert unpacked_rtf(SIMPLE) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert unpacked_rtf(REFERENCES) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"


def test_what_is_not_packed_is_taken_as_it_is():
    assert (
        unpacked_rtf(struct.pack("<IIII", 17, 5, 0x414C454D, 0) + b"{\\rtf")
        == b"{\\rtf"
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"short", "cut short"),
        (struct.pack("<IIII", 0, 2**31, 0x75465A4C, 0), "over 64 MiB"),
        (struct.pack("<IIII", 0, 9, 1, 0), "not packed RTF"),
    ],
)
def test_what_is_none_is_refused(data, reason):
    with pytest.raises(ValueError, match=reason):
        unpacked_rtf(data)


@given(st.binary(max_size=200), st.integers(0, 500))
def test_no_bytes_unpack_to_more_than_they_state(data, size):
    header = struct.pack("<IIII", 0, size, 0x75465A4C, 0)
    assert len(unpacked_rtf(header + data)) <= size + 200
