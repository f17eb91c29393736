import os
import socket
from pathlib import Path

import pytest

from kbserver.errors import IngestError
from kbserver.ingest.walk import FoundFile, Limits, Skipped, walk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "docs"
    root.mkdir()
    return root


def put(root: Path, name: str, content: str = "Text.") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def found(*paths: Path, **options: object) -> list[str]:
    return [one.source for one in walk(paths, **options) if isinstance(one, FoundFile)]


def skipped(*paths: Path, **options: object) -> dict[str, str]:
    return {
        one.source: one.reason
        for one in walk(paths, **options)
        if isinstance(one, Skipped)
    }


def test_files_are_found_in_the_same_order_whatever_the_disk_says(folder):
    for name in ("b.md", "a/z.txt", "a/b/c.html", "c.PDF", "a.md"):
        put(folder, name)
    assert found(folder) == ["a/b/c.html", "a/z.txt", "a.md", "b.md", "c.PDF"]


def test_a_found_file_carries_its_size_and_last_change(folder):
    path = put(folder, "a.md", "four")
    os.utime(path, ns=(1, 1_700_000_000_000_000_001))
    assert list(walk([folder])) == [
        FoundFile(
            path,
            "a.md",
            4,
            1_700_000_000_000_000_001,
            path.stat().st_ctime_ns,
            path.stat().st_ino,
        )
    ]


def test_what_is_no_document_is_named_with_its_reason(folder):
    for name in (
        ".git/config",
        ".hidden.md",
        "photo.gif",
        "old.doc",
        "README",
        "~$report.docx",
    ):
        put(folder, name)
    put(folder, "empty.md", "")
    put(folder, "good.md")
    assert skipped(folder) == {
        ".git": "hidden",
        ".hidden.md": "hidden",
        "README": "unknown type: no suffix",
        "empty.md": "empty",
        "old.doc": "unknown type .doc: save it as .docx",
        "photo.gif": "unknown type .gif",
        "~$report.docx": "a lock file of an Office program",
    }


def test_a_file_over_the_limit_of_its_kind_is_skipped(folder):
    for name in ("big.txt", "rows.csv"):
        put(folder, name, "x" * 3 * 1024**2)
    assert skipped(folder, limits=Limits(text=2 * 1024**2)) == {
        "big.txt": "too large: 3 MiB, at most 2 for text; split it"
    }


def test_a_text_of_fifty_megabytes_is_over_the_usual_limit(folder):
    with put(folder, "huge.txt").open("ab") as file:
        file.truncate(50 * 1024**2)
    assert skipped(folder) == {
        "huge.txt": "too large: 50 MiB, at most 16 for text; split it"
    }


def test_a_name_with_a_newline_is_quoted_and_skipped(folder):
    put(folder, "two\nlines.md")
    [one] = walk([folder])
    assert one == Skipped(
        repr("two\nlines.md"), "a control character in its name; rename it"
    )
    assert "\n" not in one.source


def test_a_name_that_is_not_utf8_is_quoted_and_skipped(folder):
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.md")).write_text("Text.")
    [one] = walk([folder])
    assert isinstance(one, Skipped)
    assert "not UTF-8" in one.reason
    one.source.encode()


def test_symbolic_links_in_a_loop_and_out_of_the_folder_are_skipped(folder, tmp_path):
    put(tmp_path, "secret/passwords.md")
    put(folder, "a/a.md")
    (folder / "a" / "up").symlink_to(folder)
    (folder / "self").symlink_to(folder / "self")
    (folder / "out").symlink_to(tmp_path / "secret")
    (folder / "out.md").symlink_to(tmp_path / "secret" / "passwords.md")
    (folder / "broken.md").symlink_to(folder / "nothing.md")
    assert found(folder) == ["a/a.md"]
    assert skipped(folder) == {
        "a/up": "a symbolic link in a loop",
        "broken.md": "a symbolic link to nothing",
        "out": "a symbolic link that leads out of the folder; name its target as a path",
        "out.md": "a symbolic link that leads out of the folder; name its target as a path",
        "self": "a symbolic link in a loop",
    }


def test_a_folder_reached_twice_is_read_once(folder):
    put(folder, "a/one.md")
    (folder / "b").symlink_to(folder / "a")
    assert found(folder) == ["a/one.md"]
    assert skipped(folder) == {"b": "the same folder as a"}


def test_sockets_and_pipes_are_not_opened(folder):
    os.mkfifo(folder / "pipe.md")
    with socket.socket(socket.AF_UNIX) as listening:
        os.chdir(folder)  # a socket's path may be 100 characters at most
        listening.bind("socket.md")
        reasons = skipped(folder)
    assert set(reasons) == {"pipe.md", "socket.md"}
    assert all("not a regular file" in reason for reason in reasons.values())


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read_is_skipped(folder):
    put(folder, "a.md").chmod(0)
    put(folder, "b/b.md").parent.chmod(0)
    assert skipped(folder) == {"a.md": "permission denied", "b/": "permission denied"}


def test_kbignore_speaks_for_its_folder_and_all_below_in_gitignore_syntax(folder):
    put(folder, ".kbignore", "# drafts\ndraft-*\n/private/\n*.csv\n!prices.csv\n")
    put(folder, "a/.kbignore", "!draft-final.md\nsecret.md\n")
    for name in (
        "draft-1.md",
        "private/x.md",
        "a/private/x.md",
        "rows.csv",
        "a/prices.csv",
        "a/secret.md",
    ):
        put(folder, name)
    put(folder, "a/draft-final.md")
    put(folder, "secret.md")
    assert found(folder) == [
        "a/draft-final.md",
        "a/prices.csv",
        "a/private/x.md",
        "secret.md",
    ]
    assert set(skipped(folder)) == {"draft-1.md", "private", "rows.csv", "a/secret.md"}


def test_patterns_can_be_given_too(folder):
    put(folder, "a.md")
    put(folder, "tmp/b.md")
    assert found(folder, ignore=["tmp/"]) == ["a.md"]


def test_a_kbignore_that_cannot_be_understood_stops_the_walk_before_anything_leaks(
    folder,
):
    put(folder, ".kbignore", "ok\n!\n")
    with pytest.raises(IngestError, match=r"\.kbignore.*gitignore"):
        list(walk([folder]))


def test_a_path_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(IngestError, match="no such file or folder"):
        list(walk([tmp_path / "nothing"]))


def test_a_single_file_is_called_by_its_name(folder):
    assert found(put(folder, "a/one.md")) == ["one.md"]


def test_sources_of_several_paths_do_not_collide(tmp_path):
    put(tmp_path, "north/docs/a.md")
    put(tmp_path, "south/docs/a.md")
    assert found(tmp_path / "north", tmp_path / "south") == [
        "north/docs/a.md",
        "south/docs/a.md",
    ]
    assert found(tmp_path / "north/docs", tmp_path / "south/docs") == [
        "north/docs/a.md",
        "south/docs/a.md",
    ]
    assert found(tmp_path / "north/docs", tmp_path / "south/docs/a.md") == [
        "docs/a.md",
        "a.md",
    ]


def test_a_path_given_twice_is_read_once(folder):
    put(folder, "a.md")
    assert found(folder, folder / "." / "") == ["a.md"]
    put(folder, "b/c.md")
    assert sorted(found(folder, folder / "b")) == ["docs/a.md", "docs/b/c.md"]
