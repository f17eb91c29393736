"""A real site on 127.0.0.1, fetched and refused."""

import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kbserver.errors import IngestError
from kbserver.ingest.web.address import AddressRefused
from kbserver.ingest.web.site import Clock, WebOptions, WebReport, fetch_site

HTML = "text/html; charset=utf-8"
QUICK = WebOptions(allow_private=True, pause_s=0.0, timeout_s=5.0)


@dataclass
class Page:
    content: bytes
    type: str = HTML
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    etag: str = ""
    modified: str = ""


class Site:
    """Pages by path, which tests change; every request is written down."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.pages: dict[str, Page] = {}
        self.asked: list[str] = []
        self.agents: set[str] = set()

    def put(self, path: str, text: str | bytes, **facts: object) -> None:
        self.pages[path] = Page(
            text.encode() if isinstance(text, str) else text, **facts
        )  # type: ignore[arg-type]

    def sitemap(self, *paths: str, at: str = "/sitemap.xml", kind: str = "url") -> str:
        entries = "".join(
            f"<{kind}><loc>{self.url}{path}</loc></{kind}>" for path in paths
        )
        outer = {"url": "urlset", "sitemap": "sitemapindex"}[kind]
        text = f'<?xml version="1.0"?><{outer} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</{outer}>'
        self.put(at, text, type="application/xml")
        return self.url + at


@pytest.fixture
def site() -> Iterator[Site]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.daemon_threads = True
    served = Site(server.server_address[1])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            served.asked.append(self.path)
            served.agents.add(self.headers["user-agent"])
            page = served.pages.get(self.path, Page(b"not here", status=404))
            same_tag = page.etag and self.headers["if-none-match"] == page.etag
            same_time = (
                page.modified and self.headers["if-modified-since"] == page.modified
            )
            body = b"" if same_tag or same_time else page.content
            self.send_response(304 if same_tag or same_time else page.status)
            for name, value in {
                "content-type": page.type,
                "etag": page.etag,
                "last-modified": page.modified,
                **page.headers,
                "content-length": str(len(body)),
            }.items():
                if value:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    server.RequestHandlerClass = Handler
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def page(
    title: str, text: str = "We are open from nine to five on every working day."
) -> str:
    head = f"<head><title>{title}</title></head>"
    main = f"<main><h1>{title}</h1><p>{text}</p></main>"
    return f"<html>{head}<body>{main}</body></html>"


def fetch(
    url: str, folder: Path, *, clock: Clock | None = None, **changes: object
) -> tuple[dict[str, bytes], WebReport]:
    """Return the files fetched, by path, and the report."""
    options = replace(QUICK, **changes)  # type: ignore[arg-type]
    pages, report = fetch_site(url, folder, options=options, clock=clock)
    files = {
        path.relative_to(pages).as_posix(): path.read_bytes()
        for path in pages.rglob("*")
        if path.is_file()
    }
    return files, report


def test_the_pages_of_a_sitemap_become_files_named_like_their_urls(site, tmp_path):
    for path in (
        "/",
        "/help/reset",
        "/help/",
        "/help/price.html",
        "/faq?lang=en",
        "/plans.pdf",
    ):
        site.put(
            path, page(path), type="application/pdf" if path.endswith("pdf") else HTML
        )
    url = site.sitemap(
        "/", "/help/reset", "/help/", "/help/price.html", "/faq?lang=en", "/plans.pdf"
    )

    files, report = fetch(url, tmp_path)

    assert set(files) == {
        "index.html",
        "help/reset.html",
        "help/index.html",
        "help/price.html",
        "faq@lang=en.html",
        "plans.pdf",
    }
    assert (report.pages, report.fetched, report.skipped) == (6, 6, [])
    assert site.agents == {"kbserver"} and site.asked[0] == "/robots.txt"


def test_one_page_is_one_page_and_its_links_are_not_followed(site, tmp_path):
    site.put(
        "/help",
        page("Help", 'See <a href="/other">the other page</a> for more about it.'),
    )
    site.pages["/help"].etag = '"1"'
    for fetched in (1, 0):
        files, report = fetch(f"{site.url}/help#part", tmp_path)
        assert set(files) == {"help.html"} and report.fetched == fetched
    assert site.asked == ["/robots.txt", "/help"] * 2


def test_what_has_not_changed_is_not_sent_again(site, tmp_path):
    site.put("/a", page("A"), etag='"1"')
    site.put("/b", page("B"), modified="Mon, 01 Jun 2026 10:00:00 GMT")
    site.put("/c", page("C"))
    url = site.sitemap("/a", "/b", "/c")
    first, _ = fetch(url, tmp_path)

    again, report = fetch(url, tmp_path)
    assert report.fetched == 1 and again == first  # the one without a date or tag

    site.put("/a", page("A, new"), etag='"2"')
    changed, report = fetch(url, tmp_path)
    assert report.fetched == 2 and b"A, new" in changed["a.html"]


def test_pages_fetched_before_ctrl_c_are_not_sent_again(site, tmp_path):
    for path in ("/a", "/b"):
        site.put(path, page(path), etag='"1"')
    url = site.sitemap("/a", "/b")

    def stop(done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_site(url, tmp_path, options=QUICK, on_fetch=stop)
    files, report = fetch(url, tmp_path)
    assert set(files) == {"a.html", "b.html"} and report.fetched == 1


def test_a_page_that_is_gone_leaves_and_one_that_fails_stays(site, tmp_path):
    for path in ("/a", "/b", "/c"):
        site.put(path, page(path))
    url = site.sitemap("/a", "/b", "/c")
    fetch(url, tmp_path)
    site.pages["/a"].status = 500
    del site.pages["/b"]
    site.sitemap("/a", "/b")

    files, report = fetch(url, tmp_path)

    assert set(files) == {"a.html"}
    assert {one.source.rsplit("/")[-1]: one.reason for one in report.skipped} == {
        "a": "the server answered 500; kept as it was",
        "b": "gone (status 404)",
    }


def test_robots_txt_is_kept(site, tmp_path):
    site.put(
        "/robots.txt",
        "User-agent: *\nDisallow: /private/\nDisallow: /*?print=\n",
        type="text/plain",
    )
    for path in ("/a", "/private/b", "/c?print=1"):
        site.put(path, page(path))
    files, report = fetch(site.sitemap("/a", "/private/b", "/c?print=1"), tmp_path)
    assert set(files) == {"a.html"} and len(report.skipped) == 2
    assert all(one.reason == "robots.txt forbids it" for one in report.skipped)
    assert "/private/b" not in site.asked and "/c?print=1" not in site.asked


def test_without_an_answer_for_robots_txt_nothing_is_fetched(site, tmp_path):
    site.put("/robots.txt", "sorry", status=503)
    with pytest.raises(
        IngestError,
        match=r"robots.txt: the server answered 503; without it no page is fetched",
    ):
        fetch(site.sitemap("/a"), tmp_path)
    assert site.asked == ["/robots.txt"]


def test_requests_keep_a_pause_and_the_crawl_delay(site, tmp_path):
    site.put(
        "/robots.txt", "User-agent: kbserver\nCrawl-delay: 0.3\n", type="text/plain"
    )
    site.put("/a", page("A"))
    site.put("/b", page("B"))
    pauses: list[float] = []
    fetch(
        site.sitemap("/a", "/b"),
        tmp_path,
        clock=Clock(now=lambda: sum(pauses), sleep=pauses.append),
        pause_s=0.1,
    )
    # before robots.txt, the sitemap and two pages
    assert pauses == pytest.approx([0.0, 0.1, 0.3, 0.3])


def test_a_crawl_delay_of_hours_is_not_waited_for(site, tmp_path):
    robots = "User-agent: *\nCrawl-delay: 86400\n"
    site.put("/robots.txt", robots, type="text/plain")
    site.put("/a", page("A"))
    pauses: list[float] = []
    clock = Clock(now=lambda: sum(pauses), sleep=pauses.append)
    fetch(f"{site.url}/a", tmp_path, clock=clock, pause_s=0.1)
    assert pauses == pytest.approx([0.0, 0.1])
    site.sitemap("/a")
    fetch(f"{site.url}/sitemap.xml", tmp_path, clock=clock)
    assert max(pauses) == 30.0


def test_a_sitemap_index_and_a_gzipped_sitemap_are_read(site, tmp_path):
    site.put("/a", page("A"))
    site.put("/b", page("B"))
    site.sitemap("/a", at="/one.xml")
    site.sitemap("/b", at="/two.xml")
    site.put(
        "/two.xml.gz",
        gzip.compress(site.pages["/two.xml"].content),
        type="application/gzip",
    )
    url = site.sitemap("/one.xml", "/two.xml.gz", "/missing.xml", kind="sitemap")
    files, report = fetch(url, tmp_path)
    assert set(files) == {"a.html", "b.html"}
    assert [one.source for one in report.skipped] == [f"{site.url}/missing.xml"]


def test_a_sitemap_that_names_itself_ends(site, tmp_path):
    site.put("/a", page("A"))
    site.sitemap("/a", at="/pages.xml")
    url = site.sitemap("/sitemap.xml", "/pages.xml", kind="sitemap")
    assert set(fetch(url, tmp_path)[0]) == {"a.html"}


def test_pages_and_bytes_are_bounded(site, tmp_path):
    for number in range(5):
        site.put(f"/{number}", page(str(number)))
    site.put("/0", "x" * 5000)
    files, report = fetch(
        site.sitemap(*(f"/{number}" for number in range(5))),
        tmp_path,
        max_pages=3,
        max_page_bytes=2000,
    )
    assert set(files) == {"1.html", "2.html"}
    assert [one.reason for one in report.skipped] == [
        "2 pages beyond the limit of 3",
        "over 2,000 bytes",
    ]


def test_a_page_that_unpacks_to_more_than_the_limit_is_left(site, tmp_path):
    site.put(
        "/bomb", gzip.compress(b"x" * 50_000_000), headers={"content-encoding": "gzip"}
    )
    site.put("/a", page("A"))
    _, report = fetch(site.sitemap("/bomb", "/a"), tmp_path, max_page_bytes=100_000)
    assert [one.reason for one in report.skipped] == ["over 100,000 bytes"]


def test_other_sites_are_not_asked_not_even_by_a_redirect(site, tmp_path):
    site.put("/away", "", status=302, headers={"location": "http://localhost:1/secret"})
    site.put("/round", "", status=302, headers={"location": "/round"})
    site.put("/moved", "", status=301, headers={"location": "/a"})
    site.put("/file", "", status=302, headers={"location": "file:///etc/passwd"})
    site.put("/a", page("A"))
    site.sitemap("/away", "/round", "/moved", "/file")
    text = site.pages["/sitemap.xml"].content.replace(
        b"</urlset>", b"<url><loc>http://example.com/x</loc></url></urlset>"
    )
    site.put("/sitemap.xml", text, type="application/xml")

    files, report = fetch(f"{site.url}/sitemap.xml", tmp_path)

    assert set(files) == {"moved.html"}
    reasons = {one.source.rsplit("/")[-1]: one.reason for one in report.skipped}
    assert (
        reasons["away"] == "leads to another site, localhost:1"
        and reasons["x"] == "leads to another site, example.com"
    )
    assert (
        "redirects" in reasons["round"]
        and "not an http or https URL" in reasons["file"]
    )


def test_types_that_are_not_read_are_named(site, tmp_path):
    site.put("/a", page("A"))
    site.put("/film", b"\0\1", type="video/mp4")
    _, report = fetch(site.sitemap("/a", "/film"), tmp_path)
    assert [one.reason for one in report.skipped] == ["unknown type video/mp4"]


def test_names_in_urls_cannot_leave_the_folder(site, tmp_path):
    for path in (
        "/../../etc/x",
        "/%2e%2e/%2e%2e/y",
        "/a%2fb%00c",
        "/.hidden/z",
        "/" + "long" * 80,
    ):
        site.put(path, page("A"))
    files, _ = fetch(
        site.sitemap("/%2e%2e/%2e%2e/y", "/a%2fb%00c", "/.hidden/z", "/" + "long" * 80),
        tmp_path / "in",
    )
    assert len(files) == 4 and not any(name.startswith((".", "/")) for name in files)
    assert {path.name for path in tmp_path.iterdir()} == {"in"}


def test_two_urls_with_one_name_keep_two_files(site, tmp_path):
    site.put("/a:b", page("one"))
    site.put("/a*b", page("two"))
    files, _ = fetch(site.sitemap("/a:b", "/a*b"), tmp_path)
    assert len(files) == 2 and {b"one" in content for content in files.values()} == {
        True,
        False,
    }


def test_private_and_loopback_addresses_are_refused_unless_allowed(site, tmp_path):
    site.put("/a", page("A"))
    for host in ("127.0.0.1", "localhost"):
        url = site.sitemap("/a").replace("127.0.0.1", host)
        with pytest.raises(
            AddressRefused, match=r"not on the public internet.*--allow-private"
        ):
            fetch(url, tmp_path, allow_private=False)
    assert site.asked == []


def test_what_cannot_be_fetched_is_a_clear_error(site, tmp_path):
    with pytest.raises(IngestError, match="the server answered 404; check the URL"):
        fetch(f"{site.url}/nothing", tmp_path)
    with pytest.raises(IngestError, match="no page could be fetched"):
        fetch(site.sitemap("/gone"), tmp_path)
    with pytest.raises(IngestError, match="cannot be fetched"):
        fetch("http://127.0.0.1:1/", tmp_path)
    with pytest.raises(AddressRefused, match="cannot be resolved"):
        fetch("http://no-such-host.invalid/", tmp_path)


def test_the_cache_that_was_damaged_is_filled_again(site, tmp_path):
    site.put("/a", page("A"), etag='"1"')
    url = site.sitemap("/a")
    fetch(url, tmp_path)
    (tmp_path / "fetched.json").write_text("{broken")
    assert fetch(url, tmp_path)[1].fetched == 1
    assert (
        json.loads((tmp_path / "fetched.json").read_text())[f"{site.url}/a"]["etag"]
        == '"1"'
    )
