from kbserver.ingest.formats.shared.source import SourceFile


def test_a_file_is_read_as_bytes_and_as_text_with_notes(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("Gebühr\r\n".encode("latin-1"))
    file = SourceFile(path, "folder/a.txt")
    assert file.bytes() == b"Geb\xfchr\r\n"
    assert file.text() == ("Gebühr\r\n", ("read as cp1252",))
