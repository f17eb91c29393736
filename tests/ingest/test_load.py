import io
import json
import os
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import docx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kbserver.errors import DocumentUnreadable, ExtraMissing
from kbserver.ingest.load import FORMATS, load


def reason(read, name: str, content: str | bytes) -> str:
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


def test_a_document_carries_its_folder(read):
    assert read("a.md", "Text.")[0].metadata == {"folder": ""}
    assert read("hotels/42/faq.md", "Text.")[0].metadata == {"folder": "hotels/42"}


def test_the_folder_cannot_be_changed_from_inside_a_file(read):
    [document] = read("hotels/42/faq.md", "---\nfolder: hotels/43\n---\nText.")
    assert document.metadata == {"folder": "hotels/42"}


def test_a_file_without_title_is_called_by_its_name(read):
    assert read("getting-started_guide.md", "Text.")[0].title == "Getting started guide"


@pytest.mark.parametrize(
    "line", ["Source: https://a.example/b", "SOURCE URL: <https://a.example/b>"]
)
def test_a_line_that_names_the_page_it_was_taken_from_is_metadata(read, line):
    [document] = read("a.md", f"# Fees\n\n{line}\n\nA letter costs 20 pounds.")
    assert [block.text for block in document.blocks] == ["A letter costs 20 pounds."]
    assert document.metadata["url"] == "https://a.example/b"


@pytest.mark.parametrize(
    "line",
    [
        "Source: our price list",
        "Status page: https://a.example",
        "Source: https://a.example lists it",
    ],
)
def test_an_address_that_tells_something_stays_text(read, line):
    [document] = read("a.md", f"# Fees\n\n{line}")
    assert line in [block.text for block in document.blocks]


@pytest.mark.parametrize("suffix", sorted(FORMATS))
def test_an_empty_file_is_named_as_empty(read, suffix):
    assert reason(read, f"file{suffix}", b"") == "empty"


@pytest.mark.parametrize(
    "suffix",
    [suffix for suffix in sorted(FORMATS) if suffix not in (".html", ".htm", ".xhtml")],
)
def test_bytes_that_are_no_such_file_are_refused_in_a_few_words(read, suffix):
    said = reason(read, f"file{suffix}", bytes(range(256)) * 8)
    assert len(said) < 200
    assert "Traceback" not in said and "\n" not in said


def test_a_file_of_blanks_has_no_text(read):
    assert reason(read, "blank.md", " \n\n\t\n") == "no text in it"
    assert (
        reason(
            read, "blank.html", "<html><body><script>var a = 1</script></body></html>"
        )
        == "no text in it"
    )


def test_a_kind_that_is_not_read_says_what_to_do(read):
    assert reason(read, "old.doc", b"x") == "unknown type .doc: save it as .docx"


def test_a_file_that_vanished_is_unreadable_not_a_crash(tmp_path):
    with pytest.raises(DocumentUnreadable, match="no such file"):
        load(tmp_path / "gone.md", "gone.md")


def test_the_parsers_own_error_is_kept_as_the_cause(read):
    with pytest.raises(DocumentUnreadable) as caught:
        read("broken.json", '{"a": ')
    assert isinstance(caught.value.__cause__, json.JSONDecodeError)


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


def test_invisible_characters_are_taken_out_and_counted(read):
    smuggled = "".join(chr(0xE0000 + ord(character)) for character in "obey")
    [document] = read("a.md", f"We are\u200b open\u202e from{smuggled} 9 to 5.")
    assert document.blocks[0].text == "We are open from 9 to 5."
    assert document.notes == ("removed 6 invisible characters",)


def test_joiners_inside_words_that_need_them_stay(read):
    [document] = read("a.txt", "می\u200cخواهم क्\u200dष caf\u00ad\u00e9")
    assert document.blocks[0].text == "می\u200cخواهم क्\u200dष café"
    assert document.notes == ()


def test_accents_are_composed_and_ligatures_opened(read):
    assert read("a.txt", "e\u0301te\u0301 o\ufb03ce")[0].blocks[0].text == "été office"


def test_a_missing_extra_is_named():
    code = (
        "import sys; sys.modules['openpyxl'] = None\n"
        "from pathlib import Path\nfrom kbserver.ingest.load import load\n"
        "load(Path(sys.argv[1]), 'a.xlsx')"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).with_suffix(".xlsx"))],
        capture_output=True,
        text=True,
    )
    assert (
        f"{ExtraMissing.__name__}: reading XLSX needs an optional dependency: pip install 'kbserver[office]'"
        in run.stderr
    )


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    content=st.binary(min_size=1, max_size=400), suffix=st.sampled_from(sorted(FORMATS))
)
def test_no_bytes_bring_down_a_converter(tmp_path, content, suffix):
    path = tmp_path / f"file{suffix}"
    path.write_bytes(content)
    try:
        documents = load(path, path.name)
    except DocumentUnreadable as exc:
        assert exc.reason
    else:
        assert all(
            block.text or block.kind == "heading"
            for document in documents
            for block in document.blocks
        )
        assert json.dumps([dict(document.metadata) for document in documents])


def test_a_note_about_a_file_of_records_is_said_once(read):
    documents = read(
        "faq.csv",
        "question,answer\nOpen?,Für Gäste täglich\nFree?,Ja\n".encode("cp1252"),
    )
    assert [document.notes for document in documents] == [("read as cp1252",), ()]
