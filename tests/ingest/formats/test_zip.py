"""Archives of documents: what is read of them, what is named, and what they may not do."""

import io
import zipfile
from pathlib import Path

import docx
import pytest

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.zip import MAX_DEPTH, Allowance, Unread, members


def packed(entries: dict[str, bytes | str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def word(text: str) -> bytes:
    buffer = io.BytesIO()
    document = docx.Document()
    document.add_paragraph(text)
    document.save(buffer)
    return buffer.getvalue()


def spoken(documents) -> dict[str, list[str]]:
    return {one.source: [block.text for block in one.blocks] for one in documents}


def reason(read, content: bytes) -> str:
    with pytest.raises(DocumentUnreadable) as caught:
        read("a.zip", content)
    assert caught.value.source == "a.zip"
    return caught.value.reason


def encrypted(name: str) -> bytes:
    """An archive whose directory says that its only file is encrypted."""
    data = bytearray(packed({name: "secret"}))
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def test_each_file_is_a_document_with_an_address_of_its_own(read):
    documents = read(
        "hotel.zip",
        packed(
            {"rooms/prices.docx": word("A room costs $39."), "faq.md": "Open daily."}
        ),
    )
    assert spoken(documents) == {
        "hotel.zip/faq.md": ["Open daily."],
        "hotel.zip/rooms/prices.docx": ["A room costs $39."],
    }
    assert [one.metadata["folder"] for one in documents] == [
        "hotel.zip",
        "hotel.zip/rooms",
    ]
    assert [one.title for one in documents] == ["Faq", "Prices"]


def test_the_records_of_a_file_keep_their_addresses(read):
    sheet = "question,answer\nOpen?,Daily\n"
    [document] = read("hotel.zip", packed({"faq.csv": sheet}))
    assert document.source == "hotel.zip/faq.csv#open"


def test_an_archive_in_an_archive_is_read(read):
    inner = packed({"c.md": "Inside."})
    documents = read("a.zip", packed({"b.zip": inner, "a.md": "Outside."}))
    assert spoken(documents) == {
        "a.zip/a.md": ["Outside."],
        "a.zip/b.zip/c.md": ["Inside."],
    }


def test_archives_are_opened_three_deep_and_no_further(read):
    content = packed({"deep.md": "Deep."})
    for _ in range(MAX_DEPTH):
        content = packed({"in.zip": content, "here.md": "Here."})
    documents = read("a.zip", content)
    assert [one.source for one in documents] == [
        "a.zip/here.md",
        "a.zip/in.zip/here.md",
        "a.zip/in.zip/in.zip/here.md",
    ]
    notes = [note for one in documents for note in one.notes]
    assert len(notes) == 1 and "an archive in 3 others: unpack it" in notes[0]


@pytest.mark.parametrize(
    "name",
    [
        "../up.md",
        "a/../../up.md",
        "/etc/up.md",
        "C:/up.md",
        "..\\up.md",
        "up\n.md",
        f"{'x' * 600}.md",
    ],
)
def test_a_name_that_is_no_path_in_the_archive_is_named_and_not_read(read, name):
    [document] = read("a.zip", packed({name: "Forbidden.", "ok.md": "Allowed."}))
    assert spoken([document]) == {"a.zip/ok.md": ["Allowed."]}
    [note] = document.notes
    assert note.startswith("not spoken: ") and note.isprintable()
    assert "its name is no path in the archive" in note


def test_two_files_of_one_name_are_named(read):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, pytest.warns(UserWarning):
        archive.writestr("a.md", "First.")
        archive.writestr("a.md", "Second.")
    [document] = read("a.zip", buffer.getvalue())
    assert "two files have this name" in document.notes[0]


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(read):
    damaged = bytearray(packed({"b.md": "Broken " * 50, "ok.md": "Fine."}))
    damaged[40] ^= 0xFF
    [document] = read("a.zip", bytes(damaged))
    assert spoken([document]) == {"a.zip/ok.md": ["Fine."]}
    [note] = document.notes
    assert note.startswith("not spoken: a.zip/b.md (not what its directory says")


def test_files_of_unknown_type_drafts_and_wrong_ones_are_named(read):
    [document] = read(
        "a.zip",
        packed(
            {
                "ok.md": "Fine.",
                "logo.png": b"\x89PNG",
                "draft.md": "---\ndraft: true\n---\nNot yet.",
                "empty.md": "",
                "wrong.pdf": "no PDF",
                "api.yaml": "openapi: 3.1.0",
            }
        ),
    )
    assert spoken([document]) == {"a.zip/ok.md": ["Fine."]}
    found = {
        note.split(" (")[0].removeprefix("not spoken: ") for note in document.notes
    }
    assert found == {
        f"a.zip/{name}"
        for name in ("logo.png", "draft.md", "empty.md", "wrong.pdf", "api.yaml")
    }
    assert any("(settings, OpenAPI)" in note for note in document.notes)


def test_many_files_that_are_not_read_are_counted_behind_the_first(read):
    pictures = {f"{number}.png": b"x" for number in range(30)}
    [document] = read("a.zip", packed({"ok.md": "Fine.", **pictures}))
    assert len(document.notes) == 21
    assert document.notes[-1].startswith(
        "not spoken: 10 further files of the archive; unpack"
    )


def test_what_a_system_hides_in_an_archive_is_left_out(read):
    [document] = read(
        "a.zip",
        packed(
            {
                "ok.md": "Fine.",
                "__MACOSX/._ok.md": "x",
                ".git/a.md": "x",
                "~$a.docx": "x",
                "sub/Thumbs.db": "x",
            }
        ),
    )
    assert spoken([document]) == {"a.zip/ok.md": ["Fine."]}
    assert document.notes == ("left out 4 hidden files",)


def test_an_encrypted_file_is_named(read):
    assert reason(read, encrypted("a.md")) == (
        "no document in it can be read: a.zip/a.md (protected by a password), …"
    )


def test_an_archive_without_documents_says_so(read):
    assert reason(read, packed({})) == "no document in it"


def test_a_bomb_is_named_and_not_unpacked(read):
    content = packed({"a.md": "Fine.", "b.md": b" " * 20 * 1024**2})
    [document] = read("a.zip", content)
    [note] = document.notes
    assert note.startswith("not spoken: a.zip/b.md (a zip bomb: 20 MiB packed into")


def test_a_file_that_unpacks_to_more_than_it_states_is_cut_off_and_named(read):
    data = bytearray(packed({"a.md": "Fine.", "b.md": "lie " * 1000}))
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = (4).to_bytes(4, "little")
    [document] = read("a.zip", bytes(data))
    assert spoken([document]) == {"a.zip/a.md": ["Fine."]}
    assert "not what its directory says" in document.notes[0]


def listed(content: bytes, allowance: Allowance) -> tuple[list[str], list[str]]:
    unread = Unread()
    archive = SourceFile(Path("nowhere") / "a.zip", "a.zip", content)
    names = [one.source for one in members(archive, lambda _: None, allowance, unread)]
    return names, unread.notes()


def test_all_files_together_unpack_to_so_much_and_no_more():
    content = packed({"a.md": "x" * 60, "b.md": "y" * 60, "c.md": "z" * 10})
    names, notes = listed(content, Allowance(unpacked_bytes=100))
    assert names == ["a.zip/a.md", "a.zip/c.md"]
    assert len(notes) == 1 and "a.zip/b.md (the archive unpacks to over" in notes[0]


def test_too_large_a_file_is_named():
    content = packed({"a.md": "Short.", "b.md": "Much too long."})
    names, notes = listed(content, Allowance(file_bytes=10))
    assert names == ["a.zip/a.md"]
    assert "a.zip/b.md (too large: 0.0 MiB, at most 0.0)" in notes[0]


def test_too_many_files_are_refused():
    content = packed({f"{number}.md": "x" for number in range(4)})
    with pytest.raises(DocumentUnreadable, match="holds 4 files; .*split it"):
        listed(content, Allowance(files=3))


def test_archives_in_an_archive_share_its_allowance():
    inner = packed({f"{number}.md": "x" for number in range(3)})
    allowance = Allowance(files=5)
    listed(inner, allowance)
    with pytest.raises(DocumentUnreadable, match="holds 3 files"):
        listed(inner, allowance)


def test_an_archive_that_is_left_in_the_middle_is_left():
    allowance = Allowance()
    archive = SourceFile(Path("a.zip"), "a.zip", packed({"a.md": "x", "b.md": "y"}))
    begun = members(archive, lambda _: None, allowance, Unread())
    assert next(begun).content == b"x" and allowance.depth == MAX_DEPTH - 1
    begun.close()
    assert allowance.depth == MAX_DEPTH


def test_nothing_is_written_to_the_disk(read, tmp_path):
    read("a.zip", packed({"dir/a.md": "Text.", "b.docx": word("Text.")}))
    assert [path.name for path in tmp_path.rglob("*")] == ["a.zip"]


def test_a_copy_of_a_notion_table_is_known_inside_an_archive(read):
    table = "Prices 0123456789abcdef0123456789abcdef"
    documents = read(
        "Export.zip",
        packed(
            {
                f"{table}.csv": "Plan,Price\nBasic,5\n",
                f"{table}_all.csv": "Plan,Price\nBasic,5\nOld,3\n",
            }
        ),
    )
    assert spoken(documents) == {f"Export.zip/{table}.csv": ["Plan: Basic; Price: 5."]}
    assert "left out: a copy of" in documents[0].notes[0]
