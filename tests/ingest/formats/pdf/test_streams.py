import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kbserver.ingest.formats.pdf.streams import MAX_STREAM_BYTES, unpacks_to_too_much

BOMB = zlib.compress(b" " * (MAX_STREAM_BYTES + 1024**2), 9)


def write_stream(path: Path, packed: bytes, dictionary: bytes = b"") -> Path:
    path.write_bytes(
        b"%%PDF-1.7\n1 0 obj<</Length %d%s>>stream\n%s\nendstream endobj\n"
        % (len(packed), dictionary, packed)
    )
    return path


def test_an_ordinary_stream_is_harmless(tmp_path):
    packed = zlib.compress(b"BT (Hello) Tj ET" * 1000)
    assert not unpacks_to_too_much(write_stream(tmp_path / "a.pdf", packed))


def test_a_stream_that_unpacks_to_far_too_much_is_found(tmp_path):
    assert unpacks_to_too_much(write_stream(tmp_path / "a.pdf", BOMB))


@pytest.mark.parametrize("dictionary", [b"/Subtype/Image", b"/Subtype /Image /Width 9"])
def test_pictures_do_not_count(tmp_path, dictionary):
    assert not unpacks_to_too_much(write_stream(tmp_path / "a.pdf", BOMB, dictionary))


def test_the_dictionary_of_another_object_does_not_count(tmp_path):
    path = write_stream(tmp_path / "a.pdf", zlib.compress(b"x"), b"/Subtype/Image")
    first = path.read_bytes()
    path.write_bytes(first + write_stream(path, BOMB).read_bytes())
    assert unpacks_to_too_much(path)


def test_an_empty_file_is_harmless(tmp_path):
    path = tmp_path / "a.pdf"
    path.touch()
    assert not unpacks_to_too_much(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.binary(max_size=50))
def test_any_bytes_can_be_measured(tmp_path, packed, dictionary):
    assert not unpacks_to_too_much(write_stream(tmp_path / "a.pdf", packed, dictionary))
