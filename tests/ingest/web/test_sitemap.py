import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.ingest.web import sitemap
from kbserver.ingest.web.sitemap import Sitemap, read_sitemap

NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
PAGES = (
    f'<?xml version="1.0"?><!-- ours --><urlset {NAMESPACE}>'
    "<url><loc> https://a.example/ </loc><lastmod>2026-01-01</lastmod></url>"
    "<url><loc/></url>"
    "<url><loc>https://a.example/b</loc></url></urlset>"
).encode()
INDEX = (
    f"<sitemapindex {NAMESPACE}>"
    "<sitemap><loc>https://a.example/one.xml</loc></sitemap></sitemapindex>"
).encode()


def test_pages_are_read_in_order():
    assert read_sitemap(PAGES) == Sitemap(
        ["https://a.example/", "https://a.example/b"], []
    )


def test_an_index_names_further_sitemaps():
    assert read_sitemap(INDEX) == Sitemap([], ["https://a.example/one.xml"])


def test_a_gzipped_sitemap_is_unpacked():
    assert read_sitemap(gzip.compress(PAGES)) == read_sitemap(PAGES)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html><body>Hello</body></html>",
        b"<urlset><url>",
        b"\x1f\x8bnot gzip",
        gzip.compress(b"<html></html>", mtime=0),
    ],
)
def test_what_is_no_sitemap_is_none(content):
    assert read_sitemap(content) is None


def test_a_sitemap_that_unpacks_to_more_than_the_protocol_allows_is_none():
    bomb = gzip.compress(PAGES + b" " * sitemap._LARGEST)
    assert read_sitemap(bomb) is None


def test_a_file_of_more_elements_than_a_sitemap_needs_is_none(monkeypatch):
    monkeypatch.setattr(sitemap, "_MOST_ELEMENTS", 8)
    assert read_sitemap(PAGES) is not None
    assert read_sitemap(PAGES.replace(b"</urlset>", b"<url/></urlset>")) is None


def test_only_an_address_of_a_page_or_a_sitemap_counts_and_it_is_cut():
    address = "https://a.example/" + "x" * 9_000
    odd = (
        "<urlset><loc>a</loc><url><image><loc>b</loc></image></url><url>"
        f"<loc>{address}</loc></url><video><loc>c</loc></video></urlset>"
    )
    found = read_sitemap(odd.encode())
    assert found == Sitemap([address[: sitemap._LONGEST_ADDRESS]], [])


def test_entities_of_the_machine_are_not_read():
    attack = (
        b'<!DOCTYPE urlset [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        b"<urlset><url><loc>&x;</loc></url></urlset>"
    )
    found = read_sitemap(attack)
    assert found is None or found.pages == []


@given(st.binary(max_size=300))
def test_no_bytes_bring_the_reader_down(content):
    found = read_sitemap(b"<urlset>" + content)
    assert found is None or all(isinstance(page, str) for page in found.pages)
