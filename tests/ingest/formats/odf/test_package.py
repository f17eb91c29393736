import io
import zipfile

import pytest

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.formats.odf.package import count_of
from tests.ingest.formats.odf.files import packed


def reason(read, content: bytes) -> str:
    with pytest.raises(DocumentUnreadable) as caught:
        read("a.odt", content)
    return caught.value.reason


def test_an_encrypted_file_is_named(read):
    entry = "<manifest:file-entry><manifest:encryption-data/></manifest:file-entry>"
    assert reason(read, packed("text", "", manifest=entry)) == "protected by a password"


def test_a_file_without_content_is_named(read):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", "x")
    assert reason(read, buffer.getvalue()) == (
        "not a whole OpenDocument file: content.xml is missing"
    )


def test_other_xml_is_named(read):
    assert reason(read, b"<html/>") == "not an OpenDocument file"


def test_entities_are_not_resolved(read, tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    content = packed("text", "<text:p>Text. &e;</text:p>")
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as given:
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in given.namelist():
                data = given.read(name)
                if name == "content.xml":
                    entity = (
                        f'<!DOCTYPE x [<!ENTITY e SYSTEM "{tmp_path}/secret.txt">]>'
                    )
                    data = entity.encode() + data
                archive.writestr(name, data)
    [document] = read("a.odt", buffer.getvalue())
    assert [block.text for block in document.blocks] == ["Text."]


@pytest.mark.parametrize(
    ("value", "count"),
    [(None, 1), ("3", 3), ("0", 1), ("-1", 1), ("x", 1), ("9" * 30, 100)],
)
def test_counts_are_bounded(value, count):
    assert count_of(value, 100) == count
