import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kbserver.ingest.formats.pdf.streams import MAX_STREAM_BYTES, unpacks_to_too_much
from kbserver.ingest.formats.shared.source import SourceFile

BOMB = zlib.compress(b" " * (MAX_STREAM_BYTES + 1024**2), 9)


def write_stream(path: Path, packed: bytes, dictionary: bytes = b"") -> Path:
    path.write_bytes(
        b"%%PDF-1.7\n1 0 obj<</Length %d%s>>stream\n%s\nendstream endobj\n"
        % (len(packed), dictionary, packed)
    )
    return path


def is_bomb(path: Path) -> bool:
    """Ask about a file, and about the same bytes in an archive."""
    file = SourceFile(path, "a.pdf")
    found = unpacks_to_too_much(file)
    inner = SourceFile(path, "a.zip/a.pdf", path.read_bytes())
    assert unpacks_to_too_much(inner) == found
    return found


def test_an_ordinary_stream_is_harmless(tmp_path):
    packed = zlib.compress(b"BT (Hello) Tj ET" * 1000)
    assert not is_bomb(write_stream(tmp_path / "a.pdf", packed))


def test_a_stream_that_unpacks_to_far_too_much_is_found(tmp_path):
    assert is_bomb(write_stream(tmp_path / "a.pdf", BOMB))


@pytest.mark.parametrize("dictionary", [b"/Subtype/Image", b"/Subtype /Image /Width 9"])
def test_pictures_do_not_count(tmp_path, dictionary):
    assert not is_bomb(write_stream(tmp_path / "a.pdf", BOMB, dictionary))


def test_the_dictionary_of_another_object_does_not_count(tmp_path):
    path = write_stream(tmp_path / "a.pdf", zlib.compress(b"x"), b"/Subtype/Image")
    first = path.read_bytes()
    path.write_bytes(first + write_stream(path, BOMB).read_bytes())
    assert is_bomb(path)


def test_an_empty_file_is_harmless(tmp_path):
    path = tmp_path / "a.pdf"
    path.touch()
    assert not is_bomb(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.binary(max_size=50))
def test_any_bytes_can_be_measured(tmp_path, packed, dictionary):
    assert not is_bomb(write_stream(tmp_path / "a.pdf", packed, dictionary))
