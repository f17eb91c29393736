import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kbserver.errors import DocumentUnreadable, ExtraMissing
from kbserver.ingest.load import FORMATS, format_names, load


def reason(read, name: str, content: str | bytes) -> str:
    with pytest.raises(DocumentUnreadable) as caught:
        read(name, content)
    assert caught.value.source == name
    return caught.value.reason


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
        f"{ExtraMissing.__name__}: reading XLSX needs an optional dependency: pip "
        "install 'kbserver[office]'" in run.stderr
    )


@settings(
    max_examples=30,
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


def test_formats_are_named_as_prose():
    assert format_names() == (
        "Markdown, text, HTML, PDF, DOCX, CSV, JSON, JSONL, EPUB, ODT, ODS, ODP, RTF, "
        "mail, MBOX, XML and ZIP"
    )
    rare = format_names("or", needs_extra=True)
    assert rare == "XLSX, PPTX, reStructuredText, MSG, PNG, JPEG, TIFF or WebP"


def test_every_format_is_named_once_and_its_suffixes_are_its_own():
    named = f"{format_names()} and {format_names(needs_extra=True)}"
    names = re.split(r", | and ", named)
    assert sorted(names) == sorted({form.name for form in FORMATS.values()})
    for suffix, form in FORMATS.items():
        assert suffix in form.suffixes.split() and suffix == suffix.lower()


@pytest.mark.parametrize("form", FORMATS.values(), ids=lambda form: form.name)
def test_the_converter_of_every_format_is_there(form):
    module, function = form.converter.split(":")
    imported = importlib.import_module(f"kbserver.ingest.formats.{module}")
    assert callable(getattr(imported, function))


@pytest.mark.parametrize(
    ("suffix", "advice"),
    [
        (".doc", "save it as .docx"),
        (".rar", "save it as .zip"),
        (".yaml", "it speaks to programs (settings, OpenAPI); save what callers need"),
        (".xyz", "unknown type .xyz"),
    ],
)
def test_an_unknown_type_is_named_with_what_to_do(read, suffix, advice):
    assert advice in reason(read, f"file{suffix}", "x")


def test_code_keeps_its_indentation_and_other_text_loses_white_space(read):
    [document] = read("a.md", "```\n\n    indented\n```\n\n<p> text </p>\n")
    assert [block.text for block in document.blocks] == ["    indented", "text"]


def test_the_page_about_documents_names_every_format():
    page = Path(__file__).parents[2] / "docs" / "documents.md"
    text = page.read_text(encoding="utf-8")
    assert [form.name for form in FORMATS.values() if form.name not in text] == []


@pytest.mark.parametrize(
    "mark",
    [
        "draft: true",
        "published: false",
        "status: Archived",
        "visibility: internal",
        "retired: yes",
    ],
)
def test_what_calls_itself_a_draft_or_private_is_not_read(read, mark):
    assert reason(read, "a.md", f"---\n{mark}\n---\nText.").startswith(
        "withheld, not meant for callers: "
    )


@pytest.mark.parametrize(
    "mark", ["draft: false", "published: true", "status: live", "state: Ohio"]
)
def test_what_calls_itself_public_is_read(read, mark):
    assert len(read("a.md", f"---\n{mark}\n---\nText.")) == 1


def test_records_that_are_not_public_are_left_out_with_a_note(read):
    lines = [
        {"id": "a", "text": "Old.", "status": "retired"},
        {"id": "b", "text": "New.", "status": "published"},
        {"id": "c", "text": "Next.", "draft": True},
    ]
    [document] = read("a.jsonl", "\n".join(map(json.dumps, lines)))
    assert document.source == "a.jsonl#b"
    [note] = document.notes
    assert note.startswith("withheld 2 records not meant for callers: ")
    assert "(status: retired)" in note
    assert "(draft: true)" in note


def test_raised_digits_and_boxes_are_words_in_every_format(read):
    [document] = read("a.txt", "Now $9⁹⁹.\n\n☐ Kitchen\n")
    assert [block.text for block in document.blocks] == ["Now $9.99.", "Kitchen: no"]
    [table] = read("a.csv", "Plan,Price\nA,$9⁹⁹\nB,#REF!\n")
    assert [block.text for block in table.blocks] == [
        "Plan: A; Price: $9.99.",
        "Plan: B.",
    ]
    assert table.notes == ("left out 1 cell with an error (#N/A)",)


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.html"])
def test_text_that_is_typed_as_struck_out_is_not_said(tmp_path, name):
    path = tmp_path / name
    path.write_text("Plan,Price\nA,~~$99~~ $49\n~ 5 ~~ 6,a~~b\n")
    [document] = load(path, name)
    said = " ".join(block.text for block in document.blocks)
    assert "$99" not in said
    assert "$49" in said
    assert "~ 5 ~~ 6" in said
    assert document.notes == ("left out 1 struck-out text",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Soup ............ 5.50", "Soup: 5.50"),
        ("Steak . . . . . . $19", "Steak: $19"),
        ("Fish ……… 12", "Fish: 12"),
        ("Name _______ (required)", "Name: (required)"),
        ("Wait... what", "Wait... what"),
        ("Version 1.2.3.4.5", "Version 1.2.3.4.5"),
        ("Ask us ........", "Ask us ........"),
    ],
)
def test_dots_that_lead_to_a_price_are_not_said(tmp_path, text, said):
    path = tmp_path / "a.md"
    path.write_text(text)
    [document] = load(path, "a.md")
    assert [block.text for block in document.blocks] == [said]
