from pathlib import Path

from kbserver.ingest.formats.shared.source import SourceFile


def test_a_file_is_read_as_bytes_and_as_text_with_notes(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("Gebühr\r\n".encode("latin-1"))
    file = SourceFile(path, "folder/a.txt")
    assert file.bytes() == b"Geb\xfchr\r\n"
    assert file.text() == ("Gebühr\r\n", ("read as cp1252",))
    assert file.size == 8
    with file.open() as opened:
        assert opened.read(3) == b"Geb"
    assert file.is_beside(path) and not file.is_beside(tmp_path / "b.txt")


def test_a_file_in_an_archive_is_read_from_memory_alone():
    inside = frozenset((Path("a.zip/a.txt"), Path("a.zip/b.txt")))
    file = SourceFile(Path("a.zip/a.txt"), "a.zip/a.txt", b"Text.", inside)
    assert file.text() == ("Text.", ())
    assert (file.size, file.bytes()) == (5, b"Text.")
    with file.open() as opened:
        assert opened.read() == b"Text."
    assert file.is_beside(Path("a.zip/b.txt"))
    assert not file.is_beside(Path("/etc/hostname"))
