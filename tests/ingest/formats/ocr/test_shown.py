"""A page shows files below the ingested folder, and none elsewhere."""

from pathlib import Path

import pytest

from kbserver.ingest.formats.ocr.shown import (
    digest_of,
    root_of,
    shown_content,
    shown_file,
    with_shown,
)
from kbserver.ingest.formats.shared.source import SourceFile


@pytest.fixture
def page(tmp_path: Path) -> SourceFile:
    """`rooms/a.html` of a folder, with pictures in it and one above it."""
    folder = tmp_path / "docs"
    (folder / "rooms").mkdir(parents=True)
    for path in (folder / "a b.png", folder / "rooms" / "c.PNG", tmp_path / "d.png"):
        path.write_bytes(b"picture")
    (folder / "out.png").symlink_to(tmp_path / "d.png")
    return SourceFile(folder / "rooms" / "a.html", "rooms/a.html")


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("c.PNG", "rooms/c.PNG"),
        ("../a%20b.png?v=3#top", "a b.png"),
        ("./missing.png", "rooms/missing.png"),
        ("../../d.png", None),
        ("../out.png", None),
        ("/d.png", None),
        ("\\\\host\\d.png", None),
        ("https://a.example/d.png", None),
        ("file:///d.png", None),
        ("a.html", None),
        ("a%00.png", None),
        ("", None),
    ],
)
def test_only_pictures_below_the_folder_are_shown(page, address, path):
    assert shown_file(page, address) == path


def test_a_page_in_an_archive_shows_no_file_of_the_disk(tmp_path):
    page = SourceFile(tmp_path / "a.zip" / "a.html", "a.zip/a.html", b"<p>A</p>")
    assert shown_file(page, "c.png") is None


def test_a_name_that_is_no_part_of_the_path_shows_its_own_folder_alone(tmp_path):
    assert root_of(tmp_path / "page.html", "example.org/page") == tmp_path


def test_a_digest_changes_with_what_is_shown(tmp_path):
    path = tmp_path / "a.png"
    none = digest_of(shown_content(path))
    path.write_bytes(b"one")
    one = digest_of(shown_content(path))
    digests = {with_shown("f" * 64, {"a.png": digest}) for digest in (none, one)}
    assert (none, len(digests), with_shown("f" * 64, {})) == ("", 2, "f" * 64)
