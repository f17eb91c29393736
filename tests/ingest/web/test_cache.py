import json
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.errors import StoreError
from kbserver.ingest.load import FORMATS
from kbserver.ingest.web.cache import Fetched, NameUnfit, PageCache, file_of

HTML = "text/html; charset=utf-8"
URL = "https://a.example/help/reset"


def put(cache: PageCache, url: str, content: bytes = b"<p>Hi</p>") -> str | None:
    return cache.put(url, content, HTML, etag='"1"', last_modified="Mon")


@pytest.mark.parametrize(
    ("url", "content_type", "file"),
    [
        (URL, HTML, "help/reset.html"),
        ("https://a.example/help/reset?lang=en", HTML, "help/reset@lang=en.html"),
        ("https://a.example/", HTML, "index.html"),
        ("https://a.example/help/", HTML, "help/index.html"),
        ("https://a.example/a.html", HTML, "a.html"),
        ("https://a.example/a.pdf", "application/octet-stream", "a.pdf"),
        ("https://a.example/a.csv", "text/csv", "a.csv"),
        ("https://a.example/a%20b", HTML, "a b.html"),
        ("https://a.example/../../etc/x", HTML, "etc/x.html"),
        ("https://a.example/.hidden", HTML, "hidden.html"),
        ("https://a.example/a.html/b", HTML, "a-html/b.html"),
        ("https://a.example/v1.0/b", HTML, "v1.0/b.html"),
        ("https://a.example/film", "video/mp4", None),
        ("https://a.example/film.pdf", "video/mp4", None),
    ],
)
def test_a_file_is_named_like_its_url(url, content_type, file):
    assert file_of(url, content_type) == file


@given(st.text(max_size=200), st.text(max_size=40))
def test_no_url_leaves_the_folder(path, query):
    try:
        file = file_of(f"https://a.example/{path}?{query}", HTML)
    except (ValueError, NameUnfit):
        return  # no URL at all, or one of hundreds of bytes
    assert file is not None
    parts = PurePosixPath(file).parts
    assert not PurePosixPath(file).is_absolute()
    assert not any(part.startswith((".", "~")) for part in parts)
    assert all(len(part.encode()) <= 125 for part in parts)
    assert PurePosixPath(file).suffix in FORMATS
    assert not any(PurePosixPath(part).suffix.lower() in FORMATS for part in parts[:-1])


def test_a_page_is_found_again_after_a_restart(tmp_path):
    cache = PageCache(tmp_path)
    assert put(cache, URL) == "help/reset.html"
    cache.remember()

    again = PageCache(tmp_path)

    assert again.find(URL) == Fetched("help/reset.html", '"1"', "Mon")
    assert (again.pages / "help/reset.html").read_bytes() == b"<p>Hi</p>"


def test_a_page_whose_file_is_gone_is_not_known(tmp_path):
    cache = PageCache(tmp_path)
    put(cache, URL)
    (cache.pages / "help/reset.html").unlink()
    assert cache.find(URL) is None


def test_a_type_that_is_not_read_is_not_kept(tmp_path):
    cache = PageCache(tmp_path)
    assert cache.put(URL, b"x", "video/mp4", etag="", last_modified="") is None
    assert list(cache.pages.iterdir()) == []


def test_two_urls_with_one_name_keep_two_files(tmp_path):
    cache = PageCache(tmp_path)
    one = put(cache, "https://a.example/a:b", b"one")
    two = put(cache, "https://a.example/a*b", b"two")
    assert one != two
    assert put(cache, "https://a.example/a:b", b"new") == one
    assert (cache.pages / one).read_bytes() == b"new"
    assert (cache.pages / two).read_bytes() == b"two"


def test_other_pages_are_forgotten_and_their_files_removed(tmp_path):
    cache = PageCache(tmp_path)
    put(cache, URL)
    put(cache, "https://a.example/old")
    (cache.pages / "left-over.html").write_text("x")

    cache.keep_only({URL})

    files = [path.name for path in cache.pages.rglob("*") if path.is_file()]
    assert files == ["reset.html"]
    assert list(json.loads((tmp_path / "fetched.json").read_text())) == [URL]


@pytest.mark.parametrize("index", ["{broken", "[]", '{"a": {"size": 3}}'])
def test_an_index_that_cannot_be_read_is_begun_anew(tmp_path, index):
    PageCache(tmp_path)
    (tmp_path / "fetched.json").write_text(index)
    assert PageCache(tmp_path).find(URL) is None


def test_a_file_where_the_folder_should_be_is_a_clear_error(tmp_path):
    (tmp_path / "web").write_text("x")
    with pytest.raises(StoreError, match="keep pages"):
        PageCache(tmp_path / "web")


def test_a_page_and_a_folder_of_one_name_are_kept_both(tmp_path):
    cache = PageCache(tmp_path)
    for path in ("a.html", "a.html/b.html", "a.html/b.html/c"):
        assert put(cache, f"https://a.example/{path}", path.encode()) is not None
    files = [path for path in cache.pages.rglob("*") if path.is_file()]
    assert len(files) == 3


@pytest.mark.parametrize("path", ["a/" * 33 + "b", ("long" * 25 + "/") * 6])
def test_a_page_that_lies_too_deep_is_named(tmp_path, path):
    with pytest.raises(NameUnfit, match="too long to be kept"):
        put(PageCache(tmp_path), f"https://a.example/{path}")
    assert put(PageCache(tmp_path), f"https://a.example/{path[2:60]}") is not None


def test_a_folder_where_a_page_should_be_is_named_and_gone_the_next_time(tmp_path):
    cache = PageCache(tmp_path)
    (cache.pages / "a.html").mkdir()
    with pytest.raises(NameUnfit, match="its name cannot be kept"):
        put(cache, "https://a.example/a.html")
    cache.keep_only(set())
    assert put(cache, "https://a.example/a.html") == "a.html"
