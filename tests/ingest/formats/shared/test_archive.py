"""Zip files that are not what they seem."""

import io
import os
import tracemalloc
import zipfile

import docx
import pytest

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.formats.shared.archive import MAX_ENTRIES, open_checked_zip
from kbserver.ingest.formats.shared.source import SourceFile


def reason(read, name: str, content: bytes) -> str:
    with pytest.raises(DocumentUnreadable) as caught:
        read(name, content)
    assert caught.value.source == name
    return caught.value.reason


def docx_bytes(compression: int = zipfile.ZIP_DEFLATED, **entries: bytes) -> bytes:
    buffer = io.BytesIO()
    document = docx.Document()
    document.add_paragraph("Hello.")
    document.save(buffer)
    with zipfile.ZipFile(buffer, "a", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_a_zip_bomb_is_refused_before_it_is_unpacked(read):
    zeros = docx_bytes(**{"word/media/zeros.xml": b"\0" * 40 * 1024**2})
    assert reason(read, "bomb.docx", zeros).startswith("a zip bomb: 40 MiB")


def test_a_zip_bomb_whose_directory_lies_is_never_unpacked_at_once(read):
    data = bytearray(docx_bytes(**{"word/footnotes.xml": b" " * 200 * 1024**2}))
    entry = data.find(b"PK\x01\x02", data.rfind(b"word/footnotes.xml") - 60)
    data[entry + 24 : entry + 28] = (1000).to_bytes(4, "little")  # uncompressed size
    read(
        "a.docx", docx_bytes()
    )  # what is imported at first use is none of the bomb's doing
    tracemalloc.start()
    try:
        said = reason(read, "lying.docx", bytes(data))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert said.startswith("corrupt: word/footnotes.xml") and peak < 20 * 1024**2


def test_a_zip_with_too_much_xml_is_refused(read):
    fat = os.urandom(64 * 1024) * 16 * 70
    said = reason(
        read, "fat.docx", docx_bytes(zipfile.ZIP_STORED, **{"word/extra.xml": fat})
    )
    assert said.startswith("holds 71 MiB of XML; at most 64")


def test_a_zip_cut_short_is_corrupt(read):
    assert reason(read, "cut.docx", docx_bytes()[:2000]).startswith(
        "corrupt or cut short"
    )


def test_an_encrypted_office_file_is_protected_by_a_password(read):
    ole2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000
    assert "protected by a password" in reason(read, "locked.xlsx", ole2)


def test_an_encrypted_zip_is_protected_by_a_password(read):
    data = bytearray(docx_bytes())
    for signature, flags_at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature)
        while at >= 0:
            data[at + flags_at] |= 1
            at = data.find(signature, at + 4)
    assert reason(read, "locked.docx", bytes(data)) == "protected by a password"


def write_zip(path, **entries: bytes):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def test_a_harmless_archive_is_opened(tmp_path):
    path = write_zip(tmp_path / "a.zip", one=b"1")
    with open_checked_zip(SourceFile(path, "a.zip")) as archive:
        assert archive.read("one") == b"1"


def test_an_archive_in_memory_is_opened(tmp_path):
    content = write_zip(tmp_path / "a.zip", one=b"1").read_bytes()
    inner = SourceFile(tmp_path / "b.zip" / "a.zip", "b.zip/a.zip", content)
    with open_checked_zip(inner) as archive:
        assert archive.read("one") == b"1"


def test_what_packs_well_but_is_small_is_no_bomb(tmp_path):
    path = write_zip(tmp_path / "a.zip", zeros=b"\0" * (1024**2 - 1))
    open_checked_zip(SourceFile(path, "a.zip")).close()


def test_an_archive_of_far_too_many_files_is_refused(tmp_path):
    entries = {str(number): b"" for number in range(MAX_ENTRIES + 1)}
    path = write_zip(tmp_path / "a.zip", **entries)
    with pytest.raises(DocumentUnreadable, match="holds 20,001 files; at most 20,000"):
        open_checked_zip(SourceFile(path, "a.zip"))


def test_an_entry_that_is_damaged_is_named(tmp_path):
    path = write_zip(tmp_path / "a.zip", one=os.urandom(1000))
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(DocumentUnreadable, match="corrupt: one in it"):
        open_checked_zip(SourceFile(path, "a.zip"))


def test_a_zip_whose_beginning_is_missing_is_named_as_corrupt(read):
    assert reason(read, "a.docx", docx_bytes()[500:]).startswith("corrupt")
